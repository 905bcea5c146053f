"""After any history of writes, changes and deletions a store holds what one would that saw only what is left."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg import mirror_changes, name_changes
from kg.bolt_store import BoltStore
from kg.facts import DocumentId, Entity
from kg.memory_store import MemoryStore
from kg.mirror import Mirror, mirror
from kg.name_index import NameIndex, name_index
from kg.store import GraphStore, Reading
from tests.kg.databases import counted, dump, wipe
from tests.readings import contents, reading

SOURCES = ("a", "b/ü", "丙")
ENTITIES = (
    Entity("Person", "Ann Lee"),
    Entity("Person", "Bo"),
    Entity("Film", "Ann"),
    Entity("症状", "头痛"),
    Entity("Chunk", "Bo"),
)
SURFACES = ("Ann", "Bo", "Lee", "头痛", "ann")
RELATIONS = ("directed_by", "症状", "Film", "HAS_CHUNK", "made`of")
TEXT = "Ann Lee met Bo; 头痛, said ann. "

mentions = st.lists(st.tuples(st.sampled_from(ENTITIES), st.sampled_from(SURFACES)), max_size=4)
facts = st.lists(
    st.tuples(st.sampled_from(ENTITIES), st.sampled_from(RELATIONS), st.sampled_from(ENTITIES)), max_size=4
)


@st.composite
def parts(draw: st.DrawFn, source: str) -> list[Reading]:
    """A document in one to three parts, each of one or two chunks with their mentions and facts."""
    count = draw(st.integers(1, 3))
    prefix = draw(st.sampled_from(["", "Once, "]))
    made: list[Reading] = []
    for i in range(count):
        texts = [f"{prefix}{TEXT}", *(["More. "] if draw(st.booleans()) else [])]
        # The chunks of part i are placed after those of the parts before it.
        before = [chunk.text for part in made for chunk in part.chunks]
        part = reading(source, *before, *texts, mentions=draw(mentions), facts=draw(facts), title=prefix.strip())
        own = part.chunks[len(before) :]
        shift = own[0].start
        moved = {chunk.id: new for chunk, new in zip(part.chunks, own, strict=False)}
        occurrences = {
            replace(o, chunk=own[0].id, start=o.start % len(texts[0]) + shift, end=0) for o in part.occurrences
        }
        occurrences = {replace(o, end=min(o.start + 3, own[0].end)) for o in occurrences if o.start + 1 < own[0].end}
        said = tuple(
            replace(
                fact,
                evidence=frozenset(
                    replace(e, chunk=own[0].id, start=own[0].start, end=own[0].end)
                    for e in fact.evidence
                    if e.chunk in moved
                ),
            )
            for fact in part.facts
        )
        made.append(
            replace(
                part,
                chunks=own,
                occurrences=tuple(sorted(occurrences)),
                facts=said,
                first=i == 0,
                last=i == count - 1,
            )
        )
    return made


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, list[list[Reading]]]]:
    """Steps: ("write", batches of readings) or ("delete", the readings of documents to delete)."""
    steps: list[tuple[str, list[list[Reading]]]] = []
    for _ in range(draw(st.integers(1, 6))):
        source = draw(st.sampled_from(SOURCES))
        if draw(st.integers(0, 3)) == 0:
            steps.append(("delete", [draw(parts(source))]))
            continue
        document = draw(parts(source))
        if draw(st.booleans()):
            other = draw(parts(draw(st.sampled_from(SOURCES))))
            steps.append(("write", [document + other]))
        else:
            steps.append(("write", [[part] for part in document]))
    return steps


class Follower:
    """What was made of a graph once, and brought up to date after each step."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._names: NameIndex | None = name_index(store)
        self._mirror: Mirror | None = mirror(store)

    def follow(self) -> None:
        assert self._names is not None
        assert self._mirror is not None
        self._names = name_changes.caught_up(self._names, self._store)
        self._mirror = mirror_changes.caught_up(self._mirror, self._store)

    def check(self) -> None:
        """They are what would be made of the graph now."""
        assert self._names is not None
        assert self._mirror is not None
        same_names(self._names, name_index(self._store))
        now = mirror(self._store)
        assert (self._mirror.entities, self._mirror.relations) == (now.entities, now.relations)
        assert np.array_equal(self._mirror.numbered, now.numbered)
        assert self._mirror.version == self._names.version == now.version


def same_names(one: NameIndex, other: NameIndex) -> None:
    """Two indexes hold the same arrays, types aside, which may be numbered in another order."""
    for name in one.arrays.keys() - {"type"}:
        assert one.arrays[name].dtype == other.arrays[name].dtype
        assert np.array_equal(one.arrays[name], other.arrays[name]), name
    assert list(one.all_entities()) == list(other.all_entities())


def play(
    store: GraphStore, history: list[tuple[str, list[list[Reading]]]], *, after: Callable[[], None] = lambda: None
) -> dict[DocumentId, list[Reading]]:
    """Do the steps; returns the readings of the documents that are left."""
    left: dict[DocumentId, list[Reading]] = {}
    for what, batches in history:
        after()
        for batch in batches:
            if what == "delete":
                store.delete([batch[0].document.id])
                left.pop(batch[0].document.id, None)
                continue
            store.write(batch)
            for part in batch:
                id = part.document.id
                left[id] = [part] if part.first else [*left.get(id, []), part]
    return left


def check(store: BoltStore, history: list[tuple[str, list[list[Reading]]]]) -> None:
    memory = MemoryStore()
    wipe(store)
    play(memory, history)
    follower = Follower(store)
    left = play(store, history, after=follower.follow)
    assert contents(store) == contents(memory)
    follower.follow()
    follower.check()
    assert counted(store) == store.counts()
    for surface in (*SURFACES, "ann lee"):
        assert store.find_entities([surface]) == memory.find_entities([surface])
        assert store.documents_containing([surface]) == memory.documents_containing([surface])
        found = {hit.entity for hit in store.search_entities(surface)}
        assert found == {hit.entity for hit in memory.search_entities(surface)}
    for entity in ENTITIES:
        assert store.neighbourhood([entity.id], hops=2) == memory.neighbourhood([entity.id], hops=2)
        assert store.facts([entity.id], limit=1) == memory.facts([entity.id], limit=1)
    after_history = dump(store)
    wipe(store)
    for readings in left.values():
        store.write(readings)
    assert dump(store) == after_history


SETTINGS = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@SETTINGS
@given(histories())
def test_memory(history: list[tuple[str, list[list[Reading]]]]) -> None:
    memory, fresh = MemoryStore(), MemoryStore()
    follower = Follower(memory)
    for readings in play(memory, history, after=follower.follow).values():
        fresh.write(readings)
    follower.follow()
    follower.check()
    assert contents(memory) == contents(fresh)
    for surface in SURFACES:
        assert memory.search_entities(surface) == fresh.search_entities(surface)
        assert memory.search_chunks(surface) == fresh.search_chunks(surface)


@SETTINGS
@given(history=histories())
def test_embedded(embedded_store: BoltStore, history: list[tuple[str, list[list[Reading]]]]) -> None:
    check(embedded_store, history)


@pytest.mark.neo4j
@SETTINGS
@given(history=histories())
def test_neo4j(neo4j_store: BoltStore, history: list[tuple[str, list[list[Reading]]]]) -> None:
    check(neo4j_store, history)
