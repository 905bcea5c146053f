"""Sets of entities made of other sets.

Found = chain | Found ∩ Found | Found ∪ Found | Found ∖ Found | Found who are something beside
"""

from collections.abc import Collection, Sequence
from itertools import product
from math import prod

from fusion.operators.found import WIDEST, Found, Paths, longer, step, triple, words
from fusion.operators.operands import SURE
from fusion.paths import Facts
from fusion.reader import Miss
from kg import set_query
from kg.facts import EntityId, Fact

TRIED = 4  # readings of each operand that are combined
COMBINED = 10_000  # combinations of readings that are looked at
UNLIKELIER = 4  # times as probable as what was chosen, another combination may be before it is taken for what was meant


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


def beside(part: Found, relation: str, told: dict[EntityId, Fact]) -> Found:
    """Those who are something beside: the object of a relation."""
    return Found(
        label=f"who are {relation}",
        ends=tuple(id for id in part.ends if id in told),
        prove=lambda id: longer(part.prove(id), told[id]),
        probability=part.probability,
        query=set_query.Beside(part.query, relation),
        parts=(part,),
        whole=part.whole,
        joint=part.joint,
    )


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
    ways: dict[EntityId, Paths] = {id: tuple((triple(one[id]),) for one in firsts) for id in sorted(common)}
    for relation, forward in rest:
        onward: dict[EntityId, Paths] = {}
        for id in ways:
            for end, fact in step(facts, [id], relation, forward).items():
                used = {triple for path in ways[id] for triple in path}
                if triple(fact) not in used:
                    onward.setdefault(end, tuple((*path, triple(fact)) for path in ways[id]))
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
