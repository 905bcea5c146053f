"""Walks over a graph, many queries side by side: which messages leave a head, and where they arrive.

Only what a walk reaches is held, so the cost follows the neighbourhood of the heads and not the size of the graph.

``n`` entities, ``r`` relations of which s + r is the inverse of s, ``m`` facts, ``b`` queries, ``k`` reached
(query, entity) pairs, ``e`` messages.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from kg.tensors import GraphTensors


@dataclass(frozen=True, slots=True)
class Links:
    """A graph to walk: every edge and its inverse, once each, grouped by where it starts.

    Shapes:
        start (n + 1,), target (2m,), relation (2m,): the edges out of u are those from start[u] to start[u + 1]
    """

    start: Tensor
    target: Tensor
    relation: Tensor
    num_relations: int

    @classmethod
    def of(cls, triples: Tensor, *, num_entities: int, num_relations: int) -> "Links":
        """The links of (m, 3) triples of head, relation and tail; triples given twice count once."""
        heads, relations, tails = torch.unique(triples, dim=0).T if len(triples) else triples.T
        source = torch.cat([heads, tails])
        order = source.argsort(stable=True)
        counts = torch.bincount(source, minlength=num_entities)
        return cls(
            start=torch.cat([counts.new_zeros(1), counts.cumsum(0)]),
            target=torch.cat([tails, heads])[order],
            relation=torch.cat([relations, relations + num_relations])[order],
            num_relations=num_relations,
        )

    @classmethod
    def of_graph(cls, graph: GraphTensors) -> "Links":
        """The links of a whole graph."""
        return cls.of(graph.triples, num_entities=len(graph.entities), num_relations=len(graph.relations))

    @property
    def num_entities(self) -> int:
        return len(self.start) - 1

    def apply(self, function: Callable[[Tensor], Tensor]) -> "Links":
        """The same links with each tensor replaced, as ``nn.Module.to`` does."""
        return Links(function(self.start), function(self.target), function(self.relation), self.num_relations)

    def degree(self) -> Tensor:
        """How many edges start at each entity, inverses included.

        Shapes:
            returns (n,)
        """
        return self.start.diff()

    def out(self, entities: Tensor) -> tuple[Tensor, Tensor]:
        """The edges out of these entities: whose they are (positions in ``entities``), and which.

        Shapes:
            entities (k,); returns (e,), (e,)
        """
        first = self.start[entities]
        degree = self.start[entities + 1] - first
        owner = torch.repeat_interleave(degree)  # (e,)
        before = degree.cumsum(0) - degree
        return owner, torch.arange(len(owner), device=owner.device) + (first - before)[owner]

    def answers(self, heads: Tensor, relations: Tensor) -> tuple[Tensor, Tensor]:
        """What the graph holds as answers to (head, relation): whose they are, and which entities.

        Shapes:
            heads (b,), relations (b,); returns (a,), (a,)
        """
        owner, edge = self.out(heads)
        asked = self.relation[edge] == relations[owner]
        return owner[asked], self.target[edge[asked]]


@dataclass(frozen=True, slots=True)
class Questions:
    """(head, relation, ?), each with the fact that it was made from, so that the answer is not read off the graph.

    With ``answers``, a query does not walk its own fact (head, relation, answer), in either direction; where ``apart``
    is true as well, it walks no edge at all between head and answer.

    Shapes:
        heads (b,), relations (b,), answers (b,), apart (b,) bool
    """

    heads: Tensor
    relations: Tensor
    answers: Tensor | None = None
    apart: Tensor | None = None

    def __len__(self) -> int:
        return len(self.heads)

    def part(self, which: slice) -> "Questions":
        """Some of the questions."""
        answers = None if self.answers is None else self.answers[which]
        apart = None if self.apart is None else self.apart[which]
        return Questions(self.heads[which], self.relations[which], answers, apart)

    def walkable(self, query: Tensor, source: Tensor, relation: Tensor, target: Tensor, inverse: Tensor) -> Tensor:
        """Which edges each query may walk.

        Shapes:
            query, source, relation, target (e,); inverse (b,); returns (e,) bool
        """
        if self.answers is None:
            return torch.ones_like(query, dtype=torch.bool)
        head, answer = self.heads[query], self.answers[query]
        forth = (source == head) & (target == answer)
        back = (source == answer) & (target == head)
        own = (forth & (relation == self.relations[query])) | (back & (relation == inverse[query]))
        if self.apart is not None:
            own |= (forth | back) & self.apart[query]
        return ~own


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of the messages, sorted by where they arrive.

    Shapes:
        source (e,) in [0, k + b): a reached pair, or, from k on, a head's own first state
        weight (e,) in [0, 2rb]: query and relation of the message, the last row for a head's own first state
        count (k',) messages that arrive at each pair reached now; carried (k,) where the earlier pairs are among them
        reached (k',) pairs as query · n + entity, ascending
    """

    source: Tensor
    weight: Tensor
    count: Tensor
    carried: Tensor
    reached: Tensor


def hops(links: Links, questions: Questions, *, layers: int, limit: int | None) -> list[Hop] | None:
    """The messages of every layer, or None when one layer of more than one query has more than ``limit``."""
    n, rows = links.num_entities, 2 * links.num_relations
    b = len(questions)
    inverse = (questions.relations + links.num_relations) % rows
    first = torch.arange(b, device=questions.heads.device) * n + questions.heads  # (b,)
    reached, found = first, []
    degree = links.degree()
    for _ in range(layers):
        entity = reached % n
        if limit is not None and b > 1 and int(degree[entity].sum()) > limit:
            return None
        owner, edge = links.out(entity)
        query, target, relation = (reached // n)[owner], links.target[edge], links.relation[edge]
        allowed = questions.walkable(query, entity[owner], relation, target, inverse)
        owner, query, target, relation = owner[allowed], query[allowed], target[allowed], relation[allowed]
        source = torch.cat([owner, torch.arange(b, device=owner.device) + len(reached)])
        weight = torch.cat([query * rows + relation, query.new_full((b,), b * rows)])
        arriving = torch.cat([query * n + target, first])
        now, place = torch.unique(torch.cat([reached, arriving]), return_inverse=True)
        carried, place = place[: len(reached)], place[len(reached) :]
        order = place.argsort(stable=True)  # stable: sums add in the same order whatever else is asked
        found.append(Hop(source[order], weight[order], torch.bincount(place, minlength=len(now)), carried, now))
        reached = now
    return found
