"""Several things that a name may mean, and equally good answers for each: what tells which is meant, or asking back."""

from collections.abc import Collection, Sequence

import regex

from fusion.answer import Answer, Candidate, abstain
from fusion.cues import types_named
from fusion.paths import Facts
from fusion.question import Link, plain_words, stem
from fusion.reader import Asked
from kg.facts import DocumentId, Entity, EntityId, name_key
from kg.ontology import Ontology
from kg.store import GraphStore

NAMING = 200  # passages: of an entity that is named in more, no description is sought
SAID = 2  # facts that stand for a description where there is none

_WORD = regex.compile(r"\p{Han}{2,}|[[\p{L}\p{M}\p{N}]--\p{Han}]+", regex.V1)
_BEFORE = regex.compile(r"(\p{Han}{2,}|[[\p{L}\p{M}\p{N}]--\p{Han}]+)\W*$", regex.V1)
_AFTER = regex.compile(r"^\W*(?:(?:the|a|an)\s+)?(\p{Han}{2,}|[[\p{L}\p{M}\p{N}]--\p{Han}]+)", regex.V1)


def told(asked: Asked, meant: Sequence[Link], facts: Facts, store: GraphStore, ontology: Ontology) -> EntityId | None:
    """The one of these entities that the question's own words tell, or None where they tell none or several.

    It is written exactly as the question has it; or the word beside the name is of its type ("the film Halo"); or the
    question has more words of its description, and of what facts join it to ("Halo of 2019"), than of the others'.

    Raises:
        StoreError: the store failed.
    """
    start, end = meant[0].start, meant[0].end
    entities = [one.entity for one in meant]
    written = [one for one in entities if asked.text[start:end] in (one.name, *one.aliases)]
    beside = [match[1] for match in (_BEFORE.search(asked.text[:start]), _AFTER.search(asked.text[end:])) if match]
    kinds = {kind for word in beside for kind in types_named(word, ontology)}
    typed = [one for one in entities if any(ontology.is_a(one.type, kind) for kind in kinds)]
    for fitting in (typed, written):
        if len(fitting) == 1:
            return fitting[0].id
    words = _clues(asked.text[:start] + " " + asked.text[end:], plain_words(ontology))
    if not words:
        return None
    described = descriptions(entities, store)
    found = {one.id: len(words & _said_of(one, described.get(one.id, ""), facts)) for one in entities}
    most = max(found.values())
    best = [id for id, count in found.items() if count == most]
    return best[0] if most and len(best) == 1 else None


def ask_back(asked: Asked, meant: Sequence[Link], facts: Facts, store: GraphStore) -> Answer:
    """No answer, but the question which of these is meant.

    Raises:
        StoreError: the store failed.
    """
    held = {entity.id: entity for entity in store.entities([one.entity.id for one in meant])}
    described = descriptions(list(held.values()), store)
    candidates = tuple(
        Candidate(held[one.entity.id], described.get(one.entity.id) or _facts_in_words(one.entity, facts))
        for one in meant
        if one.entity.id in held
    )
    names = ", or ".join(_named(one) for one in candidates)
    surface = asked.text[meant[0].start : meant[0].end]
    return abstain(asked.text, f"{surface!r} may be {names}; say which one is meant", candidates)


def descriptions(entities: Collection[Entity], store: GraphStore) -> dict[EntityId, str]:
    """What the documents that declare to be about these entities say they are."""
    places = store.occurrences(entities=[one.id for one in entities], most=NAMING)
    chunks = {chunk.id: chunk.document for chunk in store.chunks({place.chunk for place in places})}
    documents: dict[EntityId, set[DocumentId]] = {}
    for place in places:
        if place.chunk in chunks:
            documents.setdefault(place.entity, set()).add(chunks[place.chunk])
    topics = {record.id: record.topic for record in store.document_records(set(chunks.values()))}
    found: dict[EntityId, str] = {}
    for one in entities:
        for document in sorted(documents.get(one.id, ())):
            topic = topics.get(document)
            if topic is not None and (topic.name, topic.type) == (one.name, one.type) and topic.description:
                found.setdefault(one.id, topic.description)
    return found


def _clues(text: str, plain: Collection[str]) -> set[str]:
    return {stem(key) for match in _WORD.finditer(text) if stem(key := name_key(match[0])) not in plain}


def _said_of(entity: Entity, description: str, facts: Facts) -> set[str]:
    ends = {end for fact in facts.of([entity.id])[entity.id] for end in (fact.subject, fact.object)} - {entity.id}
    texts = [description, *(one.name for one in facts.entities(ends).values())]
    return {stem(name_key(match[0])) for text in texts for match in _WORD.finditer(text)}


def _facts_in_words(entity: Entity, facts: Facts) -> str:
    """The strongest facts of an entity, in words."""
    strongest = facts.of([entity.id])[entity.id][:SAID]
    names = facts.entities({end for fact in strongest for end in (fact.subject, fact.object)})
    parts = []
    for fact in strongest:
        other, forward = (fact.object, True) if fact.subject == entity.id else (fact.subject, False)
        if other in names:
            relation = fact.relation.replace("_", " ")
            parts.append(f"{relation} {names[other].name}" if forward else f"{relation} of {names[other].name}")
    return ", ".join(parts)


def _named(one: Candidate) -> str:
    about = f", {one.description}" if one.description else ""
    return f"{one.entity.name} ({one.entity.type}{about})"
