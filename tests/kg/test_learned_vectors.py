"""Every store keeps the contract of learned vectors; what servers and other programs may do to them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kg import bolt_learned
from kg.bolt_store import BoltStore
from kg.embedded import open_embedded
from kg.errors import StoreError
from kg.facts import EntityId
from kg.memory_store import MemoryStore
from kg.store import GraphStore, Learned
from tests.cases_learned import VECTORS, LearnedContract, films, given, learned
from tests.kg.databases import wipe
from tests.readings import COUNTRY, DIRECTOR, FILM

ROOT = Path(__file__).parents[2]


class SharedContract(LearnedContract):
    """What a database that several programs share must do, too."""

    def test_of_two_writers_the_later_wins(self, store: BoltStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bolt_learned, "FLOATS", 3)  # a transaction a vector
        store.write(films())
        other = Learned("later", "2026-11-22T11:00:00Z", store.version(), 2, 1)

        def interrupted() -> Iterator[tuple[EntityId, tuple[float, ...]]]:
            first, *rest = given()
            yield first
            store.write_learned(other, [(DIRECTOR.id, (0.0, 1.0))])
            yield from rest

        with pytest.raises(StoreError, match="another program began to write learned vectors"):
            store.write_learned(learned(store), interrupted())
        assert store.learned() == other
        assert store.entity_vectors([entity.id for entity in VECTORS]) == {DIRECTOR.id: (0.0, 1.0)}
        assert [hit.entity.name for hit in store.nearest_entities([0.0, 1.0])] == [DIRECTOR.name]

    def test_people_can_ask_in_cypher(self, store: BoltStore) -> None:
        store.write(films())
        written = learned(store)
        store.write_learned(written, given())
        properties = "g.learned_model, g.learned_at, g.learned_version, g.learned_dimensions, g.learned_entities"
        assert store._rows(f"MATCH (g:Graph) RETURN {properties}, g.version") == [
            [written.model, written.learned_at, written.version, 3, 3, written.version]
        ]
        assert store._rows("MATCH (c:Country) RETURN c.vector") == [[list(VECTORS[COUNTRY])]]
        store.forget_learned()
        assert store._rows("MATCH (e:Entity) WHERE e.vector IS NOT NULL RETURN e.id") == []
        ((kept,),) = store._rows("MATCH (g:Graph) RETURN keys(g)")
        assert set(kept) == {"id", "version", "counts", "history", "schema"}


class TestMemoryStore(LearnedContract):
    @pytest.fixture
    def store(self) -> GraphStore:
        return MemoryStore()


class TestEmbeddedStore(SharedContract):
    @pytest.fixture
    def store(self, embedded_store: BoltStore) -> BoltStore:
        wipe(embedded_store)
        return embedded_store


@pytest.mark.neo4j
class TestNeo4jStore(SharedContract):
    @pytest.fixture
    def store(self, neo4j_store: BoltStore) -> BoltStore:
        wipe(neo4j_store)
        return neo4j_store


# Begins to write learned vectors, a transaction each, says so after the second, and waits to be killed.
PROGRAM = """
import sys, time
from kg import bolt_learned
from kg.embedded import open_embedded
from tests.cases_learned import given, learned
bolt_learned.FLOATS = 3
store = open_embedded(sys.argv[1], idle=5, heap="256m")
def vectors():
    yield from given()[:2]
    print("half", flush=True)
    time.sleep(600)
store.write_learned(learned(store), vectors())
"""


def test_a_program_that_is_killed_leaves_no_half_truth(tmp_path: Path) -> None:
    folder = str(tmp_path / "graph")
    store = open_embedded(folder, idle=1, heap="256m")
    try:
        store.write(films())
        store.write_learned(learned(store), given())
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, folder], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as program:
            assert program.stdout is not None
            assert program.stdout.readline() == "half\n"
            program.kill()
        assert store.learned() is None
        assert store.entity_vectors([entity.id for entity in VECTORS]) == {}
        assert store.nearest_entities(VECTORS[FILM]) == []
        store.forget_learned()
        assert store._rows("MATCH (e:Entity) WHERE e.vector IS NOT NULL RETURN e.id") == []
        store.write_learned(learned(store), given())
        assert store.nearest_entities(VECTORS[FILM], limit=1)[0].entity.id == FILM.id
    finally:
        store.close()


def test_a_graph_made_by_an_older_clew_can_be_learned(tmp_path: Path) -> None:
    """The first migration alone made it; opening it again applies the rest."""
    folder = str(tmp_path / "graph")
    store = open_embedded(folder, idle=5, heap="256m")
    try:
        store.write(films())
        store._sql("DROP PROPERTY Entity.vector")
        store._rows("MATCH (g:Graph) SET g.schema = 1")
    finally:
        store.close()
    store = open_embedded(folder, idle=1, heap="256m")
    try:
        store.write_learned(learned(store), given())
        assert store.nearest_entities(VECTORS[FILM], limit=1)[0].entity.id == FILM.id
    finally:
        store.close()
