"""`clew learn`: train on a store's graph, and write the vectors back.

Training is done twice. First without one fact in twenty: these say when to stop, and how probable a candidate with a
given score is. Then with every fact, for as many epochs as were best.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import Tensor

from kg.embeddings.batches import Queries
from kg.embeddings.calibration import Calibration, calibrate
from kg.embeddings.checkpoint import Checkpoint, load
from kg.embeddings.config import Epoch, TrainConfig
from kg.embeddings.errors import CheckpointError
from kg.embeddings.evaluate import Metrics
from kg.embeddings.models import builder
from kg.embeddings.split import hold_out
from kg.embeddings.train import Trained, train
from kg.store import GraphStore, Learned
from kg.tensors import GraphTensors, tensors

HELD_OUT = 0.05  # of the facts
FEW = 200  # facts: of fewer, none is held out
PROBE, WHOLE, CALIBRATION = "probe", "whole", "calibration.json"  # what a folder holds


@dataclass(frozen=True, slots=True)
class Report:
    """What learning came to."""

    learned: Learned
    facts: int
    epochs: int
    seconds: float
    dev: Metrics | None  # on the facts that were held out
    calibration: Calibration
    carried: int  # entities whose vectors were taken over


Watch = Callable[[str, Epoch], None]  # is told of each epoch, and which of the two trainings it belongs to


def learn(
    store: GraphStore,
    folder: Path,
    config: TrainConfig,
    *,
    device: str = "cpu",
    update: bool = False,
    watch: Watch = lambda stage, epoch: None,
) -> Report:
    """Learn the graph of a store, keep the model in ``folder``, and write the entities' vectors to the store.

    With ``update``, the second training begins with the vectors of the model that is there; the first always begins
    anew, since that model has seen the facts that are now held out. Where a run of the
    same settings on the same graph has left a checkpoint, training goes on from it, or is done already.

    Raises:
        LearningError: there is nothing to learn, no room for it, or it went wrong.
        StoreError: the store failed.
    """
    graph = tensors(store)
    share = HELD_OUT if len(graph.edge_type) >= FEW else 0.0
    part, held_out = hold_out(graph, share, seed=config.seed)
    before = _before(folder, config) if update else None
    probe = train(
        part,
        config,
        dev=held_out if len(held_out) else None,
        device=device,
        folder=folder / PROBE,
        resume=_begun(folder / PROBE, part, config),
        build=builder(config.scorer),
        progress=lambda epoch: watch(PROBE, epoch),
    )
    scorer = probe.scorer.cpu()
    calibration = calibrate(scorer, held_out, Queries(part.triples, len(graph.relations)))
    whole = probe
    if len(held_out):
        again = replace(config, epochs=probe.best, minutes=0.0, evaluate_every=probe.best)
        whole = train(
            graph,
            again,
            device=device,
            folder=folder / WHOLE,
            start=before,
            resume=_begun(folder / WHOLE, graph, again),
            build=builder(config.scorer),
            progress=lambda epoch: watch(WHOLE, epoch),
        )
    return _keep(store, folder, graph, probe, whole, calibration)


def _keep(
    store: GraphStore, folder: Path, graph: GraphTensors, probe: Trained, whole: Trained, calibration: Calibration
) -> Report:
    """Write what goes with the model, and the vectors into the store."""
    about = {"whole": WHOLE if whole is not probe else PROBE} | asdict(calibration)
    path = folder / CALIBRATION
    part = path.with_suffix(".part")
    try:
        part.write_text(json.dumps(about) + "\n", "utf-8")
        os.replace(part, path)
    except OSError as error:
        raise CheckpointError(f"{path} could not be written ({error.strerror}); give a folder that can be.") from error
    with torch.no_grad():
        vectors = whole.scorer.cpu().entity_vectors()
    learned = Learned(
        model=f"{whole.config.scorer}-{whole.config.dimension}-{graph.digest[:8]}",
        learned_at=datetime.now(UTC).isoformat(timespec="seconds"),
        version=graph.version,
        dimensions=vectors.shape[1],
        entities=len(graph.entities),
    )
    store.write_learned(learned, zip(graph.entities, map(Tensor.tolist, vectors), strict=True))
    trainings = (probe,) if whole is probe else (probe, whole)
    return Report(
        learned=learned,
        facts=len(graph.edge_type),
        epochs=probe.best,
        seconds=sum(trained.history[-1].seconds for trained in trainings),
        dev=probe.dev,
        calibration=calibration,
        carried=whole.carried,
    )


def _before(folder: Path, config: TrainConfig) -> Checkpoint | None:
    """The model that is there, where its vectors are of use."""
    try:
        checkpoint = load(folder / WHOLE)
    except CheckpointError:
        return None  # none, or a damaged one: training begins anew
    same = (checkpoint.config.scorer, checkpoint.config.dimension) == (config.scorer, config.dimension)
    return checkpoint if same else None


def _begun(folder: Path, graph: GraphTensors, config: TrainConfig) -> bool:
    """Whether a run of this configuration on this graph has left a checkpoint there."""
    try:
        found = load(folder)
        found.require_config(config, folder=folder)
    except CheckpointError:
        return False
    return found.digest == graph.digest
