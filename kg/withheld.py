"""A graph without some of what it holds: to ask of it as if that had never been read.

Nothing is copied and nothing can be written; what is withheld is passed over in every answer of the store behind it.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from kg.errors import StoreError
from kg.facts import Chunk, ChunkId, DocumentId, Entity, EntityId, Fact, Occurrence, Subgraph, Triple
from kg.store import Changes, ChunkHit, Counts, DocumentRecord, EntityHit, GraphStore, Learned, Reading


@dataclass(frozen=True, slots=True)
class Withheld:
    """What a graph is to be without: facts, and chunks that no search finds and no name leads to.

    Other facts of such a chunk stay, and so does its text as their evidence: chunks of imported triples state many.
    """

    facts: frozenset[Triple] = frozenset()
    chunks: frozenset[ChunkId] = frozenset()


class WithheldStore:
    """A store that can be read, without what is withheld; entities stay, also those that nothing is left of."""

    def __init__(self, store: GraphStore, withheld: Withheld) -> None:
        self._store, self._facts, self._chunks = store, withheld.facts, withheld.chunks

    @property
    def address(self) -> str:
        """The address of the store behind it."""
        return self._store.address

    def write(self, readings: Sequence[Reading]) -> None:
        """Refuse.

        Raises:
            StoreError: always.
        """
        raise StoreError(f"{self.address}: a part of it is withheld, so it can only be read.")

    def delete(self, documents: Collection[DocumentId]) -> None:
        """Refuse.

        Raises:
            StoreError: always.
        """
        self.write(())

    def documents(self, *, prefix: str = "") -> Iterator[DocumentRecord]:
        """As in ``GraphStore``: documents stay, also those whose chunks are withheld."""
        return self._store.documents(prefix=prefix)

    def document_records(self, ids: Collection[DocumentId]) -> list[DocumentRecord]:
        """As in ``GraphStore``."""
        return self._store.document_records(ids)

    def chunks_of(self, document: DocumentId) -> list[Chunk]:
        """As in ``GraphStore``."""
        return self._store.chunks_of(document)

    def chunks(self, ids: Collection[ChunkId]) -> list[Chunk]:
        """As in ``GraphStore``."""
        return self._store.chunks(ids)

    def documents_containing(self, strings: Collection[str]) -> set[DocumentId]:
        """As in ``GraphStore``."""
        found = self._store.documents_containing(strings)
        parts = {chunk.document for chunk in self._store.chunks(self._chunks)}
        return {
            document
            for document in found
            if document not in parts
            or any(
                string in chunk.text
                for chunk in self.chunks_of(document)
                for string in strings
                if chunk.id not in self._chunks
            )
        }

    def entities(self, ids: Collection[EntityId]) -> list[Entity]:
        """As in ``GraphStore``."""
        return self._store.entities(ids)

    def find_entities(self, keys: Collection[str]) -> list[Entity]:
        """As in ``GraphStore``."""
        return self._store.find_entities(keys)

    def list_entities(self, *, type: str | None = None, after: str = "", limit: int = 100) -> list[Entity]:
        """As in ``GraphStore``."""
        return self._store.list_entities(type=type, after=after, limit=limit)

    def occurrences(
        self, *, entities: Collection[EntityId] = (), chunks: Collection[ChunkId] = (), most: int | None = None
    ) -> list[Occurrence]:
        """As in ``GraphStore``."""
        found = self._store.occurrences(entities=entities, chunks=chunks, most=most)
        return [one for one in found if one.chunk not in self._chunks]

    def facts(self, entities: Collection[EntityId], *, limit: int | None = None) -> list[Fact]:
        """As in ``GraphStore``; of a limit, what is withheld uses up its part."""
        return self._left(self._store.facts(entities, limit=limit))

    def facts_between(self, triples: Collection[tuple[EntityId, str, EntityId]]) -> list[Fact]:
        """As in ``GraphStore``."""
        return self._left(self._store.facts_between(triples))

    def facts_in(self, chunks: Collection[ChunkId]) -> list[Fact]:
        """As in ``GraphStore``."""
        return self._left(self._store.facts_in(chunks))

    def neighbourhood(self, entities: Collection[EntityId], *, hops: int = 1, limit: int = 1000) -> Subgraph:
        """As in ``GraphStore``, as far as what is left is walked to."""
        found = self._store.neighbourhood(entities, hops=hops, limit=limit)
        facts = tuple(self._left(found.facts))
        ends = {*entities}.union(*((fact.subject, fact.object) for fact in facts))
        return Subgraph({id: one for id, one in found.entities.items() if id in ends}, facts)

    def search_chunks(self, text: str, *, limit: int = 10) -> list[ChunkHit]:
        """As in ``GraphStore``."""
        return self._first(self._store.search_chunks(text, limit=limit + len(self._chunks)), limit)

    def nearest_chunks(self, vector: Sequence[float], *, limit: int = 10) -> list[ChunkHit]:
        """As in ``GraphStore``."""
        return self._first(self._store.nearest_chunks(vector, limit=limit + len(self._chunks)), limit)

    def search_entities(self, text: str, *, limit: int = 10) -> list[EntityHit]:
        """As in ``GraphStore``."""
        return self._store.search_entities(text, limit=limit)

    def write_learned(self, learned: Learned, vectors: Iterable[tuple[EntityId, Sequence[float]]]) -> None:
        """Refuse.

        Raises:
            StoreError: always.
        """
        self.write(())

    def learned(self) -> Learned | None:
        """As in ``GraphStore``: what was learned of the whole graph."""
        return self._store.learned()

    def forget_learned(self) -> None:
        """Refuse.

        Raises:
            StoreError: always.
        """
        self.write(())

    def entity_vectors(self, ids: Collection[EntityId]) -> dict[EntityId, tuple[float, ...]]:
        """As in ``GraphStore``."""
        return self._store.entity_vectors(ids)

    def nearest_entities(self, vector: Sequence[float], *, limit: int = 10) -> list[EntityHit]:
        """As in ``GraphStore``."""
        return self._store.nearest_entities(vector, limit=limit)

    def counts(self) -> Counts:
        """Of the store behind it."""
        return self._store.counts()

    def all_entities(self) -> Iterator[Entity]:
        """As in ``GraphStore``."""
        return self._store.all_entities()

    def all_facts(self) -> Iterator[Fact]:
        """As in ``GraphStore``."""
        return (fact for fact in self._store.all_facts() if self._is_left(fact))

    def version(self) -> int:
        """Of the store behind it."""
        return self._store.version()

    def changes(self, since: int) -> Changes | None:
        """Of the store behind it: what is withheld may be among them, and is not there either way."""
        return self._store.changes(since)

    def close(self) -> None:
        """Nothing: the store behind it stays open."""

    def _first(self, found: Iterable[ChunkHit], limit: int) -> list[ChunkHit]:
        return [hit for hit in found if hit.chunk.id not in self._chunks][:limit]

    def _left(self, found: Iterable[Fact]) -> list[Fact]:
        return [fact for fact in found if self._is_left(fact)]

    def _is_left(self, fact: Fact) -> bool:
        return (fact.subject, fact.relation, fact.object) not in self._facts


def only_in(store: GraphStore, chunks: Collection[ChunkId]) -> frozenset[Triple]:
    """The facts that these chunks alone state."""
    return frozenset(
        (fact.subject, fact.relation, fact.object)
        for fact in store.facts_in(chunks)
        if all(evidence.chunk in chunks for evidence in fact.evidence)
    )


def stating(facts: Iterable[Fact]) -> frozenset[ChunkId]:
    """The chunks that are evidence of facts."""
    return frozenset(evidence.chunk for fact in facts for evidence in fact.evidence)
