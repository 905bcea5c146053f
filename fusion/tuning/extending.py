"""Going on from an adapter with new examples, without forgetting what the earlier ones taught.

    loss = mean of new and replayed examples + λ/2 Σ_i F_i (θ_i − θ⁰_i)²

Replay puts examples of the sample kept (replay.py) among the new ones. Elastic weights (EWC: Kirkpatrick et al. 2017,
https://arxiv.org/abs/1612.00796) hold each parameter the more firmly to what it was, the more the examples kept depend
on it: F_i is the mean square of their slopes, over its mean among all parameters, so that λ compares between models.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from fusion.errors import TuningError
from fusion.model import FusedModel
from fusion.tuning.batches import lines
from fusion.tuning.board import Write
from fusion.tuning.config import Look, TuneConfig, Tuned
from fusion.tuning.examples import Example, Examples
from fusion.tuning.loop import NOTHING, silent, tune
from fusion.tuning.loss import losses
from fusion.tuning.replay import Replay
from kg.embeddings.workers import ALONE, Workers


@dataclass(frozen=True, slots=True)
class Remembering:
    """How what was learned before is kept."""

    replayed: float = 0.5  # examples of the sample for each new one
    elastic: float = 0.0  # λ; 0: parameters are free

    def __post_init__(self) -> None:
        for name in ("replayed", "elastic"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 0 or more")


REPLAY, FREE = Remembering(), Remembering(replayed=0)


def extend(
    model: FusedModel,
    replay: Replay,
    new: Examples,
    config: TuneConfig,
    *,
    remembering: Remembering = REPLAY,
    dev: Examples = NOTHING,
    folder: Path | None = None,
    resume: bool = False,
    write: Write = silent,
    progress: Callable[[Look], None] | None = None,
    workers: Workers = ALONE,
) -> tuple[Tuned, Replay]:
    """Train a model further on new examples; what came of it, and the sample with these among the others.

    ``replay`` is the sample of what it was trained on. The rest is as in `tune`, which says what is raised.

    Raises:
        TuningError: the sample is empty, though something of it is to be remembered.
    """
    width = model.encoder.vector_width  # the graph may have been learned, or have changed, since the sample was kept
    new, replay = new.of_width(width), replace(replay, kept=replay.kept.of_width(width))
    wanted = remembering.replayed or remembering.elastic
    if wanted and not replay.kept.examples:
        raise TuningError("Nothing was kept of what the adapter was trained on; train it anew, or remember nothing.")
    after = replay.add(new)
    penalty = elastic(model, replay.kept, strength=remembering.elastic) if remembering.elastic else None
    tuned = tune(
        model,
        _mixed(new, replay.kept, share=remembering.replayed, seed=config.seed),
        config,
        dev=dev,
        folder=folder,
        resume=resume,
        penalty=penalty,
        write=write,
        progress=progress,
        workers=workers,
    )
    return tuned, after


def elastic(model: FusedModel, kept: Examples, *, strength: float) -> Callable[[], Tensor]:
    """What it costs to leave the parameters as they are now, by how much the examples kept depend on each."""
    parameters = model.trained()
    start = {name: one.detach().clone() for name, one in parameters.items()}
    squares = {name: torch.zeros_like(one) for name, one in parameters.items()}
    for one, line in zip(kept.examples, lines(model.language, kept.examples), strict=True):
        cost = losses(model, [line], [one.view], dtype=torch.float32).sum()
        slopes = torch.autograd.grad(cost, list(parameters.values()), allow_unused=True)
        for name, slope in zip(parameters, slopes, strict=True):
            if slope is not None:  # a graph without facts, say, has no use for relations
                squares[name] += slope.float() ** 2
    mean = sum(float(one.sum()) for one in squares.values()) / sum(one.numel() for one in squares.values())
    weights = {name: one / mean for name, one in squares.items()} if mean else squares

    def penalty() -> Tensor:
        parts = [(weights[name] * (one - start[name]) ** 2).sum() for name, one in parameters.items()]
        return strength / 2 * torch.stack(parts).sum()

    return penalty


def _mixed(new: Examples, kept: Examples, *, share: float, seed: int) -> Examples:
    """New examples with some of those kept among them, each of these as often as any other."""
    draw, wanted, old = random.Random(seed), round(share * len(new.examples)), list(kept.examples)
    drawn: list[Example] = []
    while old and len(drawn) < wanted:
        draw.shuffle(old)
        drawn += old[: wanted - len(drawn)]
    return replace(new, examples=(*new.examples, *drawn))
