"""The graph as a place to write to and read from: the protocol that every store keeps, and what crosses it.

A document is written as one or more *readings*. The first replaces whatever the document said before, the last
marks it complete; most documents need only one reading, which is both. What a document says is reference-counted:
a fact lives while any evidence for it does, an entity while any occurrence or fact does, an alias while any
occurrence has that surface. Deleting a document therefore leaves the graph as if it had never been read.

What models learn of the graph is derived from it: it is no part of what makes two graphs equal, and is not exported.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from kg.facts import Chunk, ChunkId, DocumentId, Entity, EntityId, Fact, Occurrence, Subgraph, Topic, Triple


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """What a store keeps of a document beside its chunks."""

    id: DocumentId
    source: str
    title: str
    language: str
    text_digest: str
    reader: str  # name and version of whatever read it: a change means that it should be read again
    topic: Topic | None = None
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from a document, or from a part of a long one.

    ``entities`` holds every entity that ``occurrences`` and ``facts`` name; aliases given there are ignored, since
    they follow from the occurrences. ``vectors`` has one row per chunk, or is empty.
    """

    document: DocumentRecord
    chunks: tuple[Chunk, ...] = ()
    entities: tuple[Entity, ...] = ()
    occurrences: tuple[Occurrence, ...] = ()
    facts: tuple[Fact, ...] = ()
    vectors: tuple[tuple[float, ...], ...] = ()  # (len(chunks), 384), unit length
    first: bool = True
    last: bool = True


@dataclass(frozen=True, slots=True)
class ChunkHit:
    """A chunk that a search found; scores compare within one search only."""

    chunk: Chunk
    score: float


@dataclass(frozen=True, slots=True)
class EntityHit:
    """An entity that a search found; scores compare within one search only."""

    entity: Entity
    score: float


@dataclass(frozen=True, slots=True)
class Learned:
    """Which model the learned vectors of entities come from; they are stale when the graph has another version."""

    model: str  # name and digest
    learned_at: str  # ISO 8601, UTC
    version: int  # of the graph that the model has seen
    dimensions: int
    entities: int  # how many were given a vector


@dataclass(frozen=True, slots=True)
class Counts:
    """How much the graph holds."""

    documents: int
    chunks: int
    entities: int
    facts: int
    evidence: int
    entities_by_type: dict[str, int]
    facts_by_relation: dict[str, int]


@dataclass(frozen=True, slots=True)
class Changes:
    """What may differ between two versions of a graph; whatever is not named here is the same in both."""

    entities: frozenset[EntityId] = frozenset()  # that came or went, or have other aliases
    facts: frozenset[Triple] = frozenset()  # that came or went; of their evidence nothing is said


class GraphStore(Protocol):
    """A graph that can be written to and read from.

    Methods that take ids ignore those that the graph does not hold. Lists come in an order that depends on content
    alone. Every method raises ``StoreError`` or one of its kinds when the store fails.
    """

    @property
    def address(self) -> str:
        """The address it was opened with, without user or password."""
        ...

    # -- writing ------------------------------------------------------------------------------------------------

    def write(self, readings: Sequence[Reading]) -> None:
        """Write readings in one transaction, in order."""
        ...

    def delete(self, documents: Collection[DocumentId]) -> None:
        """Forget what these documents said, in one transaction."""
        ...

    # -- documents ----------------------------------------------------------------------------------------------

    def documents(self, *, prefix: str = "") -> Iterator[DocumentRecord]:
        """The records whose source starts with the prefix, by source; incomplete ones included."""
        ...

    def document_records(self, ids: Collection[DocumentId]) -> list[DocumentRecord]:
        """The records of these documents, by source."""
        ...

    def chunks_of(self, document: DocumentId) -> list[Chunk]:
        """A document's chunks in the order of the text: joined, they are the text."""
        ...

    def chunks(self, ids: Collection[ChunkId]) -> list[Chunk]:
        """These chunks, by document and start."""
        ...

    def documents_containing(self, strings: Collection[str]) -> set[DocumentId]:
        """The documents one of whose chunks contains one of the strings, to the letter."""
        ...

    # -- entities and facts -------------------------------------------------------------------------------------

    def entities(self, ids: Collection[EntityId]) -> list[Entity]:
        """These entities, by id."""
        ...

    def find_entities(self, keys: Collection[str]) -> list[Entity]:
        """The entities whose name, or one of whose aliases, has one of these keys (``kg.facts.name_key``), by id."""
        ...

    def list_entities(self, *, type: str | None = None, after: str = "", limit: int = 100) -> list[Entity]:
        """Entities by (name, id), from behind the cursor ``after``: ``name + "\\t" + id`` of the last one seen."""
        ...

    def occurrences(
        self, *, entities: Collection[EntityId] = (), chunks: Collection[ChunkId] = (), most: int | None = None
    ) -> list[Occurrence]:
        """Where these entities are named, and what is named in these chunks (the union), sorted.

        With ``most``, entities that are named in more chunks than that are passed over, as if not asked for.
        """
        ...

    def facts(self, entities: Collection[EntityId], *, limit: int | None = None) -> list[Fact]:
        """The facts with one of these entities as subject or object, evidence included.

        With a limit, at most so many facts per entity: those with the most evidence first, then by id.
        """
        ...

    def facts_between(self, triples: Collection[tuple[EntityId, str, EntityId]]) -> list[Fact]:
        """Those of the triples that are facts of the graph."""
        ...

    def facts_in(self, chunks: Collection[ChunkId]) -> list[Fact]:
        """The facts that have evidence in one of these chunks."""
        ...

    def neighbourhood(self, entities: Collection[EntityId], *, hops: int = 1, limit: int = 1000) -> Subgraph:
        """The entities within so many hops, either direction, and the facts walked, nearest first."""
        ...

    # -- search -------------------------------------------------------------------------------------------------

    def search_chunks(self, text: str, *, limit: int = 10) -> list[ChunkHit]:
        """Chunks that share words (in Chinese: pairs of characters) with the text, best first. Any text is safe."""
        ...

    def nearest_chunks(self, vector: Sequence[float], *, limit: int = 10) -> list[ChunkHit]:
        """Chunks whose vectors have the highest cosine with this one; the score is that cosine (-1 to 1)."""
        ...

    def search_entities(self, text: str, *, limit: int = 10) -> list[EntityHit]:
        """Entities whose name or aliases share words with the text, best first. Any text is safe."""
        ...

    # -- what was learned ---------------------------------------------------------------------------------------

    def write_learned(self, learned: Learned, vectors: Iterable[tuple[EntityId, Sequence[float]]]) -> None:
        """Put these vectors in place of all that were learned before; the version of the graph stays.

        Each entity comes once; those that the graph does not hold are passed over, and not counted in what
        ``learned`` then tells. Until all are written, nothing counts as learned. Values are kept as 32-bit floats at
        the least. A vector goes with its entity, and stays while others come and go.

        Raises:
            ValueError: a vector has not the dimensions that ``learned`` says, or a value that is not finite.
            StoreError: also when another program began to write learned vectors meanwhile: its will stay.
        """
        ...

    def learned(self) -> Learned | None:
        """What the learned vectors come from, or None where there are none."""
        ...

    def forget_learned(self) -> None:
        """Remove all learned vectors."""
        ...

    def entity_vectors(self, ids: Collection[EntityId]) -> dict[EntityId, tuple[float, ...]]:
        """The learned vectors of those of these entities that have one, by id."""
        ...

    def nearest_entities(self, vector: Sequence[float], *, limit: int = 10) -> list[EntityHit]:
        """Entities whose learned vectors have the highest cosine with this one; the score is that cosine (-1 to 1).

        A zero vector is near nothing. ``ValueError`` where the learned vectors have other dimensions.
        """
        ...

    # -- the whole ----------------------------------------------------------------------------------------------

    def counts(self) -> Counts:
        """How much the graph holds."""
        ...

    def all_entities(self) -> Iterator[Entity]:
        """Every entity, by id, streamed."""
        ...

    def all_facts(self) -> Iterator[Fact]:
        """Every fact with its evidence, by id, streamed."""
        ...

    def version(self) -> int:
        """Grows with every write and delete, whoever made it: what was read under one version holds until the next.

        It means nothing else: it begins anywhere and grows by any step, so that no other graph has it, not even one
        that is begun anew at the same address.
        """
        ...

    def changes(self, since: int) -> Changes | None:
        """What the writes since a version may have changed; None where that is not known any more.

        Every store remembers some writes, and never those of another graph.
        """
        ...

    def close(self) -> None:
        """Let go of connections; the store may not be used after."""
        ...
