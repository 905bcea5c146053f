"""The one node of a Bolt database that tells of its whole graph: its version, how much there is, what changed last."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from kg import cypher, migrations
from kg.errors import NoGraphError
from kg.history import History
from kg.store import Changes, Counts
from kg.tally import Tally


class GraphNode:
    """The Graph node of one store, made again where all was deleted behind the store's back."""

    def __init__(
        self,
        address: str,
        *,
        run: Callable[..., list[list[Any]]],
        sql: Callable[[str], None] | None,
        exclusive: Callable[[], AbstractContextManager[object]],
    ) -> None:
        """``run`` is the store's way to the server; ``sql`` is there for ArcadeDB."""
        self._address, self._run, self._sql, self._exclusive = address, run, sql, exclusive

    def begin(self) -> None:
        """Bring the schema up to date, and begin a graph where there is none; the caller is the only writer."""
        migrations.migrate(self._address, run=self._run, sql=self._sql)

    def counts(self) -> Counts:
        """How much the graph holds."""
        (text,) = self._read(cypher.COUNTS)
        return Tally.of(text).counts()

    def version(self) -> int:
        """The version of the graph."""
        return int(self._read(cypher.VERSION)[0])

    def changes(self, since: int) -> Changes | None:
        """What the writes since a version may have changed."""
        version, history = self._read(cypher.HISTORY)
        return History.of(history, version=version).since(since)

    def _read(self, query: str) -> list[Any]:
        """The one row of a query.

        Raises:
            NoGraphError: the graph was deleted once more while it was begun.
        """
        rows = self._run(query)
        if not rows:
            with self._exclusive():
                self.begin()
            rows = self._run(query)
            if not rows:
                raise NoGraphError.whenever_begun(self._address)
        return rows[0]
