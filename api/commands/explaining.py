"""`clew explain`."""

from collections import Counter
from typing import Annotated

import typer

from api import explaining, views
from api.commands.options import Debug, Json, Predict, Store, Topics, display, open_services
from api.display import Display, note, plain, plural
from api.errors import RequestError
from api.schemas import PredictedStep, Step

PLANS = 5  # that are shown; --json has all
GUESSES = 3
PATHS = 10
LONGEST = 80  # characters of a part that a language model read
_BY = {
    "plan": "by the best plan",
    "reasoner": "by the reasoner",
    "words": "by its words",
    "operators": "by operators",
    "prediction": "by a prediction",
    "model": "by the language model",
    "passages": "from a passage",
    "nothing": "not at all",
}


def explain(
    question: Annotated[str, typer.Argument(help="A question in English or Chinese.")],
    cypher: Annotated[
        bool, typer.Option("--cypher", help="Print a query that finds the answer in Neo4j Browser.")
    ] = False,
    influence: Annotated[
        bool, typer.Option(help="Also say what moved a language model that was asked, which takes some seconds.")
    ] = True,
    topics: Topics = None,
    predict: Predict = False,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show how a question is answered: what it names, the plans from there, and the paths that they find."""
    with open_services(store) as services:
        wanted = services.question(question)
        chosen = views.chosen(services.store, topics or ())
        found = explaining.explain(services, wanted, topics=chosen, predict=predict, influence=influence and not cypher)
        out = display(services)
        if not found.planner:
            note("no planner has been trained for this graph; `clew learn --questions` trains one")
        if cypher:
            if found.cypher is None:
                raise RequestError(
                    "there is no plan that Cypher could walk, and no fact; without --cypher, it is said what there is"
                )
            out.line(found.cypher)
        elif as_json:
            out.json(found)
        else:
            _tree(out, found)


def _tree(out: Display, found: explaining.ExplanationOut) -> None:
    out.heading(found.question)
    out.line("  names" if found.links else "  names nothing that is in the graph")
    out.columns(
        ((f"{one.score:.2f}", f"{one.text!r} is {one.entity.name} ({one.entity.type})") for one in found.links),
        indent=4,
    )
    topics = {plan.topic.id: plan.topic.name for plan in found.plans}
    shared = {name for name, count in Counter(topics.values()).items() if count > 1}
    if found.plans:
        out.line("  plans")
    for plan in found.plans[:PLANS]:
        kind = f" ({plain(plan.topic.type)})" if plan.topic.name in shared else ""
        steps = "".join(f" {out.arrow(s.relation, forward=s.forward)} {s.reached:,}" for s in plan.steps)
        out.line(
            f"    {plan.probability:6.1%}  {plain(plan.topic.name)}{kind}{steps}  "
            f"(log p {plan.log_probability:.2f}, {plural(plan.answers, 'answer')})"
        )
    if len(found.plans) > PLANS:
        out.line(f"    … and {plural(len(found.plans) - PLANS, 'plan')} more")
    if found.reasoner:
        out.line("  with the reasoner")
    for guess in found.reasoner[:GUESSES]:
        out.line(
            f"    {guess.probability:6.1%}  {plain(guess.entity.name)}  (plans {guess.planned:.2f}, reasoner "
            f"{guess.reasoned:.2f}): {_path(out, guess.path)}"
        )
    if found.words is not None:
        said = found.words.answer or f"nothing: {found.words.reason}"
        out.line(f"  its words say\n    {found.words.score:6.1%}  {plain(said)}")
    if found.operators:
        out.line("  operators")
    for line in found.operators:
        out.line(f"    {'  ' * line.depth}{plain(line.text)}")
    if found.why:
        out.line(f"  no plan is followed: {plain(found.why)}")
    if found.passages:
        read = ", ".join(dict.fromkeys(plain(one.title or one.document) for one in found.passages))
        out.line(f"  read for it: {read}")
    if found.model is not None:
        _model(out, found.model)
    if found.answer.abstained:
        out.line(f"  not answered: {plain(found.answer.reason)}")
        return
    reason = f" ({plain(found.answer.reason)})" if found.answer.reason else ""
    out.line(f"  answered {_BY[found.by]}, confidence {found.answer.confidence:.2f}{reason}")
    out.line(f"    {plain(found.answer.answer)}")
    for path in found.answer.paths[:PATHS]:
        out.line(f"      {_path(out, path)}")
    if len(found.answer.paths) > PATHS:
        out.line(f"      … and {plural(len(found.answer.paths) - PATHS, 'path')} more")


def _model(out: Display, model: explaining.ModelOut) -> None:
    read = [plural(model.facts, "fact"), plural(model.passages, "passage")]
    if model.soft_tokens:
        read.append(plural(model.soft_tokens, "soft token"))
    left = f" ({plain(model.left_out)})" if model.left_out else ""
    out.line(f"  {plain(model.name)} read {', '.join(read)}{left}")
    if not model.said:
        out.line(f"    said nothing, because: {plain(model.reason)}")
    elif model.claims:
        out.line(f"    said: {plain(model.said)} (confidence {model.confidence:.2f})")
    else:
        out.line(f"    said: {plain(model.said)} ({plain(model.reason)})")
    for claim in model.claims:
        out.line(f"      {'kept' if claim.kept else 'left out'}: {plain(claim.note)}")
    if model.influences:
        tried, parts = len(model.influences), model.facts + model.passages + model.soft_tokens
        out.line(f"    moved by (log-likelihood with it, less that without it; {tried} of {parts} parts tried)")
    out.columns(
        (
            (f"{one.change:+.2f}", f"{one.kind} {one.number}", one.text[:LONGEST] + "…" * (len(one.text) > LONGEST))
            for one in model.influences
        ),
        indent=6,
    )


def _path(out: Display, path: list[Step]) -> str:
    """Facts by name, each as it is stored; what is predicted is marked."""
    return "; ".join(
        f"{plain(s.subject)} {out.arrow(s.relation)} {plain(s.object)}"
        + (f" {out.predicted(s.probability)}" if isinstance(s, PredictedStep) else "")
        for s in path
    )
