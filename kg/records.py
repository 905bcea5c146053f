"""How facts, evidence and documents are kept as properties, and read back.

Evidence is a list of lines on the relationship, ``chunk start end confidence extractor``: compact, and readable in
Neo4j Browser. A chunk's ``facts`` are lines ``subject object relation``: what must be looked at when it is deleted.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kg.facts import Chunk, ChunkId, DocumentId, Entity, EntityId, Evidence, Fact, Occurrence, Topic
from kg.store import DocumentRecord

ID = 32  # characters of an id
Row = Mapping[str, Any] | Sequence[Any]


def pack_evidence(evidence: Iterable[Evidence]) -> list[str]:
    """Evidence as sorted lines."""
    return sorted(f"{e.chunk} {e.start} {e.end} {e.confidence!r} {e.extractor}" for e in evidence)


def unpack_evidence(lines: Iterable[str]) -> frozenset[Evidence]:
    """Evidence from its lines."""
    return frozenset(_evidence(*line.split(" ", 4)) for line in lines)


def _evidence(chunk: str, start: str, end: str, confidence: str, extractor: str) -> Evidence:
    return Evidence(ChunkId(chunk), int(start), int(end), extractor, float(confidence))


def pack_triple(fact: Fact) -> str:
    """A fact as a line of a chunk's list."""
    return f"{fact.subject} {fact.object} {fact.relation}"


def unpack_triple(line: str) -> tuple[EntityId, str, EntityId]:
    """Subject, relation, object from a line of a chunk's list."""
    return EntityId(line[:ID]), line[2 * ID + 2 :], EntityId(line[ID + 1 : 2 * ID + 1])


_LATE = re.compile("[\ue000-\U0010ffff]")


def sortable(name: str) -> str:
    """The name, changed so that servers that compare UTF-16 units order it as Python does, which compares characters.

    The two differ only from U+E000 on (full-width punctuation, emoji); before each of those, its code is written.
    """
    return _LATE.sub(lambda match: f"\ue000{ord(match.group()):06x}", name)


def document_properties(record: DocumentRecord, *, complete: bool) -> dict[str, object]:
    """The properties of a document's node."""
    properties: dict[str, object] = {
        "id": record.id,
        "source": record.source,
        "title": record.title,
        "language": record.language,
        "text_digest": record.text_digest,
        "reader": record.reader,
        "complete": complete,
    }
    if record.topic is not None:
        properties |= {
            "topic_name": record.topic.name,
            "topic_type": record.topic.type,
            "topic_description": record.topic.description,
            "topic_aliases": list(record.topic.aliases),
        }
    return properties


def document_record(properties: Mapping[str, Any]) -> DocumentRecord:
    """A document's record from its node's properties."""
    topic = None
    if "topic_name" in properties:
        topic = Topic(
            properties["topic_name"],
            properties["topic_type"],
            properties["topic_description"],
            tuple(properties["topic_aliases"]),
        )
    return DocumentRecord(
        id=DocumentId(properties["id"]),
        source=properties["source"],
        title=properties["title"],
        language=properties["language"],
        text_digest=properties["text_digest"],
        reader=properties["reader"],
        topic=topic,
        complete=properties["complete"],
    )


def entity(type: str, name: str, aliases: Sequence[str] | None) -> Entity:
    """An entity from what queries return of it."""
    return Entity(type, name, tuple(aliases or ()))


def fact(subject: str, relation: str, object: str, evidence: Sequence[str]) -> Fact:
    """A fact from what queries return of it."""
    return Fact(EntityId(subject), relation, EntityId(object), unpack_evidence(evidence))


def chunk(document: str, start: int, end: int, text: str) -> Chunk:
    """A chunk from what queries return of it."""
    return Chunk(DocumentId(document), start, end, text)


def occurrences(rows: Iterable[Sequence[Any]]) -> list[Occurrence]:
    """The occurrences, sorted, that rows of entity, chunk and spans stand for: spans are start, end, start, end…"""
    found = {
        (entity, chunk, start, end)
        for entity, chunk, spans in rows
        for start, end in zip(spans[::2], spans[1::2], strict=True)
    }
    return [Occurrence(*place) for place in sorted(found)]
