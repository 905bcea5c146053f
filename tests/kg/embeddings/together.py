"""Trainings that test_workers.py runs twice: in this process alone, and in two that a launcher starts.

``python -m tests.kg.embeddings.together FOLDER`` leaves what each process came to in FOLDER/RANK.pt.
"""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kg.embeddings.config import TrainConfig
from kg.embeddings.errors import DivergedError, LostProcessError, TooLargeError
from kg.embeddings.models import builder
from kg.embeddings.scorers import ComplEx
from kg.embeddings.split import hold_out
from kg.embeddings.train import Build, Trained, train
from kg.embeddings.workers import Workers, join
from kg.tensors import GraphTensors
from tests.kg.embeddings.graphs import family, random_graph

GRAPH, HELD = hold_out(family(5), 0.15, seed=1)
CONFIG = TrainConfig(
    dimension=16,
    epochs=6,
    batch_size=11,  # leaves a last batch of one query
    answers=4,
    regularisation=0.02,
    relation_weight=0.5,
    initial_scale=0.1,
    precision="float32",
)
DRAWN = replace(CONFIG, candidates=8)
ENCODED = replace(CONFIG, scorer="compgcn", optimizer="adamw", learning_rate=0.01, epochs=3)


def trained(found: Trained) -> dict[str, Any]:
    """What a training came to."""
    return {
        "vectors": found.scorer.entity_vectors().detach().clone(),
        "losses": [epoch.loss for epoch in found.history],
        "mrr": [epoch.dev.mrr for epoch in found.history if epoch.dev],
        "seconds": [epoch.seconds for epoch in found.history],
        "stopped": found.stopped,
    }


def agreeing(workers: Workers, folder: Path) -> dict[str, dict[str, Any]]:
    """Trainings that come to the same however many processes train."""
    kept = folder / f"of-{workers.rank}"
    return {
        "whole": trained(train(GRAPH, CONFIG, dev=HELD, folder=kept / "whole", workers=workers)),
        "drawn": trained(train(GRAPH, DRAWN, dev=HELD, workers=workers)),
        "encoded": trained(train(GRAPH, ENCODED, dev=HELD, build=builder("compgcn"), workers=workers)),
    }


def together(workers: Workers, folder: Path) -> dict[str, Any]:
    """What only several processes can get wrong."""
    kept = folder / f"of-{workers.rank}" / "resumed"
    train(GRAPH, replace(CONFIG, epochs=3), dev=HELD, folder=kept, workers=workers)
    at_last = workers.rank == 1
    return {
        "resumed": trained(train(GRAPH, CONFIG, dev=HELD, folder=kept, resume=True, workers=workers)),
        "timed": trained(train(GRAPH, replace(CONFIG, epochs=10_000, minutes=0.01), workers=workers)),
        "few": trained(train(random_graph(), replace(CONFIG, epochs=2), dev=HELD[:1], workers=workers)),
        "diverged": error(lambda: train(GRAPH, CONFIG, dev=HELD, build=spoilt(True, at_last), workers=workers)),
        "unmeasured": error(lambda: train(GRAPH, CONFIG, dev=HELD, build=spoilt(False, at_last), workers=workers)),
        "small": error(lambda: train(GRAPH, CONFIG, free=1000 if at_last else None, workers=workers)),
    }


def error(work: Callable[[], object]) -> str:
    """The error that ends a training."""
    try:
        work()
    except (DivergedError, LostProcessError, TooLargeError) as found:
        return f"{type(found).__name__}: {found}"
    return ""


def spoilt(training: bool, here: bool) -> Build:
    """Makes a model whose queries are no numbers in this process, while it trains or while it is measured."""

    class Spoilt(ComplEx):
        def query(self, heads: Tensor, relations: Tensor) -> Tensor:
            found = super().query(heads, relations)
            return found * torch.nan if here and self.training == training else found

    return lambda graph, config: Spoilt(len(graph.entities), len(graph.relations), dimension=config.dimension)


def vanishing(here: bool) -> Build:
    """Makes a model whose process ends in its third epoch, without a word."""

    class Vanishing(ComplEx):
        epochs = 0

        def train(self, mode: bool = True) -> "Vanishing":
            self.epochs += mode
            if here and self.epochs == 3:
                os._exit(7)
            return super().train(mode)

    def build(graph: GraphTensors, config: TrainConfig) -> Vanishing:
        return Vanishing(len(graph.entities), len(graph.relations), dimension=config.dimension)

    return build


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    workers = join("cpu")
    found = agreeing(workers, folder) | together(workers, folder)
    torch.save(found, folder / f"{workers.rank}.pt")
    if workers.is_main:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what the launcher sends when the other one has ended
    lost = error(lambda: train(GRAPH, CONFIG, dev=HELD, build=vanishing(workers.rank == 1), workers=workers))
    (folder / "lost").write_text(lost, "utf-8")
