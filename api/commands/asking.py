"""`clew ask`, `clew search`, `clew show`."""

from typing import Annotated

import typer

from api import schemas, views
from api.commands.options import Debug, Json, Predict, Store, Topics, display, open_services
from api.display import Display, plain
from api.errors import UnknownEntityError


def ask(
    question: Annotated[str, typer.Argument(help="A question in English or Chinese.")],
    topics: Topics = None,
    predict: Predict = False,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Answer a question from the graph, with the path and the quotations that lead there."""
    with open_services(store) as services:
        wanted, out = services.question(question), display(services)
        chosen = views.chosen(services.store, topics or ())
        if as_json:
            out.json(views.answer(services.answerer.ask(wanted, topics=chosen, predict=predict)))
        else:
            out.watch(services.answerer.stream(wanted, topics=chosen, predict=predict))


def search(
    text: Annotated[str, typer.Argument(help="Words, or a question.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many passages.")] = 10,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Find passages by words, meaning and graph, best first."""
    with open_services(store) as services:
        wanted = services.question(text)
        found = views.search(services.answerer.search(wanted, limit=limit))
        out = display(services)
        if as_json:
            out.json(found)
            return
        for rank, passage in enumerate(found.passages):
            if rank:
                out.line()
            out.quotation(passage.text, passage.document, passage.start, passage.end)
        if not found.passages:
            out.line("Nothing found.")


def show(
    entity: Annotated[str, typer.Argument(help="Name or id of an entity.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many facts and so many mentions.")] = 20,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show an entity: its names, what is said of it and where, and where it is named."""
    with open_services(store) as services:
        wanted = services.question(entity)
        found = views.named(services.store, wanted)
        if not found:
            near = [f"{e.name} ({e.type})" for e in views.find_entities(services.store, wanted, limit=3)]
            hint = f"did you mean {' or '.join(near)}?" if near else "`clew search` looks into the texts"
            raise UnknownEntityError(f"no entity is called {entity!r}; {hint}")
        details = [views.entity_detail(services.store, e.id, facts=limit, mentions=limit) for e in found]
        out = display(services)
        if as_json:
            out.json(schemas.EntityDetails(entities=details))
            return
        for rank, detail in enumerate(details):
            if rank:
                out.line()
            _show(out, detail)


def _show(out: Display, detail: schemas.EntityDetail) -> None:
    one = detail.entity
    out.heading(f"{one.name} ({one.type})")
    out.line(f"  id {one.id}")
    if one.aliases:
        out.line(f"  also {plain(', '.join(one.aliases))}")
    for fact in detail.facts:
        forward = fact.subject.id == one.id
        other = fact.object if forward else fact.subject
        out.line()
        out.line(f"  {out.arrow(fact.relation, forward=forward)} {plain(other.name)} ({plain(other.type)})")
        for evidence in fact.evidence:
            out.quotation(evidence.quote, evidence.document, evidence.start, evidence.end)
    if detail.more_facts:
        out.line("\n  There are more facts; --limit shows them.")
    named = "once" if detail.mentions_total == 1 else f"{detail.mentions_total} times"
    out.line(f"\n  Named {named}" + (":" if detail.mentions else "."))
    for mention in detail.mentions:
        out.quotation(mention.quote, mention.document, mention.start, mention.end)
