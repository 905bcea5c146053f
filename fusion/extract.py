"""Passages → the sentence that comes nearest to an answer, where no path of the graph explains the whole question.

A path that explains all but the last hop leads to an entity; the passages about it are read for the rest. Otherwise
the passages that retrieval ranks first are read for the words of the question.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import regex

from fusion.cues import Cue
from fusion.question import is_chinese, stem
from fusion.reader import Asked
from fusion.retrieve import HEAD
from kg.facts import Entity, EntityId, Occurrence
from kg.ontology import Ontology
from kg.store import ChunkHit, GraphStore
from kg.words import content_words

READ = 5  # passages
ENOUGH = 0.6  # of the question's words, by weight, that a sentence must share (its document's title counts half)
TRUST = 0.35  # the most that such an answer is believed
ABOUT = 5  # entities whose passages are read
LONGEST = 400  # characters of a sentence that is given as an answer

# Words of relations that say little by themselves.
_GENERAL = frozenset(stem(word) for word in ("place", "date", "country", "where", "when", "why", "from", "which"))
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_STOP = regex.compile(
    r"""(?<!\b(?:\p{Lu}|Mr|Mrs|Ms|Dr|St|Jr|Sr|ca?|No|vs|Prof|Gen|Col|Lt|Sgt|Capt|b|d|fl|née?))
    [.!?]["”’)\]]*(?=\s+["“‘(\[]*[\p{Lu}\p{N}]) | (?<=[。！？；])["”’）]* | (?=\n)""",
    regex.VERBOSE,
)


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
    wanted = stems(question.text)
    passages = passages[:READ]
    if not wanted or not passages:
        return None
    seen = Counter(word for hit in passages for word in stems(hit.chunk.text))
    weights = {word: math.log(1 + (len(passages) + 1) / (seen[word] + 0.5)) for word in wanted}
    occurrences = store.occurrences(chunks=[hit.chunk.id for hit in passages])
    named = {found.entity.id for found in question.links}
    entities = {e.id: e for e in store.entities({o.entity for o in occurrences} - named)}
    spoken = [said for cue in question.cues if not cue.soft if (said := _cue_words(cue, ontology))]
    best: Found | None = None
    for hit, title in zip(passages, titles, strict=True):
        topic = stems(title)
        for start, end in sentences(hit.chunk.text):
            sentence = hit.chunk.text[start:end]
            words = stems(sentence)
            shared = sum(w * (1.0 if word in words else 0.5 * (word in topic)) for word, w in weights.items())
            score = shared / sum(weights.values())
            if score < ENOUGH or (best is not None and score <= best.score):
                continue
            if not all(words & cue for cue in spoken):
                continue  # it says something else about the same things
            if question.expected:
                thing = _fitting(question, hit, start, end, occurrences, entities, ontology, question.expected)
                if thing is not None:
                    best = Found(thing[1], thing[0], hit, start, end, score)
            elif len(sentence) <= LONGEST:
                best = Found(sentence, None, hit, start, end, score)
    return best


def extract_about(
    question: Asked, about: Collection[EntityId], left: Sequence[Cue], store: GraphStore, ontology: Ontology
) -> Found | None:
    """A sentence about one of these entities that has the words of a cue, and the thing behind them that it asks for.

    Raises:
        StoreError: the store failed.
    """
    relations = [ontology.relations[c[-1]] for cue in left for c in cue.chains if c[-1] in ontology.relations]
    kinds = question.expected or {kind for relation in relations for kind in relation.range}
    words = frozenset(word for cue in left for word in _cue_words(cue, ontology))
    if not kinds or not words or len(about) > ABOUT:
        return None
    places = sorted(store.occurrences(entities=about), key=lambda o: (o.start >= HEAD, o))
    ids = list(dict.fromkeys(occurrence.chunk for occurrence in places))[:READ]
    occurrences = store.occurrences(chunks=ids)
    named = {found.entity.id for found in question.links} | set(about)
    entities = {e.id: e for e in store.entities({o.entity for o in occurrences} - named)}
    chunks = {chunk.id: chunk for chunk in store.chunks(ids)}
    headed = {occurrence.chunk for occurrence in places if occurrence.start < HEAD}
    for id in ids:
        told = [o.start - chunks[id].start for o in places if o.chunk == id]
        for start, end in sentences(chunks[id].text):
            if id not in headed and not any(start <= place < end for place in told):
                continue  # the sentence may be about something else
            for match in _WORD.finditer(chunks[id].text, start, end):
                if stem(match[0]) in words:
                    hit = ChunkHit(chunks[id], 1.0)
                    thing = _fitting(question, hit, match.end(), end, occurrences, entities, ontology, kinds)
                    if thing is not None:
                        return Found(thing[1], thing[0], hit, start, end, 1.0)
    return None


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text are, without the white space around them."""
    cuts = [0, *(match.end() for match in _STOP.finditer(text)), len(text)]
    found = []
    for start, end in pairwise(cuts):
        bare = text[start:end].strip()
        if bare:
            start = text.index(bare, start)
            found.append((start, start + len(bare)))
    return found


def whole_sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence around some characters, or those alone where it would be too long to quote."""
    around = [span for span in sentences(text) if span[0] < end and start < span[1]]
    if not around:
        return start, end
    first, last = min(start, around[0][0]), max(end, around[-1][1])
    return (first, last) if last - first <= LONGEST else (start, end)


def stems(text: str) -> frozenset[str]:
    """The words of a text that say something, without their endings."""
    words = content_words(text)
    return frozenset(words if is_chinese(text) else (stem(word) for word in words))


def _cue_words(cue: Cue, ontology: Ontology) -> frozenset[str]:
    """The words, without endings, by which a sentence may state one of a cue's relations."""
    relations = [ontology.relations[r] for chain in cue.chains for r in chain if r in ontology.relations]
    phrases = [phrase for relation in relations for words in relation.words.values() for phrase in words]
    return frozenset(stem(word) for phrase in phrases for word in content_words(phrase)) - _GENERAL


def _fitting(
    question: Asked,
    hit: ChunkHit,
    start: int,
    end: int,
    occurrences: Sequence[Occurrence],
    entities: Mapping[EntityId, Entity],
    ontology: Ontology,
    kinds: Collection[str],
) -> tuple[Entity, str] | None:
    """The first entity there that is of one of these kinds and that the question does not name."""
    base = hit.chunk.start
    for occurrence in sorted(occurrences, key=lambda o: (o.start, -o.end)):
        inside = occurrence.chunk == hit.chunk.id and base + start <= occurrence.start and occurrence.end <= base + end
        entity = entities.get(occurrence.entity)
        if inside and entity is not None and any(ontology.is_a(entity.type, kind) for kind in kinds):
            surface = hit.chunk.text[occurrence.start - base : occurrence.end - base]
            if surface.casefold() not in question.text.casefold():
                return entity, surface
    return None
