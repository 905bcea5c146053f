"""What was read in the graph or in a passage → an answer with its quotations, each checked against the store."""

from collections.abc import Mapping, Sequence

from fusion.answer import Answer, Citation, abstain
from fusion.explaining import asks_to_explain, nearest
from fusion.extract import READ, TRUST, Found, extract, extract_about
from fusion.paths import Facts
from fusion.quoting import Cut, as_written, quote
from fusion.reader import Asked, Miss, Reading
from fusion.retrieve import Retriever
from fusion.trace import Choice, Passage, Trace
from fusion.verify import verify
from kg.facts import Entity, EntityId, FactId, Path
from kg.ontology import Ontology
from kg.store import ChunkHit, GraphStore
from nlp.embed import Embedder


class Prover:
    """Makes answers from one graph. Safe to use from several threads."""

    def __init__(
        self, store: GraphStore, retriever: Retriever, ontology: Ontology, *, embedder: Embedder | None = None
    ) -> None:
        """``retriever`` finds the passages that are read where the graph does not answer; without an embedder, nothing
        is explained.
        """
        self._store, self._retriever, self._ontology, self._embedder = store, retriever, ontology, embedder

    def from_graph(
        self, asked: Asked, found: Reading, facts: Facts, *, expected: dict[FactId, float] | None = None
    ) -> Answer:
        """Answer with what the graph says; ``expected`` facts, each with its probability, need not be in the store.

        Raises:
            StoreError: the store failed.
        """
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
            predicted=expected,
        )
        return verify(answer, self._store, cut, joint=found.joint, predicting=expected is not None)

    def from_walk(self, asked: Asked, miss: Miss, facts: Facts) -> Answer:
        """Answer from a sentence about what the walk reached, where only its last hop is missing from the graph.

        Raises:
            StoreError: the store failed.
        """
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

    def found(self, asked: Asked) -> list[Passage]:
        """The passages that are read for a question, best first.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        return self.passages(self._retriever.retrieve(asked.text, limit=READ, links=asked.links).passages)

    def from_passages(
        self, asked: Asked, choice: Choice | None, reason: str, passages: Sequence[Passage] | None = None
    ) -> Trace:
        """Answer from the best sentence of the best passages, or abstain for this reason.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        passages = self.found(asked) if passages is None else passages
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

    def explained(self, asked: Asked, choice: Choice | None, reason: str) -> Trace | None:
        """Answer how or why with the nearest sentences of the best passages; None if it is not asked, or none is near.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        if self._embedder is None or not asks_to_explain(asked.text):
            return None
        passages = self.found(asked)
        cut: Cut = {}
        near = 0.0
        for one in nearest(asked.text, passages, self._embedder):
            chunk = one.passage.chunk
            words = chunk.text[one.start : one.end]
            place = chunk.start + one.start, chunk.start + one.end
            cut[Citation(chunk.document, one.passage.source, *place, words)] = chunk.id
            near = max(near, one.near)
        if not cut:
            return None
        answer = Answer(
            question=asked.text,
            text=" ".join(" ".join(citation.quote.split()) for citation in cut),
            reason=f"the sentences nearest to the question: {reason}",
            confidence=round(TRUST * min(near, 1.0), 3),
            citations=tuple(cut),
        )
        answer = verify(answer, self._store, cut)
        return None if answer.abstained else Trace(answer, "passages", asked, choice, tuple(passages))

    def passages(self, hits: Sequence[ChunkHit]) -> list[Passage]:
        """Chunks with where they come from, but for those whose document is gone.

        Raises:
            StoreError: the store failed.
        """
        records = {record.id: record for record in self._store.document_records({hit.chunk.document for hit in hits})}
        return [
            Passage(hit.chunk, records[hit.chunk.document].source, records[hit.chunk.document].title, hit.score)
            for hit in hits
            if hit.chunk.document in records
        ]

    def _from_sentence(
        self,
        asked: Asked,
        found: Found,
        source: str,
        reason: str,
        paths: tuple[Path, ...] = (),
        names: Mapping[EntityId, Entity] | None = None,
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
            names={**(names or {}), **{thing.id: thing for thing in things}},
        )
        return verify(answer, self._store, cut)
