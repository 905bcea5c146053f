"""Models by name: what ``TrainConfig.scorer`` may be, and how each is built, set up, and taken from a checkpoint."""

from typing import Any

from kg.embeddings.checkpoint import Checkpoint
from kg.embeddings.config import TrainConfig
from kg.embeddings.errors import SettingError
from kg.embeddings.scorers import SCORERS, Scorer
from kg.embeddings.train import Build
from kg.tensors import GraphTensors

CANDIDATES = 1000  # drawn for a batch where neighbours are


def config_for(scorer: str, **given: Any) -> TrainConfig:
    """A training run of a scorer, with the optimizer that suits it where none is given.

    Raises:
        SettingError: there is no such scorer, or a setting cannot be.
    """
    if scorer not in SCORERS:
        builder(scorer)
        given = {"optimizer": "adamw", "learning_rate": 0.01} | given  # Adagrad leaves message passing behind
    if given.get("neighbours"):
        given = {"candidates": CANDIDATES} | given  # with all entities wanted, little would be left out
    return TrainConfig(scorer=scorer, **given)


def builder(name: str) -> Build | None:
    """What makes a scorer that reads the graph; None for those that are tables alone."""
    if name in SCORERS:
        return None
    from kg.embeddings.encoders import ENCODERS

    if name not in ENCODERS:
        raise SettingError(f"scorer must be one of {', '.join((*SCORERS, *ENCODERS))}, not {name!r}")

    def build(graph: GraphTensors, config: TrainConfig) -> Scorer:
        return ENCODERS[name](graph, dimension=config.dimension, neighbours=config.neighbours)

    return build


def restore(checkpoint: Checkpoint, graph: GraphTensors) -> Scorer:
    """The model of a checkpoint, over a graph in its numbers."""
    config = checkpoint.config
    build = builder(config.scorer)
    if build is None:
        scorer: Scorer = SCORERS[config.scorer](len(graph.entities), len(graph.relations), dimension=config.dimension)
    else:
        scorer = build(graph, config)
    scorer.load_state_dict(checkpoint.model)
    return scorer.eval()
