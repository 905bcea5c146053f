"""Small graphs as a graph encoder sees them, made of random numbers."""

import numpy as np

from fusion.context import GraphView

TEXT, LEARNED = 12, 4


def view(
    seed: int = 0, *, entities: int = 6, facts: int = 9, relations: int = 3, candidates: int = 2, learned: int = LEARNED
) -> GraphView:
    """A graph whose candidates are its first entities, and whose topic is the last."""
    draw = np.random.default_rng(seed)

    def unit(rows: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        found = draw.normal(size=(rows, TEXT)).astype(np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    topics = np.zeros(entities, np.float32)
    topics[-1] = 1
    return GraphView(
        names=unit(entities),
        vectors=draw.normal(size=(entities, learned)).astype(np.float32),
        topics=topics,
        relations=unit(relations),
        subjects=draw.integers(entities, size=facts),
        rows=draw.integers(relations, size=facts),
        objects=draw.integers(entities, size=facts),
        candidates=np.arange(candidates),
        scores=np.log(draw.uniform(0.01, 1, size=(candidates, 3))).astype(np.float32),
    )
