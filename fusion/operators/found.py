"""Sets of entities: each keeps how it was made, the facts that prove each member, and its query."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from fusion.operators.operands import Chain, Shape
from fusion.paths import Facts
from kg import set_query
from kg.facts import EntityId, Fact, Triple

WIDEST = 2000  # things on the way that walks of two operands may meet in

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


def longer(paths: Paths, fact: Fact) -> Paths:
    """The paths, the first of which goes on with one more fact."""
    first = paths[0] if paths else ()
    added = triple(fact)
    return (first if added in first else (*first, added), *paths[1:])


def triple(fact: Fact) -> Triple:
    """A fact without its evidence."""
    return fact.subject, fact.relation, fact.object
