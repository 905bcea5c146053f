"""Learning how to answer questions, as JSON: questions in, and what training a planner came to."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import ConfigDict, Field

from api.assemble import Services
from api.display import plural
from api.errors import RequestError
from api.job import Tell
from api.schemas import Body, Shape

if TYPE_CHECKING:
    from fusion.fitting import Epoch
    from fusion.planner.learning import Part
    from fusion.planner.questions import Question

MOST = 100_000  # questions of one request
MOST_SEED = 2**63 - 1  # that every generator of random numbers takes


class QuestionIn(Body):
    """A question with its answers, by name."""

    question: str
    answers: list[str]
    topic: str = Field(default="", description="The entity that it is about, as the question has it")
    path: list[str] = Field(default=[], description="The relations from the topic to the answers; `^` walks one back")


class LearnIn(Body):
    """What to learn from: questions of your own, questions made from the graph, or both."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"questions": [{"question": "Where was its director born, Free Guy?", "answers": ["Montreal"]}]}
            ]
        },
    )

    questions: list[QuestionIn] = Field(default=[], max_length=MOST)
    generated: bool = Field(default=True, description="Whether questions are made from the graph, too")
    reasoner: bool = Field(default=True, description="Whether a reasoner is trained beside the planner")
    epochs: int | None = Field(
        default=None, ge=1, description="Passes over the questions; chosen by their number if null"
    )
    seed: int = Field(default=0, ge=0, le=MOST_SEED)


class PartOut(Shape):
    """What became of the questions of one origin."""

    learned: int = Field(description="Questions learned from")
    held_out: int
    hits1: float | None = Field(description="Share of those held out whose first answer was right; null without any")


class PlannerOut(Shape):
    """What training a planner came to."""

    path: str
    own: PartOut = Field(description="Questions that were given")
    generated: PartOut = Field(description="Questions that were made from the graph")
    fused_hits1: float | None = Field(
        description="Of all held out, by planner and reasoner together; null without a reasoner"
    )
    calibration_error: float | None = Field(
        description="Of those first answers' probabilities; null without a reasoner"
    )
    skipped: dict[str, int] = Field(description="Given questions that could not be learned from, by why")
    ambiguous: int = Field(description="Generated questions that were dropped: their words mean two things")
    unworded: list[str] = Field(description="Relations that no generated question is about, for want of words")
    unreadable_lines: int
    epochs: int
    seconds: float


class TrainingOut(Shape):
    """How far a training is."""

    state: Literal["none", "running", "done", "failed"] = Field(description="Of the last one since the service began")
    progress: str = Field(description="The last that it told, in one line; or why it failed")
    found: PlannerOut | None = Field(description="What it came to; null until it is done")


def questions_of(body: LearnIn) -> "list[Question]":
    """The questions of a request.

    Raises:
        RequestError: one of them is no question with answers.
    """
    from fusion.planner.questions import Question, checked

    found = []
    for number, one in enumerate(body.questions):
        names = tuple(name.strip() for name in one.answers if name.strip())
        try:
            found.append(checked(Question(number, one.question.strip(), names, one.topic.strip(), tuple(one.path))))
        except ValueError as error:
            raise RequestError(f"questions.{number}: {error}") from error
    return found


def start(services: Services, body: LearnIn) -> None:
    """Begin to learn beside other requests.

    Raises:
        RequestError: there is nothing to learn from, or one of the questions is none.
        BusyError: another training is under way.
    """
    questions = questions_of(body)
    _something(questions, generated=body.generated)
    services.training.start(
        lambda tell: learn(
            services,
            questions,
            generated=body.generated,
            reasoner=body.reasoner,
            epochs=body.epochs,
            seed=body.seed,
            tell=tell,
        )
    )


def training(services: Services) -> TrainingOut:
    """How far the last training that this service began is."""
    progress = services.training.progress
    return TrainingOut(state=progress.state, progress=progress.line, found=progress.found)


def learn(
    services: Services,
    questions: "Sequence[Question]",
    *,
    generated: bool = True,
    reasoner: bool = True,
    epochs: int | None = None,
    seed: int = 0,
    unreadable: int = 0,
    tell: Tell,
) -> PlannerOut:
    """Train a planner and keep it beside the model of the graph; ``tell`` is told how it goes on.

    Raises:
        RequestError: there is nothing to learn from.
        PlannerError: nothing can be learned from it, or the planner cannot be written.
        StoreError: the store failed.
    """
    _something(questions, generated=generated)
    begun = time.perf_counter()
    tell("reading the graph")
    from fusion.planner.learning import learn_questions
    from kg.mirror import mirror
    from kg.mirror_file import kept_mirror

    def epoch(one: "Epoch", by: str = "") -> None:
        hits = "" if one.hits1 is None else f", Hits@1 {one.hits1:.3f}"
        tell(f"{by}epoch {one.number}: loss {one.loss:.3f}{hits}, {one.seconds:.0f} s")

    kept = services.mirror_file
    trained = learn_questions(
        questions,
        services.store,
        services.ontology,
        services.embedder,
        graph=mirror(services.store) if kept is None else kept_mirror(services.store, kept, notify=tell),
        generated=None if generated else 0,
        reasoner=reasoner,
        epochs=epochs,
        seed=seed,
        stage=tell,
        begin=lambda count, epochs: tell(f"learning from {plural(count, 'question')} in {plural(epochs, 'epoch')}"),
        progress=epoch,
        reasoning=lambda one: epoch(one, "reasoner, "),
    )
    trained.save(services.planner_file, services.reasoner_file)
    beside = trained.learned_reasoner
    calibration = None if beside is None else beside.reasoner.calibration
    return PlannerOut(
        path=str(services.planner_file),
        own=_part(trained.own),
        generated=_part(trained.generated),
        fused_hits1=None if beside is None else round(beside.hits1, 4),
        calibration_error=None if calibration is None else calibration.error,
        skipped=dict(trained.skipped.most_common()),
        ambiguous=trained.ambiguous,
        unworded=list(trained.unworded),
        unreadable_lines=unreadable,
        epochs=trained.epochs,
        seconds=round(time.perf_counter() - begun, 1),
    )


def _something(questions: "Sequence[Question]", *, generated: bool) -> None:
    """Refuse to learn from nothing.

    Raises:
        RequestError: there are no questions, and none are to be made.
    """
    if not questions and not generated:
        raise RequestError("without questions of your own there is nothing to learn from but generated ones")


def _part(found: "Part") -> PartOut:
    return PartOut(
        learned=found.learned, held_out=found.held_out, hits1=None if found.hits1 is None else round(found.hits1, 4)
    )
