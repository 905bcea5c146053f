"""The graph that plans walk: the whole of it, held in memory as it changes, or what is near a question's names."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

import numpy as np

from fusion.planner.model import Array, row_texts
from kg.errors import ChangingError
from kg.facts import EntityId
from kg.mirror import Mirror, mirror
from kg.mirror_changes import caught_up
from kg.mirror_file import kept_mirror
from kg.store import GraphStore
from nlp.embed import Embedder

Rows = TypeVar("Rows")

MIRRORED = 2_000_000  # facts of a graph that is held in memory whole; of a larger one, what is near the names
NEARBY = 20_000  # facts that are near enough


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """A graph in memory, or a part of one. Shapes: texts (2r + 1, t), the sentence vectors of its ``row_texts``."""

    graph: Mirror
    texts: Array
    partial: bool = False

    @property
    def caution(self) -> str:
        """What an answer that was found here must say; nothing where the graph is whole."""
        if not self.partial:
            return ""
        return f"walked among the {self.graph.facts:,} facts nearest to the names, not in the whole graph"


class RowsKept(Generic[Rows]):
    """The rows of a graph as a model has them: anew only with other relations. Safe to use from several threads."""

    def __init__(self, rows: Callable[[Sequence[str], Array], Rows]) -> None:
        """``rows`` makes them of a graph's relations and texts."""
        self._make, self._lock = rows, Lock()
        self._kept: tuple[tuple[str, ...], Rows] | None = None

    def of(self, ground: Ground) -> Rows:
        """The rows of this graph."""
        relations = ground.graph.relations
        with self._lock:
            if self._kept is None or self._kept[0] != relations:
                self._kept = relations, self._make(relations, ground.texts)
            return self._kept[1]


class Grounds:
    """Has the graph of a store at hand. Safe to use from several threads."""

    def __init__(
        self,
        store: GraphStore,
        embedder: Embedder,
        *,
        kept: Path | None = None,
        notify: Callable[[str], None] = lambda message: None,
        mirrored: int = MIRRORED,
    ) -> None:
        """A graph of up to ``mirrored`` facts is held in memory whole, and ``kept`` in a file from run to run.

        ``notify`` is told, in one line, if that file cannot be written.
        """
        self._store, self._embedder, self._mirrored = store, embedder, mirrored
        self._kept, self._notify = kept, notify
        self._lock = Lock()
        self._whole: Ground | None = None
        self._texts: dict[str, Array] = {}  # the sentence vectors of relations, of which a graph has few

    def around(self, topics: Sequence[EntityId], *, hops: int, version: int | None = None) -> Ground:
        """The whole graph, or what is within some hops of topics; ``version`` is the graph's, where it is known.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        version = self._store.version() if version is None else version
        with self._lock:
            if self._whole is not None and self._whole.graph.version == version:
                return self._whole
            if self._store.counts().facts > self._mirrored:
                self._whole = None
            else:
                with suppress(ChangingError):  # while others write, what is near is walked
                    whole = self._read()
                    self._whole = Ground(whole, self._encoded(whole))
                    return self._whole
        near = self._store.neighbourhood(topics, hops=hops, limit=NEARBY)
        triples = [(fact.subject, fact.relation, fact.object) for fact in near.facts]
        part = Mirror.of(triples, entities=topics, version=version)
        with self._lock:
            return Ground(part, self._encoded(part), len(triples) >= NEARBY)

    def _read(self) -> Mirror:
        if self._whole is not None and (found := caught_up(self._whole.graph, self._store)) is not None:
            return found
        self._whole = None
        if self._kept is None:
            return mirror(self._store)
        return kept_mirror(self._store, self._kept, notify=self._notify)

    def _encoded(self, graph: Mirror) -> Array:
        """Shapes: -> (2r + 1, t)."""
        texts = row_texts(graph.relations)
        missing = sorted({text for text in texts if text not in self._texts})
        self._texts |= dict(zip(missing, self._embedder.encode(missing), strict=True))
        return np.stack([self._texts[text] for text in texts])
