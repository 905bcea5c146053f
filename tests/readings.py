"""Small graphs that tests write: readings made by hand, entities to make them of, and names that break things."""

import itertools
from collections.abc import Iterable

from kg.facts import Chunk, Document, Entity, Evidence, Fact, Occurrence, Topic, merge_facts
from kg.store import DocumentRecord, GraphStore, Reading


def reading(
    source: str,
    *chunks: str,
    entities: Iterable[Entity] = (),
    mentions: Iterable[tuple[Entity, str]] = (),
    facts: Iterable[tuple[Entity, str, Entity]] = (),
    title: str = "",
    topic: Topic | None = None,
    vectors: tuple[tuple[float, ...], ...] = (),
    extractor: str = "hand-1",
) -> Reading:
    """A reading of a document made of these chunks.

    A mention is an entity and the surface it has in the first chunk that holds that surface; a fact's evidence is
    the whole of the first chunk.
    """
    document = Document(source, "".join(chunks), title=title, language="en")
    starts = itertools.accumulate((len(chunk) for chunk in chunks), initial=0)
    made = tuple(
        Chunk(document.id, start, start + len(text), text) for start, text in zip(starts, chunks, strict=False)
    )
    occurrences = []
    for entity, surface in mentions:
        chunk = next(chunk for chunk in made if surface in chunk.text)
        start = chunk.start + chunk.text.index(surface)
        occurrences.append(Occurrence(entity.id, chunk.id, start, start + len(surface)))
    evidence = frozenset({Evidence(made[0].id, made[0].start, made[0].end, extractor, 0.9)}) if made else frozenset()
    named = [entity for entity, _ in mentions] + [end for s, _, o in facts for end in (s, o)] + list(entities)
    record = DocumentRecord(document.id, source, title, "en", document.text_digest, "hand-1", topic)
    return Reading(
        document=record,
        chunks=made,
        entities=tuple({entity.id: entity for entity in named}.values()),
        occurrences=tuple(occurrences),
        facts=tuple(merge_facts(Fact(s.id, r, o.id, evidence) for s, r, o in facts)),
        vectors=vectors,
    )


def contents(store: GraphStore) -> list[object]:
    """Everything that a store tells of its graph, the version aside: equal graphs have equal contents."""
    documents = list(store.documents())
    chunks = [chunk for record in documents for chunk in store.chunks_of(record.id)]
    entities = list(store.all_entities())
    facts = list(store.all_facts())
    return [
        documents,
        chunks,
        entities,
        facts,
        store.occurrences(entities=[entity.id for entity in entities]),
        store.occurrences(chunks=[chunk.id for chunk in chunks]),
        store.facts_in([chunk.id for chunk in chunks]),
        store.facts([entity.id for entity in entities]),
        store.counts(),
    ]


def vector(*values: float) -> tuple[float, ...]:
    """A unit vector of 384 dimensions that begins with these values."""
    norm = sum(value * value for value in values) ** 0.5
    return tuple(value / norm for value in values) + (0.0,) * (384 - len(values))


FILM = Entity("Film", "Forbidden Ground (2013 film)")
DIRECTOR = Entity("Person", "Johan Earl")
COUNTRY = Entity("Country", "Australia")
BAND = Entity("Organization", "The Who")
DIABETES = Entity("Disease", "糖尿病")
INSULIN = Entity("Drug", "胰岛素")

ODD_NAMES = (
    'double "quotes"',
    "single 'quotes'",
    "back`ticks``",
    "line\nbreak\ttab",
    "😀 emoji 👩‍👩‍👧",
    "مرحبا بالعالم",
    "}) DETACH DELETE n //",
    "' OR 1=1 --",
    "\\u0060 escape \\",
    "a~b,c*d",
    "$name",
    "!!!",
    "  spaces  ",
    "ｆｕｌｌ ｗｉｄｔｈ",
    "名" * 90,
    "x" * 3000,
)
ODD_TYPES = (*ODD_NAMES, "Entity", "Chunk", "Document", "Graph", "Graph_", "", "_", "症状", "film", "Film")
ODD_RELATIONS = (*ODD_NAMES, "HAS_CHUNK", "MENTIONS", "MENTIONS_", "", "症状", "Film", "film", "Entity", "a:b|c&d")
