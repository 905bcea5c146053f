"""The graph in Neo4j or ArcadeDB, reached over Bolt: the one importer of the driver."""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from kg import containing, cypher, migrations, readings, records
from kg.bolt_errors import mapped
from kg.bolt_learned import LearnedVectors
from kg.bolt_writing import Writing
from kg.door import Door, run_sql
from kg.driver import exceptions, neo4j
from kg.errors import NoGraphError, StoreError, StoreUnavailableError
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
from kg.graph_node import GraphNode
from kg.labels import ARCADEDB, NEO4J
from kg.sorting import sorted_rows
from kg.store import Changes, ChunkHit, Counts, DocumentRecord, EntityHit, Learned, Reading
from kg.vector_index import MISSING, VectorIndex
from kg.vectors import cosine
from kg.words import alias_word, content_words, name_words, query_words

T = TypeVar("T")

TRIES = 5  # of a transaction that two writers wanted at once
FEW = 500  # strings that are looked up one by one; more are found in one pass over all texts
KEYS = 200  # aliases asked for in one full-text query


class BoltStore:
    """A ``GraphStore`` in a graph database. Safe for several threads; several programs may share the database."""

    def __init__(
        self,
        address: str,
        door: Door,
        *,
        revive: Callable[[], Door] | None = None,
        exclusive: Callable[[], AbstractContextManager[object]] = nullcontext,
        crowded: Callable[[], bool] = lambda: False,
        release: Callable[[], None] | None = None,
    ) -> None:
        """Connect, and bring the schema up to date.

        ``revive`` starts the server again if it died; ``exclusive`` lets one program write at a time; ``crowded``
        tells whether the server's disk is full; ``release`` is called when the store is closed.

        Raises:
            StoreUnavailableError: nothing answers at the address.
            StoreAccessError: the user or the password is wrong.
        """
        self._address = address
        self._door = door
        self._revive = revive
        self._exclusive = exclusive
        self._crowded = crowded
        self._release = release
        self._reviving = threading.Lock()
        self._naming = ARCADEDB if door.http else NEO4J
        self._vectors: VectorIndex | None = None
        sql = self._sql if door.http else None
        self._graph = GraphNode(address, run=self._rows, sql=sql, exclusive=exclusive)
        self._learned = LearnedVectors(
            address, run=self._rows, stream=self._stream, transact=self._transact, sql=sql, exclusive=exclusive
        )
        self._driver = self._connect(door)
        try:
            with mapped(address):
                self._driver.verify_connectivity()
                self._check_server()
                with self._exclusive():
                    self._graph.begin()
                if door.http:
                    self._vectors = VectorIndex(sql=self._sql, stored=self._stored_chunks, exclusive=self._exclusive)
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str:
        return self._address

    def close(self) -> None:
        vectors, self._vectors = self._vectors, None
        release, self._release = self._release, None
        try:
            if vectors is not None:
                vectors.finish()
        except StoreUnavailableError:
            pass  # the server is gone; whoever searches first makes the index
        finally:
            self._driver.close()
            if release is not None:
                release()

    # -- the connection -----------------------------------------------------------------------------------------

    def _connect(self, door: Door) -> neo4j.Driver:
        with mapped(self._address):
            return neo4j.GraphDatabase.driver(
                door.uri,
                auth=(door.user, door.password),
                connection_timeout=10,
                connection_acquisition_timeout=30,
                max_transaction_retry_time=30,
                notifications_min_severity="OFF",
                user_agent="clew",
            )

    def _check_server(self) -> None:
        agent = str(self._driver.get_server_info().agent)
        if "ArcadeDB" in agent and not self._door.http:
            raise StoreError(f"{self._address}: this is ArcadeDB; Clew keeps its own, so give --store embedded:PATH")

    def _session(self, mode: str) -> neo4j.Session:
        return self._driver.session(database=self._door.database, default_access_mode=mode)

    def _with_server(self, work: Callable[[], T]) -> T:
        """Do the work; where the server has died and can be started again, do it once more."""
        driver = self._driver
        try:
            return work()
        except (exceptions.ServiceUnavailable, exceptions.SessionExpired, OSError):
            if self._revive is None:
                raise
            with self._reviving:
                if self._driver is driver:
                    self._door = self._revive()
                    self._driver = self._connect(self._door)
                    driver.close()
            return work()

    def _rows(self, query: str, parameters: dict[str, Any] | None = None) -> list[list[Any]]:
        """All rows of a query that only reads, or that may be run twice."""

        def work() -> list[list[Any]]:
            with self._session(neo4j.WRITE_ACCESS) as session:
                return session.run(query, parameters).values()

        with mapped(self._address):
            return self._with_server(work)

    def _collected(self, query: str, parameters: dict[str, Any]) -> list[list[Any]]:
        """The rows of a query that returns all of them as one list."""
        return [row for (rows,) in self._rows(query, parameters) for row in rows]

    def _stream(self, query: str, parameters: dict[str, Any] | None = None) -> Iterator[list[Any]]:
        """The rows of a query, one by one."""
        with mapped(self._address), self._session(neo4j.READ_ACCESS) as session:
            for record in session.run(query, parameters):
                yield list(record.values())

    def _sql(self, statement: str) -> None:
        run_sql(self._address, self._door, statement, crowded=self._crowded)

    # -- writing ------------------------------------------------------------------------------------------------

    def write(self, readings_: Sequence[Reading]) -> None:
        batch = readings.batch(readings_)
        if self._vectors is not None and (count := sum(len(reading.vectors) for reading in batch.readings)):
            self._vectors.expect(count)
        self._transact(lambda transaction: Writing(transaction, self._naming).write(batch))

    def delete(self, documents: Collection[DocumentId]) -> None:
        self._transact(lambda transaction: Writing(transaction, self._naming).delete(documents))

    def _transact(self, work: Callable[[neo4j.ManagedTransaction], None]) -> None:
        """Run one write transaction; the driver retries what passes, and here what ArcadeDB reports otherwise."""

        def run() -> None:
            with self._session(neo4j.WRITE_ACCESS) as session:
                session.execute_write(work)

        with mapped(self._address, crowded=self._crowded), self._exclusive():
            for left in reversed(range(TRIES)):
                try:
                    return self._with_server(run)
                except NoGraphError as error:
                    if not left:
                        raise NoGraphError.whenever_begun(self._address) from error
                    self._graph.begin()
                except exceptions.ConstraintError:
                    if not left:
                        raise
                    time.sleep(0.05 * (TRIES - left))

    def _stored_chunks(self) -> int:
        return int(self._rows(cypher.COUNT_CHUNKS)[0][0])

    # -- documents ----------------------------------------------------------------------------------------------

    def documents(self, *, prefix: str = "") -> Iterator[DocumentRecord]:
        rows = ([row[0]["source"], row[0]] for row in self._stream(cypher.DOCUMENTS, {"prefix": prefix}))
        for _, properties in sorted_rows(rows):
            yield records.document_record(properties)

    def document_records(self, ids: Collection[DocumentId]) -> list[DocumentRecord]:
        rows = self._by_ids(cypher.DOCUMENT_RECORDS, ids)
        return sorted((records.document_record(row[0]) for row in rows), key=lambda record: record.source)

    def chunks_of(self, document: DocumentId) -> list[Chunk]:
        rows = self._rows(cypher.CHUNKS_OF, {"id": document})
        return sorted((records.chunk(*row) for row in rows), key=_place)

    def chunks(self, ids: Collection[ChunkId]) -> list[Chunk]:
        return sorted((records.chunk(*row) for row in self._by_ids(cypher.CHUNKS, ids)), key=_place)

    def documents_containing(self, strings: Collection[str]) -> set[DocumentId]:
        if not strings:
            return set()
        queries = [(string, containing.query(string)) for string in set(strings)]
        if len(queries) > FEW or any(query is None for _, query in queries):
            return containing.scan(((DocumentId(d), t) for d, t in self._stream(cypher.ALL_TEXTS)), strings)
        rows = [{"string": string, "query": query} for string, query in sorted(queries)]
        found = self._rows(
            cypher.DOCUMENTS_CONTAINING, {"rows": rows, "index": self._index(migrations.CHUNK_TEXT_INDEX)}
        )
        return {DocumentId(row[0]) for row in found}

    # -- entities and facts -------------------------------------------------------------------------------------

    def entities(self, ids: Collection[EntityId]) -> list[Entity]:
        rows = self._collected(cypher.ENTITIES, {"ids": sorted(set(ids))}) if ids else []
        return _by_id(records.entity(*row) for row in rows)

    def find_entities(self, keys: Collection[str]) -> list[Entity]:
        wanted = sorted(set(keys))
        if not wanted:
            return []
        rows = self._rows(cypher.ENTITIES_BY_KEY, {"keys": wanted})
        for start in range(0, len(wanted), KEYS):
            query = " ".join(alias_word(key) for key in wanted[start : start + KEYS])
            index = self._index(migrations.ENTITY_WORDS_INDEX)
            rows += self._collected(cypher.ENTITIES_BY_ALIAS, {"query": query, "index": index})
        found = {entity.id: entity for entity in (records.entity(*row) for row in rows)}
        asked = set(wanted)
        return _by_id(e for e in found.values() if not asked.isdisjoint(map(name_key, (e.name, *e.aliases))))

    def list_entities(self, *, type: str | None = None, after: str = "", limit: int = 100) -> list[Entity]:
        name, _, id = after.rpartition("\t")
        parameters = {"place": records.sortable(name), "id": id, "limit": limit, "type": type}
        query = cypher.LIST_ENTITIES if type is None else cypher.LIST_ENTITIES_OF_TYPE
        return [records.entity(*row) for row in self._rows(query, parameters)]

    def occurrences(
        self, *, entities: Collection[EntityId] = (), chunks: Collection[ChunkId] = (), most: int | None = None
    ) -> list[Occurrence]:
        if most is None:
            lists = self._by_ids(cypher.OCCURRENCES_OF_ENTITIES, entities)
        else:
            lists = self._by_ids(cypher.OCCURRENCES_OF_RARE_ENTITIES, entities, most=most)
        lists += self._by_ids(cypher.OCCURRENCES_IN_CHUNKS, chunks)
        return records.occurrences(row for (rows,) in lists for row in rows)

    def facts(self, entities: Collection[EntityId], *, limit: int | None = None) -> list[Fact]:
        if limit is None:
            return _facts(self._by_ids(cypher.FACTS, entities))
        return _facts(self._by_ids(cypher.FACTS_LIMITED, entities, limit=limit))

    def facts_between(self, triples: Collection[tuple[EntityId, str, EntityId]]) -> list[Fact]:
        rows = [{"subject": s, "relation": r, "object": o} for s, r, o in sorted(set(triples))]
        return _facts(self._collected(cypher.FACTS_BETWEEN, {"rows": rows}) if rows else [])

    def facts_in(self, chunks: Collection[ChunkId]) -> list[Fact]:
        lines = {line for row in self._by_ids(cypher.TRIPLES_IN_CHUNKS, chunks) for line in row[0] or ()}
        return self.facts_between([records.unpack_triple(line) for line in lines])

    def neighbourhood(self, entities: Collection[EntityId], *, hops: int = 1, limit: int = 1000) -> Subgraph:
        joined = {entity.id: entity for entity in self.entities(entities)}
        walked: dict[FactId, Fact] = {}
        frontier = set(joined)
        for _ in range(hops):
            if not frontier or len(walked) >= limit:
                break
            rows = self._rows(cypher.WALK, {"ids": sorted(frontier), "limit": limit})
            frontier = set()
            for id, s_type, s_name, s_aliases, relation, o_type, o_name, o_aliases, evidence in rows:
                if id in walked or len(walked) >= limit:
                    continue
                subject = records.entity(s_type, s_name, s_aliases)
                object = records.entity(o_type, o_name, o_aliases)
                walked[id] = records.fact(subject.id, relation, object.id, evidence)
                for end in (subject, object):
                    if end.id not in joined:
                        joined[end.id] = end
                        frontier.add(end.id)
        return Subgraph(dict(sorted(joined.items())), tuple(walked.values()))

    # -- search -------------------------------------------------------------------------------------------------

    def search_chunks(self, text: str, *, limit: int = 10) -> list[ChunkHit]:
        rows = self._search(cypher.SEARCH_CHUNKS, migrations.CHUNK_TEXT_INDEX, content_words(text), limit)
        hits = [ChunkHit(records.chunk(*row[:4]), row[4]) for row in rows]
        return sorted(hits, key=lambda hit: (-hit.score, hit.chunk.id))[:limit]

    def search_entities(self, text: str, *, limit: int = 10) -> list[EntityHit]:
        rows = self._search(cypher.SEARCH_ENTITIES, migrations.ENTITY_WORDS_INDEX, name_words(text), limit)
        hits = [EntityHit(records.entity(*row[:3]), row[3]) for row in rows]
        return sorted(hits, key=lambda hit: (-hit.score, hit.entity.id))[:limit]

    def _search(self, query: str, index: str, found: Sequence[str], limit: int) -> list[list[Any]]:
        # Only letters, digits and . ' ’ _ are in words, lower case: nothing that Lucene takes for an operator.
        words = " ".join(query_words(found))
        if not words or limit <= 0:
            return []
        return self._collected(query, {"index": self._index(index), "query": words, "limit": limit})

    def nearest_chunks(self, vector: Sequence[float], *, limit: int = 10) -> list[ChunkHit]:
        if limit <= 0:
            return []
        index = self._index(migrations.CHUNK_VECTOR_INDEX)
        parameters = {"index": index, "limit": limit, "vector": list(vector)}
        try:
            rows = self._collected(cypher.NEAREST_CHUNKS, parameters)
        except StoreError as error:
            if self._vectors is None or MISSING not in str(error):
                raise
            self._vectors.make()
            rows = self._collected(cypher.NEAREST_CHUNKS, parameters)
        hits = [ChunkHit(records.chunk(*row[:4]), cosine(vector, row[4])) for row in rows]
        return sorted(hits, key=lambda hit: (-hit.score, hit.chunk.id))[:limit]

    def _index(self, name: str) -> str:
        return _ARCADEDB_INDEXES[name] if self._door.http else name

    # -- what was learned ---------------------------------------------------------------------------------------

    def write_learned(self, learned: Learned, vectors: Iterable[tuple[EntityId, Sequence[float]]]) -> None:
        self._learned.write(learned, vectors)

    def learned(self) -> Learned | None:
        return self._learned.record()

    def forget_learned(self) -> None:
        self._learned.forget()

    def entity_vectors(self, ids: Collection[EntityId]) -> dict[EntityId, tuple[float, ...]]:
        return self._learned.of(ids)

    def nearest_entities(self, vector: Sequence[float], *, limit: int = 10) -> list[EntityHit]:
        return self._learned.nearest(vector, limit=limit)

    # -- the whole ----------------------------------------------------------------------------------------------

    def counts(self) -> Counts:
        return self._graph.counts()

    def all_entities(self) -> Iterator[Entity]:
        for _, *row in sorted_rows(self._stream(cypher.ALL_ENTITIES)):
            yield records.entity(*row)

    def all_facts(self) -> Iterator[Fact]:
        for _, *row in sorted_rows(self._stream(cypher.ALL_FACTS)):
            yield records.fact(*row)

    def version(self) -> int:
        return self._graph.version()

    def changes(self, since: int) -> Changes | None:
        return self._graph.changes(since)

    def _by_ids(self, query: str, ids: Collection[str], **parameters: object) -> list[list[Any]]:
        return self._rows(query, {"ids": sorted(set(ids)), **parameters}) if ids else []


_ARCADEDB_INDEXES = {
    migrations.CHUNK_TEXT_INDEX: "Chunk[title,text]",
    migrations.CHUNK_VECTOR_INDEX: "Chunk[embedding]",
    migrations.ENTITY_WORDS_INDEX: "Entity[words]",
}


def _place(chunk: Chunk) -> tuple[str, int, int]:
    return chunk.document, chunk.start, chunk.end


def _by_id(entities: Any) -> list[Entity]:
    return sorted(entities, key=lambda entity: entity.id)


def _facts(rows: Sequence[Sequence[Any]]) -> list[Fact]:
    """Facts from rows that begin with the id, each once, by id."""
    return [records.fact(*row[1:]) for _, row in sorted({row[0]: row for row in rows}.items())]
