"""`clew learn --questions`: a planner trained on questions made from the graph, and on a person's own."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from api import planning
from api.assemble import Services
from api.commands.options import display
from api.display import note, plural

if TYPE_CHECKING:
    from fusion.planner.questions import Question

SHOWN = 5  # bad lines, or relations without words, that are named; the rest are counted


def read(path: Path) -> "tuple[list[Question], int]":
    """A person's questions, and how many lines are none; some of these are told.

    Raises:
        InputError: the file cannot be read, or holds no question.
    """
    from fusion.planner.questions import read_questions

    questions, problems = read_questions(path)
    for line in problems.lines[:SHOWN]:
        note(line)
    if problems.count > SHOWN:
        note(f"… and {plural(problems.count - SHOWN, 'line')} more")
    return questions, problems.count


def learn_planner(
    services: Services,
    path: Path | None,
    *,
    generated: bool,
    reasoner: bool,
    epochs: int | None,
    seed: int,
    as_json: bool,
) -> None:
    """Train a planner and keep it beside the model of the graph.

    Raises:
        InputError: the file cannot be read, or holds no question.
        RequestError: there is neither a file nor are questions to be made.
        PlannerError: nothing can be learned from, or the planner cannot be written.
        typer.Abort: it was interrupted; what was learned before is as it was.
    """
    questions, unreadable = ([], 0) if path is None else read(path)
    try:
        found = planning.learn(
            services,
            questions,
            generated=generated,
            reasoner=reasoner,
            epochs=epochs,
            seed=seed,
            unreadable=unreadable,
            tell=note,
        )
    except KeyboardInterrupt as error:
        raise typer.Abort from error  # unlike other commands, it would not go on where it stopped
    out = display(services)
    if as_json:
        out.json(found)
        return
    for why, count in found.skipped.items():
        note(f"{plural(count, 'question')} skipped: {why}")
    if found.unworded:
        more = f" and {len(found.unworded) - SHOWN:,} more" if len(found.unworded) > SHOWN else ""
        named = ", ".join(map(repr, found.unworded[:SHOWN]))
        note(f"no question is made about {named}{more}: label them in the ontology")
    if found.ambiguous:
        note(f"{plural(found.ambiguous, 'generated question')} dropped: their words mean two things")
    parts = [(found.own, "question"), (found.generated, "generated question")]
    told = " and ".join(plural(part.learned, what) for part, what in parts if part.learned)
    out.line(f"Learned from {told} in {found.seconds:.0f} s; kept in {found.path}.")
    for part, what in parts:
        if part.hits1 is not None:
            out.line(f"Of {plural(part.held_out, what)} held out, {part.hits1:.1%} were answered right.")
        elif part.learned:
            out.line(f"There are too few {what}s to hold some out; how good the plans are for such is not known.")
    if found.fused_hits1 is not None:
        out.line(
            f"Together with the reasoner, {found.fused_hits1:.1%}; the probabilities are off by "
            f"{found.calibration_error:.1%} on average."
        )
