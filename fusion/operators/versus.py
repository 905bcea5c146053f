"""Named things held against each other: which came first, which is longer.

Each is walked by the question's other words ("director") to what is compared ("born"), and the values are held against
each other. Values that are not precise enough to decide decide nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod

import regex

from fusion.cues import Cue
from fusion.operators.attributes import Measured
from fusion.operators.forms import Versus
from fusion.operators.found import words
from fusion.operators.phrase import Place
from fusion.operators.sides import COMBINED, Sides, meant, reading, says_what, yes_no
from fusion.operators.valued import leader
from fusion.paths import Walk, strength
from fusion.question import Link, stem
from fusion.reader import CLOSE, Miss, Reading, reached_by
from kg.facts import EntityId, Fact


@dataclass(frozen=True, slots=True)
class _Option:
    """One thing that a name may mean: the entity that has the value compared, and the facts that lead to that."""

    link: Link
    id: EntityId
    path: tuple[Fact, ...]

    @property
    def place(self) -> Place:
        """Where the question names it."""
        return self.link.start, self.link.end


def side_by_side(sides: Sides, versus: Versus) -> Reading | Miss:
    """Which of the named things comes first, is longest, …; or whether the first of two does.

    Raises:
        StoreError: the store failed.
        WeightsError: the embedder's weights are missing or damaged.
    """
    question, facts = sides.question, sides.facts
    facts.of([found.entity.id for found in question.links])
    hinted = {stem(word) for group in versus.sense.hints for word in group}
    steps = [cue for cue in question.cues if not says_what(question.text[cue.start : cue.end], hinted)]
    steps = [cue for cue in steps if not cue.soft]
    places = [place for place in question.candidates if versus.named is None or place in versus.named]
    fewer = _without_asked(question.text, steps)
    walks = _walks(sides, steps, places)
    measured = _measured(sides, versus, walks)
    if isinstance(measured, Miss) and fewer != steps:
        walks = _walks(sides, fewer, places)
        measured = _measured(sides, versus, walks)
    return measured if isinstance(measured, Miss) else _decided(sides, versus, walks, measured)


def _walks(sides: Sides, steps: Sequence[Cue], places: Sequence[Place]) -> dict[Place, list[tuple[Link, Walk]]]:
    """Where each of the things named leads."""
    return {
        place: [
            (link, reached_by(sides.facts, link.entity.id, place, steps, sides.ontology))
            for link in sides.question.candidates[place]
        ]
        for place in places
    }


def _measured(sides: Sides, versus: Versus, walks: dict[Place, list[tuple[Link, Walk]]]) -> Measured | Miss:
    """The values of all that is compared, by one relation of which two have one; ``named`` need one each."""
    ids = {id for each in walks.values() for _, walk in each for id in walk.reached}
    measured = sides.attributes.measure(ids, versus.sense)
    known = []
    if isinstance(measured, Measured):
        known = [
            p for p, each in walks.items() if any(walk.reached.keys() & measured.values.keys() for _, walk in each)
        ]
        if len(known) == len(walks) or (versus.named is None and len(known) > 1):
            return measured
    names = " and ".join(each[0][0].entity.name for place, each in walks.items() if place not in known)
    what = sides.attributes.meant(versus.sense)
    return Miss(f"the graph does not say {what} for {names or 'one of the two'}")


def _decided(
    sides: Sides, versus: Versus, walks: dict[Place, list[tuple[Link, Walk]]], measured: Measured
) -> Reading | Miss:
    """The first of the things compared, by the values of the first of what their names may mean that decide it."""
    found: dict[Place, list[_Option]] = {}
    for place, each in walks.items():
        options = [option for link, walk in each if (option := _option(link, walk, measured)) is not None]
        if options:
            found[place] = [one for one in options if one.link.score >= CLOSE * options[0].link.score]
    if versus.named is None and len(found) > 2:
        pairs = combinations(found.items(), 2)
        found = dict(max(pairs, key=lambda pair: sum(place[1] - place[0] for place, _ in pair)))
    if prod(map(len, found.values())) > COMBINED:
        return Miss("too many of the names may mean several things; say which are meant", final=True)
    end = versus.sense.end(measured.kind)
    chosen: tuple[_Option, ...] = ()
    firsts: dict[tuple[Link, ...], _Option | None] = {}
    for combined in product(*found.values()):
        leads = leader([(EntityId(str(n)), measured.values[one.id][0]) for n, one in enumerate(combined)], end)
        decided = None if isinstance(leads, tuple) else combined[int(leads)]
        firsts[tuple(one.link for one in combined)] = decided
        chosen = chosen or (combined if decided is not None else ())
    links = tuple(one.link for one in chosen)
    first = firsts.get(links)
    if first is None:
        names = " and ".join(options[0].link.entity.name for options in found.values())
        what = "dates" if measured.kind == "date" else "numbers"
        return Miss(f"the {what} known of {names} do not decide it ({words(measured.relation)})")
    paths = [one.path for one in chosen]
    if versus.claimed is None:
        return reading(first.link, paths, links, meant=meant(firsts, links))
    claims = {links: None if one is None else one.place == versus.claimed for links, one in firsts.items()}
    text = yes_no(sides.words, first.place == versus.claimed)
    return reading(None, paths, links, text=text, meant=meant(claims, links))


def _option(link: Link, walk: Walk, measured: Measured) -> _Option | None:
    """What is compared of one thing that a name may mean; None if it has no value."""
    valued = [id for id in walk.reached if id in measured.values]
    if not valued:
        return None
    best = min(valued, key=lambda id: (strength(measured.values[id][1])[0], id))
    return _Option(link, best, (*walk.reached[best], measured.values[best][1]))


def _without_asked(text: str, steps: Sequence[Cue]) -> list[Cue]:
    """The cues without the one that says what kind of thing is asked for: "which country has …"."""
    return [
        cue for cue in steps if not regex.search(r"\b(?:which|what)\s+$|哪[个些]$", text[: cue.start], regex.IGNORECASE)
    ]
