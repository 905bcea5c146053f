"""Filtered ranks: where does the right entity stand among those that are not also right?

Each fact is asked twice, (head, relation, ?) and (?, relation, tail); other known answers are left out. Equal scores
share the mean of the best and the worst rank that they could have (Berrendorf et al. 2020, "realistic"): a model that
scores everything alike is not rewarded.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from kg.embeddings.batches import Queries, with_inverses
from kg.embeddings.errors import DivergedError
from kg.embeddings.scorers import Scorer

BATCH = 256  # queries scored at once
SCORES = 1 << 25  # held at once, whatever the batch: 128 MB
HITS = (1, 3, 10)


@dataclass(frozen=True, slots=True)
class Metrics:
    """What filtered ranks come to, over both sides of every fact."""

    mrr: float  # mean reciprocal rank
    hits1: float
    hits3: float
    hits10: float
    count: int  # of ranks: two a fact


def evaluate(
    model: Scorer,
    triples: Tensor,
    known: Tensor | Queries,
    *,
    batch: int = BATCH,
    device: str = "cpu",
) -> Metrics:
    """Rank both ends of facts. Shapes: triples (k, 3); known (m, 3), every fact that is known to hold.

    ``Queries`` of the known facts may be given in their place, which saves grouping them anew.

    Raises: ``DivergedError`` when a score is no number.
    """
    return summary(ranks(model, triples, known, batch=batch, device=device))


def summary(found: Tensor) -> Metrics:
    """What ranks come to. Shapes: (2k,)."""
    found = found.double()
    if not len(found):
        return Metrics(0.0, 0.0, 0.0, 0.0, 0)
    hits = [(found <= limit).double().mean().item() for limit in HITS]
    return Metrics(found.reciprocal().mean().item(), hits[0], hits[1], hits[2], len(found))


@torch.inference_mode()
def ranks(
    model: Scorer, triples: Tensor, known: Tensor | Queries, *, batch: int = BATCH, device: str = "cpu"
) -> Tensor:
    """The filtered realistic rank of every tail, then of every head. Shapes: (k, 3), (m, 3) -> (2k,).

    Raises: ``DivergedError`` when a score is no number.
    """
    relations = model.num_relations
    if not len(triples):
        return torch.empty(0, device=device)
    if isinstance(known, Tensor):
        known = Queries(known.to(device), relations)
    both = with_inverses(triples.to(device), relations)  # (2k, 3)
    keys = both[:, 0] * (2 * relations) + both[:, 1]
    order = torch.argsort(keys, stable=True)
    keys, tails = keys[order], both[order, 2]
    asked, counts = torch.unique_consecutive(keys, return_counts=True)  # facts that share a query share its scores
    batch = max(1, min(batch, SCORES // max(model.num_entities, 1)))
    found = torch.empty(len(keys), device=device)
    done = 0
    training = model.training
    model.eval()
    try:
        for part, of_part in zip(asked.split(batch), counts.split(batch), strict=True):
            rows = torch.repeat_interleave(torch.arange(len(part), device=device), of_part)  # (t,)
            right = tails[done : done + len(rows)]
            scores = model(part // (2 * relations), part % (2 * relations)).float()  # (b, n)
            found[done : done + len(rows)] = _ranks(scores, rows, right, known.answers(part))
            done += len(rows)
    finally:
        model.train(training)
    result = torch.empty_like(found)
    result[order] = found
    return result


def _ranks(scores: Tensor, rows: Tensor, right: Tensor, known: tuple[Tensor, Tensor]) -> Tensor:
    """Ranks of the right tails; the scores are written over. Shapes: (b, n), (t,), (t,), ((a,), (a,)) -> (t,)."""
    own = scores[rows, right]  # (t,)
    if not bool(torch.isfinite(own).all()):
        raise DivergedError("The model scores some facts as infinite or no number; train it with a smaller rate.")
    scores[known] = -torch.inf
    scores[rows, right] = -torch.inf  # all answers are out: what is left can only push the right one down
    found = torch.empty_like(own)
    step = len(scores)  # a query with very many answers must not ask for as many copies of its scores
    for start in range(0, len(rows), step):
        part, limit = rows[start : start + step], own[start : start + step, None]
        each = scores if len(part) == len(rows) == len(scores) else scores[part]  # (t, n)
        above, level = torch.count_nonzero(each > limit, dim=-1), torch.count_nonzero(each == limit, dim=-1)
        found[start : start + step] = 1 + above + level / 2
    return found
