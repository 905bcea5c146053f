"""Training learns, stops when it should, and refuses what it cannot do."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from kg.embeddings import memory
from kg.embeddings.batches import Queries
from kg.embeddings.config import Epoch, TrainConfig
from kg.embeddings.errors import DivergedError, NothingToLearnError, TooLargeError
from kg.embeddings.evaluate import evaluate
from kg.embeddings.objective import Objective
from kg.embeddings.precision import resolve
from kg.embeddings.scorers import SCORERS, ComplEx, Scorer
from kg.embeddings.split import hold_out
from kg.embeddings.train import train
from kg.tensors import GraphTensors
from tests.kg.embeddings.graphs import family, graph_of, random_graph

CONFIG = TrainConfig(dimension=32, epochs=30, batch_size=16, regularisation=0.0, precision="float32")


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize("optimizer", ["adagrad", "adamw"])
def test_it_learns_by_heart(name: str, optimizer: str) -> None:
    graph = random_graph(entities=12, facts=25)
    rate = 0.1 if optimizer == "adagrad" else 0.02
    config = replace(CONFIG, scorer=name, optimizer=optimizer, learning_rate=rate, epochs=60)
    trained = train(graph, config)
    assert trained.stopped == "epochs"
    assert trained.history[-1].loss < trained.history[0].loss
    least = 0.75 if name == "transe" else 0.95  # a translation cannot keep loops and many tails
    assert evaluate(trained.scorer, graph.triples, graph.triples).mrr > least


def test_it_foretells_what_follows() -> None:
    graph, held = hold_out(family(6), 0.15, seed=1)
    config = replace(CONFIG, dimension=64, epochs=60, regularisation=0.02, relation_weight=0.5)
    trained = train(graph, config, dev=held)
    assert trained.dev == max((epoch.dev for epoch in trained.history), key=lambda dev: dev.mrr)
    assert trained.dev.mrr > 0.5
    known = torch.cat((graph.triples, held))
    assert evaluate(trained.scorer, held, known).mrr == pytest.approx(trained.dev.mrr)


def test_facts_that_are_known_elsewhere_are_no_mistakes() -> None:
    graph, held = hold_out(random_graph(facts=120), 0.3)
    config = replace(CONFIG, epochs=3)
    alone = train(graph, config, dev=held[:10])
    told = train(graph, config, dev=held[:10], known=held[10:])
    assert alone.history[0].loss == told.history[0].loss
    every = torch.cat((graph.triples, held))
    assert told.dev.mrr == pytest.approx(evaluate(told.scorer, held[:10], every).mrr)
    assert told.dev.mrr > alone.dev.mrr


def test_it_stops_when_nothing_gets_better() -> None:
    graph, held = hold_out(random_graph(facts=100), 0.2)
    trained = train(graph, replace(CONFIG, epochs=500, patience=3), dev=held)
    assert trained.stopped == "patience"
    assert len(trained.history) == trained.best + 3


def test_it_stops_when_time_is_up() -> None:
    trained = train(random_graph(), replace(CONFIG, epochs=10_000, minutes=0.005))
    assert trained.stopped == "minutes"
    assert trained.history[-1].seconds < 0.3 + 0.1


def test_the_same_seed_gives_the_same_vectors() -> None:
    graph = random_graph()
    one, same, other = (train(graph, replace(CONFIG, epochs=3, seed=seed)) for seed in (0, 0, 1))
    assert torch.equal(one.scorer.entity_vectors(), same.scorer.entity_vectors())
    assert not torch.equal(one.scorer.entity_vectors(), other.scorer.entity_vectors())


def test_training_leaves_the_callers_chance_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(random_graph(), replace(CONFIG, epochs=1))
    assert torch.equal(torch.rand(3), expected)


def test_facts_of_a_scorer_without_rows_cost_the_same() -> None:
    """The fused way of models of rows against autograd over forward()."""
    graph = random_graph()

    class Opaque(Scorer):
        def __init__(self, inner: ComplEx) -> None:
            super().__init__(inner.num_entities, inner.num_relations)
            self.inner = inner

        def forward(self, heads: Tensor, relations: Tensor) -> Tensor:
            return self.inner(heads, relations)

        def regularisation(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
            return self.inner.regularisation(heads, relations, tails)

    torch.manual_seed(0)
    inner = ComplEx(20, 3, dimension=8, initial_scale=0.5)
    queries = Queries(graph.triples, 3)
    objective = Objective(queries, replace(CONFIG, regularisation=0.1), 20, dtype=torch.float32)
    for batch in queries.shuffled(16, limit=32, seed=0, epoch=1):
        inner.zero_grad()
        fast = objective(inner, batch)
        fast.backward()
        wanted = [parameter.grad for parameter in inner.parameters()]
        inner.zero_grad()
        slow = objective(Opaque(inner), batch)
        slow.backward()
        torch.testing.assert_close(fast, slow)
        torch.testing.assert_close(wanted, [parameter.grad for parameter in inner.parameters()])


def test_relations_are_asked_for_too() -> None:
    graph = random_graph()
    queries = Queries(graph.triples, 3)
    scorer = ComplEx(20, 3, dimension=8, initial_scale=0.5)
    [batch] = queries.shuffled(1000, limit=32, seed=0, epoch=1)
    without, with_ = (
        Objective(queries, replace(CONFIG, batch_size=1000, relation_weight=weight), 20, dtype=torch.float32)(
            scorer, batch
        )
        for weight in (0.0, 2.0)
    )
    entities, relations = scorer.vectors()
    asked = scorer.relation_query(entities[batch.heads[batch.rows]], entities[batch.tails]) @ relations.T
    missed = torch.nn.functional.cross_entropy(asked, batch.relations[batch.rows])
    torch.testing.assert_close(with_ - without, 2 * missed)


def test_drawn_candidates_stand_for_all() -> None:
    """The mean of the sampled partition sum is the whole one; and a scorer learns from it."""
    graph = random_graph(entities=40, facts=60)
    queries = Queries(graph.triples, 3)
    config = replace(CONFIG, candidates=10)
    objective = Objective(queries, config, 40, dtype=torch.float32)
    counted = torch.zeros(40)
    rounds = 0
    generator = torch.Generator().manual_seed(0)
    for epoch in range(300):
        for batch in queries.shuffled(16, limit=32, seed=0, epoch=epoch):
            if len(batch.heads) == 16:  # the last one is smaller
                drawn = torch.randint(40, (10,), generator=generator)
                counted[torch.cat((batch.heads, batch.tails, drawn)).unique()] += 1
                rounds += 1
    torch.testing.assert_close(objective.bias, -(counted / rounds).log(), rtol=0.2, atol=0.1)
    trained = train(graph, replace(config, epochs=80))
    assert evaluate(trained.scorer, graph.triples, graph.triples).mrr > 0.9


# -- graphs out of the ordinary ---------------------------------------------------------------------------------------


def test_a_graph_without_facts_is_refused() -> None:
    with pytest.raises(NothingToLearnError, match="no facts"):
        train(graph_of([], entities=3, relations=0), CONFIG)


@pytest.mark.parametrize("name", SCORERS)
def test_loops_repeats_and_the_lonely(name: str) -> None:
    """One relation, self-loops, facts given twice, entities without facts."""
    graph = graph_of([(0, 0, 0), (0, 0, 1), (0, 0, 1), (1, 0, 1)], entities=6, relations=1)
    trained = train(graph, replace(CONFIG, scorer=name), dev=torch.tensor([[1, 0, 0]]))
    assert trained.scorer.entity_vectors().isfinite().all()
    assert trained.scorer(torch.tensor([5]), torch.tensor([1])).isfinite().all()


def test_a_fact_given_twice_counts_once() -> None:
    once = graph_of([(0, 0, 1), (1, 0, 2)], entities=3, relations=1)
    twice = graph_of([(1, 0, 2), (0, 0, 1), (1, 0, 2)], entities=3, relations=1)
    one, other = (train(graph, replace(CONFIG, epochs=3)).scorer.entity_vectors() for graph in (once, twice))
    assert torch.equal(one, other)


def test_one_entity_alone() -> None:
    trained = train(graph_of([(0, 0, 0)], entities=1, relations=1), CONFIG)
    assert trained.history[-1].loss == pytest.approx(0)


# -- what cannot be ---------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_refused_with_the_estimate() -> None:
    with pytest.raises(TooLargeError, match=r"20 entities in 2000000 dimensions needs about .* GB.*1\.0 GB are free"):
        train(random_graph(), replace(CONFIG, dimension=2_000_000), free=10**9)


def test_the_estimate_grows_with_what_it_is_for() -> None:
    sizes = {"num_entities": 10_000, "num_relations": 100, "num_queries": 50_000, "num_facts": 200_000}
    base = memory.estimate(CONFIG, **sizes)
    assert memory.estimate(replace(CONFIG, dimension=64), **sizes) > base
    assert memory.estimate(replace(CONFIG, optimizer="adamw"), **sizes) > base
    assert memory.estimate(CONFIG, **sizes | {"num_entities": 20_000}) > base
    assert memory.available("cpu") > 0


def poisoned(after: int):
    """ComplEx whose vectors are no numbers from some batch on."""

    def build(graph: GraphTensors, config: TrainConfig) -> Scorer:
        class Poisoned(ComplEx):
            batches = 0

            def query(self, heads: Tensor, relations: Tensor) -> Tensor:
                if self.training:
                    self.batches += 1
                found = super().query(heads, relations)
                return found * torch.nan if self.training and self.batches > after else found

        return Poisoned(len(graph.entities), len(graph.relations), dimension=config.dimension)

    return build


def test_no_number_at_once_is_an_error() -> None:
    with pytest.raises(DivergedError, match=r"epoch 1 .*smaller learning rate"):
        train(random_graph(), CONFIG, build=poisoned(0))


def test_no_number_later_leaves_the_last_good_model() -> None:
    graph = random_graph()
    batches = -(-len(Queries(graph.triples, 3)) // CONFIG.batch_size)
    seen: list[Epoch] = []
    trained = train(graph, CONFIG, build=poisoned(3 * batches + 1), progress=seen.append)
    assert trained.stopped == "diverged"
    assert len(trained.history) == len(seen) == trained.best == 3
    good = train(graph, replace(CONFIG, epochs=3))
    assert torch.equal(trained.scorer.entity_vectors(), good.scorer.entity_vectors())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dimension": 0}, "dimension"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"optimizer": "sgd"}, "optimizer"),
        ({"precision": "int8"}, "precision"),
    ],
)
def test_settings_that_cannot_be(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **changes)


def test_an_unknown_scorer_is_named() -> None:
    with pytest.raises(ValueError, match="'conve'"):
        train(random_graph(), replace(CONFIG, scorer="conve"))


def test_precision_is_tried_or_told() -> None:
    assert resolve("bfloat16", "cpu") is torch.bfloat16
    assert resolve("auto", "cpu") in (torch.bfloat16, torch.float32)
    trained = train(random_graph(), replace(CONFIG, precision="bfloat16", epochs=40))
    assert trained.precision == "bfloat16"
    assert trained.scorer.entity_vectors().dtype == torch.float32


def test_relations_cannot_be_foretold_by_distance() -> None:
    with pytest.raises(ValueError, match="relation_weight must be 0 for transe"):
        train(family(), TrainConfig(scorer="transe", dimension=8, relation_weight=0.5))
