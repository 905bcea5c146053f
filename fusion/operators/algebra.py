"""Sets of entities, made of other sets: each keeps how it was made, the facts that prove each member, and its query.

Found = chain | Found ∩ Found | Found ∪ Found | Found ∖ Found | Found where a value is within limits
      | Found with the greatest value | Found who are something beside
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod

import regex

from fusion.operators.attributes import Measured
from fusion.operators.operands import SURE, Chain, Shape
from fusion.operators.values import Bound, Value
from fusion.paths import Facts
from fusion.reader import LISTED, Miss
from kg import set_query
from kg.facts import EntityId, Fact, Triple

TRIED = 4  # readings of each operand that are combined
COMBINED = 10_000  # combinations of readings that are looked at
UNLIKELIER = 4  # times as probable as what was chosen, another combination may be before it is taken for what was meant
WIDEST = 2000  # things on the way that walks of two operands may meet in

_PLAIN = {  # names that Cypher reads by itself
    "date": regex.compile(r"(?:(?:\d{1,2} )?[A-Z][a-z]+ )?\d{3,4}"),
    "number": regex.compile(r"\d+(?:\.\d+)?"),
}

Paths = tuple[tuple[Triple, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A set of entities. ``prove`` gives the paths that show that one of them belongs to it."""

    label: str
    ends: tuple[EntityId, ...]
    prove: Callable[[EntityId], Paths]
    probability: float
    query: set_query.Query
    parts: tuple["Found", ...] = ()
    notes: tuple[str, ...] = ()
    whole: bool = True
    joint: bool = False  # a member rests on all of its paths together
    shapes: tuple[Shape, ...] = ()

    def lines(self, depth: int = 0) -> Iterator[tuple[int, str]]:
        """How it was made, as a tree: (depth, text)."""
        yield depth, f"{self.label}: {len(self.ends):,}"
        for part in self.parts:
            yield from part.lines(depth + 1)

    def leaves(self) -> Iterator["Found"]:
        """The sets that it is made of."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()

    def all_notes(self) -> tuple[str, ...]:
        """What it leaves open, parts included."""
        return tuple(dict.fromkeys((*(note for part in self.parts for note in part.all_notes()), *self.notes)))


def of_chain(chain: Chain) -> Found:
    """The ends of a chain."""
    arrows = " or ".join(
        " ".join(f"→ {relation}" if forward else f"← {relation}" for relation, forward in shape)
        for shape in chain.shapes
    )
    return Found(
        label=f"{chain.link.entity.name} {arrows}".strip(),
        ends=chain.ends,
        prove=lambda id: (chain.trace(id),),
        probability=chain.probability,
        query=set_query.Reached(chain.link.entity.id, chain.shapes),
        whole=chain.whole,
        shapes=chain.shapes,
    )


def intersection(operands: Sequence[Sequence[Found]], *, listed: bool, facts: Facts) -> Found | Miss:
    """What all operands have in common, by the most probable readings of them that have something in common.

    Where they differ in nothing but a name and walk several facts, they should meet as soon as they can: "who directed
    the film that A and B star in" is about one film.
    """
    if prod(len(readings[:TRIED]) for readings in operands) > COMBINED:
        return Miss(
            f"{len(operands)} things named, each to be read in several ways, are too many to combine", final=True
        )
    choices = sorted(
        product(*(readings[:TRIED] for readings in operands)),
        key=lambda chosen: -prod(one.probability for one in chosen),
    )
    first = prod(one.probability for one in choices[0])
    for chosen in choices:
        chance = prod(one.probability for one in chosen)
        if chance < SURE ** len(chosen) or chance * UNLIKELIER < first:
            break
        met = _meeting(chosen, facts) if listed else None
        if met is not None:
            return met
        common = set(chosen[0].ends).intersection(*(one.ends for one in chosen[1:]))
        if common:
            notes: tuple[str, ...] = ()
            if listed and all(len(shape) > 1 for one in chosen for shape in one.shapes):
                notes = ("each by itself, since nothing on the way is common to them",)
            return Found(
                label="∩",
                ends=tuple(id for id in chosen[0].ends if id in common),
                prove=lambda id, chosen=chosen: tuple(path for one in chosen for path in one.prove(id)),  # type: ignore[misc]
                probability=chance,
                query=set_query.AllOf(tuple(one.query for one in chosen)),
                parts=tuple(chosen),
                notes=notes,
                whole=all(one.whole for one in chosen),
                joint=True,
            )
    told = "; ".join(one.label + f": {len(one.ends):,}" for one in choices[0])
    return Miss(f"the graph knows nothing that is all of these ({told})")


def union(operands: Sequence[Sequence[Found]], *, listed: bool) -> Found | Miss:
    """What any operand leads to. Where they differ in nothing but a name, all are read alike if they can be."""
    chosen = tuple(readings[0] for readings in operands)
    if prod(len(readings[:TRIED]) for readings in operands) > COMBINED:
        return Miss(
            f"{len(operands)} things named, each to be read in several ways, are too many to combine", final=True
        )
    if listed:
        alike = [
            each
            for each in product(*(readings[:TRIED] for readings in operands))
            if len({one.shapes for one in each}) == 1
        ]
        chosen = max(alike, key=lambda each: prod(one.probability for one in each), default=chosen)
    ends = tuple(dict.fromkeys(id for one in chosen for id in one.ends))
    members = [frozenset(one.ends) for one in chosen]
    return Found(
        label="∪",
        ends=ends,
        prove=lambda id: tuple(
            path for one, inside in zip(chosen, members, strict=True) if id in inside for path in one.prove(id)
        ),
        probability=prod(one.probability for one in chosen),
        query=set_query.AnyOf(tuple(one.query for one in chosen)),
        parts=chosen,
        whole=all(one.whole for one in chosen),
    )


def difference(kept: Found, dropped: Found, facts: Facts) -> Found | Miss:
    """What one operand leads to and the other does not: only of what the graph has a fact of the relation denied."""
    relation, forward = dropped.shapes[0][-1]
    out = set(dropped.ends)
    rest = [id for id in kept.ends if id not in out]
    of_rest = facts.of(rest)
    if isinstance(dropped.query, set_query.Reached) and all(len(shape) == 1 for shape in dropped.shapes):
        # All facts of a thing with thousands are not read; those of what is kept say by themselves what is dropped.
        topic, steps = dropped.query.topic, {shape[0] for shape in dropped.shapes}
        rest = [id for id in rest if not any(_joins(fact, topic, id, steps) for fact in of_rest[id])]
    elif not dropped.whole:
        return Miss("too much is denied to tell that it is not so: only a part of the graph was walked", final=True)
    known = {
        id
        for id, told in facts.of(rest).items()
        if any(fact.relation == relation and id == (fact.object if forward else fact.subject) for fact in told)
    }
    ends = tuple(id for id in rest if id in known)
    if not ends:
        return Miss(f"the graph does not say of any of them {words(relation)}, so that nothing is known not to be so")
    notes = ["as far as the graph goes: what it does not say may still be so"]
    if len(known) < len(rest):
        notes.append(f"{len(rest) - len(known):,} left out of which it does not say {words(relation)}")
    return Found(
        label="∖",
        ends=ends,
        prove=kept.prove,
        probability=kept.probability * dropped.probability,
        query=set_query.Less(kept.query, dropped.query, relation, not forward),
        parts=(kept, dropped),
        notes=tuple(notes),
        whole=kept.whole,
        joint=kept.joint,
    )


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
        prove=lambda id: _with(part.prove(id), measured.values[id][1]),
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
    paths = tuple(path for id in (best, *others) for path in _with(part.prove(id), values[id][1]))
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


def beside(part: Found, relation: str, told: dict[EntityId, Fact]) -> Found:
    """Those who are something beside: the object of a relation."""
    return Found(
        label=f"who are {relation}",
        ends=tuple(id for id in part.ends if id in told),
        prove=lambda id: _with(part.prove(id), told[id]),
        probability=part.probability,
        query=set_query.Beside(part.query, relation),
        parts=(part,),
        whole=part.whole,
        joint=part.joint,
    )


def words(relation: str) -> str:
    """A relation's name as words."""
    return relation.replace("_", " ")


def step(facts: Facts, here: Collection[EntityId], relation: str, forward: bool) -> dict[EntityId, Fact]:
    """Where a relation leads, each with one fact that leads there."""
    reached: dict[EntityId, Fact] = {}
    for id, told in facts.of(here).items():
        for fact in told:
            if fact.relation == relation and id == (fact.subject if forward else fact.object):
                reached.setdefault(fact.object if forward else fact.subject, fact)
    return reached


def reached(facts: Facts, topic: EntityId, shapes: Collection[Shape]) -> frozenset[EntityId]:
    """Where any of several chains leads from one entity."""
    found: set[EntityId] = set()
    for shape in shapes:
        here = {topic}
        for relation, forward in shape:
            here = set(step(facts, sorted(here)[:WIDEST], relation, forward))
        found |= here
    return frozenset(found)


def _meeting(chosen: Sequence[Found], facts: Facts) -> Found | None:
    """Operands that walk the same relations, joined where they first meet, and walked on from there together."""
    shapes = {one.shapes for one in chosen}
    topics = [one.query.topic for one in chosen if isinstance(one.query, set_query.Reached)]
    if len(shapes) != 1 or len(topics) != len(chosen):
        return None
    [[*alternatives]] = shapes
    if len(alternatives) != 1 or len(alternatives[0]) < 2:
        return None
    [(first, *rest)] = alternatives
    firsts = [step(facts, [topic], *first) for topic in topics]
    common = set(firsts[0]).intersection(*firsts[1:])
    if not common or len(common) > WIDEST:
        return None
    ways: dict[EntityId, Paths] = {id: tuple((_triple(one[id]),) for one in firsts) for id in sorted(common)}
    for relation, forward in rest:
        onward: dict[EntityId, Paths] = {}
        for id in ways:
            for end, fact in step(facts, [id], relation, forward).items():
                used = {triple for path in ways[id] for triple in path}
                if _triple(fact) not in used:
                    onward.setdefault(end, tuple((*path, _triple(fact)) for path in ways[id]))
        ways = onward
    ends = tuple(id for id in dict.fromkeys(end for one in chosen for end in one.ends) if id in ways)
    if not ends:
        return None
    return Found(
        label="∩ on the way",
        ends=ends,
        prove=ways.__getitem__,
        probability=prod(one.probability for one in chosen),
        query=set_query.Together(tuple(topics), alternatives[0]),
        parts=tuple(chosen),
        whole=all(one.whole for one in chosen),
        joint=True,
    )


def _joins(fact: Fact, topic: EntityId, id: EntityId, steps: Collection[tuple[str, bool]]) -> bool:
    """Whether a fact is one of the steps from a topic to another entity."""
    ends = fact.subject, fact.object
    return ((fact.relation, True) in steps and ends == (topic, id)) or (
        (fact.relation, False) in steps and ends == (id, topic)
    )


def _with(paths: Paths, fact: Fact) -> Paths:
    """The paths, the first of which goes on with one more fact."""
    first = paths[0] if paths else ()
    triple = _triple(fact)
    return (first if triple in first else (*first, triple), *paths[1:])


def _triple(fact: Fact) -> Triple:
    return fact.subject, fact.relation, fact.object


def _limit(bound: tuple[Bound, Value]) -> set_query.Limit:
    name, value = bound
    return name, set_query.number(value.low), set_query.number(value.high)


def _read(measured: Measured) -> set_query.Read:
    """The values by name, as plain numbers, where Cypher could not read the names by itself."""
    if all(_PLAIN[measured.kind].fullmatch(name) for name in measured.read):
        return ()
    numbers = set_query.number
    return tuple((name, numbers(one.low), numbers(one.high)) for name, one in sorted(measured.read.items()))
