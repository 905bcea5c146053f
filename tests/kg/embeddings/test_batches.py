"""Facts grouped by query are all the facts, each way round, once."""

import pytest
import torch

from kg.embeddings.batches import Queries
from kg.embeddings.split import hold_out
from tests.kg.embeddings.graphs import family, graph_of, random_graph


def all_facts(graph, relations: int) -> set[tuple[int, int, int]]:
    stated = {tuple(row) for row in graph.triples.tolist()}
    return stated | {(t, r + relations, h) for h, r, t in stated}


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_an_epoch_is_every_fact_both_ways_once(limit: int) -> None:
    graph = random_graph()
    queries = Queries(graph.triples, 3)
    seen = []
    for batch in queries.shuffled(7, limit=limit, seed=1, epoch=1):
        assert (batch.rows.diff() >= 0).all()
        assert torch.bincount(batch.rows).max() <= limit
        assert len(batch.heads) <= 7
        each = torch.stack((batch.heads[batch.rows], batch.relations[batch.rows], batch.tails), dim=1)
        seen += [tuple(row) for row in each.tolist()]
    assert len(seen) == len(set(seen))
    assert set(seen) == all_facts(graph, 3)


def test_the_order_depends_on_seed_and_epoch() -> None:
    queries = Queries(random_graph().triples, 3)

    def order(seed: int, epoch: int) -> list[int]:
        return torch.cat([batch.heads for batch in queries.shuffled(7, limit=2, seed=seed, epoch=epoch)]).tolist()

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2) != order(1, 2)


def test_answers_of_any_query() -> None:
    graph = graph_of([(0, 0, 1), (0, 0, 2), (2, 1, 0)], entities=3, relations=2)
    queries = Queries(graph.triples, 2)
    keys = torch.tensor([2 * 4 + 3, 0 * 4 + 0, 1 * 4 + 0, 0 * 4 + 3])  # (2, 3) and (1, 0) have no answer
    rows, tails = queries.answers(keys)
    assert list(zip(rows.tolist(), tails.tolist(), strict=True)) == [(1, 1), (1, 2), (3, 2)]


def test_no_facts_no_queries() -> None:
    queries = Queries(torch.empty(0, 3, dtype=torch.long), 2)
    assert len(queries) == 0
    assert [len(part) for part in queries.answers(torch.tensor([0, 1]))] == [0, 0]
    assert list(queries.shuffled(4, limit=2, seed=0, epoch=1)) == []


def test_held_out_facts_leave_every_entity_and_relation_one() -> None:
    graph = family()
    rest, held = hold_out(graph, 0.2, seed=3)
    assert len(held) == int(0.2 * len(graph.edge_type))
    assert len(held) + len(rest.edge_type) == len(graph.edge_type)
    assert not {tuple(row) for row in held.tolist()} & {tuple(row) for row in rest.triples.tolist()}
    assert rest.edge_index.unique().tolist() == graph.edge_index.unique().tolist()
    assert rest.edge_type.unique().tolist() == graph.edge_type.unique().tolist()
    assert rest.entities == graph.entities


def test_where_no_fact_can_be_spared_none_is_held_out() -> None:
    graph = graph_of([(0, 0, 1), (2, 1, 3)], entities=4, relations=2)
    rest, held = hold_out(graph, 0.5)
    assert len(held) == 0
    assert len(rest.edge_type) == 2
    nothing, held = hold_out(graph_of([], entities=2, relations=1), 0.5)
    assert len(held) == len(nothing.edge_type) == 0
