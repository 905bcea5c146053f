"""Sets chosen by the values of their members: those within limits, and the one with the least or the greatest."""

from collections.abc import Callable, Sequence
from fractions import Fraction

import regex

from fusion.operators.attributes import Measured
from fusion.operators.found import Found, longer, words
from fusion.operators.values import Bound, Value
from fusion.reader import LISTED, Miss
from kg import set_query
from kg.facts import EntityId

_PLAIN = {  # names that Cypher reads by itself
    "date": regex.compile(r"(?:(?:\d{1,2} )?[A-Z][a-z]+ )?\d{3,4}"),
    "number": regex.compile(r"\d+(?:\.\d+)?"),
}


def within(part: Found, measured: Measured, bounds: Sequence[tuple[Bound, Value]], said: str) -> Found | Miss:
    """Those whose value is surely within limits."""
    kept, unsure = [], 0
    for id in part.ends:
        if id not in measured.values:
            continue
        verdicts = [measured.values[id][0].keeps(bound, limit) for bound, limit in bounds]
        if all(verdicts):
            kept.append(id)
        unsure += None in verdicts and False not in verdicts
    missing = sum(id not in measured.values for id in part.ends)
    notes = []
    if missing:
        notes.append(f"{missing:,} of {len(part.ends):,} have no {words(measured.relation)}")
    if unsure:
        notes.append(f"{unsure:,} of {len(part.ends):,} have one that is not precise enough")
    if not kept:
        return Miss("; ".join((f"the graph knows none of these of which {words(measured.relation)} is {said}", *notes)))
    return Found(
        label=f"where {measured.relation} is {said}",
        ends=tuple(kept),
        prove=lambda id: longer(part.prove(id), measured.values[id][1]),
        probability=part.probability,
        query=set_query.Within(
            part.query, measured.relation, measured.kind, tuple(map(_limit, bounds)), _read(measured)
        ),
        parts=(part,),
        notes=tuple(notes),
        whole=part.whole,
        joint=part.joint,
    )


def farthest(part: Found, measured: Measured, end: int, names: Callable[[EntityId], str]) -> Found | Miss:
    """The one whose value comes before (``end`` −1) or after (1) those of all others."""
    values = {id: measured.values[id] for id in part.ends if id in measured.values}
    if 2 * len(values) <= len(part.ends):
        return Miss(f"the graph says {words(measured.relation)} only for {len(values):,} of {len(part.ends):,}")
    best = leader([(id, value) for id, (value, _) in values.items()], end)
    if isinstance(best, tuple):
        tied = ", ".join(f"{names(id)} ({names(values[id][1].object)})" for id in best[:3])
        return Miss(f"{words(measured.relation)} does not decide it: {tied}")
    notes: tuple[str, ...] = ()
    if len(values) < len(part.ends):
        notes = (f"{len(part.ends) - len(values):,} of {len(part.ends):,} have no {words(measured.relation)}",)
    others = [id for id in values if id != best][: LISTED - 1]
    paths = tuple(path for id in (best, *others) for path in longer(part.prove(id), values[id][1]))
    return Found(
        label=f"{'min' if end < 0 else 'max'} by {measured.relation}",
        ends=(best,),
        prove=lambda id: paths,
        probability=part.probability,
        query=set_query.Extremum(part.query, measured.relation, measured.kind, end, _read(measured)),
        parts=(part,),
        notes=notes,
        whole=part.whole,
        joint=True,
    )


def leader(values: Sequence[tuple[EntityId, Value]], end: int) -> EntityId | tuple[EntityId, ...]:
    """The one whose value comes before, or after, all others; those that may, where that is not decided.

    One may be first unless another surely is before it: unless it begins behind where the first to end has ended.
    """
    ends = [
        (id, value.kind, *((value.low, value.high) if end < 0 else (value.high, value.low))) for id, value in values
    ]
    nearest: dict[str, tuple[Fraction, ...]] = {}  # of each kind, where the first to end has ended
    pick = min if end < 0 else max
    for _, kind, _, far in ends:
        nearest[kind] = pick(nearest.get(kind, far), far)
    open_to = tuple(id for id, kind, near, _ in ends if (near <= nearest[kind] if end < 0 else near >= nearest[kind]))
    return open_to[0] if len(open_to) == 1 else open_to


def _limit(bound: tuple[Bound, Value]) -> set_query.Limit:
    name, value = bound
    return name, set_query.number(value.low), set_query.number(value.high)


def _read(measured: Measured) -> set_query.Read:
    """The values by name, as plain numbers, where Cypher could not read the names by itself."""
    if all(_PLAIN[measured.kind].fullmatch(name) for name in measured.read):
        return ()
    numbers = set_query.number
    return tuple((name, numbers(one.low), numbers(one.high)) for name, one in sorted(measured.read.items()))
