"""Questions that set two things side by side: which came first, which has more, are they of the same country.

Each side is walked by the question's other cues ("director") to what is compared ("died"), and the two are held
against each other. A date that is not precise enough to decide decides nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import regex

from fusion.cues import Cue
from fusion.paths import Facts, Walk, strength
from fusion.question import Link, is_chinese
from fusion.reader import Asked, Miss, Reading, reached_by
from kg.facts import EntityId, Fact, name_key
from kg.ontology import Ontology
from nlp.dates import find_dates
from nlp.lexicon import NATIONALITIES

Date = tuple[int, int, int]  # year, month, day; 0 where it is not said

_EARLIER = r"\b(?:earlier|first|before|older|oldest|elder|prior)\b|更早|先|年长|较早|更老"
_LATER = r"\b(?:later|last|after|younger|youngest|newer|recent(?:ly)?|latest)\b|更晚|后|年轻|较晚|更新"
_ATTRIBUTES: tuple[tuple[str, tuple[str, ...]], ...] = (  # the words that say what is compared, and its relations
    (r"\b(?:born|birth|older|younger|oldest|youngest|elder)\b|出生|年轻|年长", ("born_on",)),
    (r"\b(?:died?|dies|death)\b|去世|逝世|死", ("died_on",)),
    (
        r"\b(?:released?|c[ao]me out|published|publication|recent(?:ly)?|newer)\b|上映|发行|出版",
        ("released_on", "founded_on"),
    ),
    (r"\b(?:founded|established|formed|started|opened|created)\b|成立|创立|建立", ("founded_on", "released_on")),
)
_SAME = regex.compile(r"\b(?:same|share|both)\b|同一|相同|一样", regex.IGNORECASE)
_YES_NO = regex.compile(r"^\s*(?:do|does|did|are|is|were|was|have|has)\b|吗|是否", regex.IGNORECASE)
_SAME_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"nationalit|citizen|国籍", ("nationality",)),
    (r"countr|国家", ("nationality", "country_of_origin", "located_in")),
)
_MORE = regex.compile(r"\bmore\s+(?!recent)(\p{L}+)", regex.IGNORECASE)
_MONTHS = {
    month: place
    for place, month in enumerate(
        ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
         "December"), start=1)
}  # fmt: skip
_CHINESE_DATE = regex.compile(r"(公元前)?(\d+)年(?:(\d+)月(?:(\d+)[日号])?)?")


@dataclass(frozen=True, slots=True)
class _Side:
    link: Link
    values: dict[EntityId, tuple[Fact, ...]]  # what is compared, with the facts that lead to it


def compare(question: Asked, facts: Facts, ontology: Ontology) -> Reading | Miss | None:
    """Answer a comparison; None if the question is none.

    Raises:
        StoreError: the store failed.
    """
    if len(question.candidates) < 2:
        return None
    text = "".join(" " if _named(question, i) else c for i, c in enumerate(question.text))
    if _SAME.search(text) and _YES_NO.search(text):
        for pattern, relations in _SAME_WORDS:
            if regex.search(pattern, text, regex.IGNORECASE):
                return _same(question, facts, ontology, relations)
    more = _MORE.search(text)
    if more is not None:
        return _count(question, facts, ontology, more.start(1))
    earlier = regex.search(_EARLIER, text, regex.IGNORECASE)
    later = regex.search(_LATER, text, regex.IGNORECASE)
    if earlier or later:
        for pattern, relations in _ATTRIBUTES:
            word = regex.search(pattern, text, regex.IGNORECASE)
            if word is not None:
                return _order(question, facts, ontology, relations, last=later is not None)
    return None


def _named(question: Asked, place: int) -> bool:
    return any(start <= place < end for start, end in question.candidates)


def _sides(
    question: Asked, facts: Facts, ontology: Ontology, relations: Sequence[str], usable: Callable[[EntityId], bool]
) -> tuple[_Side, _Side] | Miss:
    """The two things compared, each with its value: those two of the question's names for which both are known."""
    steps = [cue for cue in question.cues if not any(c[-1] in relations for c in cue.chains if len(c) == 1)]
    steps = [cue for cue in steps if not _says_what(question.text[cue.start : cue.end])]
    facts.of([found.entity.id for found in question.links])
    found: list[_Side] = []
    unknown: list[str] = []
    for place, candidates in question.candidates.items():
        sides = [_side(link, place, steps, facts, ontology, relations, usable) for link in candidates]
        best = next((side for side in sides if side.values), None)
        if best is None:
            unknown.append(candidates[0].entity.name)
        else:
            found.append(best)
    if len(found) < 2:
        what = " or ".join(relations).replace("_", " ")
        return Miss(f"the graph does not say {what} for {' and '.join(unknown) or 'one of the two'}")
    pairs = sorted(combinations(found, 2), key=lambda pair: -sum(s.link.end - s.link.start for s in pair))
    return pairs[0]


def _says_what(word: str) -> bool:
    return any(regex.search(pattern, word, regex.IGNORECASE) for pattern, _ in (*_ATTRIBUTES, *_SAME_WORDS))


def _side(
    link: Link,
    place: tuple[int, int],
    steps: Sequence[Cue],
    facts: Facts,
    ontology: Ontology,
    relations: Sequence[str],
    usable: Callable[[EntityId], bool],
) -> _Side:
    walk = reached_by(facts, link.entity.id, place, steps, ontology)
    known = facts.of(list(walk.reached))
    for relation in relations:
        values = {
            fact.object: (*path, fact)
            for id, path in walk.reached.items()
            for fact in sorted(known[id], key=strength, reverse=True)
            if fact.relation == relation and fact.subject == id
        }
        facts.entities(values.keys())
        values = {id: path for id, path in values.items() if usable(id)}
        if values:
            return _Side(link, values)
    return _Side(link, {})


def _order(
    question: Asked, facts: Facts, ontology: Ontology, relations: Sequence[str], *, last: bool
) -> Reading | Miss:
    def date(id: EntityId) -> Date | None:
        entity = facts.entities([id]).get(id)
        return None if entity is None else parse_date(entity.name)

    sides = _sides(question, facts, ontology, relations, lambda id: date(id) is not None)
    if isinstance(sides, Miss):
        return sides
    best = [_surest(side, date) for side in sides]
    one, other = (value[0] for value in best)
    decided = precedes(one, other)
    if decided is None:
        return Miss(f"the dates known of {sides[0].link.entity.name} and {sides[1].link.entity.name} do not decide it")
    chosen = sides[0] if decided != last else sides[1]
    return _reading([chosen.link], [path for _, path in best], sides)


def _surest(side: _Side, date: Callable[[EntityId], Date | None]) -> tuple[Date, tuple[Fact, ...]]:
    """The date with the best evidence, the most precise of equals."""
    dated = [(date(id) or (0, 0, 0), path) for id, path in side.values.items()]
    return min(dated, key=lambda item: (strength(item[1][-1])[0], item[0][1] == 0, item[0][2] == 0, item[0]))


def _same(question: Asked, facts: Facts, ontology: Ontology, relations: Sequence[str]) -> Reading | Miss:
    sides = _sides(question, facts, ontology, relations, lambda id: True)
    if isinstance(sides, Miss):
        return sides
    names = [
        {country(entity.name): side.values[id] for id, entity in facts.entities(side.values.keys()).items()}
        for side in sides
    ]
    shared = sorted(names[0].keys() & names[1].keys())
    paths = [side[shared[0]] for side in names] if shared else [side[min(side)] for side in names]
    yes, no = ("是", "否") if is_chinese(question.text) else ("yes", "no")
    return _reading([], paths, sides, text=yes if shared else no)


def _count(question: Asked, facts: Facts, ontology: Ontology, place: int) -> Reading | Miss | None:
    counted = [cue for cue in question.cues if cue.start == place]
    if not counted:
        return None
    walks: list[tuple[Link, Walk]] = []
    for span, candidates in question.candidates.items():
        for link in candidates:
            walk = reached_by(facts, link.entity.id, span, counted, ontology)
            if walk.reached:
                walks.append((link, walk))
                break
    if len(walks) != 2:
        return Miss(f"the graph does not say how many {question.text[place:].split()[0]} both of the two have")
    (one, first), (other, second) = walks
    if len(first.reached) == len(second.reached):
        return Miss(f"the graph knows as many for {one.entity.name} as for {other.entity.name}")
    chosen = one if len(first.reached) > len(second.reached) else other
    paths = [path for _, walk in walks for path in walk.reached.values()]
    return _reading([chosen], paths, (_Side(one, first.reached), _Side(other, second.reached)))


def _reading(
    chosen: Sequence[Link], paths: Sequence[tuple[Fact, ...]], sides: Sequence[_Side], *, text: str = ""
) -> Reading:
    sure = 1.0
    for fact in (fact for path in paths for fact in path):
        sure = min(sure, max((evidence.confidence for evidence in fact.evidence), default=0.5))
    linked = min(side.link.score for side in sides)
    entities = tuple(link.entity for link in chosen)
    return Reading(text or entities[0].name, entities, tuple(paths), 0.9 * sure * linked, joint=True)


def parse_date(name: str) -> Date | None:
    """The date that a canonical name stands for; years before our era are negative."""
    chinese = _CHINESE_DATE.fullmatch(name)
    if chinese is not None:
        year = int(chinese[2]) * (-1 if chinese[1] else 1)
        return year, int(chinese[3] or 0), int(chinese[4] or 0)
    names = [found[2] for found in find_dates(name)] or [name]
    words = names[0].removesuffix(" BC").split()
    if not words or not words[-1].isdigit():
        return None
    year = int(words[-1]) * (-1 if names[0].endswith(" BC") else 1)
    month = next((_MONTHS[word] for word in words if word in _MONTHS), 0)
    return year, month, int(words[0]) if len(words) == 3 and words[0].isdigit() else 0


def precedes(one: Date, other: Date) -> bool | None:
    """Whether one date comes before the other; None if they are not precise enough to tell, or equal."""
    for left, right in zip(one, other, strict=True):
        if left == 0 or right == 0:
            return None
        if left != right:
            return left < right
    return None


def country(name: str) -> str:
    """The key of the country that a nationality or country name means: "American" and "United States" are one."""
    return name_key(NATIONALITIES.get(name, name))
