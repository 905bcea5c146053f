"""The grouped loss is the sum of plain cross-entropies, and so are its gradients."""

import pytest
import torch
from torch.nn import functional as F

from kg.embeddings.losses import grouped_softmax, inner_product_softmax

B, N, D = 5, 11, 4
ROWS = torch.tensor([0, 0, 0, 1, 3, 3, 4])  # query 2 has no answer here
TARGETS = torch.tensor([2, 5, 10, 0, 3, 4, 3])


def operands() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(B, D, requires_grad=True), torch.randn(N, D, requires_grad=True)


def plain(queries: torch.Tensor, candidates: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    scores = queries @ candidates.T
    return F.cross_entropy((scores if bias is None else scores + bias)[ROWS], TARGETS, reduction="sum")


def test_grouped_softmax_is_the_sum_of_cross_entropies() -> None:
    queries, candidates = operands()
    torch.testing.assert_close(grouped_softmax(queries @ candidates.T, ROWS, TARGETS), plain(queries, candidates))


@pytest.mark.parametrize("chunk", [1, 2 * N, 1 << 20])
@pytest.mark.parametrize("biased", [False, True])
def test_fused_loss_and_gradients(chunk: int, biased: bool) -> None:
    queries, candidates = operands()
    bias = torch.linspace(-1, 1, N) if biased else None
    expected = plain(queries, candidates, bias)
    wanted = torch.autograd.grad(6 * expected, (queries, candidates), retain_graph=True)
    loss = inner_product_softmax(queries, candidates, ROWS, TARGETS, scale=2.0, bias=bias, chunk=chunk)
    torch.testing.assert_close(loss, 2 * expected)
    torch.testing.assert_close(torch.autograd.grad(3 * loss, (queries, candidates), retain_graph=True), wanted)
    wanted = torch.autograd.grad(2 * expected, (queries, candidates))
    torch.testing.assert_close(torch.autograd.grad(loss, (queries, candidates)), wanted)


def test_an_answer_given_twice_counts_twice() -> None:
    queries, candidates = operands()
    rows, targets = torch.tensor([1, 1]), torch.tensor([3, 3])
    expected = F.cross_entropy((queries @ candidates.T)[rows], targets, reduction="sum")
    wanted = torch.autograd.grad(expected, (queries, candidates))
    loss = inner_product_softmax(queries, candidates, rows, targets)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(torch.autograd.grad(loss, (queries, candidates)), wanted)


def test_in_bfloat16_it_is_nearly_the_same() -> None:
    queries, candidates = operands()
    wanted = torch.autograd.grad(plain(queries, candidates), (queries, candidates))
    loss = inner_product_softmax(queries, candidates, ROWS, TARGETS, dtype=torch.bfloat16)
    found = torch.autograd.grad(loss, (queries, candidates))
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one, other, rtol=0.05, atol=0.05)


def test_an_impossible_answer_gives_a_finite_loss_and_the_right_slope() -> None:
    queries = torch.tensor([[500.0]], requires_grad=True)
    candidates = torch.tensor([[1.0], [-1.0]])
    loss = inner_product_softmax(queries, candidates, torch.tensor([0]), torch.tensor([1]))
    assert loss.isfinite()
    assert torch.autograd.grad(loss, queries)[0].item() == pytest.approx(2.0)


def test_no_number_is_passed_on() -> None:
    queries, candidates = operands()
    with torch.no_grad():
        queries[0, 0] = torch.nan
    assert inner_product_softmax(queries, candidates, ROWS, TARGETS).isnan()
