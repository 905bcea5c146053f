"""One probability for each entity that plans lead to or the reasoner proposes, fitted to questions held out.

    p(v) = σ(slope · (w · x_v + b) + shift)

x_v holds how probable the plans that lead to v are together, whether the most probable one does, how far that is before
the next, how well it fits the question among all relations of the graph, how probable v is to the reasoner among all
entities and beside its best one, and whether both agree. w and b are fitted to all candidates, slope and shift
to the first ones alone, since those are what is answered: logistic regression twice, as Platt 1999 made probabilities
of scores. ``c`` candidates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fusion.planner.search import Candidate, Plan
from fusion.reasoner.model import Calibration, Scored

Numbers = npt.NDArray[np.float64]

PROPOSED = 20  # entities of the reasoner's that are looked at, and of the planner's beside its best plan's
LEAST = 1e-4  # a probability below which all are alike
AGREES = 0.5  # beside its best entity, the reasoner thinks this one as probable
BINS = 10
STEPS = 100
PRIOR = 1e-2  # of each question; pulls weights to 0, so that few questions do not make a cliff


@dataclass(frozen=True, slots=True)
class Fused:
    """An entity that may be the answer."""

    place: int  # in the mirror
    probability: float
    planned: float  # the probability of the plans that lead to it
    reasoned: float  # its probability as the reasoner sees it
    plan: Plan | None  # the most probable plan that leads to it


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a question's candidates are judged by. Shapes: places (c,), features (c, 7)."""

    places: npt.NDArray[np.int64]
    features: Numbers
    planned: Numbers
    reasoned: Numbers
    plans: tuple[Plan | None, ...]


def see(found: Sequence[Candidate], fit: float, scored: Scored) -> Seen:
    """The candidates of a question: the planner's, best first, and the reasoner's; ``fit`` is the best plan's."""
    best = found[0].plan if found else None
    taken = {one.place: one for at, one in enumerate(found) if one.plan is best or at < PROPOSED}
    log_p, places = scored.log_probabilities, scored.part.places
    order = np.argsort(-log_p, kind="stable")[:PROPOSED].tolist()
    chosen = np.array(sorted({*taken, *places[order].tolist()}), np.int64)
    at = np.searchsorted(places, chosen).clip(max=max(0, len(places) - 1))
    there = places[at] == chosen if len(places) else np.zeros(len(chosen), bool)
    reasoned = np.where(there, np.exp(log_p[at]) if len(places) else 0.0, 0.0)
    planned = np.array([min(1.0, taken[place].score) if place in taken else 0.0 for place in chosen.tolist()])
    first = np.array([place in taken and taken[place].plan is best for place in chosen.tolist()], float)
    chances = [np.exp(plan.log_probability) for plan in dict.fromkeys(one.plan for one in found)]
    margin = (chances[0] - (chances[1] if len(chances) > 1 else 0.0)) if chances else 0.0
    beside = reasoned / max(LEAST, reasoned.max(initial=0.0))
    features = np.stack(
        (
            np.log(np.maximum(planned, LEAST)),
            first,
            first * margin,
            first * np.log(max(fit, LEAST)),
            np.log(np.maximum(reasoned, LEAST)),
            np.log(np.maximum(beside, LEAST)),
            first * (beside >= AGREES),
        ),
        axis=1,
    )
    plans = tuple(taken[place].plan if place in taken else None for place in chosen.tolist())
    return Seen(chosen, features, planned, reasoned, plans)


def fuse(calibration: Calibration, seen: Seen) -> list[Fused]:
    """The candidates of a question, the most probable first."""
    chances = _sigmoid(_with_one(seen.features) @ np.array(calibration.weights))
    order = np.lexsort((seen.places, -seen.reasoned, -seen.planned, -chances)).tolist()
    return [
        Fused(
            int(seen.places[at]), float(chances[at]), float(seen.planned[at]), float(seen.reasoned[at]), seen.plans[at]
        )
        for at in order
    ]


def given(found: Sequence[Fused], best: Plan | None) -> list[Fused]:
    """Those of the candidates that are the answer: what the best plan leads to, where the first one is of it.

    Else those that are about as probable as the first.
    """
    if not found:
        return []
    if best is not None and found[0].plan is best:
        return [one for one in found if one.plan is best]
    return [one for one in found if one.probability >= AGREES * found[0].probability]


def calibrate(seen: Sequence[Seen], answers: Sequence[frozenset[int]]) -> Calibration | None:
    """Fit to questions whose answers are known; None where there are fewer than two, or too like one another.

    Every question weighs the same, however many candidates it has.
    """
    pairs = [
        (_with_one(one.features), np.isin(one.places, sorted(right)).astype(float))
        for one, right in zip(seen, answers, strict=True)
        if len(one.places)
    ]
    halves = pairs[::2], pairs[1::2]
    if not all(part and len(np.unique(np.concatenate([right for _, right in part]))) == 2 for part in halves):
        return None
    tried = [_first(_fit(part), rest) for part, rest in (halves, halves[::-1])]
    chances = np.concatenate([_sigmoid(logits) for logits, _ in tried])
    error = calibration_error(chances, np.concatenate([right for _, right in tried]))
    return Calibration(tuple(_fit(pairs).tolist()), error, len(pairs))


def calibration_error(probabilities: Numbers, right: Numbers) -> float:
    """How far, on average, a bin's probabilities are from the share that is right. Shapes: (k,), (k,).

    Naeini et al. 2015, with ten bins of equal width.
    """
    bins = np.minimum(BINS - 1, (probabilities * BINS).astype(int))
    off = np.bincount(bins, probabilities - right, minlength=BINS)
    return float(np.abs(off).sum() / max(1, len(right)))


Pair = tuple[Numbers, Numbers]  # of a question: its candidates' features and a one, (c, 8); whether each is right, (c,)


def _fit(pairs: Sequence[Pair]) -> Numbers:
    """The weights of features and shift, slope and shift of the first candidates in them. Shapes: -> (8,)."""
    ranking = _logistic(
        np.concatenate([x for x, _ in pairs]),
        np.concatenate([right for _, right in pairs]),
        np.concatenate([np.full(len(right), 1 / len(right)) for _, right in pairs]),
    )
    logits, right = _first(ranking, pairs)
    slope, shift = _logistic(_with_one(logits[:, None]), right, np.ones(len(right)))
    found: Numbers = ranking * max(LEAST, float(slope))
    found[-1] += shift
    return found


def _first(weights: Numbers, pairs: Sequence[Pair]) -> Pair:
    """The logit of each question's first candidate, and whether that is right. Shapes: -> (q,), (q,)."""
    logits = [x @ weights for x, _ in pairs]
    first = [int(np.argmax(one)) for one in logits]
    return (
        np.array([one[at] for one, at in zip(logits, first, strict=True)]),
        np.array([right[at] for (_, right), at in zip(pairs, first, strict=True)]),
    )


def _logistic(x: Numbers, wanted: Numbers, weight: Numbers) -> Numbers:
    """Weights by Newton's method, damped: the likelihood is concave, the prior keeps it curved.

    Shapes: x (k, f), the last column ones; wanted, weight (k,) -> (f,)
    """
    prior = np.full(x.shape[1], PRIOR * weight.sum())
    prior[-1] /= 100
    found: Numbers = np.zeros(x.shape[1])

    def cost(at: Numbers) -> float:
        logits = x @ at
        return float(weight @ (np.logaddexp(0, logits) - wanted * logits) + prior @ (at * at) / 2)

    for _ in range(STEPS):
        chances = _sigmoid(x @ found)
        gradient = x.T @ (weight * (chances - wanted)) + prior * found
        curvature = (x * (weight * chances * (1 - chances))[:, None]).T @ x + np.diag(prior)
        step = np.asarray(np.linalg.solve(curvature, gradient), np.float64)
        size, now = 1.0, cost(found)
        while cost(found - size * step) > now and size > 1e-6:
            size /= 2
        found = np.asarray(found - size * step, np.float64)
        if float(np.abs(step).max()) < 1e-9:
            break
    return found


def _with_one(features: Numbers) -> Numbers:
    return np.concatenate((features, np.ones((len(features), 1))), axis=1)


def _sigmoid(x: Numbers) -> Numbers:
    found: Numbers = np.exp(-np.logaddexp(0, -x))
    return found
