"""What the last writes to a graph changed, so that whoever read an older version of it need not read all of it again.

Versions grow by random steps from a random start. So no two states share one: not those of a graph that was wiped and
begun anew, nor those of one that was put back from a copy and then written to in another way.
"""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from kg.facts import EntityId
from kg.store import Changes

KEPT = 65_536  # characters of ids and relations, at most
STEP = 32  # bits of a step at random: there is room for 2³² writes in the 63 bits that servers count with


def later(version: int) -> int:
    """A version after this one that no other graph comes to."""
    return version + 1 + secrets.randbits(STEP)


@dataclass(frozen=True, slots=True)
class History:
    """The last writes up to a version, each as the version that it found and what it may have changed."""

    version: int
    writes: tuple[tuple[int, Changes], ...] = ()

    def then(self, version: int, changes: Changes) -> "History":
        """The history with one more write; those that are too long ago for the room there is are forgotten."""
        writes = (*self.writes, (self.version, changes))
        room = KEPT
        for at in range(len(writes) - 1, -1, -1):
            room -= _weight(writes[at][1])
            if room < 0:
                return History(version, writes[at + 1 :])
        return History(version, writes)

    def since(self, version: int) -> Changes | None:
        """What may have changed since a version; None where that is not known any more."""
        if version == self.version:
            return Changes()
        for at, (before, _) in enumerate(self.writes):
            if before == version:
                found = [changes for _, changes in self.writes[at:]]
                return Changes(
                    frozenset().union(*(changes.entities for changes in found)),
                    frozenset().union(*(changes.facts for changes in found)),
                )
        return None

    @classmethod
    def of(cls, text: str | None, *, version: int) -> "History":
        """The history that a text holds; an empty one where another wrote to the graph without adding to it."""
        held = {} if text is None else json.loads(text)
        writes = held["writes"] if held.get("version") == version else ()
        return cls(version, tuple((before, _changes(ids, facts)) for before, ids, facts in writes))

    def text(self) -> str:
        """The history as text."""
        writes = [[before, sorted(changes.entities), sorted(changes.facts)] for before, changes in self.writes]
        return json.dumps({"version": self.version, "writes": writes}, ensure_ascii=False, separators=(",", ":"))


def _changes(ids: Iterable[str], facts: Iterable[tuple[str, str, str]]) -> Changes:
    return Changes(frozenset(map(EntityId, ids)), frozenset((EntityId(s), r, EntityId(o)) for s, r, o in facts))


def _weight(changes: Changes) -> int:
    return 20 + sum(map(len, changes.entities)) + sum(len(s) + len(r) + len(o) for s, r, o in changes.facts)
