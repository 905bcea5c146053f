"""R-GCN and CompGCN: their formulas, torch-geometric's own layer, and graphs with odd corners."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch_geometric.nn import RGCNConv

from kg.embeddings.config import LAYERS
from kg.embeddings.convolutions import BasisConv, CompGCNConv, inverse_counts, symmetric
from kg.embeddings.encoders import ENCODERS, CompGCNComplEx, CompGCNDistMult, Encoded, RGCNComplEx, RGCNDistMult
from kg.embeddings.evaluate import evaluate
from kg.embeddings.neighbours import Incoming
from kg.facts import EntityId
from kg.tensors import GraphTensors

# 0 →0 1 →1 2 →0 3, 0 →1 3, twice 0 →0 1 and a self-loop at 2; 4 is isolated.
TRIPLES = [[0, 0, 1], [1, 1, 2], [2, 0, 3], [0, 1, 3], [0, 0, 1], [2, 1, 2]]
COMPOSITIONS = ["sub", "mult", "corr"]


def graph(triples: list[list[int]] = TRIPLES, *, entities: int = 5, relations: int = 2) -> GraphTensors:
    rows = torch.tensor(triples, dtype=torch.long).view(-1, 3)
    names = tuple(EntityId(f"e{i}") for i in range(entities))
    return GraphTensors(rows[:, [0, 2]].T.contiguous(), rows[:, 1], names, tuple(f"r{i}" for i in range(relations)))


def incoming(edges: Tensor, types: Tensor, *, entities: int) -> Incoming:
    """Edges grouped by where they end, as they stand. Shapes: (2, e), (e,)."""
    order = edges[1].argsort(stable=True)
    start = torch.cat([torch.zeros(1, dtype=torch.long), torch.bincount(edges[1], minlength=entities).cumsum(0)])
    return Incoming(start, edges[0, order], types[order], torch.ones(len(types)))


def test_basis_convolution_is_pygs() -> None:
    torch.manual_seed(0)
    ours = BasisConv(6, 4, 3)
    theirs = RGCNConv(6, 6, 4, num_bases=3)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(5, 6, requires_grad=True)
    edges, types = torch.randint(5, (2, 40)), torch.randint(4, (40,))
    grouped = incoming(edges, types, entities=5)
    grouped = replace(grouped, norm=inverse_counts(grouped, num_relations=2))
    z = torch.randn(4, 6)
    found, relations = ours(x, z, grouped.whole())
    expected = theirs(x, edges, types)
    assert relations is z
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    gradients = [torch.autograd.grad(made.square().sum(), x)[0] for made in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)


def correlation(a: Tensor, b: Tensor) -> Tensor:
    d = len(a)
    return torch.stack([torch.stack([a[i] * b[(k + i) % d] for i in range(d)]).sum() for k in range(d)])


@pytest.mark.parametrize("composition", COMPOSITIONS)
def test_a_compgcn_layer_follows_the_definition(composition: str) -> None:
    torch.manual_seed(0)
    conv = CompGCNConv(4, composition)  # type: ignore[arg-type]
    phi = {"sub": lambda a, b: a - b, "mult": lambda a, b: a * b, "corr": correlation}[composition]
    x, z = torch.randn(5, 4), torch.randn(4, 4)
    facts = [(0, 0, 1), (1, 1, 2), (2, 0, 3), (0, 1, 3), (2, 1, 2)]
    backwards = [(t, r + 2, h) for h, r, t in facts]
    expected = torch.stack([phi(x[v], conv.loop_row[0]) @ conv.loop for v in range(5)])
    for walked, matrix in ((facts, conv.inward), (backwards, conv.outward)):
        starts = [sum(u == v for u, _, _ in walked) for v in range(5)]
        for u, s, v in walked:
            if starts[v]:
                expected[v] = expected[v] + phi(x[u], z[s]) @ matrix / (starts[u] * starts[v]) ** 0.5
    edges = torch.tensor(facts + backwards)
    grouped = incoming(edges[:, [0, 2]].T, edges[:, 1], entities=5)
    found, relations = conv(x, z, replace(grouped, norm=symmetric(grouped, num_relations=2)).whole())
    torch.testing.assert_close(found, expected / 3, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(relations, z @ conv.relation)


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_an_encoder_is_a_scorer(name: str) -> None:
    torch.manual_seed(0)
    model = ENCODERS[name](graph(), dimension=8).eval()
    heads, relations, tails = torch.tensor([0, 4, 2]), torch.tensor([0, 1, 3]), torch.tensor([1, 0, 4])
    scores = model(heads, relations)
    assert scores.shape == (3, 5)
    assert torch.isfinite(scores).all()
    triple = model.triple_scores(heads, relations, tails)
    torch.testing.assert_close(triple, scores.gather(1, tails[:, None]).squeeze(1), rtol=1e-3, atol=1e-3)
    assert model.entity_vectors().shape == (5, 8)
    (scores.sum() + model.regularisation(heads, relations, tails)).backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_every_encoder_says_how_many_layers_it_has() -> None:
    assert {name: len(kind(graph(), dimension=4).layers) for name, kind in ENCODERS.items()} == LAYERS


def test_a_fact_given_twice_counts_once() -> None:
    torch.manual_seed(0)
    once = RGCNDistMult(graph(TRIPLES[:4] + TRIPLES[5:]), dimension=4).eval()
    twice = RGCNDistMult(graph(), dimension=4).eval()
    twice.load_state_dict(once.state_dict())
    assert torch.equal(once.entity_vectors(), twice.entity_vectors())


def learn_by_heart(model: Encoded, triples: Tensor) -> None:
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-2)
    heads, relations, tails = triples.T
    model.train()
    for _ in range(150):
        optimiser.zero_grad()
        forth = torch.nn.functional.cross_entropy(model(heads, relations), tails)
        back = torch.nn.functional.cross_entropy(model(tails, relations + model.num_relations), heads)
        (forth + back).backward()  # type: ignore[no-untyped-call]
        optimiser.step()


@pytest.mark.parametrize("kind", [RGCNComplEx, CompGCNComplEx])
def test_an_encoder_learns_a_graph_by_heart(kind: type[Encoded]) -> None:
    torch.manual_seed(0)
    rows = [[i, r, (i + 2 * r + 1) % 10] for i in range(10) for r in range(2)]
    model = kind(graph(rows, entities=10), dimension=16)
    learn_by_heart(model, torch.tensor(rows))
    assert evaluate(model, torch.tensor(rows), torch.tensor(rows)).mrr > 0.95


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_graphs_with_one_relation_or_no_fact_have_vectors(name: str) -> None:
    for rows in ([[0, 0, 0], [0, 0, 1]], []):
        model = ENCODERS[name](graph(rows, entities=3, relations=1), dimension=4).eval()
        assert torch.isfinite(model(torch.tensor([2]), torch.tensor([1]))).all()


def test_vectors_kept_for_evaluation_are_dropped_when_training_goes_on() -> None:
    model = CompGCNDistMult(graph(), dimension=4).eval()
    with torch.no_grad():
        kept = model.vectors()[0]
        assert model.vectors()[0] is kept
        model.train()
        model.eval()
        assert model.vectors()[0] is not kept
