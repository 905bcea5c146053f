"""Question → answer with its thread: the one door to question answering."""

from dataclasses import dataclass

from fusion.answer import Answer
from kg.facts import Chunk
from kg.ontology import Ontology
from kg.store import GraphStore
from nlp.embed import Embedder


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that a search found, and where it comes from; scores compare within one search only."""

    chunk: Chunk
    source: str
    title: str
    score: float


class Answerer:
    """Answers questions from one graph. Safe to use from several threads."""

    def __init__(self, store: GraphStore, *, embedder: Embedder | None, ontology: Ontology) -> None:
        """Without an embedder, passages are found by words and by the graph alone."""
        self._store = store
        self._embedder = embedder
        self._ontology = ontology

    def ask(self, question: str) -> Answer:
        """Answer with entities, paths and quotations, or abstain and say what was missing.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        return Answer(question=question, text="", abstained=True, reason="answering is not built yet")

    def search(self, text: str, *, limit: int = 10) -> list[Passage]:
        """The passages that say most about the text, best first.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        hits = self._store.search_chunks(text, limit=limit)
        records = {r.id: r for r in self._store.document_records({hit.chunk.document for hit in hits})}
        return [
            Passage(hit.chunk, records[hit.chunk.document].source, records[hit.chunk.document].title, hit.score)
            for hit in hits
        ]
