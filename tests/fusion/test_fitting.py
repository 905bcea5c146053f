"""Fitting: the model of the best pass is kept, of equals the last; of none that is judged, the last of all."""

import random
import time
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from fusion.fitting import Epoch, fit
from fusion.planner.training import PlannerConfig

CONFIG = PlannerConfig(epochs=4, batch=2, rate=0.1)


class Line(nn.Module):
    """y = slope · x."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(()))


def fitted(hits: Sequence[float] | None) -> tuple[int, list[Epoch]]:
    """Which pass was kept (0: none), and what each came to."""
    line, seen, judged = Line(), list[Epoch](), iter(hits or ())
    points = torch.tensor([1.0, 2.0, 3.0])

    def loss(part: Sequence[int]) -> Tensor:
        x = points[list(part)]
        return ((line.slope * x - 2 * x) ** 2).mean()

    exported: list[float] = []

    def export() -> int:
        exported.append(line.slope.item())
        return len(exported) - 1

    kept = fit(
        line,
        [0, 1, 2],
        loss,
        CONFIG,
        export=export,
        hits1=None if hits is None else lambda number: next(judged),
        order=random.Random(0),
        begun=time.perf_counter(),
        progress=seen.append,
    )
    assert 0 == exported[0] < exported[1] < exported[-1]
    return kept, seen


@pytest.mark.parametrize(
    ("hits", "kept"), [((0.2, 0.9, 0.9, 0.1), 3), ((0.9, 0.2, 0.3, 0.1), 1), ((0.0, 0.0, 0.0, 0.0), 4), (None, 4)]
)
def test_the_best_pass_is_kept(hits: tuple[float, ...] | None, kept: int) -> None:
    found, seen = fitted(hits)
    assert found == kept
    assert [epoch.number for epoch in seen] == [1, 2, 3, 4]
    assert [epoch.hits1 for epoch in seen] == list(hits or [None] * 4)
    assert seen[-1].loss < seen[0].loss
