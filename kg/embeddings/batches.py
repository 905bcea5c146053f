"""Facts in both directions, grouped by their query, in batches made without a loop over facts."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Queries (head, relation, ?) and their known tails: ``tails[i]`` answers query ``rows[i]``; rows ascend.

    Shapes: heads (b,), relations (b,); rows (t,), tails (t,).
    """

    heads: Tensor
    relations: Tensor
    rows: Tensor
    tails: Tensor


class Queries:
    """The distinct queries of a graph and their answers, in compressed rows."""

    def __init__(self, triples: Tensor, num_relations: int) -> None:
        """Group facts, (m, 3), and their inverses; a fact that is given twice counts once."""
        both = with_inverses(triples, num_relations)
        size = int(both[:, [0, 2]].max()) + 1 if len(both) else 1
        keys = both[:, 0] * (2 * num_relations) + both[:, 1]
        facts = torch.unique(keys * size + both[:, 2])  # one number a fact sorts several times as fast as three
        self.keys, counts = torch.unique_consecutive(facts // size, return_counts=True)
        self.tails = facts % size
        self.offsets = torch.cat((counts.new_zeros(1), counts.cumsum(0)))  # (q + 1,)
        self.num_relations = num_relations

    def __len__(self) -> int:
        return len(self.keys)

    def to(self, device: str) -> "Queries":
        """The same on another device."""
        other = object.__new__(Queries)
        other.keys, other.tails, other.offsets = self.keys.to(device), self.tails.to(device), self.offsets.to(device)
        other.num_relations = self.num_relations
        return other

    def answers(self, keys: Tensor) -> tuple[Tensor, Tensor]:
        """The known tails of any queries, as (rows, tails). Shapes: keys (b,), ``head * 2r + relation``; -> (t,), (t,).

        A query that the graph does not hold has none.
        """
        if not len(self.keys):
            return keys.new_empty(0), keys.new_empty(0)
        places = torch.searchsorted(self.keys, keys).clamp_max(len(self.keys) - 1)
        starts = self.offsets[places]
        counts = torch.where(self.keys[places] == keys, self.offsets[places + 1] - starts, 0)
        rows, flat = spread(starts, counts)
        return rows, self.tails[flat]

    def rows(self, limit: int) -> tuple[Tensor, Tensor]:
        """Every query as often as it takes to give its answers, at most ``limit`` at a time.

        Returns which query, and where its answers start. Shapes: -> (p,), (p,).
        """
        counts = self.offsets.diff()
        places, flat = spread(torch.zeros_like(counts), (counts + limit - 1) // limit)
        return places, self.offsets[places] + flat * limit

    def shuffled(self, batch_size: int, *, limit: int, seed: int, epoch: int) -> Iterator[Batch]:
        """Every fact once, in batches of so many queries with at most ``limit`` answers each.

        A query with thousands of answers is spread over many batches: its facts at once would make a step that dwarfs
        all others, which an optimizer that remembers the size of steps does not get over. Order and partition depend
        on seed and epoch alone: a resumed run sees what it would have.
        """
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        device = self.keys.device
        owners = torch.repeat_interleave(torch.arange(len(self), device=device), self.offsets.diff())
        mixed = torch.rand(len(owners), generator=generator, dtype=torch.float64).to(device)
        tails = self.tails[torch.argsort(owners + mixed)]  # each query's answers among themselves
        places, starts = self.rows(limit)
        counts = torch.minimum(self.offsets[places + 1] - starts, torch.tensor(limit, device=device))
        order = torch.randperm(len(places), generator=generator).to(device)
        for start in range(0, len(order), batch_size):
            part = order[start : start + batch_size]
            rows, flat = spread(starts[part], counts[part])
            keys = self.keys[places[part]]
            yield Batch(keys // (2 * self.num_relations), keys % (2 * self.num_relations), rows, tails[flat])


def with_inverses(triples: Tensor, num_relations: int) -> Tensor:
    """The facts, then each read backwards. Shapes: (m, 3) -> (2m, 3)."""
    heads, relations, tails = triples.unbind(1)
    return torch.cat((triples, torch.stack((tails, relations + num_relations, heads), dim=1)))


def spread(starts: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Ranges written out: which range, and which place. Shapes: (b,), (b,) -> (t,), (t,) with t = Σ counts."""
    rows = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    before = counts.cumsum(0) - counts
    return rows, torch.arange(len(rows), device=counts.device) - (before - starts)[rows]
