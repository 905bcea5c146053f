"""Filtered ranks with fair ties: by definition, and as PyKEEN counts them."""

import pytest
import torch
from torch import Tensor

from kg.embeddings.batches import Queries
from kg.embeddings.errors import DivergedError
from kg.embeddings.evaluate import evaluate, ranks
from kg.embeddings.scorers import ComplEx, DistMult, Scorer
from tests.kg.embeddings.graphs import random_graph

N, R = 20, 3


class Table(Scorer):
    """Scores that are written down. Shapes: (n, 2r, n)."""

    def __init__(self, scores: Tensor) -> None:
        super().__init__(len(scores), scores.shape[1] // 2)
        self.scores = scores

    def forward(self, heads: Tensor, relations: Tensor) -> Tensor:
        return self.scores[heads, relations].clone()


def by_definition(scores: Tensor, triples: Tensor, known: Tensor) -> list[float]:
    """One loop a fact, as slow as it is plain."""
    found = []
    r = scores.shape[1] // 2
    facts = set(map(tuple, known.tolist())) | set(map(tuple, triples.tolist()))
    for side in ("tail", "head"):
        for h, k, t in triples.tolist():
            row, own = (scores[h, k], t) if side == "tail" else (scores[t, k + r], h)
            rivals = [
                row[e].item()
                for e in range(len(row))
                if e != own and ((h, k, e) if side == "tail" else (e, k, t)) not in facts
            ]
            above, level = (sum(x > row[own] for x in rivals), sum(x == row[own] for x in rivals))
            found.append(float(1 + above + level / 2))
    return found


@pytest.mark.parametrize("batch", [1, 4, 1000])
@pytest.mark.parametrize("levels", [1, 3, 10_000])
def test_ranks_are_those_of_the_definition(batch: int, levels: int) -> None:
    torch.manual_seed(levels)
    scores = torch.randint(levels, (N, 2 * R, N)).float()
    graph, test = random_graph(facts=80), random_graph(facts=25, seed=1)
    found = ranks(Table(scores), test.triples, graph.triples, batch=batch)
    assert found.tolist() == by_definition(scores, test.triples, graph.triples)


def test_one_score_for_all_earns_the_middle_rank() -> None:
    found = evaluate(Table(torch.zeros(N, 2 * R, N)), torch.tensor([[0, 0, 1]]), torch.empty(0, 3, dtype=torch.long))
    assert found.count == 2
    assert found.mrr == pytest.approx(1 / 10.5)
    assert found.hits10 == 0


def test_the_known_facts_may_be_grouped_before() -> None:
    torch.manual_seed(0)
    model, graph, test = ComplEx(N, R, dimension=8), random_graph(), random_graph(seed=1)
    found = evaluate(model, test.triples, graph.triples)
    assert found == evaluate(model, test.triples, Queries(graph.triples, R))
    assert 0 < found.mrr <= 1
    assert found.hits1 <= found.hits3 <= found.hits10


def test_nothing_to_rank() -> None:
    nothing = torch.empty(0, 3, dtype=torch.long)
    assert evaluate(Table(torch.zeros(N, 2 * R, N)), nothing, nothing).count == 0


def test_no_number_is_no_good_rank() -> None:
    scores = torch.full((N, 2 * R, N), torch.nan)
    with pytest.raises(DivergedError):
        evaluate(Table(scores), torch.tensor([[0, 0, 1]]), torch.empty(0, 3, dtype=torch.long))


@pytest.mark.parametrize("ties", [True, False])
def test_pykeen_finds_the_same(ties: bool) -> None:
    """On the scores of one of PyKEEN's own models, with whole numbers for vectors where ties are wanted."""
    from pykeen.evaluation import RankBasedEvaluator
    from pykeen.models import DistMult as PykeensDistMult
    from pykeen.triples import CoreTriplesFactory

    graph, test = random_graph(facts=80), random_graph(facts=25, seed=1)
    triples, known = torch.unique(test.triples, dim=0), torch.unique(graph.triples, dim=0)
    factory = CoreTriplesFactory(known, num_entities=N, num_relations=R)
    theirs = PykeensDistMult(triples_factory=factory, embedding_dim=4, random_seed=0)
    entities = torch.randint(-1, 2, (N, 4)).float() if ties else torch.randn(N, 4)
    relations = torch.randint(-1, 2, (R, 4)).float() if ties else torch.randn(R, 4)
    ours = DistMult(N, R, dimension=4)
    with torch.no_grad():
        theirs.entity_representations[0]._embeddings.weight.copy_(entities)
        theirs.relation_representations[0]._embeddings.weight.copy_(relations)
        ours.entities.weight.copy_(entities)
        ours.relations.weight.copy_(torch.cat((relations, relations)))  # theirs has one row for both directions

    found = evaluate(ours, triples, known)
    evaluator = RankBasedEvaluator(filtered=True, clear_on_finalize=False)
    results = evaluator.evaluate(
        theirs, triples, batch_size=8, additional_filter_triples=[known], use_tqdm=False, slice_size=None
    )
    assert found.mrr == pytest.approx(results.get_metric("both.realistic.inverse_harmonic_mean_rank"), rel=1e-6)
    for limit, ours_at in ((1, found.hits1), (3, found.hits3), (10, found.hits10)):
        assert ours_at == pytest.approx(results.get_metric(f"both.realistic.hits_at_{limit}"), rel=1e-6)
    if ties:
        assert found.mrr != pytest.approx(results.get_metric("both.optimistic.inverse_harmonic_mean_rank"), rel=1e-3)
