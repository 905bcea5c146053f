"""Training the adapter of a graph's language model: questions in, and what it came to.

Examples are made by the code that answers, and kept beside the adapter, so that a training that was cut short goes on
with the very same.
"""

import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from api.assemble import Services
from api.errors import InterruptedTrainingError, RequestError
from api.fusing import NONE
from api.job import Tell
from api.schemas import Shape
from fusion.language.opening import GEMMA, SERVER

if TYPE_CHECKING:
    from fusion.answerer import Answerer
    from fusion.planner.questions import Question
    from fusion.tuning.config import Look, TuneConfig
    from fusion.tuning.curriculum import Made, Wanted
    from fusion.tuning.examples import Example, Examples
    from kg.store import GraphStore

HELD_OUT = 0.1  # of the examples, which say when to stop


class TrainedOut(Shape):
    """What training an adapter came to."""

    path: str
    examples: int = Field(description="That it learned from")
    held_out: int = Field(description="That said when to stop")
    made: dict[str, dict[str, int]] = Field(description="What became of each kind of question; empty where it went on")
    steps: int
    best_step: int = Field(description="The step whose weights are kept")
    stopped: str = Field(description="`epochs`, or `patience` where examples held out were found no better")
    loss: float | None = Field(description="Of the examples held out, by the weights that are kept; null without any")
    calibration_error: float | None = Field(
        description="How far probabilities of chains of facts are off, on questions held out; null where too few are"
    )
    calibrated_on: int = Field(description="Questions held out that these probabilities were fitted to")
    seconds: float


@dataclass(frozen=True, slots=True)
class Wish:
    """What to train on, and how far."""

    questions: "Sequence[Question]" = ()
    generated: bool = True
    count: int = 1000  # examples
    rank: int = 8
    device: str = "cpu"
    extend: bool = False  # the adapter that there is
    resume: bool = False
    tuning: "Mapping[str, float]" = field(default_factory=dict)  # fields of `TuneConfig` that are set


def train(services: Services, wish: Wish, *, tell: Tell) -> TrainedOut:
    """Train an adapter for this graph, or extend it, and keep it beside the model of the graph.

    Raises:
        RequestError: there is nothing to learn from, to extend or to go on with, or no model that can be trained.
        InterruptedTrainingError: Ctrl-C, after a checkpoint was written.
        TuningError: nothing can be learned from, the checkpoint is another's, or there is no memory.
        AdapterError: the adapter to extend does not fit, or the new one cannot be written.
        LanguageModelError, WeightsError: the language model cannot be loaded.
        StoreError: the store failed.
    """
    begun = time.perf_counter()
    address, folder = _address(services), services.adapter_folder
    if wish.extend and not (folder / "adapter.json").exists():
        raise RequestError(f"{folder}: holds no adapter that could be extended; leave --extend out")
    from fusion.adapter import check_graph, read_about
    from fusion.tuning.command import Task, run_folder
    from fusion.tuning.command import train as tune
    from fusion.tuning.config import TuneConfig

    try:
        config = TuneConfig(**wish.tuning)  # type: ignore[arg-type]  # their kinds are those of the command's options
    except ValueError as error:
        raise RequestError(str(error)) from error
    kept = folder.with_name(f"{folder.name}.examples")
    examples, dev = kept / "examples.jsonl", kept / "dev.jsonl"
    made: Mapping[str, Counter[str]] = {}
    if wish.resume:
        if not examples.exists():
            raise RequestError(f"{kept}: holds no examples, so no training has begun; leave --resume out")
    else:
        if wish.extend:  # before examples are made, which takes a while
            check_graph(folder, read_about(folder), services.store.learned())
        made = _make(services, address, wish, config, examples, dev, run_folder(folder), tell)
    task = Task(
        examples,
        folder,
        dev=dev if dev.exists() else None,
        earlier=folder if wish.extend else None,
        model=address,
        device=wish.device,
        rank=wish.rank,
        resume=wish.resume,
    )
    tell("going on from the checkpoint" if wish.resume else "training")
    try:
        tuned = tune(task, config, progress=lambda look: tell(_told(look)))
    except KeyboardInterrupt as error:
        raise InterruptedTrainingError(
            "the training was interrupted; `clew train --resume`, with the same options, goes on from its checkpoint"
        ) from error
    from fusion.tuning.examples import read

    return TrainedOut(
        path=str(folder),
        examples=len(read(examples).examples),
        held_out=len(read(dev).examples) if dev.exists() else 0,
        made={kind: dict(counts.most_common()) for kind, counts in made.items() if counts},
        steps=tuned.history[-1].step if tuned.history else 0,
        best_step=tuned.best,
        stopped=tuned.stopped,
        loss=None if tuned.dev is None else round(tuned.dev, 4),
        calibration_error=None if tuned.calibration is None else round(tuned.calibration.error, 4),
        calibrated_on=0 if tuned.calibration is None else tuned.calibration.questions,
        seconds=round(time.perf_counter() - begun, 1),
    )


def _address(services: Services) -> str:
    """The address of the model to train.

    Raises:
        RequestError: the settings name one that cannot be.
    """
    named = services.settings.language_model
    if named == NONE or named.startswith(SERVER):
        raise RequestError(
            f"CLEW_LANGUAGE_MODEL is {named}, which cannot be trained; name a model that runs here, or {GEMMA}"
        )
    return named


def _make(
    services: Services,
    address: str,
    wish: Wish,
    config: "TuneConfig",
    examples: Path,
    dev: Path,
    run: Path,
    tell: Tell,
) -> "Mapping[str, Counter[str]]":
    """Make the examples and write them; what became of each kind of question.

    Raises:
        RequestError: there are neither questions nor are any to be made.
        TuningError: none of the questions makes an example.
    """
    if not wish.questions and not wish.generated:
        raise RequestError("without questions of your own there is nothing to learn from but generated ones")
    from fusion.errors import TuningError
    from fusion.tuning.curriculum import SHARES, Wanted
    from fusion.tuning.examples import write

    examples.unlink(missing_ok=True)  # what is interrupted from here on is not the training before
    if run.exists():
        shutil.rmtree(run)
    wanted = Wanted(wish.count, SHARES if wish.generated else {"given": 1.0}, seed=config.seed + 1)
    made = make_examples(services, address, wanted, wish.questions, tell)
    learned, held = made.split(HELD_OUT)
    if not learned:
        learned, held = made.examples, ()
    if not learned:
        why = sum((Counter(counts) for counts in made.counts.values()), Counter[str]())
        told = ", ".join(f"{what} ({count})" for what, count in why.most_common(3)) or "the graph holds no facts"
        raise TuningError(f"None of the questions makes an example: {told}.")
    for path, some in ((examples, learned), (dev, held)):
        if some:
            write(path, examples_of(services, some))
        else:
            path.unlink(missing_ok=True)
    tell(f"made {len(learned):,} examples to learn from, and {len(held):,} to tell when to stop")
    return made.counts


def make_examples(
    services: Services, address: str, wanted: "Wanted", questions: "Sequence[Question]", tell: Tell
) -> "Made":
    """Examples of the graph, for the model at an address.

    Raises:
        RequestError: it is a server, which cannot be trained.
        LanguageModelError, WeightsError: it cannot be loaded.
        PlannerError: the trained planner cannot be read.
        StoreError: the store failed.
    """
    from fusion.language import open_model
    from fusion.language.causal import HuggingFaceModel
    from fusion.speaking import LocalSpeaker
    from fusion.tuning.curriculum import Curriculum

    language = open_model(address, notify=tell)  # for its tokenizer; training opens it in a precision of its own
    if not isinstance(language, HuggingFaceModel):
        raise RequestError(f"{address}: is a server; give a model that runs here")
    curriculum = Curriculum(
        services.store,
        LocalSpeaker(language),
        lambda store: _answerer(services, store),
        ontology=services.ontology,
        embedder=services.embedder,
    )
    return curriculum.make(wanted, questions, stage=tell)


def examples_of(services: Services, made: "Sequence[Example]") -> "Examples":
    """Examples of the graph with what their vectors are of.

    Raises:
        StoreError: the store failed.
    """
    from fusion.tuning.examples import Examples

    learned = services.store.learned()
    return Examples(services.embedder.name, tuple(made), "" if learned is None else learned.model)


def _answerer(services: Services, store: "GraphStore") -> "Answerer":
    """What answers from another state of the graph as the services answer from theirs, without a language model."""
    from fusion.answerer import Answerer
    from fusion.planned import open_reader

    planned = open_reader(store, services.embedder, planner=services.planner_file, reasoner=services.reasoner_file)
    return Answerer(
        store,
        embedder=services.embedder,
        ontology=services.ontology,
        planned=lambda: planned,
        names=services.names,  # no entity is withheld
    )


def _told(look: "Look") -> str:
    dev = "" if look.dev is None else f", {look.dev:.3f} of examples held out"
    speed = look.tokens / look.seconds if look.seconds else 0.0
    return f"step {look.step}: loss {look.loss:.3f}{dev}, {speed:,.0f} tokens a second, {look.seconds:.0f} s"
