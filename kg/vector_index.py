"""When ArcadeDB's index of vectors is there, and when not.

Filling the index entry by entry takes several times as long as building it once from what is stored. So it is left
out while much is written, and made when it is first searched or when the program that wrote is done. Neo4j's index
is always there.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from kg.migrations import DIMENSIONS

CREATE = (
    "CREATE INDEX IF NOT EXISTS ON Chunk (embedding) LSM_VECTOR "
    f'METADATA {{"dimensions": {DIMENSIONS}, "similarity": "COSINE"}}'
)
DROP = "DROP INDEX `Chunk[embedding]` IF EXISTS"
MISSING = "No vector index found"  # what ArcadeDB says of a search without it

MANY = 500  # vectors; fewer are put into the index that is there
SHARE = 4  # and so are those that are less than one in four of all


class VectorIndex:
    """The index of one store, as this program leaves it."""

    def __init__(
        self,
        *,
        sql: Callable[[str], None],
        stored: Callable[[], int],
        exclusive: Callable[[], AbstractContextManager[object]],
    ) -> None:
        """``sql`` runs a statement, ``stored`` counts the chunks, and ``exclusive`` keeps writers away."""
        self._sql = sql
        self._stored = stored
        self._exclusive = exclusive
        self._lock = threading.Lock()
        self._written = 0
        self._dropped = False

    def expect(self, vectors: int) -> None:
        """Called before so many vectors are written."""
        with self._lock:
            self._written += vectors
            if self._dropped or self._written < MANY:
                return
            if self._written * SHARE > self._stored():
                with self._exclusive():
                    self._sql(DROP)
                self._dropped = True

    def make(self) -> None:
        """See that the index is there."""
        with self._lock, self._exclusive():
            self._sql(CREATE)
            self._written = 0
            self._dropped = False

    def finish(self) -> None:
        """Called when the program is done with the store: leave it ready to be searched."""
        if self._written:
            self.make()
