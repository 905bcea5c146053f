"""Small graphs to learn."""

import torch
from torch import Tensor

from kg.facts import EntityId
from kg.tensors import GraphTensors


def graph_of(triples: Tensor | list[tuple[int, int, int]], *, entities: int, relations: int) -> GraphTensors:
    """A graph of numbered facts; entity 3 is called "e003"."""
    rows = torch.as_tensor(triples, dtype=torch.long).reshape(-1, 3)
    return GraphTensors(
        rows[:, [0, 2]].T.contiguous(),
        rows[:, 1].contiguous(),
        tuple(EntityId(f"e{place:03}") for place in range(entities)),
        tuple(f"r{place}" for place in range(relations)),
    )


def random_graph(*, entities: int = 20, relations: int = 3, facts: int = 60, seed: int = 0) -> GraphTensors:
    """Facts drawn at random, some of them twice."""
    generator = torch.Generator().manual_seed(seed)
    ends = torch.randint(entities, (facts, 2), generator=generator)
    kinds = torch.randint(relations, (facts, 1), generator=generator)
    triples = torch.cat((ends[:, :1], kinds, ends[:, 1:]), dim=1)
    return graph_of(torch.cat((triples, triples[:3])), entities=entities, relations=relations)


def family(generations: int = 5) -> GraphTensors:
    """A binary tree: parent, grandparent and sibling, which follow from one another."""
    triples = []
    count = 2**generations - 1
    for child in range(1, count):
        parent = (child - 1) // 2
        triples.append((parent, 0, child))
        if parent:
            triples.append(((parent - 1) // 2, 1, child))
        triples.append((child, 2, child + 1 if child % 2 else child - 1))
    return graph_of(triples, entities=count, relations=3)
