"""The plans of a question, and what can be told of them before any is believed."""

from collections.abc import Sequence
from dataclasses import dataclass

from fusion.ground import Ground
from fusion.planner.search import Plan
from fusion.question import KEY, Link
from kg.facts import Triple
from kg.mirror import Mirror

TOPICS = 8  # entities that a question is tried with
CLOSE = 0.5  # another entity from which a plan fits half as well may be meant, too
SURE = 0.5  # a plan is more probable than all others together
LIKE, UNLIKE = 0.85, 0.7  # to the questions of training: as good as one of them; about something else


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """A plan from one entity that the question may be about."""

    link: Link
    plan: Plan
    topic: int  # place in the mirror
    answers: tuple[int, ...]  # places, those that most walks lead to first
    probability: float  # of the plan, as far as the question and its link are known
    fit: float  # of the plan among all relations of the graph: compares entities


@dataclass(frozen=True, slots=True, eq=False)
class Thought:
    """All plans of a question, the best first, and the graph that they walk."""

    ground: Ground
    plans: tuple[Planned, ...]
    meant: float = 1.0  # how probable the best plan is among all that like entities have: whether it is asked for

    @property
    def graph(self) -> Mirror:
        """The graph that the plans walk."""
        return self.ground.graph

    @property
    def partial(self) -> bool:
        """Whether that is only what is near the names."""
        return self.ground.partial

    def steps(self, plan: Plan) -> list[tuple[str, bool, int]]:
        """The relations of a plan, whether each is walked forwards, and how many entities it reaches."""
        return [
            (*self.graph.named(row), len(front.reached)) for row, front in zip(plan.rows, plan.fronts[1:], strict=True)
        ]

    def path(self, plan: Plan, place: int) -> tuple[Triple, ...]:
        """The facts that lead to an answer."""
        return self.graph.trace(plan.fronts, place)


def surest(links: Sequence[Link]) -> list[Link]:
    """The entities that a question is tried with."""
    return sorted(links, key=lambda found: (-found.score, found.start - found.end, found.entity.id))[:TOPICS]


def familiar(likeness: float) -> float:
    """How far a question is one that a planner can be trusted with, by its likeness to those of training (0 to 1)."""
    return min(1.0, max(0.0, (likeness - UNLIKE) / (LIKE - UNLIKE)))


def ranked(found: Sequence[Planned]) -> tuple[Planned, ...]:
    """The plans of the entity that fits best, then those of the others."""
    fits: dict[Link, float] = {}
    for one in found:
        fits[one.link] = max(fits.get(one.link, 0.0), one.fit)
    return tuple(sorted(found, key=lambda one: (-fits[one.link], one.link.start, one.link.entity.id, -one.probability)))


def leaves_out(found: Sequence[Planned]) -> bool:
    """Whether the question names something else, of which the best plan says nothing.

    A name of one word may be an everyday word; then only one from which a plan is likely, too, is taken seriously.
    """
    best = found[0]
    walked = {place for front in best.plan.fronts for place in front.reached.tolist()}
    return any(
        " " in one.link.entity.key or (one.probability >= SURE and one.fit >= CLOSE * best.fit)
        for one in found
        if (one.link.start, one.link.end) != (best.link.start, best.link.end)
        if one.link.score >= KEY and one.topic not in walked
    )


def same_name(found: Sequence[Planned]) -> list[Planned]:
    """Other entities of the name that the best plan starts from, for which the question has as good a plan."""
    best = found[0]
    place, taken = (best.link.start, best.link.end), {best.link.entity.id}
    others = []
    for one in found[1:]:
        near = (one.link.start, one.link.end) == place and one.fit >= CLOSE * best.fit
        if near and one.link.entity.id not in taken and set(one.answers) != set(best.answers):
            taken.add(one.link.entity.id)
            others.append(one)
    return others
