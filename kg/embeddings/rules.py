"""Why a fact is plausible: the paths between its ends, each read as a rule and weighed by how often the rule holds.

A rule is a chain of relations that stands for another one, born_in, then located_in, for citizen_of. Its
confidence is the share of the pairs that the chain joins which the relation joins too, with a handful of imagined
failures, so that a rule seen once is not certain (Meilicke et al. 2019, "Anytime Bottom-Up Rule Learning").
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from kg.embeddings.batches import Queries
from kg.embeddings.walks import Links
from kg.tensors import GraphTensors

SAMPLE = 400  # heads from which a rule is tried
REACHED = 200_000  # pairs that one trial may come to
UNSEEN = 5  # imagined failures
WIDE = 400  # edges of a head that are followed for chains of three
LONGEST = 3
Step = tuple[int, int, int]  # head, relation, tail: a fact of the graph, whichever way it is walked


@dataclass(frozen=True, slots=True)
class Rule:
    """A chain of relations (r + i is relation i backwards) that stands for another."""

    body: tuple[int, ...]
    head: int
    holds: int  # pairs that both join
    cases: int  # pairs that the chain joins

    @property
    def confidence(self) -> float:
        """How often it holds, 0 to 1."""
        return self.holds / (self.cases + UNSEEN)


@dataclass(frozen=True, slots=True)
class Support:
    """A path between the ends of a fact, and the rule that it is a case of."""

    rule: Rule
    path: tuple[Step, ...]


class Rules:
    """The rules of one graph, each tried when it is first asked for."""

    def __init__(self, graph: GraphTensors, *, seed: int = 0) -> None:
        self._relations = len(graph.relations)
        self._links = Links.of_graph(graph)
        self._queries = Queries(graph.triples, self._relations)
        self._seed = seed
        self._tried: dict[tuple[tuple[int, ...], int], Rule] = {}

    def support(self, head: int, relation: int, tail: int, *, limit: int = 3) -> list[Support]:
        """The paths from head to tail, other than the fact itself, whose rules hold most often; best first.

        One path a rule. ``relation`` may be read backwards.
        """
        found: dict[tuple[int, ...], tuple[Step, ...]] = {}
        for chain in (self._one, self._two, self._three):
            for walked in chain(head, tail):
                body = tuple(hop for _, hop, _ in walked)
                path = tuple(self._stored(*hop) for hop in walked)
                if self._stored(head, relation, tail) not in path:
                    found.setdefault(body, path)
            if len(found) >= limit:
                break
        weighed = [Support(self.rule(body, relation), path) for body, path in found.items()]
        weighed = [support for support in weighed if support.rule.holds]
        return sorted(weighed, key=lambda s: (-s.rule.confidence, len(s.path), s.rule.body))[:limit]

    def rule(self, body: tuple[int, ...], head: int) -> Rule:
        """A rule with its cases, from a sample of the heads that it could begin at."""
        known = self._tried.get((body, head))
        if known is None:
            known = self._tried[body, head] = self._try(body, head)
        return known

    def _try(self, body: tuple[int, ...], head: int) -> Rule:
        both = 2 * self._relations
        starts = self._queries.keys[self._queries.keys % both == body[0]] // both
        if len(starts) > SAMPLE:
            generator = torch.Generator().manual_seed(self._seed)
            starts = starts[torch.randperm(len(starts), generator=generator)[:SAMPLE]]
        rows, at = torch.arange(len(starts)), starts
        for hop in body:
            onward, reached = self._queries.answers(at * both + hop)
            rows, at = rows[onward][:REACHED], reached[:REACHED]
        size = self._links.num_entities
        pairs = torch.unique(rows * size + at)
        pairs = pairs[starts[pairs // size] != pairs % size]  # a chain that returns says nothing
        onward, reached = self._queries.answers(starts * both + head)
        holds = int(torch.isin(pairs, onward * size + reached).sum())
        return Rule(body, head, holds, len(pairs))

    # -- chains: hops of (from, relation row, to) -----------------------------------------------------------------

    def _edges(self, entity: int) -> tuple[Tensor, Tensor]:
        """Relation rows and targets of what starts at an entity."""
        span = slice(int(self._links.start[entity]), int(self._links.start[entity + 1]))
        return self._links.relation[span], self._links.target[span]

    def _one(self, head: int, tail: int) -> list[tuple[Step, ...]]:
        relations, targets = self._edges(head)
        return [((head, relation, tail),) for relation in relations[targets == tail].tolist()]

    def _two(self, head: int, tail: int) -> list[tuple[Step, ...]]:
        first, middles = self._edges(head)
        last, others = self._edges(tail)
        shared = torch.isin(middles, others) & (middles != head) & (middles != tail)
        chains: list[tuple[Step, ...]] = []
        for relation, middle in zip(first[shared].tolist(), middles[shared].tolist(), strict=True):
            for back in torch.unique(last[others == middle]).tolist():
                chains.append(((head, relation, middle), (middle, self._inverse(back), tail)))
        return chains

    def _three(self, head: int, tail: int) -> list[tuple[Step, ...]]:
        first, nexts = self._edges(head)
        chains: list[tuple[Step, ...]] = []
        for relation, step in zip(first[:WIDE].tolist(), nexts[:WIDE].tolist(), strict=True):
            if step not in (head, tail):
                chains += [((head, relation, step), *rest) for rest in self._two(step, tail) if rest[0][2] != head]
        return chains

    def _inverse(self, relation: int) -> int:
        return relation - self._relations if relation >= self._relations else relation + self._relations

    def _stored(self, head: int, relation: int, tail: int) -> Step:
        return (head, relation, tail) if relation < self._relations else (tail, relation - self._relations, head)
