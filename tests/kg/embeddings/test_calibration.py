"""Scores become probabilities that hold what they promise."""

import math

import torch
from torch import Tensor

from kg.embeddings.batches import Queries
from kg.embeddings.calibration import Calibration, _fit, calibrate, calibration_error, log_probabilities
from kg.embeddings.scorers import ComplEx, Scorer


def test_the_curve_is_found_again() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = 4 * torch.randn(20_000, generator=generator) - 3
    right = torch.rand(20_000, generator=generator) < torch.sigmoid(0.7 * scores + 0.5)
    slope, shift = _fit(scores, right)
    assert math.isclose(slope, 0.7, abs_tol=0.03)
    assert math.isclose(shift, 0.5, abs_tol=0.05)


def test_the_error_is_the_mean_distance_between_promise_and_share() -> None:
    probabilities = torch.tensor([0.95, 0.95, 0.15, 0.15])
    right = torch.tensor([True, False, False, False])
    assert math.isclose(calibration_error(probabilities, right), (0.9 + 0.3) / 4, rel_tol=1e-6)


def test_one_kind_of_example_alone_makes_no_cliff() -> None:
    slope, shift = _fit(torch.tensor([-1.0, -2.0]), torch.tensor([True, True]))
    assert math.isfinite(slope)
    assert math.isfinite(shift)


def test_known_answers_are_no_candidates() -> None:
    scorer = ComplEx(4, 1, dimension=8)
    found = log_probabilities(scorer, torch.tensor([0]), torch.tensor([0]), Queries(torch.tensor([[0, 0, 1]]), 1))[0]
    assert found[1] == -torch.inf
    assert math.isclose(float(found[[0, 2, 3]].exp().sum()), 1.0, rel_tol=1e-5)


class _Half(Scorer):
    """Puts the right entity, head + 1, first, every second time."""

    def forward(self, heads: Tensor, relations: Tensor) -> Tensor:
        scores = torch.zeros(len(heads), self.num_entities)
        guess = torch.where(heads % 2 == 0, heads + 1, heads + 2) % self.num_entities
        scores[torch.arange(len(heads)), guess] = 8.0
        return scores


def test_what_is_right_half_of_the_time_is_half_probable() -> None:
    heads = torch.arange(50)
    held_out = torch.stack((heads, torch.zeros(50, dtype=torch.long), (heads + 1) % 100), dim=1)
    known = Queries(torch.empty((0, 3), dtype=torch.long), 1)
    found = calibrate(_Half(100, 1), held_out, known)
    top = log_probabilities(_Half(100, 1), torch.tensor([0]), torch.tensor([0]), known).max()
    assert 0.2 < float(found.probability(top)) < 0.5  # a head is asked for too, which this model never finds
    assert found.error is not None
    assert found.error < 0.05
    assert found.examples > 0


def test_nothing_held_out_leaves_a_guess() -> None:
    known = Queries(torch.tensor([[0, 0, 1]]), 1)
    assert calibrate(ComplEx(4, 1, dimension=8), torch.empty((0, 3), dtype=torch.long), known) == Calibration()
