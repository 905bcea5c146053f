"""The graph in memory: exact walks, there and back, never straight back along the same fact."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.facts import Entity, EntityId, Triple
from kg.memory_store import MemoryStore
from kg.mirror import Mirror, mirror
from tests.readings import reading

NAMES = [EntityId(name) for name in "abcdef"]
RELATIONS = ("likes", "knows", "owes")
TRIPLES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(RELATIONS), st.sampled_from(NAMES)), max_size=25)


def onward(facts: set[Triple], here: EntityId, relation: str, backwards: bool) -> set[EntityId]:
    if backwards:
        return {s for s, r, o in facts if r == relation and o == here}
    return {o for s, r, o in facts if r == relation and s == here}


def walks(facts: set[Triple], start: EntityId, steps: list[tuple[str, bool]]) -> set[tuple[EntityId, ...]]:
    """Every walk of these steps, by the definition."""
    found = {(start,)}
    for number, (relation, backwards) in enumerate(steps):
        turned = number > 0 and steps[number - 1] == (relation, not backwards)
        found = {
            (*walk, to)
            for walk in found
            for to in onward(facts, walk[-1], relation, backwards)
            if not (turned and to == walk[-2])
        }
    return found


STEPS = st.lists(st.tuples(st.sampled_from(RELATIONS), st.booleans()), min_size=1, max_size=4)


@given(TRIPLES, st.sampled_from(NAMES), STEPS)
def test_a_walk_leads_where_facts_lead(triples: list[Triple], start: EntityId, steps: list[tuple[str, bool]]) -> None:
    graph = Mirror.of([*triples, *triples[:3]], entities=NAMES)
    assert graph.facts == len(set(triples))
    assert set(graph.triples()) == set(triples)
    expected = walks(set(triples), start, steps)
    rows = []
    for relation, backwards in steps:
        if relation not in graph.rows:
            assert not expected
            return
        row = graph.rows[relation]
        rows.append(graph.inverse(row) if backwards else row)
    fronts = graph.walk([graph.places[start]], rows)
    assert {graph.entities[at] for at in fronts[-1].reached} == {walk[-1] for walk in expected}
    for place in fronts[-1].reached.tolist():
        path = graph.trace(fronts, place)
        assert set(path) <= set(triples)
        assert len(path) == len(steps)
        assert graph.entities[place] in {path[-1][0], path[-1][2]}


@given(TRIPLES, st.sampled_from(NAMES), STEPS)
def test_the_rows_that_lead_on_are_those_of_which_there_is_a_step(
    triples: list[Triple], start: EntityId, steps: list[tuple[str, bool]]
) -> None:
    graph = Mirror.of(triples, entities=NAMES)
    front = graph.start([graph.places[start]])
    goals = np.array([0, 2, 5])
    for relation, backwards in steps:
        every = range(2 * len(graph.relations))
        ends = {row: graph.step(front, row).reached for row in every}
        assert graph.rows_from(front).tolist() == [row for row in every if len(ends[row])]
        towards = set(graph.rows_towards(front, goals).tolist())
        fresh = graph.start(front.reached.tolist())  # which steps would go straight back is not asked
        assert towards == {row for row in every if np.isin(graph.step(fresh, row).reached, goals).any()}
        if relation not in graph.rows:
            return
        row = graph.rows[relation]
        front = graph.step(front, graph.inverse(row) if backwards else row)


def test_a_trace_does_not_turn_back_where_the_walk_did_not() -> None:
    graph = Mirror.of([(NAMES[0], "likes", NAMES[2]), (NAMES[1], "likes", NAMES[2]), (NAMES[0], "likes", NAMES[3])])
    likes = graph.rows["likes"]
    fronts = graph.walk([graph.places[NAMES[0]]], [likes, graph.inverse(likes), likes])
    assert fronts[-1].reached.tolist() == []  # b likes c alone, and came from there
    fronts = graph.walk([graph.places[NAMES[0]]], [likes, graph.inverse(likes)])
    assert graph.trace(fronts, graph.places[NAMES[1]]) == (
        (NAMES[0], "likes", NAMES[2]),
        (NAMES[1], "likes", NAMES[2]),
    )
    with pytest.raises(ValueError, match="no walk"):
        graph.trace(fronts, graph.places[NAMES[3]])


def test_an_empty_graph_leads_nowhere() -> None:
    graph = Mirror.of([], entities=NAMES[:1])
    front = graph.start([0])
    assert graph.rows_from(front).tolist() == []
    assert graph.facts == 0


def test_a_store_is_read_whole() -> None:
    store = MemoryStore()
    ada, bob = Entity("Person", "Ada"), Entity("Person", "Bob")
    store.write([reading("letters", "Ada knows Bob.", facts=[(ada, "knows", bob), (bob, "likes", ada)])])
    graph = mirror(store)
    assert graph.version == store.version()
    assert set(graph.triples()) == {(ada.id, "knows", bob.id), (bob.id, "likes", ada.id)}
    assert set(graph.entities) == {entity.id for entity in store.all_entities()}
