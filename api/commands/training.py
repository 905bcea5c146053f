"""`clew train`: an adapter with which a language model answers from this graph."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api import training
from api.commands.options import Debug, Json, Store, display, open_services
from api.commands.planning import read
from api.display import note, plural
from api.planning import MOST_SEED

if TYPE_CHECKING:
    from fusion.planner.questions import Question


def train(
    file: Annotated[Path | None, typer.Argument(help="Your own questions, with their answers.", metavar="FILE")] = None,
    generated: Annotated[bool, typer.Option(help="Learn from questions made of the graph, too.")] = True,
    count: Annotated[int, typer.Option(min=1, help="Examples to make.")] = 1000,
    epochs: Annotated[int, typer.Option(min=1, help="The most passes over them.")] = 3,
    batch: Annotated[int, typer.Option(min=1, help="Examples of a step.")] = 16,
    rate: Annotated[float, typer.Option(help="The highest learning rate.")] = 2e-4,
    rank: Annotated[int, typer.Option(min=1, max=1024, help="Of a new adapter.")] = 8,
    recompute: Annotated[bool, typer.Option("--recompute", help="Take less memory, and more time.")] = False,
    extend: Annotated[
        bool, typer.Option("--extend", help="Teach the adapter that there is more, and let it forget nothing.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a training that was interrupted; give the same options.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED - 1, help="Of everything that is drawn at random.")] = 0,
    device: Annotated[str, typer.Option(help="Where to compute: cpu, or cuda.")] = "cpu",
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Train an adapter with which a language model answers from this graph: from questions made of it, and your own."""
    with open_services(store) as services:
        questions: list[Question] = []
        if file is not None and not resume:
            questions, _ = read(file)
        wish = training.Wish(
            questions,
            generated=generated,
            count=count,
            rank=rank,
            device=device,
            extend=extend,
            resume=resume,
            tuning={"epochs": epochs, "batch": batch, "rate": rate, "recompute": recompute, "seed": seed},
        )
        found = training.train(services, wish, tell=note)
        out = display(services)
        if as_json:
            out.json(found)
            return
        for kind, counts in found.made.items():
            told = ", ".join(f"{what} {number:,}" for what, number in counts.items())
            note(f"{kind} questions: {told}")
        out.line(
            f"Trained on {plural(found.examples, 'example')} in {found.seconds:.0f} s, {plural(found.steps, 'step')}; "
            f"kept in {found.path}."
        )
        if found.loss is None:
            out.line("There are too few examples to hold some out; how good the adapter is is not known.")
        else:
            out.line(
                f"Loss of {plural(found.held_out, 'example')} held out: {found.loss:.3f}, at step {found.best_step}."
            )
        if found.calibration_error is None:
            out.line("Chains of facts are not scored: too few questions held out have any to calibrate the scores by.")
        else:
            out.line(
                f"Scores of chains of facts: calibrated on {plural(found.calibrated_on, 'question')} held out, "
                f"expected calibration error {found.calibration_error:.3f}."
            )
