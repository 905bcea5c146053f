"""From scores to probabilities: how often is a candidate with such a score right?

A candidate's score is its log-probability among all entities that are not known answers. On held-out facts it is seen
which candidates are right, and a logistic curve is fitted to that (Platt 1999). What is not in the graph counts as
wrong, so the probabilities are cautious.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from kg.embeddings.batches import Queries, with_inverses
from kg.embeddings.scorers import Scorer

BATCH = 256
CANDIDATES = 20  # of each query that the curve is fitted to: those that a person would be shown
BINS = 10
STEPS = 100
PRIOR = 1e-3  # pulls the slope to 1 and the shift to 0, so that few examples do not make a cliff


@dataclass(frozen=True, slots=True)
class Calibration:
    """p = σ(slope · score + shift); ``error`` is the expected calibration error on facts that the fit did not see."""

    slope: float = 1.0
    shift: float = 0.0
    error: float | None = None
    examples: int = 0  # candidates that it was fitted to; 0: it is a guess

    def probability(self, scores: Tensor) -> Tensor:
        """Probabilities of candidates, from their log-probabilities among all entities."""
        return torch.sigmoid(self.slope * scores + self.shift)


@torch.no_grad()
def log_probabilities(scorer: Scorer, heads: Tensor, relations: Tensor, known: Queries) -> Tensor:
    """Log-probability of every entity that is not a known answer; those are -inf. Shapes: (b,), (b,) -> (b, n)."""
    scores: Tensor = scorer(heads, relations).float()
    scores[known.answers(heads * (2 * scorer.num_relations) + relations)] = -torch.inf
    return scores.log_softmax(dim=-1)


def calibrate(scorer: Scorer, held_out: Tensor, known: Queries) -> Calibration:
    """Fit the curve to facts (k, 3) that the scorer was not trained on; ``known`` are those that it was."""
    if not len(held_out):
        return Calibration()
    scores, right, sides = _examples(scorer, held_out, known)
    half = sides % 2 == 0
    error = None
    if bool(right[half].any()) and bool(right[~half].any()):
        slope, shift = _fit(scores[half], right[half])
        error = calibration_error(torch.sigmoid(slope * scores[~half] + shift), right[~half])
    slope, shift = _fit(scores, right)
    return Calibration(slope, shift, error, len(scores))


def error_on(calibration: Calibration, scorer: Scorer, facts: Tensor, known: Queries) -> float:
    """The calibration error over the first candidates of other facts, (k, 3), known as in ``calibrate``."""
    scores, right, _ = _examples(scorer, facts, known)
    return calibration_error(calibration.probability(scores), right)


def calibration_error(probabilities: Tensor, right: Tensor) -> float:
    """The expected calibration error: how far, on average, a bin's probabilities are from the share that is right.

    Shapes: (k,), (k,) -> (). Naeini et al. 2015, with ten bins of equal width.
    """
    bins = (probabilities * BINS).long().clamp_max(BINS - 1)
    off = torch.zeros(BINS, dtype=torch.double).index_add_(0, bins, (probabilities - right.float()).double())
    return float(off.abs().sum() / max(len(probabilities), 1))


def _examples(scorer: Scorer, held_out: Tensor, known: Queries) -> tuple[Tensor, Tensor, Tensor]:
    """Scores of the first candidates of each query, whether each is right, and the query's number."""
    relations = scorer.num_relations
    queries = Queries(held_out, relations)
    asked = torch.unique(with_inverses(held_out, relations)[:, :2], dim=0)  # (q, 2)
    scores, right, numbers = [], [], []
    count = min(CANDIDATES, scorer.num_entities)
    for start in range(0, len(asked), BATCH):
        heads, rows = asked[start : start + BATCH].unbind(1)
        found = log_probabilities(scorer, heads, rows, known)
        best, places = found.topk(count, dim=-1)  # (b, count)
        answers = torch.zeros(found.shape, dtype=torch.bool)
        answers[queries.answers(heads * (2 * relations) + rows)] = True
        seen = best.isfinite()
        scores.append(best[seen])
        right.append(answers.gather(1, places)[seen])
        numbers.append((start + torch.arange(len(heads))[:, None]).expand(-1, count)[seen])
    return torch.cat(scores), torch.cat(right), torch.cat(numbers)


def _fit(scores: Tensor, right: Tensor) -> tuple[float, float]:
    """Slope and shift by Newton's method, damped: the likelihood is concave, the prior keeps it curved."""
    inputs = torch.stack((scores, torch.ones_like(scores)), dim=1).double()  # (k, 2)
    wanted, prior = right.double(), torch.tensor([1.0, 0.0], dtype=torch.double)
    weights = prior.clone()
    weight = PRIOR * len(scores)

    def cost(at: Tensor) -> float:
        logits = inputs @ at
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="sum")
        return float(loss + weight / 2 * (at - prior).square().sum())

    for _ in range(STEPS):
        found = torch.sigmoid(inputs @ weights)
        gradient = inputs.T @ (found - wanted) + weight * (weights - prior)
        curvature = (inputs * (found * (1 - found))[:, None]).T @ inputs + weight * torch.eye(2, dtype=torch.double)
        step = torch.linalg.solve(curvature, gradient)
        size, now = 1.0, cost(weights)
        while cost(weights - size * step) > now and size > 1e-6:
            size /= 2
        weights = weights - size * step
        if float(step.abs().max()) < 1e-9:
            break
    return float(weights[0]), float(weights[1])
