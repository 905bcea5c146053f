"""Beam search over what is there: every step of a plan is walked in the graph before the next one is chosen."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fusion.planner.model import Array, Planner, Read
from kg.mirror import Front, Mirror, Places

BEAM = 4
FAINT = 1e-4  # a plan that is so much less probable than the best is not walked on
WIDEST = 50_000  # pairs that a walk may stand on


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A chain of rows that was walked: where it led after each step, and how probable it is.

    ``fit`` is its probability where every relation of the graph might be the next, whichever way it is walked: it
    compares plans from several entities. ``said`` has how well every row fitted before each step, and before the stop.

    Shapes: said (2r + 1,) each.
    """

    rows: tuple[int, ...]
    fronts: tuple[Front, ...]
    log_probability: float
    fit: float = 1.0
    said: tuple[Array, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entity that plans lead to. ``plan`` is the most probable one of them; ``walks`` how many of its walks do."""

    place: int
    score: float  # the probability of the plans that lead here, in (0, 1]
    plan: Plan
    walks: int


@dataclass(frozen=True, slots=True, eq=False)
class _Standing:
    plan: Plan
    state: Array
    before: Array  # ρ of the last step


def plans(
    planner: Planner,
    mirror: Mirror,
    rows: Array,
    read: Read,
    topics: list[int],
    *,
    beam: int = BEAM,
    faint: float = FAINT,
) -> list[Plan]:
    """The most probable plans of a question, best first. ``rows`` is ``planner.rows`` for the mirror's relations.

    One that is ``faint`` beside the best at any step is not walked on.
    """
    stop, least = len(rows) - 1, math.log(faint) if faint else -math.inf
    standing = [_Standing(Plan((), (mirror.start(topics),), 0.0), planner.begin, np.zeros(rows.shape[1], np.float32))]
    done: list[Plan] = []
    for hop in range(planner.hops + 1):
        if not standing:
            break
        choices: list[tuple[float, int, float, _Standing, Array, Array]] = []
        states, wanted = planner.step(
            read, np.stack([each.state for each in standing]), np.stack([each.before for each in standing])
        )
        scores = wanted @ rows.T  # (standing, 2r + 1)
        for each, state, said in zip(standing, states, scores, strict=True):
            onward = mirror.rows_from(each.plan.fronts[-1]) if hop < planner.hops else np.empty(0, np.int64)
            allowed = np.append(onward, stop) if hop else onward
            if not len(allowed):
                continue
            chances = log_softmax(said[allowed])
            fits = np.exp(log_softmax(said if hop else said[:stop]))  # no walk stops before it begins
            for place in np.argsort(-chances, kind="stable")[:beam].tolist():
                total = each.plan.log_probability + float(chances[place])
                row = int(allowed[place])
                fit = each.plan.fit * float(fits[row])
                if row == stop:
                    done.append(Plan(each.plan.rows, each.plan.fronts, total, fit, (*each.plan.said, said)))
                else:
                    fit += each.plan.fit * float(fits[mirror.inverse(row)])
                    choices.append((total, row, fit, each, state, said))
        choices.sort(key=lambda choice: (-choice[0], choice[1]))
        best = max([total for total, *_ in choices[:1]] + [plan.log_probability for plan in done], default=0.0)
        standing = []
        for total, row, fit, each, state, said in choices[:beam]:
            if total < best + least:
                break
            front = mirror.step(each.plan.fronts[-1], row)
            if len(front.here) <= WIDEST:
                plan = Plan((*each.plan.rows, row), (*each.plan.fronts, front), total, fit, (*each.plan.said, said))
                standing.append(_Standing(plan, state, rows[row]))
    return sorted(done, key=lambda plan: (-plan.log_probability, plan.rows))[:beam]


def foreseen(
    planner: Planner, mirror: Mirror, rows: Array, read: Read, topic: int, *, beam: int = BEAM
) -> list[tuple[tuple[int, ...], float]]:
    """The most probable chains of a question, whether or not the graph has their facts, with log-probabilities.

    What may come next is what leads on from any entity of like kind: at first from those that share a relation with the
    topic, then from those that the step before leads to anywhere in the graph.
    """
    stop = len(rows) - 1
    standing: list[tuple[tuple[int, ...], float, Array, Array]] = [
        ((), 0.0, planner.begin, np.zeros(rows.shape[1], np.float32))
    ]
    done: list[tuple[tuple[int, ...], float]] = []
    for hop in range(planner.hops + 1):
        grown: list[tuple[tuple[int, ...], float, Array, Array]] = []
        for chain, total, state, before in standing:
            onward = mirror.rows_beside(mirror.inverse(chain[-1])) if chain else mirror.rows_like(topic)
            allowed = onward if hop < planner.hops else np.empty(0, np.int64)
            allowed = np.append(allowed, stop) if hop else allowed
            state, wanted = planner.step(read, state, before)
            for row, chance in zip(allowed.tolist(), log_softmax(rows[allowed] @ wanted).tolist(), strict=True):
                if row == stop:
                    done.append((chain, total + chance))
                else:
                    grown.append(((*chain, row), total + chance, state, rows[row]))
        standing = sorted(grown, key=lambda one: (-one[1], one[0]))[:beam]
    return sorted(done, key=lambda one: (-one[1], one[0]))[:beam]


def likely(mirror: Mirror, plan: Plan, topic: int) -> float:
    """The probability of a plan among the chains that ``foreseen`` chooses from, whichever way its rows are walked."""
    total, onward = 1.0, mirror.rows_like(topic)
    stop = 2 * len(mirror.relations)
    for hop, (row, said) in enumerate(zip((*plan.rows, stop), plan.said, strict=True)):
        either = [row, mirror.inverse(row)] if row != stop else [stop]
        allowed = np.union1d(onward, [row, stop] if hop else [row])  # no walk stops before it begins
        total *= float(np.exp(log_softmax(said[allowed]))[np.isin(allowed, either)].sum())
        if row != stop:
            onward = mirror.rows_beside(mirror.inverse(row))
    return total


def merged(found: Sequence[Plan], topics: Sequence[int]) -> list[Plan]:
    """Plans of which those that lead to the same answers are one, as probable as they are together; best first.

    It walks as the most probable of them does.
    """
    kept: dict[frozenset[int], Plan] = {}
    for plan in found:  # best first
        ends = frozenset(answers(plan, topics))
        if ends:
            known = kept.get(ends)
            both = (
                plan
                if known is None
                else replace(known, log_probability=float(np.logaddexp(known.log_probability, plan.log_probability)))
            )
            kept[ends] = both
    return sorted(kept.values(), key=lambda plan: (-plan.log_probability, plan.rows))


def candidates(found: Sequence[Plan], topics: Sequence[int]) -> list[Candidate]:
    """The entities that plans lead to, best first: those of the best plan, then what other plans add.

    Of equals, that to which more walks lead. A topic answers a question about itself only where its plan leads nowhere
    else ("whose is the wife of X's husband?").
    """
    best: dict[int, Candidate] = {}
    for plan in found:
        places, walks = _ends(plan, topics)
        chance = float(np.exp(plan.log_probability))
        for place, count in zip(places.tolist(), walks.tolist(), strict=True):
            known = best.get(place)
            if known is None:
                best[place] = Candidate(place, chance, plan, count)
            else:
                best[place] = Candidate(place, known.score + chance, known.plan, known.walks)
    return sorted(best.values(), key=lambda c: (-c.plan.log_probability, -c.score, -c.walks, c.place))


def answers(plan: Plan, topics: Sequence[int]) -> tuple[int, ...]:
    """The places that one plan leads to, those that most walks lead to first, as ``candidates`` has them."""
    places, walks = _ends(plan, topics)
    return tuple(places[np.lexsort((places, -walks))].tolist())


def _ends(plan: Plan, topics: Sequence[int]) -> tuple[Places, Places]:
    """Where the walks of a plan end, but for topics if they end elsewhere, too, and how many end there."""
    places, walks = np.unique(plan.fronts[-1].here, return_counts=True)
    others = np.ones(len(places), bool)
    for topic in topics:
        others &= places != topic
    return (places[others], walks[others]) if others.any() else (places, walks)


def log_softmax(scores: Array) -> Array:
    """Shapes: (k,) -> (k,)."""
    shifted = scores - scores.max()
    found: Array = shifted - np.log(np.exp(shifted).sum())
    return found
