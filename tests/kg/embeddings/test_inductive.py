"""The inductive encoder: its formula, what it may not read, and entities that training never saw."""

import pytest
import torch
from torch import Tensor
from torch_geometric.nn import MessagePassing

from kg.embeddings.errors import DivergedError, NothingToLearnError, TooLargeError
from kg.embeddings.inductive import NBFNet
from kg.embeddings.inductive_training import (
    InductiveConfig,
    fit_inductive,
    leave_one_out_ranks,
    realistic_ranks,
    step_bytes,
    without_other_answers,
)
from kg.embeddings.loop import Schedule, fit
from kg.embeddings.walks import Links, Questions, hops
from kg.errors import InputError

# 0 →0 1 →1 2 →0 3, 0 →1 3, a self-loop at 2; 4 is isolated; 5 →0 6 is an island.
TRIPLES = torch.tensor([[0, 0, 1], [1, 1, 2], [2, 0, 3], [0, 1, 3], [2, 1, 2], [5, 0, 6]])
AGGREGATIONS = ["sum", "pna"]


def links(triples: Tensor = TRIPLES, *, entities: int = 7, relations: int = 2) -> Links:
    return Links.of(triples, num_entities=entities, num_relations=relations)


def model(graph: Links, *, aggregation: str = "sum", layers: int = 2, limit: int = 10_000) -> NBFNet:
    torch.manual_seed(0)
    return NBFNet(graph, dimension=4, layers=layers, aggregation=aggregation, limit=limit).eval()  # type: ignore[arg-type]


def edges(triples: Tensor, *, without: set[tuple[int, int, int]] = frozenset()) -> list[tuple[int, int, int]]:  # type: ignore[assignment]
    both = [(h, r, t) for h, r, t in triples.tolist()] + [(t, r + 2, h) for h, r, t in triples.tolist()]
    return [edge for edge in both if edge not in without]


def by_hand(net: NBFNet, walked: list[tuple[int, int, int]], head: int, relation: int) -> Tensor:
    """The definition, one entity and one message after the other."""
    n, d = net.num_entities, net.query.embedding_dim
    query = net.query.weight[relation]
    states: dict[int, Tensor] = {head: query}
    for layer in net.layers:
        weights = layer.relations(query).view(-1, d)
        arriving: dict[int, list[Tensor]] = {head: [query]}
        for u, r, v in walked:
            if u in states:
                arriving.setdefault(v, []).append(states[u] * weights[r])
        new = {}
        for v in states.keys() | arriving.keys():
            state = states.get(v, torch.zeros(d))
            messages = torch.stack(arriving[v]) if v in arriving else None
            if layer.aggregation == "sum":
                gathered = torch.zeros(d) if messages is None else messages.sum(0)
            elif messages is None:
                gathered = torch.zeros(12 * d)
            else:
                spread = messages.var(0, unbiased=False).clamp(min=1e-6).sqrt()
                four = torch.cat([messages.mean(0), messages.amax(0), messages.amin(0), spread])
                scale = torch.log(torch.tensor(len(messages) + 1.0)) / layer.mean_log_degree
                gathered = torch.cat([four, four * scale, four / scale])
            new[v] = state + torch.relu(layer.norm(layer.linear(torch.cat([state, gathered]))))
        states = new
    rows = [torch.cat([states.get(v, torch.zeros(d)), query]) for v in range(n)]
    scores: Tensor = net.score(torch.stack(rows)).squeeze(1)
    return scores


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_scores_follow_the_definition(aggregation: str) -> None:
    net = model(links(), aggregation=aggregation, layers=3)
    heads, relations = torch.tensor([0, 2, 4, 6]), torch.tensor([0, 3, 1, 2])
    expected = torch.stack(
        [by_hand(net, edges(TRIPLES), h, r) for h, r in zip(heads.tolist(), relations.tolist(), strict=True)]
    )
    torch.testing.assert_close(net(heads, relations), expected, rtol=1e-4, atol=1e-5)


class DistMultConv(MessagePassing):  # type: ignore[misc]
    """Σ h[u] ⊙ w over the edges into each entity, as torch-geometric does it."""

    def forward(self, x: Tensor, edge_index: Tensor, weight: Tensor) -> Tensor:
        out: Tensor = self.propagate(edge_index, x=x, weight=weight)
        return out

    def message(self, x_j: Tensor, weight: Tensor) -> Tensor:
        return x_j * weight


def test_a_sum_layer_is_pyg_message_passing() -> None:
    net = model(links(), layers=2)
    conv = DistMultConv(aggr="sum")
    u, r, v = torch.tensor(edges(TRIPLES)).T
    query = net.query.weight[1]
    boundary = torch.zeros(7, 4).index_copy(0, torch.tensor([0]), query[None])
    x, reached = boundary, torch.zeros(7, dtype=torch.bool).index_fill(0, torch.tensor([0]), True)
    for layer in net.layers:
        weights = layer.relations(query).view(-1, 4)
        gathered = conv(x, torch.stack([u, v]), weights[r]) + boundary
        reached = reached.index_fill(0, v[reached[u]], True)
        x = torch.where(reached[:, None], x + torch.relu(layer.norm(layer.linear(torch.cat([x, gathered], 1)))), x)
    expected = net.score(torch.cat([x, query.expand(7, 4)], dim=1)).squeeze(1)
    torch.testing.assert_close(net(torch.tensor([0]), torch.tensor([1]))[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_a_question_does_not_walk_its_own_fact(aggregation: str) -> None:
    net = model(links(), aggregation=aggregation)
    asked = Questions(torch.tensor([0, 3]), torch.tensor([1, 2]), torch.tensor([3, 2]))
    scores = net.scores_on(net.links, asked)
    first = by_hand(net, edges(TRIPLES, without={(0, 1, 3), (3, 3, 0)}), 0, 1)
    second = by_hand(net, edges(TRIPLES, without={(2, 0, 3), (3, 2, 2)}), 3, 2)
    torch.testing.assert_close(scores, torch.stack([first, second]), rtol=1e-4, atol=1e-5)


def test_apart_no_edge_between_head_and_answer_is_walked() -> None:
    triples = torch.cat([TRIPLES, torch.tensor([[3, 0, 0], [0, 0, 3]])])
    net = model(links(triples))
    asked = Questions(torch.tensor([0, 0]), torch.tensor([1, 1]), torch.tensor([3, 3]), torch.tensor([True, False]))
    scores = net.scores_on(net.links, asked)
    joined = {(0, 1, 3), (3, 3, 0), (3, 0, 0), (0, 2, 3), (0, 0, 3), (3, 2, 0)}
    torch.testing.assert_close(scores[0], by_hand(net, edges(triples, without=joined), 0, 1), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        scores[1], by_hand(net, edges(triples, without={(0, 1, 3), (3, 3, 0)}), 0, 1), rtol=1e-4, atol=1e-5
    )


def test_triple_scores_do_not_change_when_the_fact_itself_goes() -> None:
    net = model(links())
    triples = torch.tensor([[0, 1, 3], [2, 1, 2]])
    scores = net.triple_scores(*triples.T)
    for row, score in zip(triples, scores, strict=True):
        rest = TRIPLES[(row != TRIPLES).any(1)]
        there = net.on(links(rest))
        torch.testing.assert_close(there(row[:1], row[1:2])[0, row[2]], score, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_a_score_does_not_depend_on_its_company_nor_on_halving(aggregation: str) -> None:
    net = model(links(), aggregation=aggregation)
    heads, relations = torch.arange(7), torch.tensor([0, 1, 2, 3, 0, 1, 2])
    together = net(heads, relations)
    alone = torch.cat([net(heads[i : i + 1], relations[i : i + 1]) for i in range(7)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    small = model(links(), aggregation=aggregation, limit=1)
    assert hops(small.links, Questions(heads, relations), layers=2, limit=1) is None
    torch.testing.assert_close(small(heads, relations), together, rtol=1e-4, atol=1e-5)


def test_entities_out_of_reach_share_a_score_and_an_isolated_head_scores_itself() -> None:
    net = model(links())
    scores = net(torch.tensor([4]), torch.tensor([0]))[0]
    others = scores[torch.arange(7) != 4]
    assert torch.equal(others, others[:1].expand(6))
    assert scores[4] != others[0]


def test_links_hold_each_edge_once_both_ways() -> None:
    graph = links(torch.cat([TRIPLES, TRIPLES[:2]]))
    assert graph.degree().tolist() == [2, 2, 4, 2, 0, 1, 1]  # the self-loop starts twice at 2
    owner, edge = graph.out(torch.tensor([5, 4, 2]))
    assert owner.tolist() == [0, 2, 2, 2, 2]
    assert sorted(zip(graph.relation[edge].tolist(), graph.target[edge].tolist(), strict=True)) == sorted(
        [(0, 6), (0, 3), (1, 2), (3, 2), (3, 1)]
    )
    row, entity = graph.answers(torch.tensor([0, 3]), torch.tensor([1, 2]))
    assert (row.tolist(), entity.tolist()) == ([0, 1], [3, 2])


def test_other_answers_are_left_out_and_ties_share_their_ranks() -> None:
    graph = links(torch.tensor([[0, 0, 1], [0, 0, 2], [0, 1, 3]]))
    asked = Questions(torch.tensor([0]), torch.tensor([0]), torch.tensor([2]))
    scores = without_other_answers(torch.tensor([[0.0, 9.0, 1.0, 1.0, 2.0, 1.0, 0.0]]), graph, asked)
    assert scores[0, 1] == -torch.inf
    assert realistic_ranks(scores, torch.tensor([2])).tolist() == [3.0]  # below one, level with two


def test_a_graph_with_other_relations_is_refused() -> None:
    net = model(links())
    with pytest.raises(InputError, match="has 3 relations, the model was trained on 2"):
        net.on(links(relations=3))


def test_entity_vectors_are_means_over_arriving_relations() -> None:
    net = model(links())
    vectors = net.entity_vectors()
    assert vectors.shape == (7, 4)
    torch.testing.assert_close(vectors[1], (net.query.weight[0] + net.query.weight[3]) / 2)
    assert not vectors[4].any()


def family(generations: int, *, start: int = 0) -> list[list[int]]:
    """Parents (0) of a line of people; grandparent (1) is parent of parent."""
    people = range(start, start + generations)
    return [[p, 0, p + 1] for p in people[:-1]] + [[p, 1, p + 2] for p in people[:-2]]


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_a_rule_learned_on_one_family_holds_in_another(aggregation: str) -> None:
    config = InductiveConfig(
        dimension=8,
        layers=2,
        aggregation=aggregation,
        batch=16,
        schedule=Schedule(steps=120, rate=2e-2),  # type: ignore[arg-type]
    )
    seen = Links.of(torch.tensor(family(12)), num_entities=12, num_relations=2)
    net, learned = fit_inductive(seen, config)
    assert learned.losses[-1] < learned.losses[0]
    others = torch.tensor(family(6))
    there = net.on(Links.of(others, num_entities=6, num_relations=2))
    grand = others[others[:, 1] == 1]
    assert leave_one_out_ranks(there, grand, apart=True).double().reciprocal().mean() > 0.9


def test_training_is_a_function_of_its_seed_and_keeps_the_best_on_dev() -> None:
    config = InductiveConfig(dimension=4, layers=1, batch=4, schedule=Schedule(steps=6, rate=1e-2, every=2, patience=2))
    qualities = iter([0.5, 0.4, 0.3])
    _, learned = fit_inductive(links(), config, dev=lambda _: next(qualities))
    assert (learned.steps, learned.best_step, learned.best) == (6, 2, 0.5)
    first, _ = fit_inductive(links(), config)
    second, _ = fit_inductive(links(), config)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_a_graph_without_facts_is_refused() -> None:
    empty = Links.of(torch.empty(0, 3, dtype=torch.long), num_entities=3, num_relations=1)
    with pytest.raises(NothingToLearnError, match="no facts"):
        fit_inductive(empty, InductiveConfig(dimension=4, layers=1))


def test_one_relation_trains() -> None:
    graph = Links.of(torch.tensor([[0, 0, 1], [1, 0, 2]]), num_entities=3, num_relations=1)
    _, learned = fit_inductive(graph, InductiveConfig(dimension=4, layers=2, batch=4, schedule=Schedule(3, 1e-2)))
    assert learned.steps == 3


def test_a_loss_that_is_no_number_keeps_the_last_good_weights() -> None:
    net = torch.nn.Linear(1, 1)
    values = iter([1.0, 1.0, float("nan")])
    kept: list[Tensor] = []

    def loss() -> Tensor:
        return net(torch.ones(1, 1)).sum() * next(values)  # type: ignore[no-any-return]

    def dev(_: torch.nn.Linear) -> float:
        kept.append(net.weight.detach().clone())
        return float(len(kept))

    learned = fit(net, loss, Schedule(steps=9, rate=0.1, every=1), facts=1, dev=dev)
    assert (learned.diverged, learned.steps, learned.best_step) == (True, 2, 2)
    assert torch.equal(net.weight, kept[-1])
    with pytest.raises(DivergedError, match="step 1"):
        fit(net, lambda: net(torch.ones(1, 1)).sum() * float("nan"), Schedule(steps=9, rate=0.1), facts=1)


def test_a_step_that_does_not_fit_is_refused_before_it_starts() -> None:
    config = InductiveConfig(dimension=4, layers=2, batch=4)
    need = step_bytes(links(), config)
    assert need < step_bytes(links(), InductiveConfig(dimension=8, layers=3, batch=8))
    with pytest.raises(TooLargeError, match="4 questions in 4 dimensions and 2 layers"):
        fit_inductive(links(), config, free=need - 1)
