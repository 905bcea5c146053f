"""Drawn neighbours: which edges, what they stand for, and that an encoder learns from them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from kg.embeddings import encoders, memory
from kg.embeddings.batches import Queries
from kg.embeddings.checkpoint import load
from kg.embeddings.config import LAYERS, TrainConfig
from kg.embeddings.encoders import ENCODERS, CompGCNDistMult, Encoded, RGCNDistMult
from kg.embeddings.errors import TooLargeError
from kg.embeddings.evaluate import evaluate
from kg.embeddings.models import CANDIDATES, builder, config_for, restore
from kg.embeddings.neighbours import Incoming, subsets
from kg.embeddings.objective import Objective
from kg.embeddings.scorers import ComplEx
from kg.embeddings.train import Trained, train
from kg.embeddings.walks import Links
from kg.tensors import GraphTensors
from tests.kg.embeddings.graphs import family, graph_of, random_graph

# A hub, a self-loop, two facts between the same ends, one entity of one fact, one of none.
STAR = [*((0, 0, tail) for tail in range(1, 12)), (0, 1, 1), (2, 1, 2), (3, 1, 4), (12, 0, 5)]


def star() -> GraphTensors:
    return graph_of(STAR, entities=14, relations=2)


def into(graph: GraphTensors) -> Incoming:
    return Incoming.of(Links.of_graph(graph))


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def calm(kind: type[Encoded], graph: GraphTensors, **settings: Any) -> Encoded:
    """An encoder in training whose only chance is which neighbours it draws."""
    torch.manual_seed(0)
    model = kind(graph, dimension=8, dropout=0.0, **settings).train()  # type: ignore[call-arg]
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm1d):
            part.eval()
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2.0)
    return model


# -- which edges ------------------------------------------------------------------------------------------------------


def test_every_edge_is_read_both_ways_where_it_ends() -> None:
    incoming = into(star())
    ends = zip(incoming.source.tolist(), incoming.relation.tolist(), incoming.target().tolist(), strict=True)
    assert sorted(ends) == sorted([*STAR, *((tail, kind + 2, head) for head, kind, tail in STAR)])
    assert incoming.target().tolist() == sorted(incoming.target().tolist())


@settings(max_examples=60)
@given(
    facts=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(0, 9)), max_size=60),
    entities=st.lists(st.integers(0, 11), max_size=15),
    limit=st.integers(1, 8),
    seed=st.integers(0, 1000),
)
def test_what_is_drawn(facts: list[tuple[int, int, int]], entities: list[int], limit: int, seed: int) -> None:
    incoming = into(graph_of(facts, entities=12, relations=3))
    wanted = torch.tensor(entities, dtype=torch.long)
    owner, edge, weight = incoming.draw(wanted, limit, generator=seeded(seed))
    same = incoming.draw(wanted, limit, generator=seeded(seed))
    assert all(torch.equal(one, other) for one, other in zip((owner, edge, weight), same, strict=True))
    assert torch.equal(incoming.target()[edge], wanted[owner])  # edges of the graph, that end where they should
    assert len({*zip(owner.tolist(), edge.tolist(), strict=True)}) == len(owner)  # none twice
    degree = incoming.start.diff()[wanted]
    drawn = torch.bincount(owner, minlength=len(wanted))
    assert torch.equal(drawn, degree.clamp_max(limit))
    torch.testing.assert_close(weight, (degree / drawn)[owner])


def test_every_subset_is_as_likely() -> None:
    rounds = 20_000
    drawn = subsets(torch.full((rounds,), 5), 3, generator=seeded(0))
    assert drawn.min() == 0
    assert drawn.max() == 4
    sets, counts = torch.unique(drawn.sort(dim=1).values, dim=0, return_counts=True)
    assert len(sets) == 10
    assert (sets.diff(dim=1) > 0).all()
    torch.testing.assert_close(counts / rounds, torch.full((10,), 0.1), rtol=0.1, atol=0)


def test_the_drawn_stand_for_all() -> None:
    incoming = into(star())
    wanted = torch.tensor([0, 1, 13])
    values = torch.randn(len(incoming.source), generator=seeded(1))
    expected = torch.stack([values[incoming.target() == entity].sum() for entity in wanted])
    rounds = 4000
    owner, edge, weight = incoming.draw(wanted.repeat(rounds), 3, generator=seeded(2))
    found = torch.zeros(3).index_add_(0, owner % 3, values[edge] * weight / rounds)
    torch.testing.assert_close(found, expected, rtol=0, atol=0.15)
    owner, edge, weight = incoming.draw(wanted, 100)
    assert torch.equal(weight, torch.ones(len(edge)))
    torch.testing.assert_close(torch.zeros(3).index_add_(0, owner, values[edge]), expected)


def test_without_edges_nothing_is_drawn() -> None:
    one_way = Incoming(torch.tensor([0, 0, 2]), torch.tensor([0, 0]), torch.tensor([0, 1]), torch.ones(2))
    given_rows, [edges] = one_way.sample(torch.tensor([0]), limit=3, layers=1)
    assert given_rows.tolist() == [0]
    assert len(edges) == 0
    owner, edge, _ = one_way.draw(torch.tensor([0, 1, 0, 1]), 1, generator=seeded(0))
    assert owner.tolist() == [1, 3]
    assert set(edge.tolist()) <= {0, 1}


# -- encoders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ENCODERS))
@pytest.mark.parametrize("make", [star, random_graph])
def test_as_many_neighbours_as_there_are_is_all_of_them(name: str, make: Callable[[], GraphTensors]) -> None:
    drawn, whole = (calm(ENCODERS[name], make(), neighbours=most) for most in (100, 0))
    wanted = torch.tensor([0, 5, 13, 2])
    (rows, relations), (entities, expected) = drawn.rows(wanted), whole.vectors()
    torch.testing.assert_close(rows, entities[wanted], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(relations, expected)
    torch.testing.assert_close(drawn.vectors()[0], entities, rtol=1e-4, atol=1e-5)  # where everything is wanted
    (rows.square().sum() + relations.sum()).backward()  # type: ignore[no-untyped-call]
    (entities[wanted].square().sum() + expected.sum()).backward()  # type: ignore[no-untyped-call]
    for one, other in zip(drawn.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", [RGCNDistMult, CompGCNDistMult])
def test_a_layer_of_drawn_neighbours_has_the_mean_of_all(kind: type[Encoded]) -> None:
    model = calm(kind, star(), layers=1)
    with torch.no_grad():
        model.entities.weight.normal_()
        whole, _ = model.layers[0](*super(Encoded, model).vectors(), model.incoming.whole())
        wanted = torch.tensor([0, 4]).repeat(5000)  # each is drawn for anew
        given_rows, [edges] = model.incoming.sample(wanted, limit=3, layers=1)
        rows, _ = model.layers[0](model.entities(given_rows), model.relations.weight, edges)
        found = rows.view(5000, 2, 8).mean(dim=0)
    torch.testing.assert_close(found, whole[[0, 4]], rtol=0, atol=0.06)


class Largest(TorchDispatchMode):
    """The largest tensor that anything made."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if isinstance(made, Tensor) and made.is_floating_point():
            self.numbers = max(self.numbers, made.numel())
        return made


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_without_gradient_messages_are_held_a_few_at_a_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ENCODERS[name](random_graph(facts=400), dimension=8).eval()
    entities, relations = model.vectors()  # with gradient: all at once
    monkeypatch.setattr(encoders, "MESSAGES", 7 * 8)  # seven edges: hubs are in several parts
    with torch.no_grad(), Largest() as seen:
        in_parts = model.vectors()
    torch.testing.assert_close(in_parts, (entities, relations), rtol=1e-4, atol=1e-5)
    assert seen.numbers < len(model.edge_source)  # let alone as many rows


def test_evaluation_hears_all_neighbours_whatever_is_drawn_in_training() -> None:
    sampled, whole = (RGCNDistMult(star(), dimension=8, neighbours=most) for most in (1, 0))
    whole.load_state_dict(sampled.state_dict())
    with torch.no_grad():
        assert torch.equal(sampled.eval().entity_vectors(), whole.eval().entity_vectors())


def test_one_row_alone_is_normed_by_what_was_seen() -> None:
    model = CompGCNDistMult(graph_of([(0, 0, 0)], entities=2, relations=1), dimension=4, neighbours=2).train()
    rows, _ = model.rows(torch.tensor([0]))
    assert rows.shape == (1, 4)
    assert rows.isfinite().all()


# -- training ---------------------------------------------------------------------------------------------------------


def learn(graph: GraphTensors, config: TrainConfig, **settings: Any) -> Trained:
    return train(graph, config, build=builder(config.scorer), **settings)


def config(scorer: str = "rgcn", **changes: Any) -> TrainConfig:
    given_changes = {"dimension": 32, "epochs": 40, "batch_size": 32, "regularisation": 0.0, "precision": "float32"}
    return config_for(scorer, **given_changes | changes)


@pytest.mark.parametrize("scorer", ["rgcn", "compgcn-complex"])
def test_it_learns_nearly_as_well_from_a_few_neighbours(scorer: str) -> None:
    graph = family(5)
    whole = learn(graph, config(scorer))
    drawn = learn(graph, config(scorer, neighbours=3, candidates=12))
    found = [evaluate(trained.scorer, graph.triples, graph.triples).mrr for trained in (whole, drawn)]
    assert found[1] > 0.8 * found[0] > 0.5


def test_the_same_seed_draws_the_same_neighbours() -> None:
    few = config(neighbours=2, candidates=8, epochs=3)
    one, same, other = (learn(star(), replace(few, seed=seed)).scorer.entity_vectors() for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_resumed_run_draws_what_it_would_have(tmp_path: Any) -> None:
    few = config(neighbours=2, candidates=8, epochs=4)
    at_once = learn(star(), few)
    learn(star(), replace(few, epochs=2), folder=tmp_path)
    resumed = learn(star(), few, folder=tmp_path, resume=True)
    assert torch.equal(at_once.scorer.entity_vectors(), resumed.scorer.entity_vectors())
    restored = restore(load(tmp_path), star())
    assert torch.equal(restored.entity_vectors(), resumed.scorer.entity_vectors())


@pytest.mark.parametrize("name", sorted(ENCODERS))
@pytest.mark.parametrize("candidates", [0, 2])
def test_loops_one_relation_and_the_lonely(name: str, candidates: int) -> None:
    graph = graph_of([(0, 0, 0), (0, 0, 1), (0, 0, 1)], entities=5, relations=1)
    few = config(name, neighbours=1, candidates=candidates, epochs=2, batch_size=1)
    trained = learn(graph, few, dev=torch.tensor([[1, 0, 0]]))
    assert trained.scorer.entity_vectors().isfinite().all()
    assert trained.scorer(torch.tensor([4]), torch.tensor([1])).isfinite().all()


@pytest.mark.parametrize("sparse", [True, False])
def test_rows_of_tables_are_their_rows(sparse: bool) -> None:
    scorer = ComplEx(20, 3, dimension=8)
    wanted = torch.tensor([1, 7, 7, 19])
    rows, relations = scorer.rows(wanted, sparse=sparse)
    assert torch.equal(rows, scorer.entities.weight[wanted])
    assert relations is scorer.relations.weight
    rows.sum().backward()  # type: ignore[no-untyped-call]
    assert scorer.entities.weight.grad is not None
    assert scorer.entities.weight.grad.is_sparse == sparse


# -- settings, and what fits ------------------------------------------------------------------------------------------


def test_candidates_are_drawn_where_neighbours_are() -> None:
    assert config_for("rgcn").candidates == 0
    assert config_for("rgcn", neighbours=5).candidates == CANDIDATES
    assert config_for("rgcn", neighbours=5, candidates=0).candidates == 0


def test_tables_have_no_neighbours_to_draw() -> None:
    with pytest.raises(ValueError, match=r"neighbours are drawn for the graph encoders \(rgcn.*; complex reads none"):
        config_for("complex", neighbours=5)
    with pytest.raises(ValueError, match="neighbours must be at least 0"):
        config_for("rgcn", neighbours=-1)


SIZES = {"num_entities": 10_000, "num_relations": 100, "num_queries": 150_000, "num_facts": 200_000}


def test_the_estimate_knows_of_messages() -> None:
    whole = config(dimension=128, batch_size=100)
    few = replace(whole, neighbours=5, candidates=100)
    tables = replace(whole, scorer="distmult", candidates=100)
    assert memory.estimate(tables, **SIZES) < memory.estimate(few, **SIZES) < memory.estimate(whole, **SIZES) / 2
    assert memory.estimate(replace(few, neighbours=10), **SIZES) > memory.estimate(few, **SIZES)
    assert memory.estimate(whole, **SIZES) > LAYERS["rgcn"] * SIZES["num_facts"] * 128 * 4


def test_what_does_not_fit_whole_fits_with_a_few_neighbours() -> None:
    graph = random_graph(entities=300, facts=6000)
    whole = config(epochs=1, batch_size=4, dimension=64)
    queries = Queries(graph.triples, 3)
    with pytest.raises(TooLargeError, match="neighbours to be drawn"):
        memory.check(whole, queries, 300, device="cpu", free=40_000_000)
    memory.check(replace(whole, neighbours=2, candidates=4), queries, 300, device="cpu", free=40_000_000)


@pytest.mark.parametrize("scorer", ["rgcn", "compgcn"])
@pytest.mark.parametrize("neighbours", [0, 5])
def test_what_is_held_until_the_way_back_is_in_the_estimate(scorer: str, neighbours: int) -> None:
    """The tensors that autograd keeps of one batch: a part of the peak that can be counted to the byte."""
    graph = random_graph(entities=1000, facts=10_000)
    few = config(scorer, neighbours=neighbours, candidates=50 if neighbours else 0, dimension=64)
    queries = Queries(graph.triples, 3)
    build = builder(scorer)
    assert build is not None
    model = build(graph, few).train()
    objective = Objective(queries, few, 1000, dtype=torch.float32)
    batch = next(queries.shuffled(16, limit=32, seed=0, epoch=1))
    held: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        objective(model, batch)
    wanted = 16 + len(batch.tails) + 50
    told = memory.messages(few, num_entities=1000, num_facts=len(queries.tails), wanted=wanted)
    assert sum(held.values()) < told < 8 * sum(held.values())
