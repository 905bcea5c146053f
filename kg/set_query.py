"""Sets of entities as Cypher that finds the same ones, for a person to run in Neo4j Browser.

A query is a tree. Each node can be matched, which binds ``answer``, or held against an ``answer`` that is bound: what
is matched first is the part that starts at a named entity, so that no query looks at every entity.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from kg.facts import EntityId
from kg.labels import NEO4J, quoted

Shape = tuple[tuple[str, bool], ...]  # relations, and whether each is walked forwards
Limit = tuple[Literal["after", "since", "before", "until", "in"], float, float]
Read = tuple[tuple[str, float, float], ...]  # names of values, and the least and the greatest that each may be

_MONTHS = (
    "{January: 1, February: 2, March: 3, April: 4, May: 5, June: 6, July: 7, August: 8, September: 9, October: 10, "
    "November: 11, December: 12}"
)


@dataclass(frozen=True, slots=True)
class Reached:
    """What chains of relations lead to from one entity."""

    topic: EntityId
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """What a chain leads to from several entities through the same first step."""

    topics: tuple[EntityId, ...]
    shape: Shape


@dataclass(frozen=True, slots=True)
class AllOf:
    """What is in all of the parts."""

    parts: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """What is in any of the parts."""

    parts: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class Less:
    """What is in one and not in the other, and has a fact of a relation, as its subject where ``forward``."""

    kept: "Query"
    dropped: "Query"
    relation: str
    forward: bool


@dataclass(frozen=True, slots=True)
class Within:
    """Those whose date or number is surely within limits."""

    part: "Query"
    relation: str
    kind: Literal["date", "number"]
    limits: tuple[Limit, ...]
    read: Read = ()  # empty where Cypher can read the names by itself


@dataclass(frozen=True, slots=True)
class Extremum:
    """The one with the least (−1) or the greatest (1) date or number."""

    part: "Query"
    relation: str
    kind: Literal["date", "number"]
    end: int
    read: Read = ()


@dataclass(frozen=True, slots=True)
class Beside:
    """Those that are the object of a relation."""

    part: "Query"
    relation: str


Query = Reached | Together | AllOf | AnyOf | Less | Within | Extremum | Beside


def set_query(query: Query, *, count: bool = False) -> str:
    """The query, which returns ``answer`` of each row, or how many there are.

    Dates are read as they are written in English ("23 July 1968", "1968"), numbers where they have no unit; of other
    values the query says itself what they are.
    """
    lines = [
        *_Writer().matched(query),
        "RETURN count(DISTINCT answer) AS count" if count else "RETURN DISTINCT answer",
    ]
    return "\n".join(lines)


class _Writer:
    def __init__(self, depth: int = 0) -> None:
        """``depth``: in how many other queries this one stands, each of which has its own name for what it binds."""
        self._depth = depth
        self._answer = f"other{depth}" if depth else "answer"

    def matched(self, query: Query) -> Iterator[str]:
        """Lines that bind what is asked for."""
        match query:
            case Reached(topic, shapes) if len(shapes) == 1:
                yield f"MATCH {self._chain(topic, shapes[0])}"
                yield from self._where(self._apart(topic, shapes[0]))
                yield f"WITH DISTINCT {self._answer}"
            case Reached(topic, shapes):
                yield from self._either([Reached(topic, (shape,)) for shape in shapes])
            case Together(topics, shape):
                (first, forward), *rest = shape
                for number, topic in enumerate(topics):
                    start = f"(topic{number}:Entity {{id: '{_safe(topic)}'}})"
                    yield f"MATCH {start}{self._edge(first, forward, f'f{number}')}(met:Entity)"
                walked, names = self._steps(rest, "met")
                yield f"MATCH {walked}"
                named = {f"{self._answer} <> topic{number}" for number in range(len(topics))}
                apart = [f"{names[0]} <> f{number}" for number in range(len(topics)) if rest[0][0] == first]
                yield from self._where([*apart, *sorted(named)])
                yield f"WITH DISTINCT {self._answer}"
            case AllOf(parts):
                yield from self.matched(parts[0])
                yield from self._where([self._holds(part) for part in parts[1:]])
                yield f"WITH DISTINCT {self._answer}"
            case AnyOf(parts):
                yield from self._either(parts)
            case Less(kept, dropped, relation, forward):
                yield from self.matched(kept)
                known = f"EXISTS {{ MATCH ({self._answer}){self._edge(relation, forward)}(:Entity) }}"
                yield from self._where([f"NOT {self._holds(dropped)}", known])
                yield f"WITH DISTINCT {self._answer}"
            case Within(part, relation, kind, limits, read):
                yield from self.matched(part)
                yield from self._valued(relation, kind, read)
                yield from self._where([_limited(limit) for limit in limits])
                yield f"WITH DISTINCT {self._answer}"
            case Extremum(part, relation, kind, end, read):
                yield from self.matched(part)
                yield from self._valued(relation, kind, read)
                yield f"WITH {self._answer}, low, high WHERE low IS NOT NULL"
                yield f"WITH {self._answer}, low, high ORDER BY {'high' if end < 0 else 'low DESC'} LIMIT 1"
            case Beside(part, relation):
                yield from self.matched(part)
                yield from self._where([f"EXISTS {{ MATCH (:Entity){self._edge(relation, True)}({self._answer}) }}"])
                yield f"WITH DISTINCT {self._answer}"

    def _either(self, parts: Sequence[Query]) -> Iterator[str]:
        yield "CALL () {"
        for number, part in enumerate(parts):
            if number:
                yield "  UNION"
            yield from (f"  {line}" for line in self.matched(part))
            yield f"  RETURN {self._answer}"
        yield "}"
        yield f"WITH DISTINCT {self._answer}"

    def _holds(self, query: Query) -> str:
        """A condition on what is bound already."""
        match query:
            case Reached(topic, shapes):
                each = []
                for shape in shapes:
                    apart = " AND ".join(self._apart(topic, shape))
                    each.append(f"EXISTS {{ MATCH {self._chain(topic, shape)}{f' WHERE {apart}' if apart else ''} }}")
                return each[0] if len(each) == 1 else f"({' OR '.join(each)})"
            case AllOf(parts):
                return f"({' AND '.join(map(self._holds, parts))})"
            case AnyOf(parts):
                return f"({' OR '.join(map(self._holds, parts))})"
            case _:
                inner = _Writer(self._depth + 1)
                text, other = " ".join(inner.matched(query)), inner._answer
                return f"EXISTS {{ {text} WITH {other} WHERE {other} = {self._answer} RETURN {other} }}"

    def _chain(self, topic: EntityId, shape: Shape) -> str:
        walked, _ = self._steps(shape, f"topic:Entity {{id: '{_safe(topic)}'}}")
        return walked if shape else f"({self._answer}:Entity {{id: '{_safe(topic)}'}})"

    def _steps(self, shape: Sequence[tuple[str, bool]], start: str) -> tuple[str, list[str]]:
        text, names = f"({start})", []
        for number, (relation, forward) in enumerate(shape, 1):
            there = self._answer if number == len(shape) else f"e{number}"
            names.append(f"r{number}")
            text += f"{self._edge(relation, forward, names[-1])}({there}:Entity)"
        return text, names

    def _edge(self, relation: str, forward: bool, name: str = "") -> str:
        edge = f"[{name}:{quoted(NEO4J.relationship(relation))}]"
        return f"-{edge}->" if forward else f"<-{edge}-"

    def _apart(self, topic: EntityId, shape: Shape) -> list[str]:
        """The topic itself is no answer. (Within one pattern Cypher walks no fact twice.)"""
        return [f"{self._answer}.id <> '{_safe(topic)}'"] if shape else []

    def _where(self, conditions: Sequence[str]) -> Iterator[str]:
        if conditions:
            yield "WHERE " + "\n  AND ".join(conditions)

    def _valued(self, relation: str, kind: Literal["date", "number"], read: Read) -> Iterator[str]:
        """Lines that bind ``low`` and ``high`` of each value of what is bound."""
        yield f"MATCH ({self._answer}){self._edge(relation, True)}(value:Entity)"
        if read:
            spans = [(quoted(name.replace("\\", "\\\\")), _written(low), _written(high)) for name, low, high in read]
            known = ", ".join(f"{name}: [{low}, {high}]" for name, low, high in spans)
            yield f"WITH {self._answer}, {{{known}}}[value.name] AS span"
            yield f"WITH {self._answer}, span[0] AS low, span[1] AS high"
            return
        if kind == "number":
            yield f"WITH {self._answer}, toFloat(value.name) AS low"
            yield f"WITH {self._answer}, low, low AS high"
            return
        yield f"WITH {self._answer}, split(value.name, ' ') AS said"
        dated = f"toInteger(said[-1]) AS year, {_MONTHS}[said[-2]] AS month, toInteger(said[-3]) AS day"
        yield f"WITH {self._answer}, {dated}"
        yield (
            f"WITH {self._answer}, year * 10000 + coalesce(month, 1) * 100 + coalesce(day, 1) AS low, "
            "year * 10000 + coalesce(month, 12) * 100 + coalesce(day, 31) AS high"
        )


def number(value: Sequence[Fraction]) -> float:
    """A number, or a date (year, month, day) as one number: 19680723."""
    if len(value) == 3:
        year, month, day = value
        return float(year * 10000 + month * 100 + day)
    return float(value[0])


def _limited(limit: Limit) -> str:
    bound, low, high = limit
    return {
        "after": f"low > {_written(high)}",
        "since": f"low >= {_written(low)}",
        "before": f"high < {_written(low)}",
        "until": f"high <= {_written(high)}",
        "in": f"low >= {_written(low)} AND high <= {_written(high)}",
    }[bound]


def _written(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _safe(id: EntityId) -> str:
    return "".join(c for c in id if c.isalnum())
