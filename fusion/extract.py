"""Passages → the sentence that comes nearest to an answer, where no path of the graph explains the question."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import regex

from fusion.cues import stem
from fusion.question import is_chinese
from fusion.reader import Asked
from kg.facts import Entity, EntityId, Occurrence
from kg.ontology import Ontology
from kg.store import ChunkHit, GraphStore
from kg.words import content_words

READ = 5  # passages
ENOUGH = 0.6  # of the question's words, by weight, that a sentence must share (its document's title counts half)
TRUST = 0.35  # the most that such an answer is believed
LONGEST = 400  # characters of a sentence that is given as an answer

_SENTENCE = regex.compile(r"[^。！？.!?\n]*(?:[.!?](?!\s|$)[^。！？.!?\n]*)*[。！？.!?\n]?\s*")


@dataclass(frozen=True, slots=True)
class Found:
    """A sentence of a passage, ``chunk.text[start:end]``, and the entity or span in it that is the answer."""

    text: str
    entity: Entity | None
    hit: ChunkHit
    start: int
    end: int
    score: float


def extract(
    question: Asked, passages: Sequence[ChunkHit], titles: Sequence[str], store: GraphStore, ontology: Ontology
) -> Found | None:
    """The best sentence and, where a type is asked for, a thing of that type in it that the question does not name.

    Raises:
        StoreError: the store failed.
    """
    wanted = _stems(question.text)
    passages = passages[:READ]
    if not wanted or not passages:
        return None
    seen = Counter(word for hit in passages for word in _stems(hit.chunk.text))
    weights = {word: math.log(1 + (len(passages) + 1) / (seen[word] + 0.5)) for word in wanted}
    occurrences = store.occurrences(chunks=[hit.chunk.id for hit in passages])
    named = {found.entity.id for found in question.links}
    entities = {e.id: e for e in store.entities({o.entity for o in occurrences} - named)}
    best: Found | None = None
    for hit, title in zip(passages, titles, strict=True):
        topic = _stems(title)
        for start, end in sentences(hit.chunk.text):
            sentence = hit.chunk.text[start:end]
            words = _stems(sentence)
            shared = sum(w * (1.0 if word in words else 0.5 * (word in topic)) for word, w in weights.items())
            score = shared / sum(weights.values())
            if score < ENOUGH or (best is not None and score <= best.score):
                continue
            if question.expected:
                thing = _fitting(question, hit, start, end, occurrences, entities, ontology)
                if thing is not None:
                    best = Found(thing[1], thing[0], hit, start, end, score)
            elif len(sentence) <= LONGEST:
                best = Found(sentence, None, hit, start, end, score)
    return best


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text are, without the white space around them."""
    found = []
    for match in _SENTENCE.finditer(text):
        bare = match[0].strip()
        if bare:
            start = match.start() + match[0].index(bare)
            found.append((start, start + len(bare)))
    return found


def _stems(text: str) -> frozenset[str]:
    words = content_words(text)
    return frozenset(words if is_chinese(text) else (stem(word) for word in words))


def _fitting(
    question: Asked,
    hit: ChunkHit,
    start: int,
    end: int,
    occurrences: Sequence[Occurrence],
    entities: Mapping[EntityId, Entity],
    ontology: Ontology,
) -> tuple[Entity, str] | None:
    """The first entity of the sentence that is of a type asked for and that the question does not name."""
    base = hit.chunk.start
    for occurrence in sorted(occurrences, key=lambda o: (o.start, -o.end)):
        inside = occurrence.chunk == hit.chunk.id and base + start <= occurrence.start and occurrence.end <= base + end
        entity = entities.get(occurrence.entity)
        if inside and entity is not None and any(ontology.is_a(entity.type, kind) for kind in question.expected):
            surface = hit.chunk.text[occurrence.start - base : occurrence.end - base]
            if surface.casefold() not in question.text.casefold():
                return entity, surface
    return None
