"""The graph in this process's memory: the reference that every other store must agree with."""

import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from kg import history, readings
from kg.facts import (
    Chunk,
    ChunkId,
    DocumentId,
    Entity,
    EntityId,
    Fact,
    FactId,
    Occurrence,
    Subgraph,
    name_key,
)
from kg.store import Changes, ChunkHit, Counts, DocumentRecord, EntityHit, Learned, Reading
from kg.vectors import checked, cosine, has_direction
from kg.words import Bm25, content_words, entity_words, name_words, query_words

K = TypeVar("K", bound=str)
V = TypeVar("V")


class MemoryStore:
    """A ``GraphStore`` of dictionaries; it is gone when the process ends. Safe for several threads."""

    address = "memory:"

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._history = history.History(history.later(0))
        self._documents: dict[DocumentId, DocumentRecord] = {}
        self._chunks: dict[ChunkId, Chunk] = {}
        self._chunks_of: defaultdict[DocumentId, set[ChunkId]] = defaultdict(set)
        self._vectors: dict[ChunkId, tuple[float, ...]] = {}
        self._entities: dict[EntityId, Entity] = {}
        self._by_key: defaultdict[str, set[EntityId]] = defaultdict(set)
        self._named: defaultdict[EntityId, set[Occurrence]] = defaultdict(set)
        self._named_in: defaultdict[ChunkId, set[Occurrence]] = defaultdict(set)
        self._facts: dict[FactId, Fact] = {}
        self._facts_of: defaultdict[EntityId, set[FactId]] = defaultdict(set)
        self._facts_in: defaultdict[ChunkId, set[FactId]] = defaultdict(set)
        self._learned: Learned | None = None
        self._learned_vectors: dict[EntityId, tuple[float, ...]] = {}
        self._texts: Bm25[ChunkId] = Bm25()
        self._names: Bm25[EntityId] = Bm25()

    # -- writing ------------------------------------------------------------------------------------------------

    def write(self, readings_: Sequence[Reading]) -> None:
        batch = readings.batch(readings_)  # refuses before anything has changed
        with self._lock:
            chunks = {id for document in batch.replaced for id in self._chunks_of.get(document, ())}
            chunks |= {chunk.id for reading in batch.readings for chunk in reading.chunks}
            facts = [*self.facts_in(chunks), *(fact for reading in batch.readings for fact in reading.facts)]
            touched = {id for document in batch.replaced for id in self._forget(document)}
            for reading in batch.readings:
                touched |= self._add(reading)
            self._settle(touched)
            self._record(touched, facts)

    def delete(self, documents: Collection[DocumentId]) -> None:
        with self._lock:
            facts = self.facts_in({id for document in documents for id in self._chunks_of.get(document, ())})
            touched = {id for document in documents for id in self._forget(document)}
            self._settle(touched)
            self._record(touched, facts)

    def _record(self, entities: Iterable[EntityId], facts: Iterable[Fact]) -> None:
        triples = frozenset((fact.subject, fact.relation, fact.object) for fact in facts)
        self._history = self._history.then(history.later(self._history.version), Changes(frozenset(entities), triples))

    def _add(self, reading: Reading) -> set[EntityId]:
        record = replace(reading.document, complete=reading.last)
        self._documents[record.id] = record
        touched = {entity.id for entity in reading.entities}
        for i, chunk in enumerate(reading.chunks):
            if chunk.id in self._chunks:
                touched |= self._forget_chunk(chunk.id)
            self._chunks[chunk.id] = chunk
            self._chunks_of[record.id].add(chunk.id)
            if reading.vectors:
                self._vectors[chunk.id] = reading.vectors[i]
            self._texts.put(chunk.id, content_words(f"{record.title}\n{chunk.text}"))
        for entity in reading.entities:
            self._entities.setdefault(entity.id, replace(entity, aliases=()))
        for occurrence in reading.occurrences:
            self._named[occurrence.entity].add(occurrence)
            self._named_in[occurrence.chunk].add(occurrence)
        for fact in reading.facts:
            known = self._facts.get(fact.id, fact)
            self._facts[fact.id] = replace(known, evidence=known.evidence | fact.evidence)
            self._facts_of[fact.subject].add(fact.id)
            self._facts_of[fact.object].add(fact.id)
            for evidence in fact.evidence:
                self._facts_in[evidence.chunk].add(fact.id)
        return touched

    def _forget(self, document: DocumentId) -> set[EntityId]:
        self._documents.pop(document, None)
        return {id for chunk in self._chunks_of.pop(document, set()) for id in self._forget_chunk(chunk)}

    def _forget_chunk(self, chunk: ChunkId) -> set[EntityId]:
        del self._chunks[chunk]
        self._vectors.pop(chunk, None)
        self._texts.remove(chunk)
        touched: set[EntityId] = set()
        for occurrence in self._named_in.pop(chunk, set()):
            self._named[occurrence.entity].discard(occurrence)
            touched.add(occurrence.entity)
        for id in self._facts_in.pop(chunk, set()):
            fact = self._facts[id]
            touched |= {fact.subject, fact.object}
            left = frozenset(e for e in fact.evidence if e.chunk != chunk)
            if left:
                self._facts[id] = replace(fact, evidence=left)
            else:
                del self._facts[id]
                self._facts_of[fact.subject].discard(id)
                self._facts_of[fact.object].discard(id)
        return touched

    def _settle(self, touched: Iterable[EntityId]) -> None:
        """Bring aliases, keys and lives of these entities in line with their occurrences and facts."""
        for id in touched:
            entity = self._entities.pop(id, None)
            if entity is None:
                continue
            for key in _keys(entity):
                self._by_key[key].discard(id)
            self._names.remove(id)
            if not self._named[id] and not self._facts_of[id]:
                del self._named[id], self._facts_of[id]
                self._learned_vectors.pop(id, None)
                continue
            surfaces = {self._surface(occurrence) for occurrence in self._named[id]} - {entity.name}
            entity = replace(entity, aliases=tuple(sorted(surfaces)))
            self._entities[id] = entity
            for key in _keys(entity):
                self._by_key[key].add(id)
            self._names.put(id, entity_words(entity.name, entity.aliases))

    def _surface(self, occurrence: Occurrence) -> str:
        chunk = self._chunks[occurrence.chunk]
        return chunk.text[occurrence.start - chunk.start : occurrence.end - chunk.start]

    # -- documents ----------------------------------------------------------------------------------------------

    def documents(self, *, prefix: str = "") -> Iterator[DocumentRecord]:
        with self._lock:
            found = [record for record in self._documents.values() if record.source.startswith(prefix)]
        yield from sorted(found, key=lambda record: record.source)

    def document_records(self, ids: Collection[DocumentId]) -> list[DocumentRecord]:
        with self._lock:
            return sorted(_held(self._documents, ids), key=lambda record: record.source)

    def chunks_of(self, document: DocumentId) -> list[Chunk]:
        with self._lock:
            return self.chunks(self._chunks_of.get(document, ()))

    def chunks(self, ids: Collection[ChunkId]) -> list[Chunk]:
        with self._lock:
            return sorted(_held(self._chunks, ids), key=lambda chunk: (chunk.document, chunk.start, chunk.end))

    def documents_containing(self, strings: Collection[str]) -> set[DocumentId]:
        with self._lock:
            return {chunk.document for chunk in self._chunks.values() if any(s in chunk.text for s in strings)}

    # -- entities and facts -------------------------------------------------------------------------------------

    def entities(self, ids: Collection[EntityId]) -> list[Entity]:
        with self._lock:
            return sorted(_held(self._entities, ids), key=lambda entity: entity.id)

    def find_entities(self, keys: Collection[str]) -> list[Entity]:
        with self._lock:
            return self.entities({id for key in keys for id in self._by_key.get(key, ())})

    def list_entities(self, *, type: str | None = None, after: str = "", limit: int = 100) -> list[Entity]:
        name, _, id = after.rpartition("\t")
        with self._lock:
            found = [
                entity
                for entity in self._entities.values()
                if (type is None or entity.type == type) and (entity.name, entity.id) > (name, id)
            ]
        return sorted(found, key=lambda entity: (entity.name, entity.id))[:limit]

    def occurrences(
        self, *, entities: Collection[EntityId] = (), chunks: Collection[ChunkId] = (), most: int | None = None
    ) -> list[Occurrence]:
        with self._lock:
            named = [self._named.get(id, ()) for id in entities]
            kept = [group for group in named if most is None or len({o.chunk for o in group}) <= most]
            of_entities = {occurrence for group in kept for occurrence in group}
            in_chunks = {occurrence for id in chunks for occurrence in self._named_in.get(id, ())}
        return sorted(of_entities | in_chunks)

    def facts(self, entities: Collection[EntityId], *, limit: int | None = None) -> list[Fact]:
        with self._lock:
            found: set[FactId] = set()
            for entity in entities:
                ranked = sorted(self._facts_of.get(entity, ()), key=lambda id: _rank(self._facts[id]))
                found.update(ranked[:limit])
            return self._by_id(found)

    def facts_between(self, triples: Collection[tuple[EntityId, str, EntityId]]) -> list[Fact]:
        with self._lock:
            return self._by_id({Fact(*triple).id for triple in triples} & self._facts.keys())

    def facts_in(self, chunks: Collection[ChunkId]) -> list[Fact]:
        with self._lock:
            return self._by_id({id for chunk in chunks for id in self._facts_in.get(chunk, ())})

    def _by_id(self, ids: Iterable[FactId]) -> list[Fact]:
        return [self._facts[id] for id in sorted(ids)]

    def neighbourhood(self, entities: Collection[EntityId], *, hops: int = 1, limit: int = 1000) -> Subgraph:
        with self._lock:
            start = [entity.id for entity in self.entities(set(entities))]
            walked: dict[FactId, Fact] = {}
            seen = set(start)
            frontier = set(start)
            for _ in range(hops):
                ids = {id for entity in frontier for id in self._facts_of.get(entity, ())} - walked.keys()
                step = sorted((self._facts[id] for id in ids), key=_rank)[: limit - len(walked)]
                walked |= {fact.id: fact for fact in step}
                frontier = {end for fact in step for end in (fact.subject, fact.object)} - seen
                seen |= frontier
            joined = {entity.id: entity for entity in self.entities(seen)}
            return Subgraph(joined, tuple(walked.values()))

    # -- search -------------------------------------------------------------------------------------------------

    def search_chunks(self, text: str, *, limit: int = 10) -> list[ChunkHit]:
        with self._lock:
            scores = self._texts.scores(query_words(content_words(text)))
            return [ChunkHit(self._chunks[id], score) for id, score in _best(scores, limit)]

    def nearest_chunks(self, vector: Sequence[float], *, limit: int = 10) -> list[ChunkHit]:
        with self._lock:
            scores = {id: cosine(vector, other) for id, other in self._vectors.items()}
            return [ChunkHit(self._chunks[id], score) for id, score in _best(scores, limit)]

    def search_entities(self, text: str, *, limit: int = 10) -> list[EntityHit]:
        with self._lock:
            scores = self._names.scores(query_words(name_words(text)))
            return [EntityHit(self._entities[id], score) for id, score in _best(scores, limit)]

    # -- what was learned ---------------------------------------------------------------------------------------

    def write_learned(self, learned: Learned, vectors: Iterable[tuple[EntityId, Sequence[float]]]) -> None:
        self.forget_learned()
        given = dict(checked(vectors, dimensions=learned.dimensions))
        with self._lock:
            self._learned_vectors = {id: vector for id, vector in given.items() if id in self._entities}
            self._learned = replace(learned, entities=len(self._learned_vectors))

    def learned(self) -> Learned | None:
        return self._learned

    def forget_learned(self) -> None:
        with self._lock:
            self._learned = None
            self._learned_vectors = {}

    def entity_vectors(self, ids: Collection[EntityId]) -> dict[EntityId, tuple[float, ...]]:
        with self._lock:
            return {id: self._learned_vectors[id] for id in sorted(set(ids) & self._learned_vectors.keys())}

    def nearest_entities(self, vector: Sequence[float], *, limit: int = 10) -> list[EntityHit]:
        with self._lock:
            if self._learned is None or not has_direction(vector, dimensions=self._learned.dimensions) or limit <= 0:
                return []
            scores = {id: cosine(vector, other) for id, other in self._learned_vectors.items() if any(other)}
            return [EntityHit(self._entities[id], score) for id, score in _best(scores, limit)]

    # -- the whole ----------------------------------------------------------------------------------------------

    def counts(self) -> Counts:
        with self._lock:
            return Counts(
                documents=len(self._documents),
                chunks=len(self._chunks),
                entities=len(self._entities),
                facts=len(self._facts),
                evidence=sum(len(fact.evidence) for fact in self._facts.values()),
                entities_by_type=_tally(entity.type for entity in self._entities.values()),
                facts_by_relation=_tally(fact.relation for fact in self._facts.values()),
            )

    def all_entities(self) -> Iterator[Entity]:
        with self._lock:
            found = self.entities(self._entities.keys())
        yield from found

    def all_facts(self) -> Iterator[Fact]:
        with self._lock:
            found = self._by_id(self._facts)
        yield from found

    def version(self) -> int:
        return self._history.version

    def changes(self, since: int) -> Changes | None:
        return self._history.since(since)

    def close(self) -> None:
        """Nothing to let go of."""


def _keys(entity: Entity) -> set[str]:
    return {name_key(name) for name in (entity.name, *entity.aliases)}


def _rank(fact: Fact) -> tuple[int, FactId]:
    return -len(fact.evidence), fact.id


def _held(things: Mapping[K, V], ids: Iterable[K]) -> list[V]:
    return [things[id] for id in set(ids) if id in things]


def _best(scores: Mapping[K, float], limit: int) -> list[tuple[K, float]]:
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:limit]


def _tally(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
