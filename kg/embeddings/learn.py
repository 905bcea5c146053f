"""`clew learn`: train on a store's graph, and write the vectors back.

Training is done twice. First without one fact in twenty: these say when to stop, and how probable a candidate with a
given score is. Then with every fact, for as many epochs as were best. Beside that, what entities that come later need
is learned: an encoder that knows relations alone (newcomers.py), and where names stand among the vectors (placing.py).
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import Tensor

from kg.embeddings.batches import Queries
from kg.embeddings.calibration import Calibration, calibrate
from kg.embeddings.checkpoint import Checkpoint, load, write_json
from kg.embeddings.config import Epoch, TrainConfig
from kg.embeddings.errors import CheckpointError
from kg.embeddings.evaluate import Metrics
from kg.embeddings.models import builder
from kg.embeddings.newcomers import Newcomers, learn_newcomers
from kg.embeddings.placing import PLACING, describe, fit_placing
from kg.embeddings.split import hold_out
from kg.embeddings.text import SentenceEncoder
from kg.embeddings.train import Trained, train
from kg.embeddings.workers import ALONE, Workers
from kg.store import GraphStore, Learned
from kg.tensors import GraphTensors, tensors

HELD_OUT = 0.05  # of the facts
FEW = 200  # facts: of fewer, none is held out
NAMED = 4000  # entities whose names are read, at most: a map of a few hundred numbers needs no more
PROBE, WHOLE, CALIBRATION = "probe", "whole", "calibration.json"  # what a folder holds
NEWCOMERS = "newcomers"


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
    newcomers: Newcomers | None  # None where it was not asked for


Watch = Callable[[str, Epoch], None]  # is told of each epoch (of newcomers: step), and which training it belongs to


def learn(
    store: GraphStore,
    folder: Path,
    config: TrainConfig,
    *,
    device: str = "cpu",
    update: bool = False,
    encoder: SentenceEncoder | None = None,
    newcomers: bool = True,
    watch: Watch = lambda stage, epoch: None,
    workers: Workers = ALONE,
) -> Report:
    """Learn the graph of a store, keep the model in ``folder``, and write the entities' vectors to the store.

    With ``update``, the second training begins with the vectors of the model that is there; the first always begins
    anew, since that model has seen the facts that are now held out. Where a run of the
    same settings on the same graph has left a checkpoint, training goes on from it, or is done already. With
    ``newcomers``, it is learned what to expect of entities that come later, and, given a sentence encoder, where they
    stand by their names.

    With ``workers``, each of these processes calls this. The main one alone reads the store, so that all learn the same
    graph even while others write to it, and it alone writes; all return the same.

    Raises:
        LearningError: there is nothing to learn, no room for it, or it went wrong.
        StoreError: the store failed.
    """
    graph = workers.main(lambda: tensors(store))
    share = HELD_OUT if len(graph.edge_type) >= FEW else 0.0
    part, held_out = hold_out(graph, share, seed=config.seed)

    def fit(
        stage: str, graph: GraphTensors, config: TrainConfig, *, dev: Tensor | None, start: Checkpoint | None
    ) -> Trained:
        return train(
            graph,
            config,
            dev=dev,
            device=device,
            folder=folder / stage,
            start=start,
            resume=workers.is_main and _begun(folder / stage, graph, config),
            build=builder(config.scorer),
            progress=lambda epoch: watch(stage, epoch),
            workers=workers,
        )

    before = _before(folder, config) if update and workers.is_main else None
    probe = fit(PROBE, part, config, dev=held_out if len(held_out) else None, start=None)
    scorer = probe.scorer.cpu()
    calibration = workers.main(lambda: calibrate(scorer, held_out, Queries(part.triples, len(graph.relations))))
    whole = probe
    if len(held_out):
        again = replace(config, epochs=probe.best, minutes=0.0, evaluate_every=probe.best)
        whole = fit(WHOLE, graph, again, dev=None, start=before)

    def finish() -> Report:
        """What one process does, the others waiting for it."""
        found, begun = None, time.perf_counter()
        if newcomers:
            found = learn_newcomers(
                part,
                held_out,
                folder,
                update=update,
                seed=config.seed,
                device=device,
                progress=lambda step, loss: watch(NEWCOMERS, Epoch(step, loss, time.perf_counter() - begun)),
            )
        spent = time.perf_counter() - begun
        return _keep(store, folder, graph, probe, whole, calibration, found, encoder, spent=spent)

    return workers.main(finish)


def _keep(
    store: GraphStore,
    folder: Path,
    graph: GraphTensors,
    probe: Trained,
    whole: Trained,
    calibration: Calibration,
    newcomers: Newcomers | None,
    encoder: SentenceEncoder | None,
    *,
    spent: float,
) -> Report:
    """Write what goes with the model, and the vectors into the store."""
    with torch.no_grad():
        vectors = whole.scorer.cpu().entity_vectors().detach()
    model = f"{whole.config.scorer}-{whole.config.dimension}-{graph.digest[:8]}"
    if encoder is not None:
        _place(store, folder, graph, vectors, encoder, model=model, seed=whole.config.seed)
    about = {"whole": WHOLE if whole is not probe else PROBE} | asdict(calibration)
    write_json(folder / CALIBRATION, about)
    learned = Learned(
        model=model,
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
        seconds=sum(trained.history[-1].seconds for trained in trainings) + spent,
        dev=probe.dev,
        calibration=calibration,
        carried=whole.carried,
        newcomers=newcomers,
    )


def _place(
    store: GraphStore,
    folder: Path,
    graph: GraphTensors,
    vectors: Tensor,
    encoder: SentenceEncoder,
    *,
    model: str,
    seed: int,
) -> None:
    """Learn where names stand among the vectors, from some of the entities that have facts."""
    whole = torch.unique(graph.edge_index)
    some = whole[torch.randperm(len(whole), generator=torch.Generator().manual_seed(seed))[:NAMED]].sort().values
    named = {entity.id: entity for entity in store.entities([graph.entities[at] for at in some.tolist()])}
    places = [at for at in some.tolist() if graph.entities[at] in named]
    texts = describe([named[graph.entities[at]] for at in places], encoder)
    placing = fit_placing(texts, vectors[places], encoder=encoder.name, model=model)
    if placing is None:
        (folder / PLACING).unlink(missing_ok=True)
    else:
        placing.save(folder / PLACING)


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
