"""Every scorer keeps the same contract; each is what its paper says."""

import pytest
import torch

from kg.embeddings.scorers import SCORERS, ComplEx, DistMult, Factorised, RotatE, TransE

N, R, D = 7, 3, 6
HEADS, RELATIONS, TAILS = torch.tensor([0, 1, 6, 6]), torch.tensor([0, 5, 2, 3]), torch.tensor([1, 1, 0, 6])


def make(name: str) -> Factorised:
    torch.manual_seed(0)
    return SCORERS[name](N, R, dimension=D, initial_scale=1.0)


def complex_rows(rows: torch.Tensor) -> torch.Tensor:
    return torch.complex(*rows.chunk(2, dim=-1))


@pytest.mark.parametrize("name", SCORERS)
def test_shapes_and_agreement(name: str) -> None:
    scorer = make(name)
    scores = scorer(HEADS, RELATIONS)
    assert scores.shape == (4, N)
    single = scorer.triple_scores(HEADS, RELATIONS, TAILS)
    torch.testing.assert_close(single, scores[torch.arange(4), TAILS], rtol=1e-4, atol=1e-3)
    assert scorer.regularisation(HEADS, RELATIONS, TAILS).shape == ()
    assert scorer.entity_vectors().shape == (N, D)


@pytest.mark.parametrize("name", SCORERS)
def test_gradients_are_finite_where_vectors_meet(name: str) -> None:
    scorer = make(name)
    with torch.no_grad():
        for parameter in scorer.parameters():
            parameter.zero_()
    (scorer(HEADS, RELATIONS).sum() + scorer.regularisation(HEADS, RELATIONS, TAILS)).backward()
    assert all(parameter.grad.isfinite().all() for parameter in scorer.parameters())


def test_complex() -> None:
    scorer = make("complex")
    assert isinstance(scorer, ComplEx)
    h, t = (complex_rows(scorer.entities.weight[at]) for at in (HEADS, TAILS))
    r = complex_rows(scorer.relations.weight[RELATIONS])
    torch.testing.assert_close(scorer.triple_scores(HEADS, RELATIONS, TAILS), (h * r * t.conj()).real.sum(-1))
    n3 = sum(x.abs().pow(3).sum(-1) for x in (h, r, t)).mean()
    torch.testing.assert_close(scorer.regularisation(HEADS, RELATIONS, TAILS), n3)


def test_distmult() -> None:
    scorer = make("distmult")
    assert isinstance(scorer, DistMult)
    h, r, t = scorer.entities.weight[HEADS], scorer.relations.weight[RELATIONS], scorer.entities.weight[TAILS]
    torch.testing.assert_close(scorer.triple_scores(HEADS, RELATIONS, TAILS), (h * r * t).sum(-1))


def test_transe() -> None:
    scorer = make("transe")
    assert isinstance(scorer, TransE)
    h, r, t = scorer.entities.weight[HEADS], scorer.relations.weight[RELATIONS], scorer.entities.weight[TAILS]
    torch.testing.assert_close(scorer.triple_scores(HEADS, RELATIONS, TAILS), -(h + r - t).norm(dim=-1))


def test_rotate() -> None:
    scorer = make("rotate")
    assert isinstance(scorer, RotatE)
    h, t = (complex_rows(scorer.entities.weight[at]) for at in (HEADS, TAILS))
    r = torch.polar(torch.ones(4, D // 2), scorer.relations.weight[RELATIONS])
    expected = -(h * r - t).abs().square().sum(-1).sqrt()
    torch.testing.assert_close(scorer.triple_scores(HEADS, RELATIONS, TAILS), expected)


@pytest.mark.parametrize("name", ["complex", "distmult"])
def test_a_relation_is_found_by_the_same_score(name: str) -> None:
    scorer = make(name)
    entities, relations = scorer.vectors()
    scores = scorer.relation_query(entities[HEADS], entities[TAILS]) @ relations.T
    torch.testing.assert_close(
        scores[torch.arange(4), RELATIONS], scorer.triple_scores(HEADS, RELATIONS, TAILS), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", ["complex", "rotate"])
def test_an_odd_dimension_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="even"):
        SCORERS[name](N, R, dimension=5)
