"""A mirror kept in a file: the graph as it is, whatever is in the file."""

from collections.abc import Collection
from pathlib import Path

import pytest

from kg.errors import ChangingError
from kg.facts import Entity, EntityId
from kg.memory_store import MemoryStore
from kg.mirror import Mirror, mirror
from kg.mirror_changes import caught_up
from kg.mirror_file import _load, kept_mirror
from tests.fusion.graphs import FILMS, film, graph, person, readings


def same(one: Mirror, other: Mirror) -> bool:
    return set(one.triples()) == set(other.triples()) and one.entities == other.entities


def test_it_is_the_graph_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "new" / "mirror.safetensors"
    store = graph(FILMS)
    first = kept_mirror(store, path, notify=print)
    assert same(first, mirror(store))
    written = path.stat().st_mtime_ns
    again = kept_mirror(store, path, notify=print)
    assert same(again, first)
    assert (again.version, again.relations) == (first.version, first.relations)
    assert path.stat().st_mtime_ns == written
    store.delete([next(store.documents()).id])
    after = kept_mirror(store, path, notify=print)
    assert after.version == store.version()
    assert after.facts == store.counts().facts < first.facts
    held = _load(path, store.address)
    assert held is not None
    assert held.version == store.version()  # the next program need not follow these changes
    assert same(held, mirror(store))
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_another_graph_of_the_same_version_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "mirror.safetensors"
    kept_mirror(graph(FILMS), path, notify=print)
    other = graph([(film("A"), "directed_by", person("B"))])
    assert same(kept_mirror(other, path, notify=print), mirror(other))


def test_a_damaged_file_and_a_folder_that_cannot_be_written_cost_time_alone(tmp_path: Path) -> None:
    store = graph(FILMS)
    path = tmp_path / "mirror.safetensors"
    path.write_bytes(b"damaged")
    assert same(kept_mirror(store, path, notify=print), mirror(store))
    (tmp_path / "file").write_text("")
    told: list[str] = []
    assert same(kept_mirror(store, tmp_path / "file" / "mirror.safetensors", notify=told.append), mirror(store))
    assert "could not be written" in told[0]


def test_an_empty_graph(tmp_path: Path) -> None:
    path = tmp_path / "mirror.safetensors"
    assert kept_mirror(MemoryStore(), path, notify=print).facts == 0
    assert kept_mirror(MemoryStore(), path, notify=print).entities == ()


class Restless(MemoryStore):
    """A store to which another program writes whenever entities are asked for, so many times."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self._writes = writes

    def entities(self, ids: Collection[EntityId]) -> list[Entity]:
        found = super().entities(ids)
        if self._writes:
            self._writes -= 1
            self.write(readings([(film("A"), "directed_by", person("B"))]))
        return found


def test_a_document_that_comes_back_while_changes_are_read() -> None:
    for writes in (1, 2, 3):
        store = Restless(0)
        store.write(readings([*FILMS, (film("A"), "directed_by", person("B"))]))
        before = mirror(store)
        [gone] = [record.id for record in store.documents() if record.title == "A"]
        store.delete([gone])
        store._writes = writes
        if writes < 3:
            after = caught_up(before, store)
            assert after is not None
            assert same(after, mirror(store))
        else:
            with pytest.raises(ChangingError):
                caught_up(before, store)
