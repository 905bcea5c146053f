"""Limits of dates and numbers in Chinese questions: "1990年以后上映", "不超过两小时"."""

from collections.abc import Iterator

import regex

from fusion.operators.forms import Limit
from fusion.operators.phrase import Phrase
from fusion.operators.senses import CHINESE_EVENT, Sense, of_noun, sense
from fusion.operators.values import Bound, Value, read_date, read_number
from nlp.dates import find_dates

MEASURE = r"[部个位名种本首家支项次张座所只条]"
NUMERAL = r"\d一二两三四五六七八九十百千半"
_AFTER: dict[str, Bound] = {
    "及以后": "since", "及之后": "since", "或以后": "since", "或之后": "since", "以来": "since", "起": "since",
    "及以前": "until", "及之前": "until", "或以前": "until", "或之前": "until", "以后": "after", "之后": "after",
    "后": "after", "以前": "before", "之前": "before", "前": "before",
}  # fmt: skip
_BEFORE: dict[str, Bound] = {
    "早于": "before", "先于": "before", "晚于": "after", "迟于": "after", "后于": "after", "不早于": "since",
    "不先于": "since", "不晚于": "until", "不迟于": "until", "不后于": "until",
}  # fmt: skip
_LARGER: dict[str, Bound] = {
    "不少于": "since", "不低于": "since", "不小于": "since", "不短于": "since", "至少": "since", "最少": "since",
    "不大于": "until", "不高于": "until", "不长于": "until", "不超过": "until", "不多于": "until", "至多": "until",
    "最多": "until", "超过": "after", "大于": "after", "多于": "after", "长于": "after", "高于": "after",
    "少于": "before", "小于": "before", "短于": "before", "低于": "before", "不到": "before", "等于": "in",
}  # fmt: skip
_BEYOND: dict[str, Bound] = {
    "以上": "since",
    "以下": "until",
    "以内": "until",
}  # by law, these have the number itself in
_DECADE = regex.compile(r"(?P<year>\d{3}0)\s?年代|(?P<century>\d{1,2})\s?世纪\s?(?P<tens>\d0)\s?年代")
_ABOUT_BEFORE, _ABOUT_AFTER = regex.compile(r"(?:大约|大概)[在于]?$"), regex.compile(r"(?:[以之]?前后|左右|上下)")
_MEASURED = regex.compile(
    rf"(?P<noun>\p{{Han}}{{2}})?(?:都|均)?(?<!不)(?P<bound>{'|'.join(sorted(_LARGER, key=len, reverse=True))})\s*"
    r"(?P<value>[$€£¥]?\d[\d,.]*)"
    rf"|(?P<value>[$€£¥]?\d[\d,.]*)(?=[^\d{{}}]{{0,4}}?(?P<bound>{'|'.join(_BEYOND)}))"
)
_COUNTED = regex.compile(rf"(?P<measure>{MEASURE})?(?P<noun>(?!以[上下内])\p{{Han}}{{2,4}}?)(?=的|以[上下内]|[?？]|$)")
_PEOPLE = tuple("人名位票")  # what they count, a graph may hold as a number by whatever name
_NO_NOUN = tuple("中里的是哪谁部个位些")
_TYPES = frozenset(
    ("电影", "影片", "作品", "孩子", "子女", "的人", "人物", "演员", "导演", "公司", "城市", "国家", "歌曲", "书籍")
)
_UNREAD = regex.compile(
    rf"(?:{'|'.join((*_LARGER, *_BEFORE))}|(?:大约|大概)[在于]?)\s*[$€£¥]?[{NUMERAL}]+"
    rf"|\d[\d,.]*\s?\p{{Han}}{{0,4}}?(?:左右|上下|[以之]?前后|以[前后来]|之[前后间])"
    rf"|[{NUMERAL}]\p{{Han}}{{0,4}}?以[上下内]|\d+年(?:前后|[前后起代])|\d年?或者?\d|\d+\s?世纪"
)


def names_attribute(noun: str) -> bool:
    """Whether the two characters before a word that compares may say what is compared: 评分, not 电影."""
    return bool(noun) and noun not in _TYPES and not noun.endswith(_NO_NOUN)


def limited(phrase: Phrase) -> Limit | None:
    """A date or a number that the value of what is asked for lies before, after, above, …"""
    words = phrase.words
    for start, end, value, upper in _dates(phrase):
        after = regex.match(rf"(?P<bound>{'|'.join(_AFTER)})?(?:之?间|期间)?(?P<event>{CHINESE_EVENT})?", words[end:])
        before = regex.search(
            rf"(?P<event>{CHINESE_EVENT})?的?(?:时间|日期)?(?:更)?(?P<bound>{'|'.join(_BEFORE)}|在|于)?$", words[:start]
        )
        about = _ABOUT_BEFORE.search(words[:start]) or _ABOUT_AFTER.match(words, end)
        if after is None or before is None or about is not None:
            continue
        said = _BEFORE.get(before["bound"] or "") or _AFTER.get(after["bound"] or "")
        event = before["event"] or after["event"]
        alone = said is None and upper is None and before["bound"] not in ("在", "于") and event is None
        if alone and words[end : end + 1] != "的":
            continue
        meant = sense("早", event or "")
        rest, text = _cut(phrase, before.start(), end + after.end())
        if meant is not None and rest.places and not _one_of(words, before.start(), end + after.end()):
            return Limit(meant, _bounds(said, value, upper), text, rest)
    return _measured(phrase)


def unread(phrase: Phrase) -> str | None:
    """The words of a limit, of whatever kind; to be asked of what is left when all limits have been read."""
    found = _UNREAD.search(phrase.limiting)
    return None if found is None else found[0]


def _one_of(words: str, start: int, end: int) -> bool:
    """Whether what stands there is only one of the ways in which something may be so: "1990年以前或2000年以后"."""
    return regex.search(r"或者?\s*$", words[:start]) is not None or regex.match(r"的?[，,]?或", words[end:]) is not None


def _bounds(said: Bound | None, value: Value, upper: Value | None) -> tuple[tuple[Bound, Value], ...]:
    """The limits that a date sets, or the first and the last of several years."""
    if upper is None:
        return ((said or "in", value),)
    if said is None:
        return ("since", value), ("until", upper)
    return ((said, upper if said in ("after", "until") else value),)


def _measured(phrase: Phrase) -> Limit | None:
    words = phrase.unvalued
    found = _MEASURED.search(words)
    if found is None:
        return None
    read = _number(words, *found.span("value"))
    if read is None:
        return None
    number, last = read
    noun, bound = found["noun"] or "", found["bound"]
    first = found.start("bound") if bound in _LARGER else found.start("value")
    counts = _COUNTED.match(words, last if words[last - 1].isdecimal() else last - 1)
    compared: Sense | None = Sense(bound, (), 0, 1)
    if names_attribute(noun):
        compared, first = of_noun("最多", noun), found.start()
    elif number.kind == "" and counts is not None and (counts["measure"] or words[last - 1].isdecimal()):
        compared, last = of_noun("最多", counts["noun"]), counts.end()
    elif regex.match(MEASURE, words[last - 1]) and words[last - 1] not in _PEOPLE:
        compared = of_noun("最多", words[last - 1])
    if bound in _BEYOND:
        beyond = regex.match(bound, words[last:])
        if beyond is None:
            return None
        last += beyond.end()
    rest, text = _cut(phrase, first, last)
    if compared is None or not rest.places or _one_of(words, first, last):
        return None
    return Limit(compared, (((_LARGER | _BEYOND)[bound], number),), text, rest)


def _number(words: str, start: int, end: int) -> tuple[Value, int] | None:
    """The number that stands there, with as much of what follows as is its unit, and where it ends."""
    number = read_number(words[start:end])
    if number is not None and words[end : end + 1] == "分" and words[end + 1 : end + 2] != "钟":
        return number, end + 1  # points of a score, rather than minutes
    tail = regex.compile(r"[^\d\ue000?？的]{0,6}").match(words, end)
    for stop in range(tail.end() if tail is not None else end, end - 1, -1):
        number = read_number(words[start:stop])
        if number is not None:
            return number, stop
    return None


def _cut(phrase: Phrase, first: int, last: int) -> tuple[Phrase, str]:
    """The phrase without a stretch that limits, and the words of that."""
    words = phrase.words
    if words[last : last + 1] == "的" and words[first - 1 : first] in ("的", "中", "里", ""):
        last += 1
    rest = phrase.only(p for p in phrase.places if p[1] <= first or p[0] >= last).put(first, last)
    return rest, phrase.text[first:last].strip("的")


def _dates(phrase: Phrase) -> Iterator[tuple[int, int, Value, Value | None]]:
    """Dates that are no part of a longer name; of a decade, or from one year to another, the first and the last."""
    found: list[tuple[int, int, Value, Value | None]] = []
    for match in _DECADE.finditer(phrase.text):
        year = int(match["year"] or (int(match["century"]) - 1) * 100 + int(match["tens"]))
        lower, upper = read_date(str(year)), read_date(str(year + 9))
        if lower is not None:
            found.append((*match.span(), lower, upper))
    decades = [(start, end) for start, end, *_ in found]
    for start, end, name in find_dates(phrase.text):
        value = read_date(name)
        end += phrase.text[end : end + 1] == "年"
        if value is None or any(a <= start < b for a, b in decades):
            continue
        if found and found[-1][3] is None and regex.fullmatch(r"[到至和与—~～-]", phrase.text[found[-1][1] : start]):
            begun, _, lower, _ = found.pop()
            found.append((begun, end, lower, value))
        else:
            found.append((start, end, value, None))
    for start, end, value, last in sorted(found, key=lambda one: one[0]):
        if not any(a <= start and end <= b and (a, b) != (start, end) for a, b in phrase.places):
            yield start, end, value, last
