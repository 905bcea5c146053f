"""An answer's facts as quotations, and its text as the cited document writes it."""

from collections.abc import Collection
from itertools import takewhile

import regex

from fusion.answer import Citation
from fusion.extract import whole_sentence
from fusion.reader import Asked, Reading
from kg.facts import ChunkId, Evidence, Fact, name_key
from kg.ontology import Ontology
from kg.store import GraphStore
from nlp.dates import find_dates
from nlp.lexicon import NATIONALITIES

Cut = dict[Citation, ChunkId]  # quotations, with the chunk that each was cut from

_AROUND = regex.compile(r"\G,\s(\p{Lu}[\p{L}'’-]*(?:\s\p{Lu}[\p{L}'’-]*)*)")


def quote(store: GraphStore, facts: Collection[Fact]) -> Cut:
    """For each fact the sentence that states it most surely.

    Raises:
        StoreError: the store failed.
    """
    best = {fact: min(fact.evidence, key=_surest) for fact in facts if fact.evidence}
    chunks = {chunk.id: chunk for chunk in store.chunks({evidence.chunk for evidence in best.values()})}
    records = store.document_records({chunk.document for chunk in chunks.values()})
    sources = {record.id: record.source for record in records}
    cut: Cut = {}
    for fact, evidence in best.items():
        chunk = chunks.get(evidence.chunk)
        if chunk is not None and chunk.document in sources:
            base, source = chunk.start, sources[chunk.document]
            start, end = whole_sentence(chunk.text, evidence.start - base, evidence.end - base)
            words = chunk.text[start:end]
            cut[Citation(chunk.document, source, base + start, base + end, words, fact.id)] = chunk.id
    return cut


def as_written(
    asked: Asked, found: Reading, citations: Collection[Citation], store: GraphStore, ontology: Ontology
) -> str:
    """The answer's text: a date or a place as the cited document writes it, a country where one is asked for.

    Raises:
        StoreError: the store failed.
    """
    if len(found.entities) != 1 or len(found.paths) != 1:
        return found.text
    entity, last = found.entities[0], found.paths[0][-1].id
    if entity.type == "Nationality" and "Country" in asked.expected:
        return NATIONALITIES.get(entity.name, entity.name)
    for citation in citations:
        if citation.fact == last:
            for start, end, date in find_dates(citation.quote):
                if date == entity.name:
                    return citation.quote[start:end]
            if ontology.is_a(entity.type, "Place"):
                return _whole_place(entity.name, citation.quote, store, ontology)
    return found.text


def _whole_place(name: str, words: str, store: GraphStore, ontology: Ontology) -> str:
    """A place with the places around it, where the quotation goes on to name them: "Montreal, Quebec"."""
    start = words.find(name)
    if start < 0:
        return name
    around = [match[1] for match in _AROUND.finditer(words, start + len(name))]
    keys = {part: name_key(part) for part in around}
    places = {
        name_key(known)
        for entity in store.find_entities(set(keys.values()))
        if ontology.is_a(entity.type, "Place")
        for known in (entity.name, *entity.aliases)
    }
    return ", ".join((name, *takewhile(lambda part: keys[part] in places, around)))


def _surest(evidence: Evidence) -> tuple[float, int, Evidence]:
    return -evidence.confidence, evidence.end - evidence.start, evidence
