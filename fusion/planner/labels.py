"""Which walks explain an answer: labels for training, from questions and answers alone.

Of all walks from the topic, those whose ends agree best with the answers (F1). A question of n hops has few of them,
and the wrong ones differ from question to question, while the right one stays.
"""

from collections.abc import Collection

import numpy as np

from kg.mirror import Front, Mirror, Places

WIDEST = 20_000  # pairs that a walk may stand on: one that reaches half the graph explains nothing
Chain = tuple[int, ...]  # rows of relations


def explain(
    mirror: Mirror, topics: Collection[int], answers: Collection[int], *, hops: int
) -> tuple[list[Chain], float]:
    """The chains with the best F1, all of them where several are as good, and that F1; none where no chain helps."""
    gold = np.unique(np.fromiter(answers, dtype=np.int64))
    best: list[Chain] = []
    most = 0.0
    fronts: list[tuple[Chain, Front]] = [((), mirror.start(list(topics)))]
    for hop in range(1, hops + 1):
        grown: list[tuple[Chain, Front]] = []
        for chain, front in fronts:
            rows = mirror.rows_from(front) if hop < hops else mirror.rows_towards(front, gold)
            for row in rows.tolist():
                step = mirror.step(front, row)
                found = f1(step.reached, gold)
                if found > most + 1e-9:
                    best, most = [], found
                if found and found > most - 1e-9:
                    best.append((*chain, row))
                if len(step.here) <= WIDEST:
                    grown.append(((*chain, row), step))
        fronts = grown
    return best, most


def f1(found: Places, gold: Places) -> float:
    """How well what was found agrees with what is right. Shapes: (k,), (g,), each of distinct places."""
    both = len(np.intersect1d(found, gold, assume_unique=True))
    return 2 * both / (len(found) + len(gold)) if both else 0.0
