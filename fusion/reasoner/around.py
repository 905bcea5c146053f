"""What of a graph is reasoned over: the entities and facts around a question's topics that may bear on it.

A walk begins at the topics and takes each step by how relevant its relation is to the question (personalised PageRank,
cut at so many hops; each entity shares what it has among its relations, each relation among its facts). The entities
that it meets most often are kept, with the facts among them. Each is marked by how it lies to the topics: how many
facts away, and by directional distance encoding (Li et al. 2024, SubgraphRAG, https://arxiv.org/abs/2410.20724): the
topics' mark, averaged over the facts that lead to an entity, and over those that lead away from it, again and again.

``n`` entities, ``e`` steps (each fact is two, one in either direction), ``j`` pairs of an entity and a row.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kg.facts import Triple
from kg.mirror import Mirror, Places

Array = npt.NDArray[np.float32]

ENTITIES = 2000  # that are reasoned over at the most
FACTS = 10_000
EXPANDED = 500  # entities that a hop is taken from: those met most often
FLOOR = 1e-4  # of a row's relevance, so that what is thought irrelevant can still be met


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is reasoned over."""

    entities: int = ENTITIES
    facts: int = FACTS
    expanded: int = EXPANDED


WHOLE = Bounds()


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """A part of a graph around topics.

    Shapes: places (n,) in the mirror, ascending; topics (k,), sources, targets (e,) are places here; rows (e,);
    kinds (j, 2), the entities here and each row that the whole graph has of them; marks (n, f).
    """

    places: Places
    topics: Places
    sources: Places
    targets: Places
    rows: Places
    kinds: Places
    marks: Array

    def here(self, places: Collection[int]) -> Places:
        """Which of these places of the mirror are here, as places here. Shapes: -> (k,)."""
        wanted = np.unique(np.fromiter(places, np.int64))
        found = np.searchsorted(self.places, wanted).clip(max=max(0, len(self.places) - 1))
        return found[self.places[found] == wanted] if len(self.places) else found[:0]


def marks_of(hops: int) -> int:
    """How many marks an entity has."""
    return hops + 2 + 2 * hops


def around(mirror: Mirror, topics: Collection[int], relevance: Array, *, hops: int, bounds: Bounds) -> Around:
    """The entities around topics that a question may be about. Shapes: relevance (2r,), the probability of each row."""
    began = np.unique(np.fromiter(topics, np.int64))
    weights = relevance.astype(np.float64) + FLOOR
    share = np.zeros(len(mirror.entities))
    share[began] = 1 / max(1, len(began))
    met = 2 * share  # the topics are met before all others
    for _ in range(hops):
        front = np.flatnonzero(share)
        if len(front) > bounds.expanded:
            front = np.sort(front[np.argsort(-share[front], kind="stable")[: bounds.expanded]])
        share = _walk(mirror, front, share[front], weights)
        met += share
    found = np.flatnonzero(met)
    places = np.sort(found[np.argsort(-met[found], kind="stable")[: bounds.entities]])
    worth = met[places]
    owner, rows, ends = mirror.edges_from(places)
    new = _changes(owner * len(weights) + rows)
    kinds = np.stack((owner[new], rows[new]), axis=1)
    targets = np.searchsorted(places, ends).clip(max=max(0, len(places) - 1))
    inside = places[targets] == ends if len(places) else np.zeros(0, bool)
    sources, rows, targets = owner[inside], rows[inside], targets[inside]
    if len(sources) > 2 * bounds.facts:
        half = len(mirror.relations)
        either = np.maximum(weights, np.roll(weights, half))
        value = worth[sources] * worth[targets] * either[rows]
        order = np.lexsort((_fact(sources, targets, rows, half, len(places)), -value))  # both directions side by side
        chosen = np.sort(order[: 2 * bounds.facts])
        sources, rows, targets = sources[chosen], rows[chosen], targets[chosen]
    at = np.searchsorted(places, began)
    forwards = rows < len(mirror.relations)
    marks = _marks(len(places), at, sources[forwards], targets[forwards], hops=hops)
    return Around(places, at, sources, targets, rows, kinds, marks)


def best_path(
    mirror: Mirror, part: Around, relevance: Array, place: int, *, hops: int
) -> tuple[float, tuple[Triple, ...]]:
    """The likeliest chain of facts from a topic to a place here, and its log-probability; () where none leads there.

    A fact is not walked back at once. Shapes: relevance (2r,).
    """
    cost = -np.log(relevance.astype(np.float64) + FLOOR)[part.rows]
    count, half = len(part.places), len(mirror.relations)
    back = (part.rows + half) % (2 * half)
    steps = len(part.sources)
    best = np.where(np.isin(part.sources, part.topics), cost, np.inf)  # (e,): of chains that end with each step
    before = [np.full(steps, -1)]
    totals = [best]
    for _ in range(hops - 1):
        first, second = _two_best(best, part.targets, count)
        chosen = first[part.sources]  # the best step that arrives where this one begins, unless it is this one, back
        turned = (chosen >= 0) & (part.sources[chosen] == part.targets) & (part.rows[chosen] == back)
        chosen = np.where(turned, second[part.sources], chosen)
        best = np.where(chosen >= 0, best[chosen] + cost, np.inf)
        before.append(chosen)
        totals.append(best)
    ends = np.flatnonzero(part.targets == place)
    if not len(ends):
        return -np.inf, ()
    reached = np.stack([total[ends] for total in totals])  # (hops, k)
    hop, which = np.unravel_index(int(reached.argmin()), reached.shape)
    if not np.isfinite(reached[hop, which]):
        return -np.inf, ()
    step, found = int(ends[which]), []
    for number in range(int(hop), -1, -1):
        found.append(_triple(mirror, part, step))
        step = int(before[number][step])
    return -float(reached[hop, which]), tuple(reversed(found))


def _walk(
    mirror: Mirror, places: Places, share: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """What every entity gets by one step from some places. Shapes: places (k,) ascending, share (k,) -> (entities,)."""
    owner, rows, ends = mirror.edges_from(places)
    new = _changes(owner * len(weights) + rows)
    pair, whose, which = np.cumsum(new) - 1, owner[new], rows[new]
    total = np.bincount(whose, weights[which], minlength=len(places))
    given = share[whose] * weights[which] / total[whose] / np.bincount(pair, minlength=len(whose))  # (pairs,)
    return np.asarray(np.bincount(ends, given[pair], minlength=len(mirror.entities)), np.float64)


def _changes(values: Places) -> npt.NDArray[np.bool_]:
    """Which of ascending values is another than the one before it."""
    new = np.ones(len(values), bool)
    new[1:] = values[1:] != values[:-1]
    return new


def _fact(sources: Places, targets: Places, rows: Places, half: int, count: int) -> Places:
    """A number that the two directions of a fact share."""
    forwards = rows < half
    heads, tails = np.where(forwards, sources, targets), np.where(forwards, targets, sources)
    return (heads * count + tails) * half + rows % half


def _marks(count: int, topics: Places, heads: Places, tails: Places, *, hops: int) -> Array:
    """How each entity lies to the topics. Shapes: -> (n, hops + 2 + 2·hops)."""
    far = np.full(count, hops + 1)
    far[topics] = 0
    for hop in range(1, hops + 1):
        near = np.concatenate((tails[far[heads] == hop - 1], heads[far[tails] == hop - 1]))
        far[near] = np.minimum(far[near], hop)
    found = [np.eye(hops + 2)[far]]
    topic = np.zeros(count)
    topic[topics] = 1
    for froms, tos in ((heads, tails), (tails, heads)):
        mark, degree = topic, np.maximum(1, np.bincount(tos, minlength=count))
        for _ in range(hops):
            mark = np.bincount(tos, mark[froms], minlength=count) / degree
            found.append(mark[:, None])
    return np.concatenate(found, axis=1).astype(np.float32)


def _two_best(values: npt.NDArray[np.float64], groups: Places, count: int) -> tuple[Places, Places]:
    """The places of the least and the second least value of each group, −1 where there is none. Shapes: -> (count,)."""
    order = np.lexsort((values, groups))
    order = order[np.isfinite(values[order])]
    sorted_groups = groups[order]
    first = np.searchsorted(sorted_groups, np.arange(count))
    last = np.searchsorted(sorted_groups, np.arange(count), side="right")
    padded = np.append(order, -1)
    return (
        np.where(last > first, padded[first.clip(max=len(order))], -1),
        np.where(last > first + 1, padded[(first + 1).clip(max=len(order))], -1),
    )


def _triple(mirror: Mirror, part: Around, step: int) -> Triple:
    half, row = len(mirror.relations), int(part.rows[step])
    here, to = int(part.places[part.sources[step]]), int(part.places[part.targets[step]])
    if row >= half:
        here, row, to = to, row - half, here
    return mirror.entities[here], mirror.relations[row], mirror.entities[to]
