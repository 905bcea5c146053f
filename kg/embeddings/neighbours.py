"""Messages between neighbours: all of a graph's, some at a time, or a few drawn for each of the entities asked for.

With every message, a layer holds (m, d) numbers. Drawing at most k of each entity's incoming edges, anew for every
layer (GraphSAGE, Hamilton et al. 2017, https://arxiv.org/abs/1706.02216), bounds that by the entities asked for.
torch-geometric's own NeighborLoader needs compiled extensions (pyg-lib, torch-sparse) that the package index does not
carry for every torch; this sampler is a few operations on tensors, and runs wherever they do.

``n`` entities, ``r`` relations of which s + r is the inverse of s, ``m`` facts, ``t`` targets, ``e`` edges.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from kg.embeddings.batches import spread
from kg.embeddings.walks import Links

MESSAGES = 1 << 23  # numbers in the messages that are held at once where no way back is needed: 32 MB


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """The messages of one layer, from the rows it is given to the rows it makes.

    Shapes:
        source (e,) rows given; target (e,) rows made; relation (e,); norm (e,) what each message is multiplied by
        own: which of the rows given the rows made belong to, (t,) or a range
    """

    source: Tensor
    target: Tensor
    relation: Tensor
    norm: Tensor
    own: Tensor | slice
    size: int  # t

    def __len__(self) -> int:
        return len(self.source)

    def part(self, which: Tensor) -> "Edges":
        """Some of the edges. Shapes: (e,) bool."""
        return Edges(
            self.source[which], self.target[which], self.relation[which], self.norm[which], self.own, self.size
        )


@dataclass(frozen=True, slots=True, eq=False)
class Incoming:
    """Every edge and its inverse, once each, grouped by where it ends.

    Shapes:
        start (n + 1,); source (2m,), relation (2m,), norm (2m,): the edges into v are start[v] to start[v + 1]
    """

    start: Tensor
    source: Tensor
    relation: Tensor
    norm: Tensor

    @classmethod
    def of(cls, links: Links) -> "Incoming":
        """The edges of a graph, each of norm 1: an edge that leaves v is, read backwards, one that arrives there."""
        r = links.num_relations
        relation = torch.where(links.relation < r, links.relation + r, links.relation - r)
        return cls(links.start, links.target, relation, torch.ones(len(relation), device=relation.device))

    def target(self, first: int = 0, last: int | None = None) -> Tensor:
        """Where the edges of a range end. Shapes: -> (last - first,)."""
        places = torch.arange(first, len(self.source) if last is None else last, device=self.start.device)
        return torch.searchsorted(self.start, places, right=True) - 1

    def whole(self) -> Edges:
        """All edges, between all entities."""
        return Edges(self.source, self.target(), self.relation, self.norm, slice(None), len(self.start) - 1)

    def chunks(self, limit: int) -> Iterator[Edges]:
        """All edges, so many at a time; rows are given for all entities, and made for those that they end at.

        An entity whose edges are in several parts is made in several parts, to be added up.
        """
        for first in range(0, len(self.source), limit):
            last = min(first + limit, len(self.source))
            target = self.target(first, last)
            low, high = int(target[0]), int(target[-1]) + 1
            part, own = slice(first, last), slice(low, high)
            yield Edges(self.source[part], target - low, self.relation[part], self.norm[part], own, high - low)

    def draw(
        self, entities: Tensor, limit: int, *, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """At most so many edges into each of these entities, every choice as likely as any other.

        Returns whose they are (positions in ``entities``), which, and what each stands for: degree / drawn, so that a
        weighted sum over the drawn has the mean of the sum over all. What is drawn depends on the generator alone (on
        torch's own for the processor, where none is given), not on the device.

        Shapes:
            entities (k,); returns (e,), (e,), (e,)
        """
        first = self.start[entities]
        degree = self.start[entities + 1] - first
        counts = degree.clamp_max(limit)
        owner, place = spread(torch.zeros_like(counts), counts)
        crowded = degree > limit
        place[crowded[owner]] = subsets(degree[crowded], limit, generator=generator).flatten()
        weight = degree.to(self.norm.dtype) / counts
        return owner, first[owner] + place, weight[owner]

    def sample(
        self, wanted: Tensor, *, limit: int, layers: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, list[Edges]]:
        """What it takes to make the rows of the wanted entities: the entities whose rows are given, and each layer.

        Shapes:
            wanted (k,); returns (k',), ascending
        """
        targets, found = wanted, []
        for _ in range(layers):
            owner, edge, weight = self.draw(targets, limit, generator=generator)
            given, place = torch.unique(torch.cat((targets, self.source[edge])), return_inverse=True)
            size = len(targets)
            norm = self.norm[edge] * weight
            found.append(Edges(place[size:], owner, self.relation[edge], norm, place[:size], size))
            targets = given
        return targets, found[::-1]


def subsets(sizes: Tensor, limit: int, *, generator: torch.Generator | None = None) -> Tensor:
    """So many distinct numbers below each size, every such set as likely; no size is below ``limit``.

    Floyd's way (Bentley and Floyd 1987): the i-th number is drawn below size - limit + i + 1, and replaced by the last
    of these where it is taken. It looks at no more numbers than it draws, so a hub costs what any other entity does.

    Shapes:
        sizes (c,); returns (c, limit)
    """
    chance = torch.rand((len(sizes), limit), generator=generator, dtype=torch.float64).to(sizes.device)
    found = sizes.new_empty((len(sizes), limit))
    for place in range(limit):
        last = sizes - limit + place
        drawn = (chance[:, place] * (last + 1)).long()
        taken = (found[:, :place] == drawn[:, None]).any(dim=1)
        found[:, place] = torch.where(taken, last, drawn)
    return found
