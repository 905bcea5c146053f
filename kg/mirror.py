"""The graph in memory, in compressed rows: what exact walks over many facts are made on.

Every fact is there in both directions: relation i + r is relation i backwards. Places of entities are numbers, as rows
of relations are; ``entities`` and ``relations`` lead back to ids and names.

``n`` entities, ``r`` relations, ``m`` facts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from kg.facts import EntityId, Triple
from kg.snapshot import snapshot
from kg.store import GraphStore

Places = npt.NDArray[np.int64]

TABLED = 1 << 26  # entities times rows: where there are more, it is not tabled which rows lead on from which entity


@dataclass(frozen=True, slots=True, eq=False)
class Front:
    """Where a walk stands: entities, each with the one that it was reached from (−1 at the start).

    Shapes: before (k,), here (k,); the pairs are distinct, and ascend by ``here``.
    """

    before: Places
    here: Places
    row: int = -1  # of the last step

    @property
    def reached(self) -> Places:
        """The distinct entities. Shapes: (k',)."""
        return np.unique(self.here)


class Mirror:
    """One version of a graph, or a part of one."""

    def __init__(
        self,
        triples: Places,
        entities: Sequence[EntityId],
        relations: Sequence[str],
        *,
        version: int = 0,
    ) -> None:
        """Facts as places of head, relation and tail, (m, 3); a fact that is given twice counts once."""
        self.entities, self.relations, self.version = tuple(entities), tuple(relations), version
        rows, count = 2 * len(relations), max(1, len(entities))
        heads, kinds, tails = triples.reshape(-1, 3).T
        froms, tos = np.concatenate((heads, tails)), np.concatenate((tails, heads))
        asked = np.concatenate((heads * rows + kinds, tails * rows + kinds + len(relations)))
        order = np.lexsort((tos, asked))
        asked, tos, froms = asked[order], tos[order], froms[order]
        new = np.ones(len(asked), dtype=bool)
        new[1:] = (asked[1:] != asked[:-1]) | (tos[1:] != tos[:-1])
        self._asked, self._targets = asked[new], tos[new]  # (2m,): head and row as one number, ascending; tail
        self._starts = np.searchsorted(self._asked, np.arange(count + 1) * rows)  # (n + 1,)
        self._beside: dict[int, Places] = {}  # filled as it is asked for

    @classmethod
    def of(
        cls,
        triples: Iterable[Triple],
        *,
        entities: Iterable[EntityId] = (),
        relations: Iterable[str] = (),
        version: int = 0,
    ) -> "Mirror":
        """Facts by name; ``entities`` and ``relations`` come first, and may have some without facts."""
        place = {id: at for at, id in enumerate(entities)}
        row = {name: at for at, name in enumerate(relations)}
        numbered = [
            (place.setdefault(s, len(place)), row.setdefault(r, len(row)), place.setdefault(o, len(place)))
            for s, r, o in triples
        ]
        return cls(np.array(numbered, dtype=np.int64).reshape(-1, 3), list(place), list(row), version=version)

    @property
    def facts(self) -> int:
        """How many facts there are."""
        return len(self._targets) // 2

    @property
    def numbered(self) -> Places:
        """Every fact, once, as places of head, relation and tail. Shapes: (m, 3)."""
        heads, kinds = np.divmod(self._asked, max(1, 2 * len(self.relations)))
        forwards = kinds < len(self.relations)
        found: Places = np.stack((heads[forwards], kinds[forwards], self._targets[forwards]), axis=1)
        return found

    def triples(self) -> Iterator[Triple]:
        """Every fact, once."""
        for head, kind, tail in self.numbered.tolist():
            yield self.entities[head], self.relations[kind], self.entities[tail]

    @cached_property
    def places(self) -> dict[EntityId, int]:
        """The place of each entity."""
        return {id: at for at, id in enumerate(self.entities)}

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each relation, read forwards."""
        return {name: at for at, name in enumerate(self.relations)}

    def inverse(self, row: int) -> int:
        """The row of the same relation, read the other way."""
        return row - len(self.relations) if row >= len(self.relations) else row + len(self.relations)

    def named(self, row: int) -> tuple[str, bool]:
        """The relation of a row, and whether the row is it forwards."""
        return self.relations[row % len(self.relations)], row < len(self.relations)

    def start(self, places: Sequence[int]) -> Front:
        """A walk that has not begun, from any of these entities."""
        here = np.unique(np.asarray(places, dtype=np.int64))
        return Front(np.full(len(here), -1, dtype=np.int64), here)

    def edges_from(self, places: Places) -> tuple[Places, Places, Places]:
        """Every fact of these entities, as a step from them: which of them, the row, and where it leads.

        Shapes: places (k,) -> (e,), (e,), (e,).
        """
        first = self._starts[places]
        owner, edges = _spread(first, self._starts[places + 1] - first)
        return owner, self._asked[edges] % max(1, 2 * len(self.relations)), self._targets[edges]

    def rows_from(self, front: Front) -> npt.NDArray[np.int64]:
        """The rows of which there is a step from here. Shapes: (j,), ascending.

        A step back along the fact that led here is none.
        """
        found: npt.NDArray[np.int64]
        if self._onward is not None:
            found = np.flatnonzero(self._onward[front.here].any(axis=0))
        else:
            reached = front.reached
            first = self._starts[reached]
            _, edges = _spread(first, self._starts[reached + 1] - first)
            found = np.unique(self._asked[edges] % max(1, 2 * len(self.relations)))
        if front.row >= 0 and not self._turns(front):
            found = found[found != self.inverse(front.row)]
        return found

    @cached_property
    def _onward(self) -> npt.NDArray[np.bool_] | None:
        """Which rows lead on from each entity, where that can be tabled. Shapes: (n, 2r)."""
        rows = 2 * len(self.relations)
        if len(self.entities) * rows > TABLED:
            return None
        table = np.zeros((len(self.entities), rows), dtype=bool)
        table.reshape(-1)[self._asked] = True
        return table

    def _turns(self, front: Front) -> bool:
        """Whether a step back along the last row leads anywhere but to where each walk came from."""
        asked = front.here * (2 * len(self.relations)) + self.inverse(front.row)
        first, last = np.searchsorted(self._asked, asked), np.searchsorted(self._asked, asked, side="right")
        if (last - first > 1).any():
            return True
        alone = last > first
        return bool((self._targets[first[alone]] != front.before[alone]).any())

    def rows_beside(self, row: int) -> Places:
        """The rows of which there is a step from any entity that has one of this row. Shapes: (j,), ascending.

        So ``rows_beside(inverse(row))`` may follow a row somewhere in the graph.
        """
        if row not in self._beside:
            rows = max(1, 2 * len(self.relations))
            having = np.unique(self._asked[self._asked % rows == row] // rows)
            self._beside[row] = self.rows_from(Front(np.full(len(having), -1, dtype=np.int64), having))
        return self._beside[row]

    def rows_like(self, place: int) -> Places:
        """The rows of which there is a step from any entity that shares one with this. Shapes: (j,), ascending."""
        found = [self.rows_beside(row) for row in self.rows_from(self.start([place])).tolist()]
        return np.unique(np.concatenate(found)) if found else np.arange(2 * len(self.relations))

    def rows_towards(self, front: Front, goals: Places) -> npt.NDArray[np.int64]:
        """The rows of which a step from here ends in one of these entities. Shapes: goals (g,) ascending; -> (j,)."""
        reached = front.reached
        first = self._starts[reached]
        _, edges = _spread(first, self._starts[reached + 1] - first)
        place = np.searchsorted(goals, self._targets[edges]).clip(max=max(0, len(goals) - 1))
        ends = goals[place] == self._targets[edges] if len(goals) else np.zeros(len(edges), dtype=bool)
        found: npt.NDArray[np.int64] = np.unique(self._asked[edges[ends]] % max(1, 2 * len(self.relations)))
        return found

    def step(self, front: Front, row: int) -> Front:
        """One step from each entity reached; never back along the fact that led there.

        An entity may be come back to by another fact.
        """
        reached, at, befores = np.unique(front.here, return_index=True, return_counts=True)
        asked = reached * (2 * len(self.relations)) + row
        first, last = np.searchsorted(self._asked, asked), np.searchsorted(self._asked, asked, side="right")
        owner, edges = _spread(first, last - first)
        here, to = reached[owner], self._targets[edges]
        if front.row >= 0 and row == self.inverse(front.row):  # from several sides, each is another's way on
            onward = (befores[owner] > 1) | (to != front.before[at][owner])
            here, to = here[onward], to[onward]
        count = max(1, len(self.entities))
        pairs = np.unique(to * count + here)
        return Front(pairs % count, pairs // count, row)

    def walk(self, places: Sequence[int], rows: Sequence[int]) -> list[Front]:
        """Where a chain of rows leads: the fronts after 0, 1, … steps."""
        fronts = [self.start(places)]
        for row in rows:
            fronts.append(self.step(fronts[-1], row))
        return fronts

    def trace(self, fronts: Sequence[Front], place: int) -> tuple[Triple, ...]:
        """The facts of one walk that ends at a place; of several, the one through the lowest places.

        Raises:
            ValueError: none ends there.
        """
        found: list[Triple] = []
        at, onward = place, -1
        for number in range(len(fronts) - 1, 0, -1):
            front = fronts[number]
            befores = front.before[front.here == at]
            turned = number + 1 < len(fronts) and fronts[number + 1].row == self.inverse(front.row)
            if turned:  # the step after this one did not go back along it
                befores = befores[befores != onward]
            if not len(befores):
                raise ValueError(f"no walk of this chain ends at place {place}")
            before = int(befores[0])
            found.append(self._fact(before, front.row, at))
            at, onward = before, at
        return tuple(reversed(found))

    def _fact(self, here: int, row: int, to: int) -> Triple:
        if row >= len(self.relations):
            here, row, to = to, row - len(self.relations), here
        return self.entities[here], self.relations[row], self.entities[to]


def mirror(store: GraphStore) -> Mirror:
    """The whole graph of a store.

    Raises:
        StoreError: the store failed, or others kept writing to it while it was read.
    """

    def read(version: int) -> Mirror:
        entities = [entity.id for entity in store.all_entities()]
        triples = ((fact.subject, fact.relation, fact.object) for fact in store.all_facts())
        relations = sorted(store.counts().facts_by_relation)
        return Mirror.of(triples, entities=entities, relations=relations, version=version)

    return snapshot(store, read)


def _spread(starts: Places, counts: Places) -> tuple[Places, Places]:
    """Ranges written out: which range, and which place. Shapes: (k,), (k,) -> (e,), (e,) with e = Σ counts."""
    owner = np.repeat(np.arange(len(counts)), counts)
    before = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - (before - starts)[owner]
