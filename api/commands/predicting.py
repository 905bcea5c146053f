"""What a learned graph is good for: `clew similar`, `clew predict`, `clew suspicious`."""

from typing import TYPE_CHECKING, Annotated

import typer

from api import learning, views
from api.commands.options import Debug, Json, Store, display, open_services
from api.display import Display, note, plain
from api.errors import RequestError, UnknownEntityError

if TYPE_CHECKING:
    from api.assemble import Services
    from kg.facts import Entity

ANYTHING = "?"
_STALE = "the graph has changed since it was learned; `clew learn --update` brings the model up to date"


def similar(
    entity: Annotated[str, typer.Argument(help="Name or id of an entity.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many entities.")] = 10,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Find entities like one, by the company they keep in the graph."""
    with open_services(store) as services:
        one = _one(services, entity)
        found = learning.similar(services, one.id, limit=limit)
        out = display(services)
        if found.placed_by_name:
            note(f"{one.name} came after the learning, and is placed by its name; `clew learn --update` learns it")
        elif found.learned.stale:
            note(_STALE)
        if as_json:
            out.json(found)
        else:
            out.columns((f"{one.cosine:.3f}", one.entity.name, one.entity.type) for one in found.entities)


def predict(
    subject: Annotated[str, typer.Argument(help="Name or id of an entity, or ? to ask for it.")],
    relation: Annotated[str, typer.Argument(help="A relation of the graph, such as directed_by.")],
    object: Annotated[str, typer.Argument(help="Name or id of an entity, or ? to ask for it.")] = ANYTHING,
    limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many predictions.")] = 10,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Say what the graph does not hold but the model expects, how probable it is, and why. These are not facts."""
    if (subject == ANYTHING) == (object == ANYTHING):
        raise RequestError("ask for one end: `clew predict SUBJECT RELATION ?` or `clew predict ? RELATION OBJECT`")
    with open_services(store) as services:
        model = services.learned_graph
        if object == ANYTHING:
            predictions = model.predict(relation, subject=_one(services, subject).id, limit=limit)
        else:
            predictions = model.predict(relation, object=_one(services, object).id, limit=limit)
        found = learning.predictions(services.store, predictions, stale=model.stale)
        out = display(services)
        _tell_stale(found.stale)
        if as_json:
            out.json(found)
            return
        for one in found.predictions:
            out.line(
                f"predicted {one.probability:6.1%}  {plain(one.subject.name)} {out.arrow(one.relation)} "
                f"{plain(one.object.name)} ({plain(one.object.type if object == ANYTHING else one.subject.type)})"
            )
            _reasons(out, one.reasons)
        if not found.predictions:
            out.line("Nothing is expected there.")


def suspicious(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many facts.")] = 20,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the facts that the model would not have expected, for a person to look at, the strangest first."""
    with open_services(store) as services:
        model = services.learned_graph
        found = learning.doubts(services.store, model.suspicious(limit=limit), stale=model.stale)
        out = display(services)
        _tell_stale(found.stale)
        if as_json:
            out.json(found)
            return
        for one in found.doubts:
            out.line(
                f"{one.deviation:+.1f}σ  {plain(one.subject.name)} {out.arrow(one.relation)} {plain(one.object.name)}"
            )
            _reasons(out, one.reasons)


def _tell_stale(difference: str) -> None:
    if difference:
        note(f"{_STALE} ({difference})")


def _reasons(out: Display, reasons: list[learning.ReasonOut]) -> None:
    for reason in reasons:
        steps = "; ".join(f"{plain(s.subject)} {out.arrow(s.relation)} {plain(s.object)}" for s in reason.path)
        out.line(f"    {steps} (such a path goes with it in {reason.holds} of {reason.cases} cases)")


def _one(services: "Services", text: str) -> "Entity":
    """The entity that a name means; of several, the one with the most facts."""
    wanted = services.question(text)
    found = views.named(services.store, wanted)
    if not found:
        raise UnknownEntityError(f"no entity is called {text!r}; `clew search` looks into the texts")
    if len(found) > 1:
        degree = {entity.id: len(services.store.facts([entity.id], limit=1000)) for entity in found}
        found.sort(key=lambda entity: (-degree[entity.id], entity.id))
        others = ", ".join(f"{entity.type} {entity.id}" for entity in found[1:4])
        note(f"taking {found[0].name} ({found[0].type}); others of that name: {others}")
    return found[0]
