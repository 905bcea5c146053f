"""Chains of relations as a graph has them: what questions could be asked of it.

Every relation is walked in both directions, the frequent ones more often, and never straight back along a fact. Of each
some walks are of its one step and some are longer ones that end with it: a graph of many relations, whose walks these
are nearly all, must not teach that every question is of one step.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from fusion.planner.labels import Chain
from kg.mirror import Front, Mirror

ENDS = 100  # more answers than that are asked for only where a relation leads nowhere else
WIDEST = 5_000  # pairs that a walk may stand on before its last step
EACH = 12  # walks of one step that every relation gets in each direction, frequent or not, and as many longer ones
EVEN = 0.75  # the share of walks that are given to all relations alike, at the most
TRIES = 8  # walks tried for each that is kept


@dataclass(frozen=True, slots=True)
class Walk:
    """A chain that was walked from a topic, and where it ended."""

    topic: int
    chain: Chain
    ends: frozenset[int]


def sample(mirror: Mirror, count: int, *, hops: int, seed: int) -> list[Walk]:
    """At most so many walks of 1 to ``hops`` steps; fewer where the graph is small. The same for the same seed."""
    draw = random.Random(seed)
    starts = _starts(mirror)
    if not starts:
        return []
    each = max(1, min(EACH, int(EVEN * count / (len(starts) * min(2, hops)))))
    found = {(walk.topic, walk.chain): walk for walk in _every_row(mirror, starts, each, hops, draw)}
    kept = list(found.values())
    draw.shuffle(kept)
    kept = kept[:count]
    seen = {(walk.topic, walk.chain) for walk in kept}
    rows = sorted(starts)
    weights = [len(starts[row]) ** 0.5 for row in rows]
    for _ in range(TRIES * count):
        if len(kept) >= count:
            break
        row = draw.choices(rows, weights)[0]
        walk = _walk(mirror, draw.choice(starts[row]), row, draw.randint(1, hops), draw)
        if walk is not None and len(walk.ends) <= ENDS and (walk.topic, walk.chain) not in seen:
            seen.add((walk.topic, walk.chain))
            kept.append(walk)
    draw.shuffle(kept)
    return kept


def _starts(mirror: Mirror) -> dict[int, list[int]]:
    """For each row, the entities that it leads on from."""
    found: dict[int, set[int]] = {}
    for subject, relation, object in mirror.triples():
        row = mirror.rows[relation]
        found.setdefault(row, set()).add(mirror.places[subject])
        found.setdefault(mirror.inverse(row), set()).add(mirror.places[object])
    return {row: sorted(places) for row, places in found.items()}


def _every_row(
    mirror: Mirror, starts: dict[int, list[int]], each: int, hops: int, draw: random.Random
) -> Iterator[Walk]:
    """For every row some walks of one step, of those tried the ones with the fewest ends, and some that end with it."""
    for row in sorted(starts):
        tried = draw.sample(starts[row], min(len(starts[row]), each * TRIES))
        walks = [walk for place in tried if (walk := _walk(mirror, place, row, 1, draw)) is not None]
        yield from sorted(walks, key=lambda walk: (len(walk.ends) > ENDS, tried.index(walk.topic)))[:each]
        if hops > 1:
            places = draw.choices(starts[row], k=each * TRIES)
            longer = (_ending(mirror, place, row, draw.randint(2, hops), draw) for place in places)
            yield from list(islice((walk for walk in longer if walk is not None and len(walk.ends) <= ENDS), each))


def _ending(mirror: Mirror, place: int, row: int, hops: int, draw: random.Random) -> Walk | None:
    """A walk of so many steps at the most whose last one is ``row``, from ``place``."""
    before = [row]
    front = mirror.start([place])
    while len(before) < hops:
        options = mirror.rows_from(front)
        options = options[options != before[0]]  # the way in is not the way out
        if not len(options):
            break
        taken = int(options[draw.randrange(len(options))])
        front = mirror.step(front, taken)
        at = draw.randrange(len(front.here))
        front = Front(front.before[at : at + 1], front.here[at : at + 1], taken)
        before.insert(0, mirror.inverse(taken))
    if len(before) == 1:
        return None
    topic, chain = int(front.here[0]), tuple(before)
    fronts = [mirror.start([topic])]
    for step in chain:
        if len(fronts[-1].here) > WIDEST:
            return None
        fronts.append(mirror.step(fronts[-1], step))
    return _kept(topic, chain, fronts[-1])


def _walk(mirror: Mirror, topic: int, row: int, hops: int, draw: random.Random) -> Walk | None:
    """One walk, on from any of the entities that it reaches; None where that leads nowhere, or to its topic alone."""
    front = mirror.step(mirror.start([topic]), row)
    chain = [row]
    while len(chain) < hops:
        if len(front.here) > WIDEST:
            return None
        place = int(front.here[draw.randrange(len(front.here))])
        options = mirror.rows_from(Front(front.before[front.here == place], front.here[front.here == place], front.row))
        if not len(options):
            return None
        chain.append(int(options[draw.randrange(len(options))]))
        front = mirror.step(front, chain[-1])
    return _kept(topic, tuple(chain), front)


def _kept(topic: int, chain: Chain, front: Front) -> Walk | None:
    ends = frozenset(np.unique(front.here).tolist())
    return Walk(topic, chain, ends) if ends - {topic} or len(chain) == 1 else None
