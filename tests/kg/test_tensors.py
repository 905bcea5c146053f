"""The graph of a store becomes tensors, and the way back gives the same facts."""

import subprocess
import sys
from itertools import count

import pytest
import torch

from kg.errors import StoreError
from kg.facts import Chunk, Document, Entity, Evidence, Fact, Occurrence
from kg.memory_store import MemoryStore
from kg.store import DocumentRecord, Reading
from kg.tensors import facts, tensors

ADA, BOB, EVE, ALONE = (Entity("Person", name) for name in ("Ada", "Bob", "Eve", "Alone"))
STATED = ((ADA, "knows", BOB), (BOB, "knows", ADA), (ADA, "likes", ADA), (EVE, "teaches", BOB))


def reading(source: str, stated: tuple[tuple[Entity, str, Entity], ...], alone: tuple[Entity, ...] = ()) -> Reading:
    document = Document(source, "Ada Bob Eve Alone")
    chunk = Chunk(document.id, 0, len(document.text), document.text)
    evidence = frozenset({Evidence(chunk.id, 0, 3, "test-1", 1.0)})
    return Reading(
        document=DocumentRecord(document.id, source, "", "en", document.text_digest, "test-1"),
        chunks=(chunk,),
        entities=tuple({end for head, _, tail in stated for end in (head, tail)} | set(alone)),
        occurrences=tuple(Occurrence(entity.id, chunk.id, 0, 3) for entity in alone),
        facts=tuple(Fact(head.id, relation, tail.id, evidence) for head, relation, tail in stated),
    )


def store_of(*readings: Reading) -> MemoryStore:
    store = MemoryStore()
    for each in readings:
        store.write([each])
    return store


def test_round_trip() -> None:
    store = store_of(reading("a", STATED, (ALONE,)))
    graph = tensors(store)
    assert set(facts(graph)) == {(head.id, relation, tail.id) for head, relation, tail in STATED}
    assert graph.edge_index.shape == (2, 4)
    assert graph.edge_index.dtype == graph.edge_type.dtype == torch.long
    assert graph.relations == ("knows", "likes", "teaches")
    assert graph.version == store.version()
    again = {(graph.entities[h], graph.relations[r], graph.entities[t]) for h, r, t in graph.triples.tolist()}
    assert again == set(facts(graph))


def test_an_entity_without_facts_is_kept() -> None:
    graph = tensors(store_of(reading("a", STATED, (ALONE,))))
    assert len(graph.entities) == 4
    assert graph.entity_index[ALONE.id] not in graph.edge_index
    assert [graph.entities[place] for place in graph.entity_index.values()] == list(graph.entities)


def test_an_empty_store() -> None:
    graph = tensors(MemoryStore())
    assert graph.triples.shape == (0, 3)
    assert list(facts(graph)) == []
    assert graph.digest == tensors(MemoryStore()).digest


def test_the_tensors_depend_on_content_alone() -> None:
    one = tensors(store_of(reading("a", STATED[:2]), reading("b", STATED[2:])))
    other = tensors(store_of(reading("b", STATED[2:]), reading("c", ()), reading("a", STATED[:2])))
    assert one.entities == other.entities
    assert torch.equal(one.triples, other.triples)
    assert one.digest == other.digest


def test_the_digest_tells_graphs_apart() -> None:
    whole, less, lonely = (
        tensors(store_of(reading("a", STATED))),
        tensors(store_of(reading("a", STATED[:3]), reading("b", (), (EVE,)))),
        tensors(store_of(reading("a", STATED, (ALONE,)))),
    )
    assert len({whole.digest, less.digest, lonely.digest}) == 3


def test_a_store_that_keeps_changing_is_refused() -> None:
    versions = count(1)

    class Restless(MemoryStore):
        def version(self) -> int:
            return next(versions)

    with pytest.raises(StoreError, match="try again"):
        tensors(Restless())


@pytest.mark.parametrize("module", ["kg", "kg.embeddings", "kg.embeddings.errors", "kg.open_store"])
def test_light_modules_load_no_torch(module: str) -> None:
    program = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
