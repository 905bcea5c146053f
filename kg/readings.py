"""What a batch of readings comes to: which documents it replaces, and what is then added."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kg.errors import InputError
from kg.facts import ChunkId, DocumentId, Entity, EntityId
from kg.store import Reading


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents to forget first, then readings that only add; no chunk is in two of them."""

    replaced: frozenset[DocumentId]
    readings: tuple[Reading, ...]
    entities: dict[EntityId, Entity]  # those of all readings


def batch(readings: Sequence[Reading]) -> Batch:
    """The batch that has the effect of these readings in order: those that a later one replaces are left out.

    Raises:
        ValueError: a reading names an entity or a chunk that it does not hold, or a fact without evidence.
        InputError: a text or a name cannot be stored.
    """
    kept: list[Reading] = []
    replaced: set[DocumentId] = set()
    written: set[ChunkId] = set()
    entities: dict[EntityId, Entity] = {}
    for reading in reversed(readings):
        own = {entity.id: entity for entity in reading.entities}
        check(reading, own)
        if reading.document.id in replaced:
            continue
        if reading.first:
            replaced.add(reading.document.id)
        repeated = {chunk.id for chunk in reading.chunks} & written
        kept.append(_without(reading, repeated) if repeated else reading)
        written |= {chunk.id for chunk in reading.chunks}
        entities |= own
    return Batch(frozenset(replaced), tuple(reversed(kept)), entities)


def _without(reading: Reading, repeated: set[ChunkId]) -> Reading:
    """The reading less what it says in these chunks."""
    facts = (
        replace(fact, evidence=frozenset(e for e in fact.evidence if e.chunk not in repeated)) for fact in reading.facts
    )
    return replace(
        reading,
        chunks=tuple(chunk for chunk in reading.chunks if chunk.id not in repeated),
        occurrences=tuple(occurrence for occurrence in reading.occurrences if occurrence.chunk not in repeated),
        facts=tuple(fact for fact in facts if fact.evidence),
        vectors=tuple(v for v, c in zip(reading.vectors, reading.chunks, strict=False) if c.id not in repeated),
    )


def check(reading: Reading, entities: Mapping[EntityId, Entity]) -> None:
    """Refuse a reading, whose entities are given by id, that could not be stored whole.

    Raises:
        ValueError: it names an entity or a chunk that it does not hold, or a fact without evidence.
        InputError: a text or a name cannot be stored.
    """
    chunks = {chunk.id: chunk for chunk in reading.chunks}
    source = reading.document.source
    if reading.vectors and len(reading.vectors) != len(reading.chunks):
        raise ValueError(f"{source}: {len(reading.vectors)} vectors for {len(reading.chunks)} chunks")
    for chunk in reading.chunks:
        if chunk.document != reading.document.id or chunk.end - chunk.start != len(chunk.text):
            raise ValueError(f"{source}: the chunk at {chunk.start} is not a part of this document")
    for occurrence in reading.occurrences:
        if occurrence.entity not in entities:
            raise ValueError(f"{source}: an occurrence names entity {occurrence.entity}, which is not given")
        place = chunks.get(occurrence.chunk)
        if place is None or not place.start <= occurrence.start < occurrence.end <= place.end:
            raise ValueError(f"{source}: an occurrence at {occurrence.start} lies in no chunk of this reading")
    for fact in reading.facts:
        if fact.subject not in entities or fact.object not in entities:
            raise ValueError(f"{source}: a fact ({fact.relation}) names an entity that is not given")
        if not fact.evidence:
            raise ValueError(f"{source}: a fact ({fact.relation}) has no evidence")
        if any(evidence.chunk not in chunks for evidence in fact.evidence):
            raise ValueError(f"{source}: evidence of a fact ({fact.relation}) lies in no chunk of this reading")
    try:
        for chunk in reading.chunks:
            chunk.text.encode()
        for entity in reading.entities:
            entity.name.encode()
        f"{source}{reading.document.title}".encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{source}: holds half of a character ({error.object[error.start]!a}), which no store keeps; mend the file"
        ) from error
