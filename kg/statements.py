"""What the lines of a file of triples say, whatever its format."""

from typing import NamedTuple

from kg.decode import one_line
from kg.facts import Entity, EntityId

DEFAULT_TYPE = "Thing"
LONGEST_NAME = 1000  # characters: databases cannot index longer ones
_PROBLEMS_KEPT = 1000  # the rest are only counted


class Known(NamedTuple):
    """An entity with its id, which would be slow to compute again for each fact."""

    entity: Entity
    id: EntityId


class Named(NamedTuple):
    """Characters of the file that are a name of an entity."""

    known: Known
    start: int
    end: int


class Statement(NamedTuple):
    """What one line says: a fact, names of entities, or both."""

    start: int
    end: int
    fact: tuple[Known, str, Known] | None
    named: tuple[Named, ...] = ()


class Problems:
    """The lines that could not be read."""

    def __init__(self, source: str) -> None:
        self._label = one_line(source)
        self.lines_of = ""  # of what else than the file itself the lines are counted
        self.count = 0
        self.lines: list[str] = []  # one for each, up to a thousand

    def add(self, line: int, what: str) -> None:
        self.count += 1
        if len(self.lines) < _PROBLEMS_KEPT:
            self.lines.append(f"{self._label}: line {line} {self.lines_of}{what}")
