"""From a file of examples to an adapter: what the command of training does."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from fusion import adapter
from fusion.adapter import Trained
from fusion.context import GraphView
from fusion.errors import PromptTooLongError, TuningError
from fusion.language import open_model
from fusion.language.causal import HuggingFaceModel
from fusion.model import FusedConfig, FusedModel
from fusion.reasoner.model import Calibration
from fusion.scoring import fit, see
from fusion.tuning import examples as files
from fusion.tuning import replay as sample
from fusion.tuning.board import board
from fusion.tuning.config import Look, TuneConfig, Tuned
from fusion.tuning.examples import Examples
from fusion.tuning.extending import FREE, REPLAY, Remembering, extend
from fusion.tuning.loop import NOTHING
from fusion.tuning.replay import Replay
from kg.embeddings.precision import resolve
from kg.embeddings.workers import Workers, join


@dataclass(frozen=True, slots=True)
class Task:
    """What to train, and where it lies."""

    examples: Path
    adapter: Path  # the folder to write; checkpoints go to NAME.run beside it
    dev: Path | None = None
    earlier: Path | None = None  # the adapter to extend
    replay: float = REPLAY.replayed  # examples of the sample beside it that are learned again, for each new one
    elastic: float = REPLAY.elastic  # how firmly its parameters are held
    model: str = ""  # the address of a language model
    device: str = "cpu"
    rank: int = 8  # of a new adapter
    board: Path | None = None
    resume: bool = False
    soft_tokens: bool = True  # whether candidates' stand before the prompts; without, nothing of the graph is seen


def train(task: Task, config: TuneConfig, *, progress: Callable[[Look], None] | None = None) -> Tuned:
    """Train an adapter, or extend one, and write it with a sample of its examples.

    A launcher may start several processes of this; the main one writes.

    Raises:
        TuningError: the examples, the checkpoint or the model cannot be used, or there is no memory.
        AdapterError: the adapter to extend cannot be read or is another graph's, encoder's or model's, or the new one
            cannot be written.
        LanguageModelError, WeightsError: the language model cannot be loaded.
        SettingError, LostProcessError: there is no such device, or another process has ended.
        KeyboardInterrupt: Ctrl-C, after a checkpoint was written.
    """
    workers = join(task.device)
    learned = files.read(task.examples)
    dev = files.read(task.dev) if task.dev else NOTHING
    digest = learned.digest()
    if not task.soft_tokens:
        learned, dev = unseen(learned), unseen(dev)
    if task.earlier is not None:  # before anything is loaded
        about = adapter.read_about(task.earlier)
        adapter.check_vectors(task.earlier, about, learned.vectors)
        adapter.check_views(task.earlier, about, encoder=learned.encoder, vector_width=_widths(learned)[1])
    model = _model(task, config, learned, workers)
    before = None if task.earlier is None else sample.load(task.earlier)
    with board(task.board if workers.is_main else None) as write:
        tuned, kept = extend(
            model,
            before or Replay(NOTHING),
            learned,
            config,
            remembering=Remembering(task.replay, task.elastic) if before else FREE,
            dev=dev,
            folder=run_folder(task.adapter),
            resume=task.resume,
            write=write,
            progress=progress,
            workers=workers,
        )
    if workers.is_main:
        tuned = replace(tuned, calibration=calibrated(model, dev))
        _write(task, config, model, learned, digest, tuned, kept)
    return tuned


def run_folder(adapter: Path) -> Path:
    """Where the checkpoints of a training lie that writes an adapter."""
    return adapter.with_name(f"{adapter.name}.run")


def calibrated(model: FusedModel, held: Examples) -> Calibration | None:
    """How far scores of chains are to be believed, by a trained model on examples held out that have any.

    None where too few of them have, or their chains are all right or all wrong.

    Raises:
        LanguageModelMemoryError: there is no memory for the chains of a question.
    """
    looks = []
    for one in held.examples:
        prefix = model.soft_tokens(one.view) if len(one.view.candidates) else None
        try:
            looks.append((see(model.language, one.question, one.chains, prefix=prefix), one.chains))
        except PromptTooLongError:  # nor are its chains scored when it is asked
            continue
    return fit(looks)


def unseen(found: Examples) -> Examples:
    """The same examples without candidates in their views, of which soft tokens are made."""
    return replace(found, examples=tuple(replace(one, view=_blind(one.view)) for one in found.examples))


def _blind(view: GraphView) -> GraphView:
    return replace(view, candidates=view.candidates[:0], scores=view.scores[:0])


def _model(task: Task, config: TuneConfig, learned: Examples, workers: Workers) -> FusedModel:
    precision = str(resolve(config.precision, workers.device)).removeprefix("torch.")
    language = open_model(task.model, precision=precision, device=workers.device)
    if not isinstance(language, HuggingFaceModel):
        raise TuningError(f"{task.model}: is a server, which cannot be trained; give a model that runs here.")
    text_width, vector_width = _widths(learned)
    if task.earlier is not None:
        if adapter.read_about(task.earlier).trained.soft_tokens != task.soft_tokens:
            raise TuningError(f"{task.earlier}: soft tokens are to be trained where it has none, or the reverse.")
        return adapter.load(task.earlier, language, encoder=learned.encoder, vector_width=vector_width)
    built = FusedConfig(rank=task.rank, seed=config.seed)
    return FusedModel(language, built, encoder=learned.encoder, text_width=text_width, vector_width=vector_width)


def _widths(learned: Examples) -> tuple[int, int]:
    """The widths of sentence vectors, and of learned ones, 0 where there are none."""
    view = learned.examples[0].view
    return view.names.shape[1], view.vectors.shape[1]


def _write(
    task: Task, config: TuneConfig, model: FusedModel, learned: Examples, digest: str, tuned: Tuned, kept: Replay
) -> None:
    metrics = {} if tuned.dev is None else {"dev loss": tuned.dev}
    look = next((one for one in tuned.history if one.step == tuned.best), None)
    metrics |= {} if look is None else {"training loss": look.loss}
    earlier: tuple[str, ...] = ()
    vectors = learned.vectors
    if task.earlier is not None:
        before = adapter.read_about(task.earlier).trained
        earlier, vectors = (*before.earlier, before.data), vectors or before.vectors
    if not model.encoder.vector_width:
        vectors = ""
    about = Trained(
        digest,
        len(learned.examples),
        config.seed,
        metrics,
        earlier,
        vectors,
        soft_tokens=task.soft_tokens,
        calibration=tuned.calibration,
    )
    adapter.save(model, task.adapter, about)
    sample.save(task.adapter, kept)
