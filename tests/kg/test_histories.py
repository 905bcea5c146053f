"""After any history of writes, changes and deletions a store holds what one would that saw only what is left."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.bolt_store import BoltStore
from kg.facts import DocumentId, Entity
from kg.memory_store import MemoryStore
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


def play(store: GraphStore, history: list[tuple[str, list[list[Reading]]]]) -> dict[DocumentId, list[Reading]]:
    """Do the steps; returns the readings of the documents that are left."""
    left: dict[DocumentId, list[Reading]] = {}
    for what, batches in history:
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
    left = play(store, history)
    assert contents(store) == contents(memory)
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
    for readings in play(memory, history).values():
        fresh.write(readings)
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
