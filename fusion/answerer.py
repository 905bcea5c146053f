"""Question → answer with its thread: the one door to question answering.

link → cues → compare, or paths that explain the question → else the best sentence of the best passages
→ the evidence of every fact, as quotations → every fact and quotation checked → Answer

One pass does it, and keeps a trace: ``ask`` gives the answer, ``explain`` how it came about.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

from fusion.answer import Answer, Citation, abstain
from fusion.compare import compare
from fusion.cues import Speech
from fusion.extract import READ, TRUST, Found, extract, extract_about
from fusion.paths import Facts
from fusion.question import link
from fusion.quoting import as_written, quote
from fusion.reader import Asked, Miss, Reading, read, understand
from fusion.retrieve import Retriever
from fusion.trace import Choice, Passage, Trace
from fusion.verify import verify
from kg.facts import Entity, EntityId, Path, name_key
from kg.ontology import Ontology
from kg.store import ChunkHit, GraphStore
from nlp.embed import Embedder

if TYPE_CHECKING:
    from fusion.planned import PlannedReader

LONGEST = 1000  # characters of a question
KEPT = 20_000  # entities whose facts are kept between questions


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
        return self._trace(question).answer

    def explain(self, question: str) -> Trace:
        """How ``ask`` answers, and also what it had no need to look at: plans and words, where the other settled it.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
            PlannerError: the trained planner cannot be read.
        """
        trace = self._trace(question)
        asked, choice = trace.asked, trace.choice
        if asked is None or choice is None:
            return trace
        planned = self._planned()
        facts = self._facts(self._store.version())
        thought, ruled, guesses = choice.thought, choice.ruled, choice.guesses
        if thought is None and planned is not None:
            thought = planned.think(asked.text, asked.links)
        if guesses is None and thought is not None and planned is not None and planned.reasoned is not None:
            guesses = planned.reasoned.think(asked.text, thought, facts)
        if ruled is None and choice.compared is None:
            ruled = read(asked, facts, self._ontology)
        return replace(trace, choice=replace(choice, thought=thought, ruled=ruled, guesses=guesses))

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

    def _trace(self, question: str) -> Trace:
        if not name_key(question):
            return Trace(abstain(question, "the question is empty"))
        if len(question) > LONGEST:
            reason = f"the question is longer than {LONGEST} characters; ask one thing in a sentence"
            return Trace(abstain(question, reason))
        asked, facts = self.understand(question)
        if not asked.links:
            return self._from_passages(asked, None, "nothing in the graph has a name that the question mentions")
        choice = self._choose(asked, facts)
        if isinstance(choice.reading, Reading):
            answer = self._from_graph(asked, choice.reading, facts)
            if not answer.abstained:
                return Trace(answer, choice.by, asked, choice)
        else:
            answer = self._from_walk(asked, choice.reading, facts)
            if not answer.abstained:
                return Trace(answer, "passages", asked, choice)
        return self._from_passages(asked, choice, answer.reason)

    def _choose(self, asked: Asked, facts: Facts) -> Choice:
        compared = compare(asked, facts, self._ontology)
        if compared is not None:
            return Choice(compared, "comparison", "the question is a comparison", compared=compared)
        planned = self._planned()
        if planned is None:
            ruled = read(asked, facts, self._ontology)
            return Choice(ruled, "words", "no planner has been trained for this graph", ruled=ruled)
        choice = planned.choose(asked, facts, lambda: read(asked, facts, self._ontology))
        return choice if planned.reasoned is None else planned.reasoned.reconsider(choice, asked.text, facts)

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
        cut = quote(self._store, list(steps.values()))
        answer = Answer(
            question=asked.text,
            text=as_written(asked, found, cut, self._store, self._ontology),
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

    def _from_passages(self, asked: Asked, choice: Choice | None, reason: str) -> Trace:
        hits = self._retriever.retrieve(asked.text, limit=READ, links=asked.links).passages
        passages = self._passages(hits)
        found = extract(
            asked,
            [ChunkHit(passage.chunk, passage.score) for passage in passages],
            [passage.title for passage in passages],
            self._store,
            self._ontology,
        )
        answer = abstain(asked.text, reason)
        if found is not None:
            source = next(passage.source for passage in passages if passage.chunk.id == found.hit.chunk.id)
            answer = self._from_sentence(asked, found, source, reason)
        return Trace(answer, "nothing" if answer.abstained else "passages", asked, choice, tuple(passages))

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
        words = chunk.text[found.start : found.end]
        citation = Citation(chunk.document, source, chunk.start + found.start, chunk.start + found.end, words)
        cut = quote(self._store, [fact for path in paths for fact in path.facts]) | {citation: chunk.id}
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
