"""Mention finders for English: the title, known names, quoted works, dates, names of people and of everything else.

Each finder claims characters that no earlier one has; so the surest come first. A mention's confidence says how
its type was told: by the title, a name that is known, or the name's own form (``SURE`` and above), or by spaCy's
guess, which the relation that a mention stands in may overrule.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import regex

from kg.facts import Chunk, Topic
from nlp.concepts import TELLING, type_of
from nlp.dates import find_dates, find_years
from nlp.gazetteer import Gazetteer
from nlp.lexicon import (
    AWARD_WORDS,
    COUNTRIES,
    COUNTRY_NAMES,
    EVENT_WORDS,
    NATIONALITIES,
    ORGANIZATION_WORDS,
    PERSON_TITLES,
    PLACE_WORDS,
    ROLE_OF_WORDS,
    STOP_NAMES,
)
from nlp.names import NAME, SURE, clean_name
from nlp.spans import Mention

if TYPE_CHECKING:
    from spacy.tokens import Doc

GUESSED = 0.6  # of a type that spaCy tells
UNTYPED = ""  # a capitalised name of which nobody tells the type; dropped unless a relation needs it

SPACY_TYPES = {
    "PERSON": "Person",
    "ORG": "Organization",
    "GPE": "Place",
    "LOC": "Place",
    "FAC": "Place",
    "NORP": "Concept",
    "EVENT": "Event",
    "WORK_OF_ART": "Work",
    "PRODUCT": "Product",
    "LAW": "Concept",
    "LANGUAGE": "Language",
    "MONEY": "Quantity",
    "PERCENT": "Quantity",
    "QUANTITY": "Quantity",
}
_QUANTITIES = frozenset({"MONEY", "PERCENT", "QUANTITY"})
_WORK_TYPES = frozenset({"Work", "Film", "Song", "Album", "Book", "Series", "Periodical"})
_QUOTED = regex.compile(r"\"\s?([^\"\n]{1,90}?)\s?\"|“\s?([^”\n]{1,90}?)\s?”")
_WORK_BEFORE = regex.compile(
    r"\b(?:(?P<Film>films?|movies?|documentary|comedy|drama|thriller|western)|(?P<Album>albums?|EP|LP)"
    r"|(?P<Song>songs?|singles?|tracks?|hits?)|(?P<Book>novels?|books?|novella|memoir|autobiography|play)"
    r"|(?P<Series>series|sitcom|show|soap opera|miniseries)|(?P<Periodical>magazine|newspaper|journal))\s?,?\s?$"
)
_QUALIFIER = regex.compile(r"\s*\([^()]*\)$")
_LOOSE = regex.compile(r"\s?[-'\"]\s?")
_LIFE_BRACKET = regex.compile(r"\((?=[^()]*(?:\b(?:born|died|b\.|d\.|c\.|ca\.)|[-–—]))[^()]{3,160}\)")
_NUMERAL = regex.compile(r"\b[IVX]+\b(?!\.)")
_NOBLE = regex.compile(r", (?:\d|[\p{Lu}][\p{Ll}]+ (?:of|Palatine)\b)")
_PREPOSITION = regex.compile(r"\s(?:of|at|in|for)\s")


Guess = tuple[int, int, str]  # start, end, spaCy's label


class Mentions:
    """The mentions of one chunk so far; each character belongs to one at most, unless it is said otherwise."""

    def __init__(self, chunk: Chunk, parsed: "Doc | None" = None) -> None:
        self._parsed = parsed
        self.text = chunk.text
        self.start = chunk.start
        self._taken = bytearray(len(chunk.text))
        self.found: list[Mention] = []

    def free(self, start: int, end: int) -> bool:
        """Whether no mention holds any of these characters of the chunk."""
        return not any(self._taken[start:end])

    def proper(self, start: int) -> bool:
        """Whether the word at this place is tagged as a proper noun."""
        span = self._parsed.char_span(start, start + 1, alignment_mode="expand") if self._parsed is not None else None
        return span is not None and span[0].tag_ in {"NNP", "NNPS"}

    def add(self, start: int, end: int, name: str, label: str, confidence: float) -> Mention | None:
        """Claim these characters of the chunk, or None where they are taken or there is no name."""
        if start >= end or not name or not self.free(start, end):
            return None
        self._taken[start:end] = b"\1" * (end - start)
        mention = Mention(self.start + start, self.start + end, name, label, confidence)
        self.found.append(mention)
        return mention


def find_names(chunk: Chunk, parsed: "Doc", *, topic: Topic | None, gazetteer: Gazetteer) -> Mentions:
    """The names, dates and amounts of a chunk; untyped names have the label ""."""
    mentions = Mentions(chunk, parsed)
    guesses: list[Guess] = [(ent.start_char, ent.end_char, ent.label_) for ent in parsed.ents]
    runs = [part for match in NAME.finditer(chunk.text) for part in _parts(chunk.text, *match.span(), guesses)]
    inside = _inside(runs)
    if topic is not None:
        _find_topic(mentions, topic, inside)
        _find_surname(mentions, topic, runs)
    _find_quoted(mentions, gazetteer)
    _find_known(mentions, gazetteer, inside)
    _find_events(mentions, guesses)
    _find_dates(mentions)
    _find_capitalised(mentions, runs, guesses)
    _find_guessed(mentions, guesses)
    return mentions


def _inside(runs: list[tuple[int, int]]) -> Callable[[int, int], bool]:
    """Whether a stretch is but a part of a longer name: "Henry Bryant" in "Henry Bryant Bigelow"."""
    starts = [start for start, _ in runs]

    def inside(start: int, end: int) -> bool:
        at = bisect_right(starts, start) - 1
        return at >= 0 and runs[at][0] <= start and end <= runs[at][1] and runs[at] != (start, end)

    return inside


def _find_topic(mentions: Mentions, topic: Topic, inside: Callable[[int, int], bool]) -> None:
    """The title entity under its own name, its aliases, and its name written with other spaces."""
    text = mentions.text
    for name in sorted({_QUALIFIER.sub("", topic.name), topic.name, *topic.aliases}, key=lambda n: (-len(n), n)):
        if len(name) < 2 or (name.casefold() in STOP_NAMES and topic.type == "Person"):
            continue
        for start, end in _occurrences(text, name):
            if name != topic.name and " " not in name and inside(start, end):
                continue
            mentions.add(start, end, topic.name, topic.type, 1.0)


def _find_surname(mentions: Mentions, topic: Topic, runs: list[tuple[int, int]]) -> None:
    """The title entity under the one name that its text calls it by: "Bonnard" for Mario Bonnard."""
    if topic.type != "Person":
        return
    bare = _QUALIFIER.sub("", topic.name).partition(",")[0].split()
    ruler = "of" in bare or any(_NUMERAL.fullmatch(word) for word in bare)
    given = [word for word in bare if word not in PERSON_TITLES]
    short = (given[0] if ruler else given[-1]) if len(given) > 1 else ""
    for start, end in runs if len(short) > 1 else ():
        if clean_name(mentions.text[start:end]) == short:
            mentions.add(start, end, topic.name, topic.type, 0.95)


def _occurrences(text: str, name: str) -> Iterator[tuple[int, int]]:
    if name in text:
        at = text.find(name)
        while at >= 0:
            end = at + len(name)
            if not (text[at - 1 : at].isalnum() and at) and not text[end : end + 1].isalnum():
                yield at, end
            at = text.find(name, end)
    elif _LOOSE.search(name):  # the text may have "Bowes- Lyon"
        parts = [regex.escape(part) for part in _LOOSE.split(name)]
        marks = [rf"\s?{regex.escape(mark.strip())}\s?" for mark in _LOOSE.findall(name)]
        pattern = "".join(part + mark for part, mark in zip(parts, [*marks, ""], strict=True))
        for match in regex.finditer(rf"(?<!\w){pattern}(?!\w)", text):
            yield match.span()


def _find_known(mentions: Mentions, gazetteer: Gazetteer, inside: Callable[[int, int], bool]) -> None:
    """Names of the gazetteer; a work called by one word counts only where the text says that it is a work."""
    for match in gazetteer.matches(mentions.text):
        if inside(match.start, match.end):
            continue
        topics = gazetteer.topics(match.name)
        types = {topic.type for topic in topics}
        one_word = types <= _WORK_TYPES and " " not in match.name and match.name.isascii()
        if one_word and not _WORK_BEFORE.search(mentions.text, max(0, match.start - 20), match.start):
            continue
        label = types.pop() if len(types) == 1 else UNTYPED
        mentions.add(match.start, match.end, clean_name(match.name), label, SURE if label else GUESSED)


def _find_quoted(mentions: Mentions, gazetteer: Gazetteer) -> None:
    """What stands in quotation marks with a capital: a work, of the kind that the words before it say."""
    text = mentions.text
    at = 0
    while match := _QUOTED.search(text, at):
        group = 1 if match[1] is not None else 2
        inner = match[group]
        name = clean_name(inner)
        if not name or not (name[0].isupper() or name[0].isdigit()) or inner.lstrip()[:1] in ",.;)":
            at = match.start() + 1  # that mark closed an earlier quotation
            continue
        at = match.end()
        start, end = match.span(group)
        while end > start and text[end - 1] in " ,.":
            end -= 1
        if len(name.split()) > 12:
            continue
        kind = _WORK_BEFORE.search(text, max(0, match.start() - 24), match.start())
        known = {topic.type for topic in gazetteer.topics(name)}
        if kind:
            mentions.add(start, end, name, str(kind.lastgroup), SURE)
        elif len(known) == 1:
            mentions.add(start, end, name, known.pop(), SURE)
        elif name[0].isupper() and any(word[0].isupper() for word in name.split()[-1:]):
            mentions.add(start, end, name, "Work", GUESSED)


def _find_events(mentions: Mentions, guesses: Iterable[Guess]) -> None:
    """Events first, since their names hold years: "the 2016 Summer Olympics"."""
    for start, end, label in guesses:
        if label == "EVENT":
            start += 4 if mentions.text[start : start + 4].casefold() == "the " else 0
            end = start + len(mentions.text[start:end].rstrip(" .,"))
            name = clean_name(mentions.text[start:end])
            if any(word in EVENT_WORDS for word in name.split()):
                mentions.add(start, end, name, "Event", SURE)


def _find_dates(mentions: Mentions) -> None:
    for start, end, name in find_dates(mentions.text):
        mentions.add(start, end, name, "Date", 1.0)
    for bracket in _LIFE_BRACKET.finditer(mentions.text):
        for start, end, name in find_years(mentions.text, bracket.start(), bracket.end()):
            mentions.add(start, end, name, "Date", SURE)


def _find_capitalised(mentions: Mentions, runs: list[tuple[int, int]], guesses: list[Guess]) -> None:
    for start, end in runs:
        _add_name(mentions, start, end, guesses)


def _parts(text: str, start: int, end: int, guesses: list[Guess]) -> Iterator[tuple[int, int]]:
    """The names in a run of capitalised words: "American Rick Jaffa", "King of Denmark", "After Saladin"."""
    first, _, rest = text[start:end].partition(" ")
    while (
        rest
        and not (first == "The" and _mid_sentence(text, start))
        and (first.casefold().rstrip(",") in STOP_NAMES and first not in PERSON_TITLES)
        and first != "New"
    ):
        start = end - len(rest)
        first, _, rest = rest.partition(" ")
        if first in {"of", "the", "de", "and"} and rest:
            start = end - len(rest)
            first, _, rest = rest.partition(" ")
    for length in (2, 1):  # "West German", "American"
        words = text[start:end].split(" ", length)
        nation = " ".join(words[:length])
        if len(words) > length and nation in NATIONALITIES and nation not in COUNTRIES:
            if not _covered(start, end, guesses):
                yield start, start + len(nation)
                yield from _parts(text, end - len(words[length]), end, guesses)
                return
            break
    if " of " in text[start:end]:
        words = text[start:end].split(" of ", 1)
        if len(words) == 2 and words[1] and all(word in ROLE_OF_WORDS for word in words[0].replace("-", " ").split()):
            start = end - len(words[1].removeprefix("the "))
            place, comma, _ = text[start:end].partition(", ")  # "Nevers, Countess of Auxerre"
            yield start, start + len(place)
            if comma:
                yield from _parts(text, start + len(place) + 2, end, guesses)
            return
    yield start, end


def _mid_sentence(text: str, start: int) -> bool:
    """Whether a capital at this place is a name's own: "a song by The Who"."""
    return text[:start].rstrip()[-1:].isalpha()


def _covered(start: int, end: int, guesses: list[Guess]) -> bool:
    return any(a <= start and b >= end for a, b, _ in guesses)


def _add_name(mentions: Mentions, start: int, end: int, guesses: list[Guess]) -> None:
    text = mentions.text
    label, overlap = UNTYPED, 0
    for a, b, guess in guesses:
        shared = min(b, end) - max(a, start)
        if shared > overlap and guess in SPACY_TYPES:
            overlap, label = shared, SPACY_TYPES[guess]
            if a < start and b >= end and text[a:start][:1].isdigit() and guess in {"ORG", "EVENT", "WORK_OF_ART"}:
                start = a  # "20th Century Fox"
    surface = text[start:end]
    for article in ("The ", "the "):
        if surface.startswith(article) and (start == 0 or text[max(0, start - 2) : start].strip() in {".", ""}):
            start += 4
            surface = surface[4:]
    name = clean_name(surface)
    if len(name) < 2 or name.casefold() in STOP_NAMES:
        return
    sure = _type_of_name(name)
    if not sure and _opens_sentence(text, start) and _is_common(mentions, start, name, label):
        return  # "Aspirin is used to …"
    if sure == "Country":
        name = COUNTRY_NAMES.get(name, name)
    mentions.add(start, end, name, sure or label, SURE if sure else GUESSED)


def _opens_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \"“'(")
    return not before or before[-1] in ".!?:;\n•–-"


def _is_common(mentions: Mentions, start: int, name: str, label: str) -> bool:
    """Whether a capital may only be that of the sentence: one word that is no proper noun, or tells a kind."""
    if any(character.isupper() for character in name[1:]) or any(character.isdigit() for character in name):
        return False
    words = name.split()
    if type_of(name) in TELLING:
        return True
    return len(words) == 1 and not mentions.proper(start)


def _type_of_name(name: str) -> str | None:
    """The type that the words of a name tell, or None."""
    if name in NATIONALITIES.keys() & COUNTRIES:
        return "Country"  # "New Zealand" is both; the rules know it before a noun
    if name in NATIONALITIES or all(part in NATIONALITIES for part in regex.split(r"[-–]", name)):
        return "Nationality"
    if name in COUNTRIES:
        return "Country"
    if _NOBLE.search(name):
        return "Person"
    core = _PREPOSITION.split(name, maxsplit=1)
    words = core[0].split()
    ends = {words[0], words[-1]}
    if ends & AWARD_WORDS and len(name.split()) > 1:
        return "Award"
    if ends & EVENT_WORDS and len(name.split()) > 1:
        return "Event"
    if words[-1] in ORGANIZATION_WORDS or (len(core) > 1 and words[0] in ORGANIZATION_WORDS):
        return "Organization"
    if len(words) > 1 or len(core) > 1:
        if words[-1] in PLACE_WORDS or words[0] in {"Mount", "Lake", "River", "Cape", "Fort", "Port"}:
            return "Place"
        if words[0] in PERSON_TITLES and words[0] not in {"Saint", "St.", "Grand", "Crown", "Major", "General"}:
            return "Person"
        if _NUMERAL.search(core[0]) and len(core[0].split()) <= 3 and words[0] not in {"World", "Part", "Type"}:
            return "Person" if words[-1] not in {"I"} or len(core) > 1 or len(words) == 2 else None
    return None


def _find_guessed(mentions: Mentions, guesses: list[Guess]) -> None:
    """What spaCy takes for a name or an amount where no capitalised run was found."""
    for start, end, label in guesses:
        type = SPACY_TYPES.get(label)
        surface = mentions.text[start:end]
        if type is None or not any(character.isupper() or character.isdigit() for character in surface):
            continue
        if label in _QUANTITIES:
            mentions.add(start, end, clean_name(surface), type, GUESSED)
        elif label in {"ORG", "PERSON", "GPE", "PRODUCT"} and surface[:1].isupper() and len(surface) > 2:
            name = clean_name(surface)
            common = _opens_sentence(mentions.text, start) and _is_common(mentions, start, name, type)
            if name.casefold() not in STOP_NAMES and not common:
                mentions.add(start, end, name, type, GUESSED)
