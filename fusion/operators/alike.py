"""Whether two things have the same nationality, or are of the same country."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from math import prod

import regex

from fusion.cues import Cue
from fusion.operators.phrase import Place
from fusion.operators.sides import COMBINED, COUNTRIES, Sides, meant, reading, says_what, yes_no
from fusion.paths import strength
from fusion.question import Link
from fusion.reader import CLOSE, Miss, Reading, reached_by
from kg.facts import EntityId, Fact, name_key
from nlp.lexicon import NATIONALITIES

OTHERWISE = 0.6  # how surely "no" where the graph has other values of a relation that may have several

_SAME = regex.compile(r"\b(?:same|share|both)\b|同一|相同|一样", regex.IGNORECASE)
_YES_NO = regex.compile(r"^\s*(?:do|does|did|are|is|were|was|have|has)\b|吗|是否", regex.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    link: Link
    values: dict[EntityId, tuple[Fact, ...]]  # what is compared, with the facts that lead to it


def same(sides: Sides) -> Reading | Miss | None:
    """Whether two things have the same nationality or country; None if that is not asked.

    Raises:
        StoreError: the store failed.
    """
    text = sides.words
    if len(sides.question.candidates) < 2 or not (_SAME.search(text) and _YES_NO.search(text)):
        return None
    relations = next((them for pattern, them in COUNTRIES if regex.search(pattern, text, regex.IGNORECASE)), None)
    return None if relations is None else _compared(sides, relations)


def _compared(sides: Sides, relations: Sequence[str]) -> Reading | Miss:
    found = _sides(sides, relations)
    if isinstance(found, Miss):
        return found
    if prod(map(len, found)) > COMBINED:
        return Miss("too many of the names may mean several things; say which are meant", final=True)
    pairs = {tuple(side.link for side in pair): pair for pair in product(*found)}
    answers = {links: _alike(sides, pair) for links, pair in pairs.items()}
    chosen, answer = next(((links, answer) for links, answer in answers.items() if answer is not None), (None, None))
    if chosen is None or answer is None:
        what = " and ".join(options[0].link.entity.name for options in found)
        return Miss(f"the graph does not say of what country {what} are", final=True)
    names = [_countries(sides, side) for side in pairs[chosen]]
    shared = sorted(names[0].keys() & names[1].keys())
    paths = [side[shared[0] if answer else min(side)] for side in names]
    text = yes_no(sides.words, answer)
    read = reading(None, paths, chosen, text=text, meant=meant(answers, chosen))
    return read if answer else replace(read, score=read.score * OTHERWISE)


def _alike(sides: Sides, pair: Sequence[_Side]) -> bool | None:
    """Whether two sides have a country in common; None if what they have are no countries."""
    one, other = (_countries(sides, side) for side in pair)
    if one.keys() & other.keys():
        return True
    return False if all(_is_country(sides, side.values) for side in pair) else None


def _countries(sides: Sides, side: _Side) -> dict[str, tuple[Fact, ...]]:
    entities = sides.facts.entities(side.values.keys())
    return {_country(entity.name): side.values[id] for id, entity in entities.items()}


def _sides(sides: Sides, relations: Sequence[str]) -> tuple[list[_Side], list[_Side]] | Miss:
    """The two things compared: those two of the question's names for which both values are known.

    Of each, there are as many sides as its name may mean things.
    """
    question, facts = sides.question, sides.facts
    steps = [cue for cue in question.cues if not any(c[-1] in relations for c in cue.chains if len(c) == 1)]
    steps = [cue for cue in steps if not says_what(question.text[cue.start : cue.end], set())]
    facts.of([found.entity.id for found in question.links])
    found: list[list[_Side]] = []
    unknown: list[str] = []
    for place, candidates in question.candidates.items():
        each = [side for link in candidates if (side := _side(sides, link, place, steps, relations)).values]
        if each:
            found.append([side for side in each if side.link.score >= CLOSE * each[0].link.score])
        else:
            unknown.append(candidates[0].entity.name)
    if len(found) < 2:
        what = " or ".join(relations).replace("_", " ")
        return Miss(f"the graph does not say {what} for {' and '.join(unknown) or 'one of the two'}")
    return max(combinations(found, 2), key=lambda pair: sum(one[0].link.end - one[0].link.start for one in pair))


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
