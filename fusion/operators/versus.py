"""Named things held against each other: which came first, which is longer, are they of the same country.

Each is walked by the question's other words ("director") to what is compared ("born"), and the values are held against
each other. Values that are not precise enough to decide decide nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import regex

from fusion.cues import Cue
from fusion.operators.algebra import leader, words
from fusion.operators.attributes import Attributes, Measured
from fusion.operators.forms import Versus
from fusion.operators.phrase import Place
from fusion.operators.senses import CHINESE_EVENT, EVENT
from fusion.paths import Facts, Walk, strength
from fusion.question import Link, is_chinese, stem
from fusion.reader import Asked, Miss, Reading, reached_by
from kg.facts import EntityId, Fact, name_key
from kg.ontology import Ontology
from nlp.lexicon import NATIONALITIES

OTHERWISE = 0.6  # how surely "no" where the graph has other values of a relation that may have several

_SAME = regex.compile(r"\b(?:same|share|both)\b|同一|相同|一样", regex.IGNORECASE)
_YES_NO = regex.compile(r"^\s*(?:do|does|did|are|is|were|was|have|has)\b|吗|是否", regex.IGNORECASE)
_SAME_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"nationalit|citizen|国籍", ("nationality",)),
    (r"countr|国家", ("nationality", "country_of_origin", "located_in")),
)


@dataclass(frozen=True, slots=True)
class Sides:
    """A question that may hold things against each other, and what it is read with."""

    question: Asked
    facts: Facts
    ontology: Ontology
    attributes: Attributes

    @property
    def words(self) -> str:
        """The text without its names."""
        return "".join(" " if self._named(i) else c for i, c in enumerate(self.question.text))

    def _named(self, place: int) -> bool:
        return any(start <= place < end for start, end in self.question.candidates)


@dataclass(frozen=True, slots=True)
class _Side:
    link: Link
    values: dict[EntityId, tuple[Fact, ...]]  # what is compared, with the facts that lead to it


def side_by_side(sides: Sides, versus: Versus) -> Reading | Miss:
    """Which of the named things comes first, is longest, …; or whether the first of two does.

    Raises:
        StoreError: the store failed.
        WeightsError: the embedder's weights are missing or damaged.
    """
    question, facts = sides.question, sides.facts
    facts.of([found.entity.id for found in question.links])
    hinted = {stem(word) for group in versus.sense.hints for word in group}
    steps = [cue for cue in question.cues if not _says_what(question.text[cue.start : cue.end], hinted)]
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
    found: list[tuple[Place, Link, EntityId, tuple[Fact, ...]]] = []
    for place, each in walks.items():
        for link, walk in each:
            valued = [id for id in walk.reached if id in measured.values]
            if valued:
                best = min(valued, key=lambda id: (strength(measured.values[id][1])[0], id))
                found.append((place, link, best, (*walk.reached[best], measured.values[best][1])))
                break
    if versus.named is None and len(found) > 2:
        pairs = combinations(found, 2)
        found = list(max(pairs, key=lambda pair: sum(place[1] - place[0] for place, *_ in pair)))
    end = versus.sense.end(measured.kind)
    first = leader([(EntityId(str(n)), measured.values[id][0]) for n, (_, _, id, _) in enumerate(found)], end)
    names = " and ".join(link.entity.name for _, link, _, _ in found)
    if isinstance(first, tuple):
        what = "dates" if measured.kind == "date" else "numbers"
        return Miss(f"the {what} known of {names} do not decide it ({words(measured.relation)})")
    place, link, _, _ = found[int(first)]
    paths = [path for *_, path in found]
    links = [link for _, link, _, _ in found]
    if versus.claimed is None:
        return _reading([link], paths, links)
    return _reading([], paths, links, text=_yes_no(sides.question.text, place == versus.claimed))


def _says_what(word: str, hinted: set[str]) -> bool:
    return (
        regex.search(rf"{EVENT}|{CHINESE_EVENT}", word, regex.IGNORECASE) is not None
        or any(regex.search(pattern, word, regex.IGNORECASE) for pattern, _ in _SAME_WORDS)
        or not hinted.isdisjoint(stem(part) for part in word.split())
        or any(hint in word for hint in hinted if is_chinese(hint))
    )


def _without_asked(text: str, steps: Sequence[Cue]) -> list[Cue]:
    """The cues without the one that says what kind of thing is asked for: "which country has …"."""
    return [
        cue for cue in steps if not regex.search(r"\b(?:which|what)\s+$|哪[个些]$", text[: cue.start], regex.IGNORECASE)
    ]


def same(sides: Sides) -> Reading | Miss | None:
    """Whether two things have the same nationality or country; None if that is not asked.

    Raises:
        StoreError: the store failed.
    """
    text = sides.words
    if len(sides.question.candidates) < 2 or not (_SAME.search(text) and _YES_NO.search(text)):
        return None
    for pattern, relations in _SAME_WORDS:
        if regex.search(pattern, text, regex.IGNORECASE):
            found = _two_sides(sides, relations)
            if isinstance(found, Miss):
                return found
            names = [
                {
                    _country(entity.name): side.values[id]
                    for id, entity in sides.facts.entities(side.values.keys()).items()
                }
                for side in found
            ]
            shared = sorted(names[0].keys() & names[1].keys())
            if not shared and not all(_is_country(sides, side.values) for side in found):
                what = " and ".join(side.link.entity.name for side in found)
                return Miss(f"the graph does not say of what country {what} are", final=True)
            paths = [side[shared[0]] for side in names] if shared else [side[min(side)] for side in names]
            reading = _reading(
                [], paths, [side.link for side in found], text=_yes_no(sides.question.text, bool(shared))
            )
            return reading if shared else replace(reading, score=reading.score * OTHERWISE)
    return None


def _two_sides(sides: Sides, relations: Sequence[str]) -> tuple[_Side, _Side] | Miss:
    """The two things compared, each with its value: those two of the question's names for which both are known."""
    question, facts = sides.question, sides.facts
    steps = [cue for cue in question.cues if not any(c[-1] in relations for c in cue.chains if len(c) == 1)]
    steps = [cue for cue in steps if not _says_what(question.text[cue.start : cue.end], set())]
    facts.of([found.entity.id for found in question.links])
    found: list[_Side] = []
    unknown: list[str] = []
    for place, candidates in question.candidates.items():
        each = [_side(sides, link, place, steps, relations) for link in candidates]
        best = next((side for side in each if side.values), None)
        if best is None:
            unknown.append(candidates[0].entity.name)
        else:
            found.append(best)
    if len(found) < 2:
        what = " or ".join(relations).replace("_", " ")
        return Miss(f"the graph does not say {what} for {' and '.join(unknown) or 'one of the two'}")
    return max(combinations(found, 2), key=lambda pair: sum(side.link.end - side.link.start for side in pair))


def _side(sides: Sides, link: Link, place: Place, steps: Sequence[Cue], relations: Sequence[str]) -> _Side:
    walk = reached_by(sides.facts, link.entity.id, place, steps, sides.ontology)
    known = sides.facts.of(list(walk.reached))
    for relation in relations:
        values = {
            fact.object: (*path, fact)
            for id, path in walk.reached.items()
            for fact in sorted(known[id], key=strength, reverse=True)
            if fact.relation == relation and fact.subject == id
        }
        if values:
            return _Side(link, values)
    return _Side(link, {})


def _reading(
    chosen: Sequence[Link], paths: Sequence[tuple[Fact, ...]], links: Sequence[Link], *, text: str = ""
) -> Reading:
    sure = 1.0
    for fact in (fact for path in paths for fact in path):
        sure = min(sure, max((evidence.confidence for evidence in fact.evidence), default=0.5))
    linked = min(link.score for link in links)
    entities = tuple(link.entity for link in chosen)
    return Reading(text or entities[0].name, entities, tuple(paths), 0.9 * sure * linked, joint=True)


def _yes_no(text: str, yes: bool) -> str:
    return ("是" if yes else "否") if is_chinese(text) else ("yes" if yes else "no")


def _is_country(sides: Sides, values: Collection[EntityId]) -> bool:
    """Whether all values are countries or nationalities, of which two that differ are two: of two cities, none is."""
    return all(
        any(sides.ontology.is_a(one.type, kind) for kind in ("Country", "Nationality"))
        or one.name in NATIONALITIES
        or one.name in NATIONALITIES.values()
        for one in sides.facts.entities(values).values()
    )


def _country(name: str) -> str:
    """The key of the country that a nationality or country name means: "American" and "United States" are one."""
    return name_key(NATIONALITIES.get(name, name))
