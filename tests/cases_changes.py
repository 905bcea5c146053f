"""The contract of versions and of what changes between them."""

from concurrent.futures import ThreadPoolExecutor

from kg.facts import Entity, Triple
from kg.memory_store import MemoryStore
from kg.store import Changes, GraphStore
from tests.readings import BAND, COUNTRY, DIRECTOR, FILM, reading

MADE: Triple = (FILM.id, "directed_by", DIRECTOR.id)
FROM: Triple = (DIRECTOR.id, "born_in", COUNTRY.id)


def changed(store: GraphStore, since: int) -> Changes:
    found = store.changes(since)
    assert found is not None
    return found


class ChangesContract:
    """What a store must tell of its versions. ``store`` is empty."""

    def test_the_version_grows(self, store: GraphStore) -> None:
        before = store.version()
        read = reading("a", "text")
        store.write([read])
        written = store.version()
        store.delete([read.document.id])
        assert before < written < store.version()

    def test_no_other_graph_comes_to_a_version(self, store: GraphStore) -> None:
        other = MemoryStore()
        found = set()
        for written in (store, other):
            for text in ("one", "two"):
                found.add(written.version())
                written.write([reading("a", text)])
            found.add(written.version())
        assert len(found) == 6
        assert store.changes(other.version()) is None

    def test_changes_name_what_came_and_went(self, store: GraphStore) -> None:
        start = store.version()
        assert store.changes(start) == Changes()
        one = reading("a", "Earl.", mentions=[(DIRECTOR, "Earl")], facts=[(FILM, "directed_by", DIRECTOR)])
        two = reading("b", "The Who.", mentions=[(BAND, "Who")], facts=[(DIRECTOR, "born_in", COUNTRY)])
        store.write([one])
        first = store.version()
        store.write([two])
        second = store.version()
        store.delete([one.document.id])
        assert changed(store, start).entities == {DIRECTOR.id, FILM.id, BAND.id, COUNTRY.id}
        assert changed(store, start).facts == {MADE, FROM}
        assert changed(store, first).facts == {MADE, FROM}
        assert {FILM.id, DIRECTOR.id} <= changed(store, second).entities  # one is gone, and one has lost its alias
        assert {BAND.id, COUNTRY.id}.isdisjoint(changed(store, second).entities)
        assert changed(store, second).facts == {MADE}
        assert store.changes(store.version()) == Changes()

    def test_changes_name_what_a_new_reading_of_a_document_says_and_no_longer_says(self, store: GraphStore) -> None:
        store.write([reading("a", "Earl.", mentions=[(DIRECTOR, "Earl")], facts=[(FILM, "directed_by", DIRECTOR)])])
        before = store.version()
        store.write([reading("a", "Mr E.", mentions=[(DIRECTOR, "Mr E")], facts=[(DIRECTOR, "born_in", COUNTRY)])])
        assert changed(store, before) == Changes(frozenset({DIRECTOR.id, FILM.id, COUNTRY.id}), frozenset({MADE, FROM}))

    def test_what_was_too_much_is_not_remembered(self, store: GraphStore) -> None:
        before = store.version()
        many = [Entity("Person", f"Earl {number}") for number in range(1000)]
        store.write([reading("a", "much", facts=[(FILM, "starring", one) for one in many])])
        after = store.version()
        assert store.changes(before) is None
        store.write([reading("b", "little", facts=[(FILM, "directed_by", DIRECTOR)])])
        assert store.changes(before) is None
        assert changed(store, after).facts == {MADE}

    def test_the_changes_of_several_threads_are_all_remembered(self, store: GraphStore) -> None:
        start = store.version()
        with ThreadPoolExecutor(4) as threads:
            list(
                threads.map(
                    lambda n: store.write([reading(f"{n}", "text", facts=[(FILM, f"r{n}", DIRECTOR)])]), range(8)
                )
            )
        assert {relation for _, relation, _ in changed(store, start).facts} == {f"r{number}" for number in range(8)}
