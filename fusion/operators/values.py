"""Dates and numbers as what they stand for: intervals, so that what is not said precisely decides nothing.

"1968" is all of that year, "120–130 minutes" from 7,200 to 7,800 seconds. Numbers are held exactly, in the unit that is
the base of their kind; numbers of different kinds are not compared.
"""

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import regex

from nlp.dates import find_dates

Bound = Literal["after", "since", "before", "until", "in"]

_MONTHS = {
    month: place
    for place, month in enumerate(
        ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
         "December"), start=1)
}  # fmt: skip
_CHINESE_DATE = regex.compile(r"(公元前)?(\d{1,4})\s?年(?:\s?(\d{1,2})\s?月(?:\s?(\d{1,2})\s?[日号])?)?")
_UNITS: dict[str, tuple[str, Fraction]] = {
    word: (kind, Fraction(factor))
    for kind, factor, words in (
        ("seconds", "1", "second seconds sec s 秒 秒钟"),
        ("seconds", "60", "minute minutes min mins 分 分钟"),
        ("seconds", "3600", "hour hours hr hrs h 小时 时"),
        ("seconds", "86400", "day days 天"),
        ("years", "1", "year years 岁"),
        ("metres", "1", "metre metres meter meters m 米"),
        ("metres", "1/100", "centimetre centimetres centimeter centimeters cm 厘米 公分"),
        ("metres", "1000", "kilometre kilometres kilometer kilometers km 公里 千米"),
        ("metres", "0.3048", "foot feet ft 英尺"),
        ("metres", "0.0254", "inch inches 英寸"),
        ("metres", "1609.344", "mile miles mi 英里"),
        ("grams", "1", "gram grams g 克"),
        ("grams", "1/1000", "milligram milligrams mg 毫克"),
        ("grams", "1000", "kilogram kilograms kg 公斤 千克"),
        ("grams", "1000000", "tonne tonnes 吨"),
        ("grams", "453.59237", "pound pounds lb lbs 磅"),
        ("square metres", "1000000", "km² km2 sqkm 平方公里 平方千米"),
        ("square metres", "1", "m² m2 平方米"),
        ("square metres", "10000", "hectare hectares ha 公顷"),
        ("%", "1", "% percent 个百分点"),
        ("$", "1", "$ usd dollar dollars 美元"),
        ("€", "1", "€ eur euro euros 欧元"),
        ("£", "1", "£ gbp 英镑"),
        ("¥", "1", "¥ cny rmb yuan 元 人民币"),
        ("", "1", "people persons inhabitants employees members 人 名 位 个 部 次 票"),
    )
    for word in words.split()
}
_SCALES = {
    "hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "百": 10**2, "千": 10**3, "万": 10**4, "百万": 10**6, "千万": 10**7, "亿": 10**8, "万亿": 10**12,
}  # fmt: skip
_PART = regex.compile(
    rf"""
    (?P<money>[$€£¥])?\s?
    (?P<number>[-−+]?(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?)
    (?:\s?[-–—~～至]\s?(?P<to>(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?))?
    \s?(?P<scale>{"|".join(sorted(_SCALES, key=len, reverse=True))})?
    \s?(?P<unit>{"|".join(map(regex.escape, sorted(_UNITS, key=len, reverse=True)))})?(?![\p{{L}}--\p{{Han}}])
    """,
    regex.VERBOSE | regex.IGNORECASE | regex.V1,
)
_BETWEEN = regex.compile(r"[\s,]*(?:and|零|又)?\s*")


@dataclass(frozen=True, slots=True)
class Value:
    """What a date or a number may be at the least and at the most: (year, month, day), or one number."""

    kind: str  # "date", or what a number measures: "seconds", "metres", "" for a count
    low: tuple[Fraction, ...]
    high: tuple[Fraction, ...]

    def precedes(self, other: "Value") -> bool | None:
        """Whether it is less; None if the two are not precise enough to tell, equal, or of two kinds."""
        if self.kind != other.kind or not (self.high < other.low or other.high < self.low):
            return None
        return self.high < other.low

    def keeps(self, bound: Bound, limit: "Value") -> bool | None:
        """Whether it lies on the asked side of a limit; None if it is not precise enough to tell, or of another kind.

        "after" and "before" leave the limit itself out; "since" and "until" have it in.
        """
        if self.kind != limit.kind:
            return None
        surely, never = {
            "after": (self.low > limit.high, self.high <= limit.high),
            "since": (self.low >= limit.low, self.high < limit.low),
            "before": (self.high < limit.low, self.low >= limit.low),
            "until": (self.high <= limit.high, self.low > limit.high),
            "in": (self.low >= limit.low and self.high <= limit.high, self.high < limit.low or self.low > limit.high),
        }[bound]
        return True if surely else False if never else None


def read_date(name: str) -> Value | None:
    """The date that a name stands for, where it stands for nothing else; years before our era are negative."""
    name = name.strip()
    chinese = _CHINESE_DATE.fullmatch(name)
    if chinese is not None:
        year = int(chinese[2]) * (-1 if chinese[1] else 1)
        return _date(year, int(chinese[3] or 0), int(chinese[4] or 0))
    found = next(((start, end, date) for start, end, date in find_dates(name)), None)
    if found is not None and found[:2] != (0, len(name)):
        return None
    canonical = found[2] if found is not None else name
    words = canonical.removesuffix(" BC").split()
    if not words or not words[-1].isdecimal() or len(words[-1]) > 4 or not all(_datelike(word) for word in words):
        return None
    year = int(words[-1]) * (-1 if canonical.endswith(" BC") else 1)
    month = next((_MONTHS[word] for word in words if word in _MONTHS), 0)
    if len(words) > 1 and not month:
        return None
    return _date(year, month, int(words[0]) if len(words) == 3 and words[0].isdecimal() else 0)


def read_number(name: str) -> Value | None:
    """The number that a name stands for, with its unit: "1,234", "95 min", "1 h 35 min", "¥20亿", "120–130 cm".

    Parts of one kind are added up. What says itself to be about so much is no number.
    """
    name, place, parts = name.strip(), 0, []
    while place < len(name):
        match = _PART.match(name, place)
        if match is None or match.end() == place:
            return None
        parts.append(match)
        between = _BETWEEN.match(name, match.end())
        place = between.end() if between is not None else match.end()
    read = [part for match in parts if (part := _part(match)) is not None]
    if (
        len(read) < len(parts)
        or not read
        or len({kind for kind, _, _ in read}) != 1
        or (len(read) > 1 and not all(m["unit"] for m in parts))
    ):
        return None
    return Value(read[0][0], (sum((low for _, low, _ in read), Fraction()),), (sum((h for *_, h in read), Fraction()),))


def read_all(names: Collection[str], kind: Literal["date", "number"] | None) -> dict[str, Value]:
    """Names as values of one sort; ``kind`` says which where they could be either, as "1968" could."""
    readers = {"date": (read_date,), "number": (read_number,), None: (read_date, read_number)}[kind]
    best: dict[str, Value] = {}
    for reader in readers:
        found = {name: value for name in names if (value := reader(name)) is not None}
        if len(found) > len(best):
            best = found
    return best


def _datelike(word: str) -> bool:
    return word.isdecimal() or word in _MONTHS


def _date(year: int, month: int, day: int) -> Value | None:
    if month > 12 or day > 31:
        return None
    low, high = (year, month or 1, day or 1), (year, month or 12, day or 31)
    return Value("date", tuple(map(Fraction, low)), tuple(map(Fraction, high)))


def _part(match: "regex.Match[str]") -> tuple[str, Fraction, Fraction] | None:
    """Its kind, and the least and the most; None of what runs backwards ("1990-95") or is of two kinds ("$5m")."""
    if match["money"] and match["unit"] and _UNITS[match["money"]][0] != _UNITS[match["unit"].casefold()][0]:
        return None
    unit = (match["unit"] or match["money"] or "").casefold()
    kind, factor = _UNITS[unit] if unit else ("", Fraction(1))
    factor *= _SCALES[match["scale"].casefold()] if match["scale"] else 1
    low = Fraction(match["number"].replace(",", "").replace("−", "-"))
    high = Fraction(match["to"].replace(",", "")) if match["to"] else low
    return (kind, low * factor, high * factor) if low <= high else None
