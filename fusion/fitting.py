"""Fitting a small model to questions, pass after pass; the one that then answers most dev questions is kept.

What a question costs is the caller's (planner/training.py, reasoner/training.py).
"""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

Model = TypeVar("Model")
Loss = Callable[[Sequence[int]], Tensor]  # the mean loss of the questions with these numbers


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the questions."""

    number: int
    loss: float
    hits1: float | None  # on dev questions
    seconds: float  # since training began


class Schedule(Protocol):
    """How long and how fast a model is fitted."""

    @property
    def epochs(self) -> int:
        """Passes over the questions."""

    @property
    def batch(self) -> int:
        """Questions of a step."""

    @property
    def rate(self) -> float:
        """The learning rate of AdamW."""

    @property
    def decay(self) -> float:
        """Its weight decay."""

    @property
    def clip(self) -> float:
        """The greatest norm of a step's gradient."""


class Fitter:
    """AdamW over some parameters (Loshchilov & Hutter 2019, https://arxiv.org/abs/1711.05101)."""

    def __init__(self, parameters: Iterable[nn.Parameter], *, rate: float, decay: float, clip: float) -> None:
        self._parameters, self._clip = list(parameters), clip
        self.optimizer = torch.optim.AdamW(self._parameters, lr=rate, weight_decay=decay)

    def once(self, questions: list[int], loss: Loss, *, batch: int, order: random.Random) -> float:
        """One pass over questions, which are shuffled in place; their mean loss."""
        order.shuffle(questions)
        total = 0.0
        for start in range(0, len(questions), batch):
            part = questions[start : start + batch]
            cost = loss(part)
            self.optimizer.zero_grad(set_to_none=True)
            cost.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self._parameters, self._clip)
            self.optimizer.step()
            total += cost.item() * len(part)
        return total / max(1, len(questions))


def fit(
    net: nn.Module,
    questions: list[int],
    loss: Loss,
    schedule: Schedule,
    *,
    export: Callable[[], Model],
    hits1: Callable[[Model], float] | None,
    order: random.Random,
    begun: float,
    progress: Callable[[Epoch], None] | None,
) -> Model:
    """Fit a net, the rate falling to 0 over the epochs as half a cosine.

    ``export`` makes the model of the net as it is; the last of the models with the best ``hits1`` is kept, or the last
    of all without it. ``begun`` is when training began, by ``time.perf_counter``.
    """
    parameters = (parameter for parameter in net.parameters() if parameter.requires_grad)
    fitter = Fitter(parameters, rate=schedule.rate, decay=schedule.decay, clip=schedule.clip)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(fitter.optimizer, schedule.epochs)
    best, kept = -1.0, export()
    for number in range(1, schedule.epochs + 1):
        net.train()
        mean = fitter.once(questions, loss, batch=schedule.batch, order=order)
        fall.step()
        model = export()
        hits = None if hits1 is None else hits1(model)
        if hits is None or hits >= best:
            best, kept = best if hits is None else hits, model
        if progress is not None:
            progress(Epoch(number, mean, hits, time.perf_counter() - begun))
    return kept
