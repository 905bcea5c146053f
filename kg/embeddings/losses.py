"""Cross-entropy over all entities, for facts grouped by their query (head, relation).

A query with k known tails is scored once: k · logsumexp(scores) − Σ scores[tails] is the sum of the k cross-entropies
of its facts. On FB15k-237 that is 3.6 times fewer rows than one a fact, and the gradients are the same.
"""

from typing import Any

import torch
from torch import Tensor

CHUNK = 1 << 23  # scores held at once: 32 MB, which a processor's last cache holds in part
TINY = torch.finfo(torch.float32).tiny


def grouped_softmax(scores: Tensor, rows: Tensor, targets: Tensor) -> Tensor:
    """The summed cross-entropy of facts whose scores are given.

    Shapes: scores (b, n); rows (t,) and targets (t,), fact i being ``scores[rows[i], targets[i]]``; -> ().
    """
    counts = torch.bincount(rows, minlength=len(scores)).to(scores.dtype)
    return (counts * scores.logsumexp(dim=-1)).sum() - scores[rows, targets].sum()


def inner_product_softmax(
    queries: Tensor,
    candidates: Tensor,
    rows: Tensor,
    targets: Tensor,
    *,
    scale: float = 1.0,
    bias: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
    chunk: int = CHUNK,
) -> Tensor:
    """``scale * grouped_softmax(queries @ candidates.T + bias, rows, targets)``, without holding all (b, n) scores.

    Both gradients are made on the way forward, a block of rows at a time: the scores are written by one product, turned
    into probabilities in place, corrected at the targets, and read by two products; nothing else touches them. ``rows``
    must ascend. ``dtype`` is that of the products; sums are kept in single precision. A fact whose probability is less
    than 1e-38 counts as that in the sum; its gradient is exact.

    Shapes: queries (b, d); candidates (n, d); rows, targets (t,); bias (n,), which gets no gradient; -> ().
    """
    loss: Tensor = _InnerProductSoftmax.apply(queries, candidates, rows, targets, scale, bias, dtype, chunk)  # type: ignore[no-untyped-call]
    return loss


class _InnerProductSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        queries: Tensor,
        candidates: Tensor,
        rows: Tensor,
        targets: Tensor,
        scale: float,
        bias: Tensor | None,
        dtype: torch.dtype,
        chunk: int,
    ) -> Tensor:
        size, entities = len(queries), len(candidates)
        counts = torch.bincount(rows, minlength=size).to(queries.dtype)  # (b,)
        block = max(1, min(size, chunk // max(entities, 1)))
        edges = [*range(0, size, block), size]
        cuts = torch.searchsorted(rows, torch.tensor(edges, device=rows.device)).tolist()
        # A row's gradient is counts · (p − known / counts): the factor goes to the narrow side of each product.
        factors = (counts * scale)[:, None]
        scaled = queries * factors
        low = dtype != queries.dtype
        narrow, wide, weighted = (
            (queries.to(dtype), candidates.to(dtype), scaled.to(dtype)) if low else (queries, candidates, scaled)
        )
        of_queries = torch.empty_like(queries)
        of_candidates = torch.zeros_like(candidates)
        buffer = queries.new_empty((block, entities))
        loss = queries.new_zeros((), dtype=torch.float64 if queries.dtype == torch.float64 else torch.float32)
        for start, end, first, last in zip(edges, edges[1:], cuts, cuts[1:], strict=False):
            scores = buffer[: end - start]  # (block, n)
            if low:
                scores.copy_(narrow[start:end] @ wide.T)
                if bias is not None:
                    scores += bias
            elif bias is not None:
                torch.addmm(bias, narrow[start:end], wide.T, out=scores)
            else:
                torch.mm(narrow[start:end], wide.T, out=scores)
            torch.softmax(scores, dim=-1, out=scores)
            at, to = rows[first:last] - start, targets[first:last]
            loss -= scores[at, to].clamp_min(TINY).log().sum()
            scores.index_put_((at, to), -1 / counts[start:end][at], accumulate=True)
            slopes = scores.to(dtype) if low else scores
            torch.mul(slopes @ wide, factors[start:end], out=of_queries[start:end])
            if low:
                of_candidates += slopes.T @ weighted[start:end]
            else:
                of_candidates.addmm_(slopes.T, weighted[start:end])
        ctx.save_for_backward(of_queries, of_candidates)
        return loss.to(queries.dtype) * scale

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        of_queries, of_candidates = ctx.saved_tensors
        if slope.device.type != "cpu" or slope.item() != 1:  # looking is cheap here, and spares a walk over the table
            of_queries, of_candidates = of_queries * slope, of_candidates * slope
        return of_queries, of_candidates, None, None, None, None, None, None
