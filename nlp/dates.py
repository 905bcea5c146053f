"""Dates in a text, and the one name that each is known by: "27 July 1917", "July 1917", "1917", "1917年7月27日"."""

from collections.abc import Iterator

import regex

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_SHORT = {month[:3]: month for month in _MONTHS} | {"Sept": "September"}
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)}|(?:{'|'.join(_SHORT)})\b\.?)"
_DAY = r"(?:\d{1,2}/)?(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_ERA = r"(?P<era>\s?(?:BCE?|AD|CE)\b)?"
# A bare number is a year unless what stands around it makes it a count, a part of a number or a decade.
_PLAIN_YEAR = (
    r"(?:1\d{3}|20\d{2})(?![\d%°]|[.,:]\d|s\b|'s\b|[-–/]\d{1,2}(?!\d)|\s?(?:mg|ml|km|kg|m|ft"
    r"|metres|meters|people|men)\b)"
)
_DATE = regex.compile(
    rf"""
    (?:\G|(?<![\d.,$£€#\p{{L}}]))  # \G: two dates whose dash was lost, "6 May 17479 September 1813"
    (?: {_DAY}\s(?:of\s)?{_MONTH},?\s(?P<year>\d{{3,4}}){_ERA}
      | {_MONTH}\s{_DAY}(?:\s?,\s?|\s)(?P<year>\d{{3,4}}){_ERA}
      | {_MONTH}\s(?:of\s)?(?P<year>\d{{4}})
      | (?P<year>\d{{1,4}})(?P<era>\s(?:BCE?|AD|CE)\b)
      | AD\s(?P<year>\d{{1,4}})\b
      | (?P<year>{_PLAIN_YEAR})
    )
    """,
    regex.VERBOSE,
)
_LOOSE_YEAR = regex.compile(r"(?<![\d\p{L}])(?P<year>\d{3,4})(?:/\d{1,4})?(?P<era>\s?(?:BCE?|AD|CE)\b)?(?![\d\p{L}])")
_CHINESE = regex.compile(
    r"(?P<year>(?:公元前?)?\d{1,4})\s?年(?:\s?(?P<month>\d{1,2})\s?月(?:\s?(?P<day>\d{1,2})\s?[日号])?)?"
)
_FULL_MONTH = {**{month: month for month in _MONTHS}, **_SHORT}


def find_dates(text: str) -> Iterator[tuple[int, int, str]]:
    """Every date of the text, English or Chinese, as (start, end, name), in order and without overlap."""
    end = 0
    found = [*_DATE.finditer(text), *_CHINESE.finditer(text)] if "年" in text else _DATE.finditer(text)
    for match in sorted(found, key=lambda m: (m.start(), -m.end())) if isinstance(found, list) else found:
        if match.start() >= end:
            end = match.end()
            yield match.start(), end, "".join(match[0].split()) if match.re is _CHINESE else _name(match)


def find_years(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Numbers of three or four digits in a place where only years stand, such as "(c. 875 – 931)"."""
    for match in _LOOSE_YEAR.finditer(text, start, end):
        yield match.start(), match.end(), match["year"] + _era(match["era"])


def _name(match: "regex.Match[str]") -> str:
    month = match["month"]
    parts = [
        match["day"].lstrip("0") if month and match["day"] else "",
        _FULL_MONTH[month.rstrip(".")] if month else "",
    ]
    return " ".join(part for part in (*parts, match["year"].lstrip("0")) if part) + _era(match["era"])


def _era(era: str | None) -> str:
    """Years of our era are written without it."""
    return " BC" if era and "B" in era else ""
