"""What to expect of entities that came after the learning, without learning anew.

`clew learn` trains, beside the vectors, an encoder that knows relations alone (kg/embeddings/inductive.py): it walks
the graph as it is when it is asked. Of what it foretells for the facts that were held out, its probabilities are
calibrated. It is trained once a graph, not at each update: new entities change nothing for it, new relations do.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from kg.embeddings.batches import Queries
from kg.embeddings.calibration import Calibration, calibrate
from kg.embeddings.checkpoint import write_json
from kg.embeddings.errors import CheckpointError, NotLearnedError
from kg.embeddings.evaluate import evaluate
from kg.embeddings.inductive import NBFNet
from kg.embeddings.inductive_files import Inductive, load_inductive, save_inductive
from kg.embeddings.inductive_training import InductiveConfig, fit_inductive, step_messages
from kg.embeddings.loop import Schedule
from kg.embeddings.walks import Links
from kg.tensors import GraphTensors

WEIGHTS, ABOUT = "newcomers.safetensors", "newcomers.json"  # what a folder holds
SCHEDULE = Schedule(steps=600, rate=5e-3, every=100, patience=2)
PASSES = 20  # over the facts, at most
SHAPES = ((4, 64), (4, 32), (3, 32), (3, 16), (2, 16), (2, 8))  # layers, and questions a step
AFFORDABLE = 1_000_000  # messages in a step: a second or two on one core
ASKED = 200  # facts that are held out, at most: each question is a walk of its own

Progress = Callable[[int, float], None]


@dataclass(frozen=True, slots=True, eq=False)
class Newcomers:
    """The trained encoder, and how probable its scores are."""

    encoder: Inductive
    calibration: Calibration
    mrr: float | None  # filtered, on held-out facts; None where none was held out

    def on(self, graph: GraphTensors) -> NBFNet:
        """The encoder over a graph whose relations it knows, numbered as ``encoder.relations``."""
        return self.encoder.on(graph)


def learn_newcomers(
    part: GraphTensors,
    held_out: Tensor,
    folder: Path,
    *,
    update: bool = False,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Newcomers:
    """Train the encoder on a graph, see on facts that this graph lacks how good it is, and keep it in a folder.

    What is there already is kept: after ``update`` if it knows the graph's relations, else if it was trained on this
    very graph with this seed.

    Raises:
        LearningError: there is nothing to learn, no room for it, or it went wrong.
    """
    held = _usable(folder, part, update=update, seed=seed)
    if held is not None:
        return held
    links = Links.of_graph(part)
    config = affordable(links, seed=seed)
    asked = held_out[torch.randperm(len(held_out), generator=torch.Generator().manual_seed(seed))[:ASKED]]
    known = Queries(torch.cat((part.triples, held_out)), len(part.relations))

    def quality(model: NBFNet) -> float:
        """Held-out facts are no edges of this graph, so they are asked as any question is."""
        return evaluate(model, asked, known.to(device), device=device).mrr

    model, fitted = fit_inductive(links, config, device=device, dev=quality if len(asked) else None, progress=progress)
    model = model.cpu()
    calibration = calibrate(model, asked, Queries(part.triples, len(part.relations)))
    about = {"calibration": asdict(calibration), "mrr": fitted.best}
    write_json(folder / ABOUT, about | {"digest": ""})  # a kill in between leaves weights that this does not describe
    save_inductive(folder / WEIGHTS, model, config, fitted, relations=part.relations, digest=part.digest)
    write_json(folder / ABOUT, about | {"digest": part.digest})
    return load_newcomers(folder)


def _usable(folder: Path, part: GraphTensors, *, update: bool, seed: int) -> Newcomers | None:
    """What is there, if it need not be trained anew."""
    try:
        held = load_newcomers(folder)
    except (NotLearnedError, CheckpointError):
        return None  # none, or a damaged one
    encoder = held.encoder
    same = (encoder.digest, encoder.config.schedule.seed) == (part.digest, seed)
    return held if same or (update and set(part.relations) <= set(encoder.relations)) else None


def affordable(links: Links, *, seed: int = 0) -> InductiveConfig:
    """The deepest encoder whose steps over this graph are short enough."""
    for layers, batch in SHAPES:
        steps = min(SCHEDULE.steps, 1 + PASSES * len(links.target) // batch)
        config = InductiveConfig(layers=layers, batch=batch, schedule=replace(SCHEDULE, steps=steps, seed=seed))
        if step_messages(links, config, most=AFFORDABLE) <= AFFORDABLE:
            break
    return config


def load_newcomers(folder: Path) -> Newcomers:
    """Read what was trained.

    Raises:
        NotLearnedError: nothing was.
        CheckpointError: it is damaged.
    """
    path = folder / ABOUT
    try:
        about = json.loads(path.read_text("utf-8"))
        encoder = load_inductive(folder / WEIGHTS)
        if about["digest"] != encoder.digest:
            raise ValueError("it was being written when its program ended")
        return Newcomers(encoder, Calibration(**about["calibration"]), about["mrr"])
    except FileNotFoundError as error:
        raise NotLearnedError(
            f"Nothing was learned for new entities ({path} is missing); run `clew learn --update`."
        ) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); run `clew learn` again.") from error
