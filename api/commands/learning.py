"""`clew learn`, and what a learned graph is good for: `clew similar`, `clew predict`, `clew suspicious`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api import learning, views
from api.commands.options import Debug, Json, Store, display, open_services
from api.commands.planning import learn_planner
from api.display import Display, note, plain, plural
from api.errors import RequestError, UnknownEntityError, exit_code
from kg.errors import GraphError
from kg.memory_store import MemoryStore

if TYPE_CHECKING:
    from api.assemble import Services
    from kg.embeddings.config import Epoch
    from kg.embeddings.workers import Workers
    from kg.facts import Entity

ANYTHING = "?"
PROBE, NEWCOMERS = "probe", "newcomers"  # the training that leaves facts out, and that for entities to come
SILENCE = 5.0  # seconds
EPOCHS = 100
PLANNER_OPTIONS = frozenset({"questions", "epochs", "seed", "store", "as_json", "debug"})  # that go with --questions


def learn(
    context: typer.Context,
    questions: Annotated[
        Path | None, typer.Option(help="Learn from these questions how to answer more, instead of learning the graph.")
    ] = None,
    update: Annotated[bool, typer.Option("--update", help="Begin with what was learned before.")] = False,
    scorer: Annotated[str, typer.Option(help="complex, distmult, rotate, transe, rgcn or compgcn.")] = "complex",
    dimension: Annotated[int, typer.Option(min=2, help="Numbers in a vector.")] = 256,
    neighbours: Annotated[
        int, typer.Option(min=0, help="Facts drawn for an entity in each layer of rgcn or compgcn; 0 is all.")
    ] = 0,
    candidates: Annotated[
        int | None,
        typer.Option(min=0, help="Entities drawn to hold a batch against; 0 is all, as without --neighbours."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="The most passes over the facts (100), or passes over the questions.")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0, help="Stop in time for this; 0 is no limit.")] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn at random.")] = 0,
    newcomers: Annotated[bool, typer.Option(help="Learn what to expect of entities that come later.")] = True,
    device: Annotated[str, typer.Option(help="Where to compute: cpu, or cuda.")] = "cpu",
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Learn the graph: a vector for every entity, for `similar`, `predict` and `suspicious`."""
    if questions is not None:
        _only(context, PLANNER_OPTIONS)
        with open_services(store) as services:
            learn_planner(services, questions, epochs=epochs, seed=seed, as_json=as_json)
        return
    with open_services(store) as services:
        from kg.embeddings.learn import learn
        from kg.embeddings.models import config_for
        from kg.embeddings.workers import join

        with _requested():
            workers = join(device)
        with _said_once(workers), _requested():
            drawn = {"neighbours": neighbours} | ({} if candidates is None else {"candidates": candidates})
            config = config_for(
                scorer, dimension=dimension, epochs=epochs or EPOCHS, minutes=minutes, seed=seed, **drawn
            )
            workers.main(lambda: services.store.address)  # where it cannot be opened, all are told
            found = learn(
                services.store if workers.is_main else MemoryStore(),  # nothing else reads it or writes to it
                services.model_folder,
                config,
                device=workers.device,
                update=update,
                encoder=services.embedder if newcomers else None,
                newcomers=newcomers,
                watch=_Watch(),
                workers=workers,
            )
        if not workers.is_main:
            return
        shown = learning.report(found, services.store)
        out = display(services)
        if as_json:
            out.json(shown)
            return
        out.line(
            f"Learned {plural(shown.facts, 'fact')} between {found.learned.entities:,} entities in "
            f"{shown.seconds:.0f} s, {plural(shown.epochs, 'epoch')}."
        )
        if shown.mrr is not None:
            off = "" if shown.calibration_error is None else f", probabilities off by {shown.calibration_error:.3f}"
            out.line(
                f"On {plural(shown.held_out, 'fact')} held out: MRR {shown.mrr:.3f}, Hits@10 {shown.hits10:.3f}{off}."
            )
            if shown.newcomers_mrr is not None:
                out.line(f"Of entities that come later, without learning anew: MRR {shown.newcomers_mrr:.3f}.")
        else:
            out.line("The graph is too small to hold facts out; how good its predictions are is not known.")


def _only(context: typer.Context, taken: frozenset[str]) -> None:
    """Refuse options that would do nothing.

    Raises:
        RequestError: one of them was given.
    """
    for parameter in context.command.params:
        given = parameter.name is not None and context.get_parameter_source(parameter.name)
        if given and given.name == "COMMANDLINE" and parameter.name not in taken:
            raise RequestError(f"{parameter.opts[0]} says nothing with --questions; leave it out")


@contextmanager
def _requested() -> Iterator[None]:
    """Say of settings that cannot be that they were asked for.

    Raises:
        RequestError: a setting cannot be.
    """
    try:
        yield
    except ValueError as error:
        raise RequestError(f"{error}") from error


@contextmanager
def _said_once(workers: "Workers") -> Iterator[None]:
    """Leave it to the main process to say what has gone wrong in all of them.

    Raises:
        typer.Exit: it has, and this is another process.
    """
    from kg.embeddings.errors import LostProcessError

    try:
        yield
    except LostProcessError:
        raise
    except GraphError as error:
        if workers.is_main:
            raise
        raise typer.Exit(exit_code(error)) from error


class _Watch:
    """Tells how training goes, every few seconds and whenever held-out facts are found better than before."""

    def __init__(self) -> None:
        self._told = time.monotonic()
        self._best = 0.0

    def __call__(self, stage: str, epoch: "Epoch") -> None:
        better = epoch.dev is not None and epoch.dev.mrr > self._best
        if not better and time.monotonic() - self._told < SILENCE:
            return
        self._told = time.monotonic()
        found = ""
        if epoch.dev is not None:
            self._best = max(self._best, epoch.dev.mrr)
            found = f", MRR {epoch.dev.mrr:.3f}"
        on = {PROBE: "", NEWCOMERS: " for new entities"}.get(stage, " on all facts")
        count = "step" if stage == NEWCOMERS else "epoch"
        note(f"{count} {epoch.number}{on}: loss {epoch.loss:.3f}{found}, {epoch.seconds:.0f} s")


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


_STALE = "the graph has changed since it was learned; `clew learn --update` brings the model up to date"


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
