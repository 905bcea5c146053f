"""A training loop for models whose loss is a function of nothing but themselves and their own draws."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from kg.embeddings.errors import DivergedError, NothingToLearnError

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long to train, how fast, and how often to look at the dev set."""

    steps: int
    rate: float  # of Adam, falling to a tenth over the steps as half a cosine
    every: int = 200  # steps between two looks at the dev set
    patience: int = 5  # looks without a better one before training ends
    clip: float = 1.0  # the greatest norm of a step's gradient
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Fitted:
    """What training came to."""

    steps: int  # that were taken
    best_step: int  # whose weights the model has now
    best: float | None  # on the dev set; None without one
    diverged: bool  # the loss was infinite or no number, so training ended early
    losses: tuple[float, ...]


def fit(
    model: Model,
    loss: Callable[[], Tensor],
    schedule: Schedule,
    *,
    facts: int,
    dev: Callable[[Model], float] | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> Fitted:
    """Take the steps and leave the model with its best weights: by ``dev``, else the last with a finite loss.

    Raises:
        NothingToLearnError: there are no facts.
        DivergedError: the loss became infinite or no number before anything good was learned.
    """
    if not facts:
        raise NothingToLearnError("The graph holds no facts to learn from; ingest or import something first.")
    optimiser = torch.optim.Adam(model.parameters(), lr=schedule.rate)
    fall = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: 0.55 + 0.45 * math.cos(math.pi * step / max(1, schedule.steps))
    )
    good: tuple[int, dict[str, Tensor]] | None = None
    best, looks, losses, diverged = -math.inf, 0, list[float](), False
    for step in range(1, schedule.steps + 1):
        model.train()
        optimiser.zero_grad(set_to_none=True)
        value = loss()
        if not math.isfinite(value.item()):
            diverged = True
            break
        value.backward()  # type: ignore[no-untyped-call]
        if not math.isfinite(nn.utils.clip_grad_norm_(model.parameters(), schedule.clip).item()):
            diverged = True  # a step along it would spoil the weights
            break
        optimiser.step()
        fall.step()
        losses.append(value.item())
        if progress is not None:
            progress(step, losses[-1])
        if step % schedule.every and step != schedule.steps:
            continue
        quality = _quality(model, dev)
        if quality is None or quality > best:
            best, looks = -math.inf if quality is None else quality, 0
            good = (step, copy.deepcopy(model.state_dict()))
        else:
            looks += 1
            if looks >= schedule.patience:
                break
    if good is None:
        raise DivergedError(
            f"The loss or its slope was no finite number at step {len(losses) + 1}, before any weights were kept; "
            f"lower the learning rate (now {schedule.rate})."
        )
    model.load_state_dict(good[1])
    model.eval()
    return Fitted(len(losses), good[0], None if dev is None else best, diverged, tuple(losses))


def _quality(model: Model, dev: Callable[[Model], float] | None) -> float | None:
    if dev is None:
        return None
    model.eval()
    with torch.no_grad():
        return dev(model)
