"""A store without some of what it holds: nothing of that comes out of any door."""

import pytest

from kg.errors import StoreError
from kg.mirror import mirror
from kg.withheld import Withheld, WithheldStore, only_in, stating
from tests.fusion.graphs import FILMS, GUY, LEVY, graph, place
from tests.readings import contents

BORN = (LEVY.id, "born_in", place("Montreal").id)


def test_with_nothing_withheld_it_is_the_store() -> None:
    store = graph(FILMS)
    assert contents(WithheldStore(store, Withheld())) == contents(store)


def test_a_withheld_fact_is_nowhere() -> None:
    whole = graph(FILMS)
    store = WithheldStore(whole, Withheld(frozenset({BORN})))
    assert whole.facts_between([BORN])
    chunks = {chunk.id for record in store.documents() for chunk in store.chunks_of(record.id)}
    for found in (
        store.facts([LEVY.id]),
        store.facts([LEVY.id], limit=50),
        store.facts_between([BORN]),
        store.facts_in(chunks),
        store.all_facts(),
        store.neighbourhood([LEVY.id]).facts,
    ):
        assert BORN not in {(fact.subject, fact.relation, fact.object) for fact in found}
    assert place("Montreal").id not in store.neighbourhood([LEVY.id]).entities
    assert mirror(store).facts == mirror(whole).facts - 1
    assert store.entities([place("Montreal").id])  # things stay


def test_a_withheld_chunk_is_not_found() -> None:
    whole = graph(FILMS)
    about = next(record for record in whole.documents() if record.title == "Free Guy")
    (chunk,) = whole.chunks_of(about.id)
    store = WithheldStore(whole, Withheld(chunks=frozenset({chunk.id})))
    assert chunk.id in {hit.chunk.id for hit in whole.search_chunks("Free Guy", limit=50)}
    assert chunk.id not in {hit.chunk.id for hit in store.search_chunks("Free Guy", limit=50)}
    assert len(store.search_chunks("directed by", limit=2)) == 2
    assert store.occurrences(chunks=[chunk.id]) == []
    assert whole.documents_containing(["Free Guy directed"]) == {about.id}
    assert not store.documents_containing(["Free Guy directed"])
    assert store.chunks([chunk.id]) == [chunk]  # other facts rest on it


def test_what_chunks_alone_state() -> None:
    whole = graph(FILMS)
    directed = whole.facts_between([(GUY.id, "directed_by", LEVY.id)])
    chunks = stating(directed)
    facts = only_in(whole, chunks)
    assert {relation for _, relation, _ in facts} == {"directed_by", "released_on"}
    store = WithheldStore(whole, Withheld(facts, chunks))
    assert all(GUY.id not in (fact.subject, fact.object) for fact in store.all_facts())


def test_nothing_can_be_written() -> None:
    store = WithheldStore(graph(FILMS), Withheld())
    for act in (
        lambda: store.write(()),
        lambda: store.delete(()),
        lambda: store.forget_learned(),
    ):
        with pytest.raises(StoreError, match="only be read"):
            act()
