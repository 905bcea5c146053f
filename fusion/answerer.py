"""Question → answer with its thread: the one door to question answering.

link → cues → compare, or paths that explain the question → else the best sentence of the best passages
→ the evidence of every fact, as quotations → every fact and quotation checked → Answer
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import takewhile
from threading import Lock
from typing import TYPE_CHECKING

import regex

from fusion.answer import Answer, Citation, abstain
from fusion.compare import compare
from fusion.cues import Speech
from fusion.extract import READ, TRUST, Found, extract, extract_about, whole_sentence
from fusion.paths import Facts
from fusion.question import link
from fusion.reader import Asked, Miss, Reading, read, understand
from fusion.retrieve import Retriever
from fusion.verify import verify
from kg.facts import Chunk, ChunkId, Entity, EntityId, Evidence, Fact, Path, name_key
from kg.ontology import Ontology
from kg.store import ChunkHit, GraphStore
from nlp.dates import find_dates
from nlp.embed import Embedder
from nlp.lexicon import NATIONALITIES

if TYPE_CHECKING:
    from fusion.planned import PlannedReader

LONGEST = 1000  # characters of a question
KEPT = 20_000  # entities whose facts are kept between questions

_AROUND = regex.compile(r"\G,\s(\p{Lu}[\p{L}'’-]*(?:\s\p{Lu}[\p{L}'’-]*)*)")

Cut = dict[Citation, ChunkId]  # quotations, with the chunk that each was cut from


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that a search found, and where it comes from; scores compare within one search only."""

    chunk: Chunk
    source: str
    title: str
    score: float


class Answerer:
    """Answers questions from one graph. Safe to use from several threads."""

    def __init__(
        self,
        store: GraphStore,
        *,
        embedder: Embedder | None,
        ontology: Ontology,
        planned: "Callable[[], PlannedReader | None]" = lambda: None,
    ) -> None:
        """Without an embedder, passages are found by words and by the graph alone.

        ``planned`` is asked at each question for what reads it with a trained planner, if there is one.
        """
        self._store = store
        self._ontology = ontology
        self._speech = Speech(store, ontology)
        self._planned = planned
        self._lock = Lock()
        self._read: tuple[int, Facts] | None = None
        self._retriever = Retriever(store, embedder=embedder, ontology=ontology, speech=self._speech)

    def ask(self, question: str) -> Answer:
        """Answer with entities, paths and quotations, or abstain and say what was missing.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
            PlannerError: the trained planner cannot be read.
        """
        if not name_key(question):
            return abstain(question, "the question is empty")
        if len(question) > LONGEST:
            return abstain(question, f"the question is longer than {LONGEST} characters; ask one thing in a sentence")
        asked, facts = self.understand(question)
        reason = "nothing in the graph has a name that the question mentions"
        if asked.links:
            found = self._understood_as(asked, facts)
            if isinstance(found, Reading):
                answer = self._from_graph(asked, found, facts)
                if not answer.abstained:
                    return answer
                reason = answer.reason
            else:
                reason = found.reason
                answer = self._from_walk(asked, found, facts)
                if not answer.abstained:
                    return answer
        return self._from_passages(asked, reason)

    def understand(self, question: str) -> tuple[Asked, Facts]:
        """What a question names and asks for, and the facts to read it with.

        Raises:
            StoreError: the store failed.
        """
        version = self._store.version()
        links = link(self._store, self._ontology, question)
        asked = understand(question, links, self._speech.lexicon(version), self._ontology)
        return asked, self._facts(version)

    def search(self, text: str, *, limit: int = 10) -> list[Passage]:
        """The passages that say most about the text, best first.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        if limit < 1 or not text.strip():
            return []
        return self._passages(self._retriever.retrieve(text, limit=limit).passages)

    def _understood_as(self, asked: Asked, facts: Facts) -> Reading | Miss:
        compared = compare(asked, facts, self._ontology)
        if compared is not None:
            return compared
        planned = self._planned()
        if planned is None:
            return read(asked, facts, self._ontology)
        return planned.choose(asked, facts, lambda: read(asked, facts, self._ontology))

    def _facts(self, version: int) -> Facts:
        """What is known of the graph as it is now: kept from question to question until it changes, or is too much."""
        with self._lock:
            if self._read is None or self._read[0] != version or len(self._read[1]) > KEPT:
                self._read = version, Facts(self._store)
            return self._read[1]

    def _passages(self, hits: Sequence[ChunkHit]) -> list[Passage]:
        records = {record.id: record for record in self._store.document_records({hit.chunk.document for hit in hits})}
        return [
            Passage(hit.chunk, records[hit.chunk.document].source, records[hit.chunk.document].title, hit.score)
            for hit in hits
            if hit.chunk.document in records
        ]

    def _from_graph(self, asked: Asked, found: Reading, facts: Facts) -> Answer:
        steps = {fact.id: fact for path in found.paths for fact in path}
        names = facts.entities({end for fact in steps.values() for end in (fact.subject, fact.object)})
        names |= {entity.id: entity for entity in found.entities}
        cut = self._quote(list(steps.values()))
        answer = Answer(
            question=asked.text,
            text=self._as_written(asked, found, cut),
            reason=found.reason,
            confidence=round(min(found.score, 1.0), 3),
            entities=found.entities,
            paths=tuple(dict.fromkeys(Path(path) for path in found.paths)),
            citations=tuple(cut),
            names=names,
        )
        return verify(answer, self._store, cut, joint=found.joint)

    def _from_walk(self, asked: Asked, miss: Miss, facts: Facts) -> Answer:
        """Answer from a sentence about what the walk reached, where only its last hop is missing from the graph."""
        if miss.walk is None or len(miss.left) != 1:
            return abstain(asked.text, miss.reason)
        about = miss.walk.reached
        found = extract_about(asked, about.keys(), miss.left, self._store, self._ontology)
        if found is None:
            return abstain(asked.text, miss.reason)
        document = found.hit.chunk.document
        source = next((record.source for record in self._store.document_records([document])), "")
        steps = {fact.id: fact for path in about.values() for fact in path}
        names = facts.entities({end for fact in steps.values() for end in (fact.subject, fact.object)})
        return self._from_sentence(asked, found, source, miss.reason, tuple(map(Path, about.values())), names)

    def _from_passages(self, asked: Asked, reason: str) -> Answer:
        hits = self._retriever.retrieve(asked.text, limit=READ, links=asked.links).passages
        passages = self._passages(hits)
        found = extract(
            asked,
            [ChunkHit(passage.chunk, passage.score) for passage in passages],
            [passage.title for passage in passages],
            self._store,
            self._ontology,
        )
        if found is None:
            return abstain(asked.text, reason)
        source = next(passage.source for passage in passages if passage.chunk.id == found.hit.chunk.id)
        return self._from_sentence(asked, found, source, reason)

    def _from_sentence(
        self,
        asked: Asked,
        found: Found,
        source: str,
        reason: str,
        paths: tuple[Path, ...] = (),
        names: dict[EntityId, Entity] | None = None,
    ) -> Answer:
        chunk = found.hit.chunk
        quote = chunk.text[found.start : found.end]
        citation = Citation(chunk.document, source, chunk.start + found.start, chunk.start + found.end, quote)
        cut = self._quote([fact for path in paths for fact in path.facts]) | {citation: chunk.id}
        things = () if found.entity is None else (found.entity,)
        answer = Answer(
            question=asked.text,
            text=found.text,
            reason=f"read from one sentence: {reason}",
            confidence=round(TRUST * found.score, 3),
            entities=things,
            paths=tuple(path for path in paths if path.facts),
            citations=tuple(cut),
            names=(names or {}) | {thing.id: thing for thing in things},
        )
        return verify(answer, self._store, cut)

    def _as_written(self, asked: Asked, found: Reading, citations: Collection[Citation]) -> str:
        """The answer's text: a date or a place as the cited document writes it, a country where one is asked for."""
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
                if self._ontology.is_a(entity.type, "Place"):
                    return self._whole_place(entity.name, citation.quote)
        return found.text

    def _whole_place(self, name: str, quote: str) -> str:
        """A place with the places around it, where the quotation goes on to name them: "Montreal, Quebec"."""
        start = quote.find(name)
        if start < 0:
            return name
        around = [match[1] for match in _AROUND.finditer(quote, start + len(name))]
        keys = {part: name_key(part) for part in around}
        places = {
            name_key(known)
            for entity in self._store.find_entities(set(keys.values()))
            if self._ontology.is_a(entity.type, "Place")
            for known in (entity.name, *entity.aliases)
        }
        return ", ".join((name, *takewhile(lambda part: keys[part] in places, around)))

    def _quote(self, facts: Collection[Fact]) -> Cut:
        """For each fact the sentence that states it most surely."""
        best = {fact: min(fact.evidence, key=_surest) for fact in facts if fact.evidence}
        chunks = {chunk.id: chunk for chunk in self._store.chunks({evidence.chunk for evidence in best.values()})}
        records = self._store.document_records({chunk.document for chunk in chunks.values()})
        sources = {record.id: record.source for record in records}
        cut: Cut = {}
        for fact, evidence in best.items():
            chunk = chunks.get(evidence.chunk)
            if chunk is not None and chunk.document in sources:
                base, source = chunk.start, sources[chunk.document]
                start, end = whole_sentence(chunk.text, evidence.start - base, evidence.end - base)
                quote = chunk.text[start:end]
                cut[Citation(chunk.document, source, base + start, base + end, quote, fact.id)] = chunk.id
        return cut


def _surest(evidence: Evidence) -> tuple[float, int, Evidence]:
    return -evidence.confidence, evidence.end - evidence.start, evidence
