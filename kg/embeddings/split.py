"""Hold facts out of a graph, to see how well the others foretell them."""

from dataclasses import replace

import torch
from torch import Tensor

from kg.tensors import GraphTensors


def hold_out(graph: GraphTensors, share: float, *, seed: int = 0) -> tuple[GraphTensors, Tensor]:
    """A graph without this share of its facts, and those facts, (k, 3).

    Entities and relations keep a fact each, so that nothing is asked for that could not be learned; where too few
    facts can be spared, fewer are held out. The numbering stays.

    Raises: ``ValueError`` for a share that is none.
    """
    if not 0 <= share < 1:
        raise ValueError(f"a share is at least 0 and below 1, not {share}")
    triples = torch.unique(graph.triples, dim=0) if len(graph.edge_type) else graph.triples
    triples = triples[torch.randperm(len(triples), generator=torch.Generator().manual_seed(seed))]
    spare = torch.ones(len(triples), dtype=torch.bool)
    heads, relations, tails = triples.unbind(1)
    for owners, places in (
        (torch.cat((heads, tails)), torch.arange(len(triples)).repeat(2)),
        (relations, torch.arange(len(triples))),
    ):
        first = torch.full((int(owners.max()) + 1 if len(owners) else 0,), len(triples))
        first.scatter_reduce_(0, owners, places, "amin")
        spare[first[first < len(triples)]] = False  # somebody's first fact stays
    wanted = int(len(triples) * share)
    chosen = spare.nonzero().squeeze(1)[-wanted:] if wanted else torch.empty(0, dtype=torch.long)
    held = torch.zeros(len(triples), dtype=torch.bool)
    held[chosen] = True
    heads, relations, tails = triples[~held].unbind(1)
    return replace(graph, edge_index=torch.stack((heads, tails)), edge_type=relations), triples[held]
