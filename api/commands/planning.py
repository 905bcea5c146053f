"""`clew learn --questions`: a planner trained on a person's questions over the graph."""

from pathlib import Path

from pydantic import Field

from api.assemble import Services
from api.commands.options import display
from api.display import note, plural
from api.schemas import Shape

SHOWN = 5  # bad lines that are named; the rest are counted


class PlannerOut(Shape):
    """What training a planner came to."""

    path: str
    questions: int = Field(description="Learned from")
    held_out: int
    hits1: float | None = Field(description="Share of held-out questions whose first answer was right; null without")
    fused_hits1: float | None = Field(description="The same, of planner and reasoner together; null without a reasoner")
    calibration_error: float | None = Field(
        description="Of those first answers' probabilities; null without a reasoner"
    )
    skipped: dict[str, int] = Field(description="Questions that could not be learned from, by why")
    unreadable_lines: int
    epochs: int
    seconds: float


def learn_planner(services: Services, path: Path, *, epochs: int | None, seed: int, as_json: bool) -> None:
    """Train a planner and keep it beside the model of the graph.

    Raises:
        InputError: the file cannot be read, or holds no question.
        PlannerError: nothing can be learned from it, or the planner cannot be written.
    """
    import time

    from fusion.planner.learning import learn_questions
    from fusion.planner.questions import read_questions
    from fusion.planner.training import PlannerEpoch
    from fusion.reasoner.training import ReasonerEpoch

    begun = time.perf_counter()
    questions, problems = read_questions(path)
    for line in problems.lines[:SHOWN]:
        note(line)
    if problems.count > SHOWN:
        note(f"… and {plural(problems.count - SHOWN, 'line')} more")

    def tell(epoch: PlannerEpoch) -> None:
        hits = "" if epoch.hits1 is None else f", Hits@1 {epoch.hits1:.3f}"
        note(f"epoch {epoch.number}: loss {epoch.loss:.3f}{hits}, {epoch.seconds:.0f} s")

    def tell_reasoner(epoch: ReasonerEpoch) -> None:
        hits = "" if epoch.hits1 is None else f", Hits@1 {epoch.hits1:.3f}"
        note(f"reasoner, epoch {epoch.number}: loss {epoch.loss:.3f}{hits}, {epoch.seconds:.0f} s")

    kept = services.mirror_file
    from kg.mirror import mirror
    from kg.mirror_file import kept_mirror

    graph = mirror(services.store) if kept is None else kept_mirror(services.store, kept, notify=note)
    trained = learn_questions(
        questions,
        services.store,
        services.ontology,
        services.embedder,
        graph=graph,
        epochs=epochs,
        seed=seed,
        progress=tell,
        reasoning=tell_reasoner,
    )
    beside = trained.learned_reasoner
    trained.planner.save(services.planner_file)
    services.reasoner_file.unlink(missing_ok=True)  # one of an older planner is calibrated to that
    if beside is not None:
        beside.reasoner.save(services.reasoner_file)
    calibration = None if beside is None else beside.reasoner.calibration
    found = PlannerOut(
        path=str(services.planner_file),
        questions=trained.questions,
        held_out=trained.held_out,
        hits1=trained.hits1,
        fused_hits1=None if beside is None else beside.hits1,
        calibration_error=None if calibration is None else calibration.error,
        skipped=dict(trained.skipped.most_common()),
        unreadable_lines=problems.count,
        epochs=trained.epochs,
        seconds=round(time.perf_counter() - begun, 1),
    )
    out = display(services)
    if as_json:
        out.json(found)
        return
    for why, count in found.skipped.items():
        note(f"{plural(count, 'question')} skipped: {why}")
    out.line(f"Learned from {plural(found.questions, 'question')} in {found.seconds:.0f} s; kept in {found.path}.")
    if found.hits1 is None:
        out.line("There are too few questions to hold some out; how good the plans are is not known.")
    else:
        out.line(f"Of {plural(found.held_out, 'question')} held out, {found.hits1:.1%} were answered right.")
    if found.fused_hits1 is not None:
        out.line(
            f"Together with the reasoner, {found.fused_hits1:.1%}; the probabilities are off by "
            f"{found.calibration_error:.1%} on average."
        )
