"""What else a question names: a walk that says nothing of it has not answered the question.

A question that names a second thing limits the answer by it ("the films of A that B wrote"), or tells more of what it
is about ("the film X with B, who directed it?"). Either way a fact joins it to what was walked.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from fusion.cues import INVERSE, Cue
from fusion.paths import Facts, Walk
from fusion.question import KEY, Link, is_chinese
from kg.facts import EntityId, Fact


@dataclass(frozen=True, slots=True)
class Unmet:
    """Something that a question names and that a walk leaves out."""

    link: Link


def constrained(
    walk: Walk,
    start: tuple[int, int],
    candidates: dict[tuple[int, int], list[Link]],
    cues: Collection[Cue],
    facts: Facts,
) -> Walk | Unmet:
    """The walk, with only those of its ends that everything else the question names is joined to.

    ``start`` is the place of the name that it starts from. Words that the walk has not used say by which relation.

    Raises:
        StoreError: the store failed.
    """
    left = [cue for cue in cues if not cue.soft and cue not in walk.cues]
    said = {relation.removesuffix(INVERSE) for cue in left for chain in cue.chains for relation in chain}
    for place, links in candidates.items():
        named = [link for link in links if link.score >= KEY and _tells(link)]
        if place == start or not named:
            continue
        ids = {link.entity.id for link in named}
        if ids & walk.reached.keys():  # nobody asks for what he names
            return Unmet(named[0])
        if any(ids & {fact.subject, fact.object} for path in walk.reached.values() for fact in path):
            continue
        joined = _joined(walk, ids, said, facts)
        if not joined:
            return Unmet(named[0])
        if said or len(walk.reached) > 1:
            reached = {end: path for end, path in walk.reached.items() if end in joined}
            walk = replace(walk, reached=reached, beside=(*walk.beside, *dict.fromkeys(joined.values())))
    return walk


def _joined(walk: Walk, ids: Collection[EntityId], said: Collection[str], facts: Facts) -> dict[EntityId, Fact]:
    """The ends of a walk whose path one of these things is joined to, each with the fact that does it."""
    beside: dict[EntityId, Fact] = {}
    for id, around in facts.of(sorted(ids)).items():
        for fact in around:
            if not said or fact.relation in said:
                beside.setdefault(fact.object if fact.subject == id else fact.subject, fact)
    met = {
        end: [beside[id] for fact in path for id in (fact.subject, fact.object) if id in beside]
        for end, path in walk.reached.items()
    }
    return {end: found[0] for end, found in met.items() if found}


def _tells(link: Link) -> bool:
    """Whether a name is no everyday word: of one word, it may be anything."""
    return " " in link.entity.key or is_chinese(link.entity.name)
