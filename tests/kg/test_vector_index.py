"""ArcadeDB's index of vectors is left out while much is written, and is there whenever somebody searches."""

import random
from pathlib import Path

from kg.bolt_store import BoltStore
from kg.embedded import open_embedded
from kg.store import Reading
from kg.vector_index import MANY
from tests.readings import reading, vector

RANDOM = random.Random(20261122)


def with_vectors(prefix: str, count: int) -> list[Reading]:
    return [
        reading(f"{prefix}{i}", f"{prefix}{i}", vectors=(vector(*(RANDOM.gauss(0, 1) for _ in range(40))),))
        for i in range(count)
    ]


def indexed(store: BoltStore) -> bool:
    return any(row[1] == "Chunk[embedding]" for row in store._rows("SHOW INDEXES"))


def check(store: BoltStore, readings: list[Reading]) -> None:
    """Each chunk is the nearest to its own vector."""
    for one in RANDOM.sample(readings, 20):
        (hit,) = store.nearest_chunks(one.vectors[0], limit=1)
        assert hit.chunk == one.chunks[0]
        assert hit.score > 0.9999


def test_the_index_comes_and_goes(tmp_path: Path) -> None:
    few, many, more = with_vectors("few ", 30), with_vectors("many ", MANY), with_vectors("more ", 40)
    store = open_embedded(str(tmp_path / "graph"), idle=1, heap="512m")
    try:
        store.write(few)
        check(store, few)
        assert indexed(store)
        store.write(many)
        assert not indexed(store)
    finally:
        store.close()
    store = open_embedded(str(tmp_path / "graph"), idle=1, heap="512m")
    try:
        assert indexed(store), "it is made when the program that wrote is done"
        check(store, few + many)
        store.write(more)
        assert indexed(store), "a few are put into the index that is there"
        check(store, few + many + more)
        store.delete([one.document.id for one in many])
        check(store, few + more)
    finally:
        store.close()
