"""Paths between the ends of a fact, and how often the rules hold that they are cases of."""

import torch

from kg.embeddings.rules import UNSEEN, Rules
from kg.facts import EntityId
from kg.tensors import GraphTensors

BORN, IN, NATION = 0, 1, 2
CITIES, COUNTRY, OTHER = (20, 21), 30, 31


def graph(triples: list[tuple[int, int, int]], *, entities: int = 32, relations: int = 3) -> GraphTensors:
    heads, rows, tails = torch.tensor(triples).T
    ids = tuple(EntityId(f"e{place}") for place in range(entities))
    return GraphTensors(torch.stack((heads, tails)), rows, ids, tuple(f"r{row}" for row in range(relations)))


def people(known: int, *, born: int = 12) -> list[tuple[int, int, int]]:
    """People born in two cities of one country, of whom so many are known to be of its nation."""
    stated = [(person, BORN, CITIES[person % 2]) for person in range(born)]
    stated += [(city, IN, COUNTRY) for city in CITIES]
    return stated + [(person, NATION, COUNTRY) for person in range(known)]


def test_a_missing_fact_is_supported_by_the_rule_that_holds_of_others() -> None:
    found = Rules(graph(people(10))).support(11, NATION, COUNTRY)
    best = found[0]
    assert best.path == ((11, BORN, 21), (21, IN, COUNTRY))
    assert best.rule.body == (BORN, IN)
    assert (best.rule.holds, best.rule.cases) == (10, 12)
    assert best.rule.confidence == 10 / (12 + UNSEEN)


def test_a_fact_does_not_support_itself() -> None:
    rules = Rules(graph(people(10)))
    for support in rules.support(3, NATION, COUNTRY, limit=50):
        assert (3, NATION, COUNTRY) not in support.path


def test_a_fact_asked_backwards_has_the_same_path() -> None:
    found = Rules(graph(people(10))).support(COUNTRY, NATION + 3, 11)
    assert found[0].path == ((21, IN, COUNTRY), (11, BORN, 21))


def test_longer_chains_are_found_where_there_are_no_shorter_ones() -> None:
    # 0 and 1 were born in one city; 1 is of a nation.
    found = Rules(graph([(0, BORN, 20), (1, BORN, 20), (1, NATION, 30), (2, BORN, 20), (2, NATION, 30)])).support(
        0, NATION, 30
    )
    assert {support.rule.body for support in found} == {(BORN, BORN + 3, NATION)}
    assert all(support.path[0] == (0, BORN, 20) for support in found)


def test_nothing_joins_what_is_far_apart() -> None:
    assert Rules(graph(people(10))).support(0, NATION, OTHER) == []


def test_a_loop_is_no_reason() -> None:
    assert Rules(graph([(0, NATION, 0), (1, NATION, 1)])).support(0, NATION, 0) == []
