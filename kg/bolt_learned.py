"""What was learned of a graph in a Bolt database: a vector on each entity, an index of them, a record of the model.

The record is on the Graph node. It goes before the first vector is changed and comes back after the last, so that
half-written vectors count as none. Between the two, ``learning`` on that node holds the mark of the writer: a second
writer puts its own there, and the first one gives up. The index is left out while vectors are written, since filling
it entry by entry takes several times as long; that it must fit the dimensions of the model is another reason.
"""

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from kg import cypher, records
from kg.bolt_writing import ROWS, Rows, Transaction
from kg.errors import NoGraphError, StoreError
from kg.facts import EntityId
from kg.migrations import ENTITY_VECTOR_INDEX
from kg.quotes import batches
from kg.store import EntityHit, Learned
from kg.vectors import checked, cosine, has_direction

FLOATS = 1_000_000  # sent or asked for at once: what servers with little memory still take

_NEO4J_DROP = f"DROP INDEX {ENTITY_VECTOR_INDEX} IF EXISTS"
# Without quantization, which would put the scores that people see in Cypher off by up to a tenth in a small graph.
_NEO4J_CREATE = (
    f"CREATE VECTOR INDEX {ENTITY_VECTOR_INDEX} FOR (e:Entity) ON (e.vector) OPTIONS {{indexConfig: "
    "{`vector.dimensions`: <DIMENSIONS>, `vector.similarity_function`: 'cosine', `vector.quantization.enabled`: false}}"
)
_NEO4J_AWAIT = f"CALL db.awaitIndex('{ENTITY_VECTOR_INDEX}', 86400)"  # seconds: as long as it takes

_ARCADEDB_INDEX = "Entity[vector]"
_ARCADEDB_DROP = f"DROP INDEX `{_ARCADEDB_INDEX}` IF EXISTS"
# The server links the vectors to their neighbours by itself when nobody has written for 15 s, or at the first search.
_ARCADEDB_CREATE = (
    "CREATE INDEX ON Entity (vector) LSM_VECTOR METADATA "
    '{"dimensions": <DIMENSIONS>, "similarity": "COSINE", "buildGraphNow": false}'
)


class LearnedVectors:
    """The learned part of one store."""

    def __init__(
        self,
        address: str,
        *,
        run: Callable[..., list[list[Any]]],
        stream: Callable[[str], Iterator[list[Any]]],
        transact: Callable[[Callable[[Transaction], None]], None],
        sql: Callable[[str], None] | None,
        exclusive: Callable[[], AbstractContextManager[object]],
    ) -> None:
        """``run``, ``stream`` and ``transact`` are the store's ways to the server; ``sql`` is there for ArcadeDB."""
        self._address = address
        self._run = run
        self._stream = stream
        self._transact = transact
        self._sql = sql
        self._exclusive = exclusive

    # -- writing ------------------------------------------------------------------------------------------------

    def write(self, learned: Learned, vectors: Iterable[tuple[EntityId, Sequence[float]]]) -> None:
        """Put these vectors in place of all others."""
        mark, left = self._begin()
        stored = 0
        for batch in batches(checked(vectors, dimensions=learned.dimensions), _rows(learned.dimensions)):
            rows = Rows({"id": id, "vector": vector} for id, vector in batch)
            stored += self._step(mark, cypher.SET_VECTORS, {"rows": rows})
            left.difference_update(id for id, _ in batch)
        self._remove(mark, left)
        self._make_index(learned.dimensions)
        record = {
            "model": learned.model,
            "learned_at": learned.learned_at,
            "version": learned.version,
            "dimensions": learned.dimensions,
            "entities": stored,
        }
        self._step(mark, cypher.END_LEARNED, record)

    def forget(self) -> None:
        """Remove all vectors."""
        if self.record() is None and not self._run(cypher.LEARNING):
            return
        mark, left = self._begin()
        self._remove(mark, left)
        nothing = dict.fromkeys(("model", "learned_at", "version", "dimensions", "entities"))
        self._step(mark, cypher.END_LEARNED, nothing)

    def _begin(self) -> tuple[str, set[str]]:
        """Take back the record; returns the mark of this writer, and the entities that have a vector."""
        mark = secrets.token_hex(8)
        held = False

        def work(transaction: Transaction) -> None:
            nonlocal held
            other, model = _turn(transaction)
            held = other is not None or model is not None
            list(transaction.run(cypher.BEGIN_LEARNED, {"mark": mark}))

        self._transact(work)
        self._drop_index()
        return mark, {id for (id,) in self._stream(cypher.HAVE_VECTORS)} if held else set()

    def _remove(self, mark: str, ids: Collection[str]) -> None:
        for batch in batches(sorted(ids), ROWS):
            self._step(mark, cypher.REMOVE_VECTORS, {"ids": Rows(batch)})

    def _step(self, mark: str, query: str, parameters: dict[str, Any]) -> int:
        """One transaction of the writer with this mark; returns how many nodes it changed."""
        changed = 0

        def work(transaction: Transaction) -> None:
            nonlocal changed
            writer, _ = _turn(transaction)
            if writer != mark:
                raise StoreError(
                    f"{self._address}: another program began to write learned vectors meanwhile, and its will stay; "
                    "run the command again to have these"
                )
            ((changed,),) = transaction.run(query, parameters)

        self._transact(work)
        return changed

    # -- the index ----------------------------------------------------------------------------------------------

    def _drop_index(self) -> None:
        if self._sql is None:
            self._run(_NEO4J_DROP)
        else:
            with self._exclusive():
                self._sql(_ARCADEDB_DROP)

    def _make_index(self, dimensions: int) -> None:
        if self._sql is None:
            self._run(_NEO4J_CREATE.replace("<DIMENSIONS>", str(dimensions)))
            self._run(_NEO4J_AWAIT)
        else:
            with self._exclusive():
                self._sql(_ARCADEDB_CREATE.replace("<DIMENSIONS>", str(dimensions)))

    # -- reading ------------------------------------------------------------------------------------------------

    def record(self) -> Learned | None:
        """What the vectors come from."""
        rows = self._run(cypher.LEARNED)
        return Learned(*rows[0]) if rows else None

    def of(self, ids: Collection[EntityId]) -> dict[EntityId, tuple[float, ...]]:
        """The vectors of these entities."""
        learned = self.record()
        if learned is None:
            return {}
        found: dict[EntityId, tuple[float, ...]] = {}
        for batch in batches(sorted(set(ids)), _rows(learned.dimensions)):
            ((pairs,),) = self._run(cypher.VECTORS, {"ids": Rows(batch)})
            found |= {EntityId(id): tuple(vector) for id, vector in sorted(pairs)}
        return found

    def nearest(self, vector: Sequence[float], *, limit: int) -> list[EntityHit]:
        """The entities whose vectors have the highest cosine with this one."""
        learned = self.record()
        if learned is None or not has_direction(vector, dimensions=learned.dimensions) or limit <= 0:
            return []
        index = ENTITY_VECTOR_INDEX if self._sql is None else _ARCADEDB_INDEX
        try:
            rows = self._run(cypher.NEAREST_ENTITIES, {"index": index, "limit": limit, "vector": list(vector)})
        except StoreError:
            if self.record() == learned:
                raise
            return []  # others began to write vectors at this very moment
        hits = [EntityHit(records.entity(*row[:3]), cosine(vector, row[3])) for row in rows if any(row[3])]
        return sorted(hits, key=lambda hit: (-hit.score, hit.entity.id))[:limit]


def _turn(transaction: Transaction) -> tuple[str | None, str | None]:
    """Whose turn it was, and which model the vectors come from."""
    rows = list(transaction.run(cypher.TAKE_TURN))
    if not rows:
        raise NoGraphError
    ((writer, model),) = rows
    return writer, model


def _rows(dimensions: int) -> int:
    """How many vectors are sent or asked for at once."""
    return max(1, min(ROWS, FLOATS // max(1, dimensions)))
