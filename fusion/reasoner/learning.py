"""From prepared questions to a reasoner that knows how far it, and the planner beside it, are to be believed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fusion.fitting import Epoch
from fusion.planner.model import Planner
from fusion.planner.search import candidates, merged, plans
from fusion.planner.training import Example
from fusion.reasoner.fusing import Seen, calibrate, fuse, see
from fusion.reasoner.model import Reasoner
from fusion.reasoner.net import ReasonerConfig
from fusion.reasoner.training import train_reasoner
from kg.mirror import Mirror

HELD_OUT = 20  # questions: from fewer it cannot be told how often the reasoner is right
STEPS = 500  # that training takes at the least, however few questions there are
EPOCHS = (5, 20)  # the fewest and the most that are chosen


@dataclass(frozen=True, slots=True)
class LearnedReasoner:
    """A reasoner with its calibration, and what it came to on the questions held out."""

    reasoner: Reasoner
    hits1: float  # of planner and reasoner together


def learn_reasoner(
    planner: Planner,
    graph: Mirror,
    train: Sequence[Example],
    dev: Sequence[Example],
    texts: np.ndarray,
    *,
    seed: int = 0,
    progress: Callable[[Epoch], None] | None = None,
) -> LearnedReasoner | None:
    """Train a reasoner beside a planner, on the same questions.

    None where too few questions are held out, or all of their candidates are right: there is nothing to calibrate by,
    and so nothing that the reasoner may say. Shapes: texts (2r + 1, t), the sentence vectors of the rows.

    Raises:
        PlannerError: no question has an answer near its topic.
    """
    if len(dev) < HELD_OUT:
        return None
    config = ReasonerConfig(hops=planner.hops, seed=seed)
    batch = max(4, min(config.batch, len(train) // 8))
    epochs = min(EPOCHS[1], max(EPOCHS[0], -(-STEPS * batch // max(1, len(train)))))
    config = replace(config, batch=batch, epochs=epochs)
    reasoner = train_reasoner(graph, train, texts, config, encoder=planner.encoder, dev=dev, progress=progress)
    look = Look(planner, reasoner, graph, texts)
    seen = [look(example) for example in dev]
    calibration = calibrate(seen, [example.answers for example in dev])
    if calibration is None:
        return None
    first = [fuse(calibration, one)[:1] for one in seen]
    right = sum(bool(found) and found[0].place in one.answers for found, one in zip(first, dev, strict=True))
    return LearnedReasoner(reasoner.calibrated(calibration), right / len(dev))


class Look:
    """What planner and reasoner propose for a question whose topics are known."""

    def __init__(self, planner: Planner, reasoner: Reasoner, graph: Mirror, texts: np.ndarray) -> None:
        """Shapes: texts (2r + 1, t)."""
        self._planner, self._reasoner, self._graph = planner, reasoner, graph
        self._rows, self._kinds = planner.rows(graph.relations, texts), reasoner.rows(graph.relations, texts)

    def __call__(self, example: Example) -> Seen:
        """The candidates of a question."""
        topics = list(example.topics)
        read = self._planner.read(example.asked)
        planned = merged(plans(self._planner, self._graph, self._rows, read, topics), topics) if topics else []
        scored = self._reasoner.reason(example.asked, self._graph, self._kinds, topics)
        return see(candidates(planned, topics), planned[0].fit if planned else 0.0, scored)
