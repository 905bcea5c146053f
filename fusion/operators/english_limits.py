"""Limits of dates and numbers in English questions: "released after 1990", "at most two hours"."""

from collections.abc import Iterator

import regex

from fusion.operators.forms import Limit
from fusion.operators.phrase import Phrase
from fusion.operators.senses import EVENT, Sense, of_noun, sense
from fusion.operators.values import Bound, Value, read_date, read_number
from nlp.dates import find_dates

BE = r"(?:(?:(?:that|which|who|and)\s+)?(?:(?:was|were|is|are|be|been|has|have|had|got|to)\s+)*)"
_MORE, _LESS = (
    r"longer|taller|higher|bigger|larger|greater|heavier|faster|richer|more|older",
    r"shorter|lower|smaller|lighter|slower|less|fewer|cheaper|younger",
)
_BOUNDS: dict[str, Bound] = {
    "after": "after", "later than": "after", "since": "since", "from": "since", "before": "before",
    "earlier than": "before", "prior to": "before", "until": "until", "till": "until", "in": "in", "on": "in",
    "during": "in", "no earlier than": "since", "not earlier than": "since", "not before": "since",
    "on or after": "since", "in or after": "since", "after or in": "since", "no later than": "until",
    "not later than": "until", "not after": "until", "on or before": "until", "in or before": "until",
    "before or in": "until",
}  # fmt: skip
_DATED = regex.compile(
    rf"(?:{BE}(?P<event>{EVENT})\s+)?(?P<bound>{'|'.join(sorted(_BOUNDS, key=len, reverse=True))}|between)"
    rf"\s+(?:the\s+years?\s+|the\s+)?$|{BE}(?P<event>{EVENT})\s+(?P<bound>by)\s+$",
    regex.IGNORECASE,
)
_FROM_THEN: dict[str, Bound] = {  # what follows a date
    "on": "since", "or later": "since", "or after": "since", "and later": "since", "and after": "since",
    "onwards": "since", "onward": "since", "or earlier": "until", "or before": "until", "and earlier": "until",
    "and before": "until",
}  # fmt: skip
_DATED_ON = regex.compile(rf"\s+(?P<bound>{'|'.join(_FROM_THEN)})\b(?!\s+\d)", regex.IGNORECASE)
_TO = regex.compile(r"\s*(?:to|through|until|till|-|–)\s*(?:the\s+)?", regex.IGNORECASE)  # between two ends
_AND = regex.compile(rf"{_TO.pattern}|\s*and\s*(?:the\s+)?", regex.IGNORECASE)
_DECADE = regex.compile(r"(?<!\d)(?P<year>\d{3}0)s\b")
_MEASURED = regex.compile(
    r"(?:(?:with|having|that ha[sd]|which ha[sd]|that have|whose)\s+(?:an?\s+|the\s+)?"
    rf"(?P<noun>(?!no\b)\p{{L}}+(?:\s\p{{L}}+)?)\s+(?:of\s+|is\s+|was\s+)?)?{BE}"
    rf"(?P<bound>(?P<no>not?\s+)?(?:(?P<more>{_MORE})|(?P<less>{_LESS}))\s+than|(?P<over>over|above)"
    r"|(?P<under>under|below)|(?P<least>at least|a minimum of)|(?P<most>at most|up to|a maximum of)"
    r"|(?P<exactly>exactly))\s+(?P<value>[$€£¥]?\d.*)",
    regex.IGNORECASE,
)
# What denies a word that limits is a limit itself. "not released before 1990" is none: it denies the relation.
_NEGATED = regex.compile(
    rf"(?:not?\s+(?:later|earlier|{_MORE}|{_LESS})\s+than|not\s+(?:before|after))\s+(?:\p{{L}}+\s+){{0,2}}\W?\d",
    regex.IGNORECASE,
)
_OR_BEFORE, _OR_AFTER = regex.compile(r"\bor\s*$", regex.IGNORECASE), regex.compile(r"\s*,?\s*or\b", regex.IGNORECASE)
_TO_NEXT = r"\s*(?:\b(?:to|through)\b|-|–)\s*(?:\p{L}+\.?\s+)?[$€£¥]?\d"
_ON_TO = regex.compile(_TO_NEXT, regex.IGNORECASE)
ORDINAL = r"(?:second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|(?!1st)\d+(?:st|nd|rd|th))"
_NUMERAL = r"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|half|dozens?|hundreds?|thousands?)"
_UNREAD = regex.compile(
    rf"\b(?:(?:more|less|fewer|longer|shorter) than|at least|at most|up to|exactly)\s+{_NUMERAL}\b"
    rf"|\b(?:than|over|above|under|below|at least|at most|up to|(?:minimum|maximum) of|exactly|after|since|before|until"
    rf"|till|by|prior to|between|about|around)\s+(?:the\s+|years?\s+)*[$€£¥]?\d[\p{{N}},.]*"
    rf"|\d\S*?{_TO_NEXT}[\p{{N}},.]*"
    rf"|\b[\p{{L}}\d-]+(?:st|nd|rd|th)[\s-]+centur(?:y|ies)\b|\b{ORDINAL}\s+times?\b"
    rf"|\d[\p{{N}},.]*\s+or\s+(?:\p{{L}}+\s+){{0,2}}\d+"
    rf"|\d[\p{{N}},.]*\s*(?:\p{{L}}+\s+)?(?:(?:or|and)\s+(?:{_MORE}|{_LESS}|later|earlier|after|before|above|below|over"
    r"|under|up)\b|onwards?\b|\+)",
    regex.IGNORECASE,
)


def limited(phrase: Phrase) -> Limit | None:
    """A date or a number that the value of what is asked for lies before, after, above, …"""
    for start, end, value, upper in _dates(phrase):
        found = _DATED.search(phrase.words[:start])
        then = _DATED_ON.match(phrase.words, end) if upper is None else None
        if found is None:
            continue
        said = found["bound"].casefold()
        last = None
        if said in ("between", "from"):
            last = _upper(phrase, end, _AND if said == "between" else _TO) or (None if upper is None else (end, upper))
        if last is not None:
            end, upper = last
            bounds: tuple[tuple[Bound, Value], ...] = (("since", value), ("until", upper))
        elif said == "between":
            continue
        elif upper is not None:
            bounds = _of_decade(said, value, upper)
        elif then is not None and said in ("in", "on", "from"):
            bounds, end = ((_FROM_THEN[then["bound"].casefold()], value),), then.end()
        else:
            year = said == "from" and found["event"] is None  # "films from 1994" are of that year
            bounds = (("in" if year else _BOUNDS.get(said, "until"), value),)
        meant = sense("first", found["event"] or "")
        rest = _free(phrase, found.start(), end).put(found.start(), end)
        if meant is not None and rest.places and not _in_part(phrase, found.start(), end):
            return Limit(meant, bounds, phrase.text[found.start("bound") : end], rest)
    return _measured(phrase)


def unread(phrase: Phrase) -> str | None:
    """The words of a limit, of whatever kind; to be asked of what is left when all limits have been read."""
    found = _UNREAD.search(phrase.limiting)
    return None if found is None else found[0]


def negated(phrase: Phrase, start: int) -> bool:
    """Whether the negation that stands at a place only turns a limit round: "not later than 1990"."""
    return _NEGATED.match(phrase.text, start) is not None


def _in_part(phrase: Phrase, start: int, end: int) -> bool:
    """Whether what stands there is only a part of a limit: "before 1990 or after 2000", "in 1990 to 1995"."""
    either = _OR_BEFORE.search(phrase.words[:start]) or _OR_AFTER.match(phrase.words, end)
    return either is not None or _ON_TO.match(phrase.unvalued, end) is not None


def _of_decade(said: str, first: Value, last: Value) -> tuple[tuple[Bound, Value], ...]:
    """The limits of a decade: after the 1990s is after the last of its years."""
    bound = _BOUNDS.get(said, "until")
    if bound == "in":
        return ("since", first), ("until", last)
    return ((bound, last if bound in ("after", "until") else first),)


def _dates(phrase: Phrase) -> Iterator[tuple[int, int, Value, Value | None]]:
    """Dates that are no part of a longer name; of a decade, its first and its last year."""
    longer = phrase.places
    found: list[tuple[int, int, Value | None, Value | None]] = [
        (match.start(), match.end(), read_date(match["year"]), read_date(match["year"][:3] + "9"))
        for match in _DECADE.finditer(phrase.text)
    ]
    found += [(start, end, read_date(name), None) for start, end, name in find_dates(phrase.text)]
    for start, end, value, upper in sorted(found, key=lambda one: one[0]):
        inside = any(a <= start and end <= b and (a, b) != (start, end) for a, b in longer)
        if value is not None and not inside:
            yield start, end, value, upper


def _upper(phrase: Phrase, start: int, joint: "regex.Pattern[str]") -> tuple[int, Value] | None:
    """The other end of a range that began before a place, and where it ends; of a decade, its last year."""
    for first, end, value, last in _dates(phrase):
        if first >= start and joint.fullmatch(phrase.text[start:first]):
            return end, value if last is None else last
    return None


def _free(phrase: Phrase, start: int, end: int) -> Phrase:
    """The phrase without the names that stand in a stretch, which are values there."""
    return phrase.only(place for place in phrase.places if place[1] <= start or place[0] >= end)


def _measured(phrase: Phrase) -> Limit | None:
    found = _MEASURED.search(phrase.text)
    if found is None:
        return None
    words = found["value"].split()
    for count in range(min(4, len(words)), 0, -1):
        said = regex.match(rf"(?:\S+\s+){{{count - 1}}}\S+", found["value"])
        value = read_number(said[0].rstrip("?.,! ")) if said is not None else None
        if said is None or value is None:
            continue
        end = found.start("value") + len(said[0].rstrip("?.,! "))
        bound: Bound = (
            "until" if found["most"] or (found["no"] and found["more"])
            else "since" if found["least"] or (found["no"] and found["less"])
            else "after" if found["more"] or found["over"]
            else "before" if found["less"] or found["under"] else "in"
        )  # fmt: skip
        noun = _counts(value, said[0], phrase.words[end:])
        if found["noun"]:
            meant: Sense | None = of_noun("most", found["noun"].casefold())
        elif noun is not None:
            meant, end = of_noun("most", noun["noun"].casefold()), end + noun.end()
        else:
            word = (found["more"] or found["less"] or "").casefold()
            meant = sense(word) or Sense(found[0], (), 0, 1)
        rest = _free(phrase, found.start(), end).put(found.start(), end)
        if meant is not None and rest.places and not _in_part(phrase, found.start(), end):
            said_so = phrase.text[found.start("noun" if found["noun"] else "bound") : end]
            return Limit(
                Sense(meant.word, meant.hints, 0, meant.number or 1, meant.strict), ((bound, value),), said_so, rest
            )
    return None


def _counts(value: Value, said: str, after: str) -> "regex.Match[str] | None":
    """What a number without a unit counts, by the word behind it: "more than 3 prizes"."""
    if value.kind or any(c.isalpha() for c in said):
        return None
    return regex.match(
        r"\s+(?!(?:and|or|but|by|in|on|at|of|for|to|with|from|that|which|who|than|\p{L}+ed)\b)(?P<noun>\p{Ll}+)", after
    )
