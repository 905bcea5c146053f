"""What a language model is given to answer a question from: facts, passages, and the graph around them.

Everything that an answer may say stands here under a number, so that what it says can be checked against it: facts and
passages are numbered from 1, in the order in which they are given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fusion.reasoned import Guess
from fusion.trace import Passage
from kg.facts import Entity, EntityId, Fact

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class GraphView:
    """The part of a graph that soft tokens are made of: ``n`` entities, ``e`` facts, ``r`` relations, ``c`` candidates.

    Shapes: names (n, t), the sentence vector of each entity's name; vectors (n, d), what was learned of it, zeros where
    nothing was, and d = 0 where the graph was not learned; topics (n,), how surely the question names it; relations
    (r, t), sentence vectors; subjects, rows, objects (e,): places of entities and relations; candidates (c,): places of
    entities; scores (c, 3): the log-probability of each candidate by planner, by reasoner, and of both.
    """

    names: Floats
    vectors: Floats
    topics: Floats
    relations: Floats
    subjects: Places
    rows: Places
    objects: Places
    candidates: Places
    scores: Floats

    def of_width(self, width: int) -> "GraphView":
        """The view as a model of vectors of this width reads it: without them where that is 0, else zeros for none."""
        if self.vectors.shape[1] == width or (width and self.vectors.shape[1]):
            return self
        return replace(self, vectors=np.zeros((len(self.names), width), np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """A question and what was found for it, each kind the best first.

    ``candidates`` are entities that may be the answer, each with the facts that lead to it, all of which are among
    ``facts``; ``names`` holds every entity of the facts.
    """

    question: str
    facts: tuple[Fact, ...]
    passages: tuple[Passage, ...]
    candidates: tuple[Guess, ...]
    names: Mapping[EntityId, Entity]
    view: GraphView
