"""The names of a store as it is now: an index in memory where one can be had, else the store itself."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock

from kg.errors import ChangingError
from kg.name_changes import caught_up
from kg.name_file import kept_name_index
from kg.name_index import NameIndex, name_index
from kg.store import GraphStore


class GraphNames:
    """Finds entities by name in one graph, whatever its size. Safe to use from several threads."""

    def __init__(
        self, store: GraphStore, *, kept: Path | None = None, notify: Callable[[str], None] = lambda message: None
    ) -> None:
        """The index is ``kept`` in a file from run to run; ``notify`` is told, in one line, if it cannot be written."""
        self._store, self._kept, self._notify = store, kept, notify
        self._lock = Lock()
        self._index: NameIndex | None = None
        self._missed: tuple[int, int] | None = None  # the version for which there is none, and how many were allowed

    def at(self, version: int, *, most: int) -> NameIndex | GraphStore:
        """What finds names in this version of the graph.

        An index is made of at most so many entities; one that there is already is brought up to date whatever its size.

        Raises:
            StoreError: the store failed.
        """
        with self._lock:
            found = self._index
            if found is None or found.version != version:
                found = None
                if self._missed is None or self._missed[0] != version or self._missed[1] < most:
                    found = self._made(most)
                    self._missed = (version, most) if found is None else None
                    self._index = self._index if found is None else found
            return self._store if found is None else found

    def _made(self, most: int) -> NameIndex | None:
        try:
            if self._index is not None:
                self._index = caught_up(self._index, self._store)
            if self._index is not None:
                return self._index
            if self._kept is not None:
                return kept_name_index(self._store, self._kept, most=most, notify=self._notify)
            return name_index(self._store) if self._store.counts().entities <= most else None
        except ChangingError:
            return None  # while others write, the store is asked
