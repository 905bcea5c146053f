"""Words that compare, and which values they compare: "older" dates of birth, "longest" lengths, "最早" dates.

Each sense says by which words a relation that holds its values is known, and which end of them it asks for. Of dates
"older" asks for the least, of ages for the greatest.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import regex

Kind = Literal["date", "number"]

BIRTH = ("born", "birth", "birthday", "age", "出生", "生日", "年龄")
DEATH = ("died", "death", "去世", "逝世", "死")
RELEASE = ("released", "release", "published", "publication", "premiere", "aired", "上映", "发行", "出版", "发布")
FOUNDING = (
    "founded",
    "established",
    "inception",
    "formed",
    "opened",
    "created",
    "built",
    "成立",
    "创立",
    "建立",
    "创办",
)
LENGTH = ("length", "duration", "runtime", "running", "minutes", "片长", "时长", "长度")
HEIGHT = ("height", "tall", "elevation", "altitude", "身高", "高度", "海拔")
SIZE = ("area", "size", "population", "面积", "人口", "规模")
WEIGHT = ("weight", "mass", "重量", "体重", "质量")
SPEED = ("speed", "velocity", "速度")
PRICE = ("price", "cost", "budget", "价格", "造价", "成本")
WEALTH = ("worth", "revenue", "income", "财富", "收入")


@dataclass(frozen=True, slots=True)
class Sense:
    """What a word compares by. ``hints`` are groups of words, those that are tried first come first.

    ``date`` and ``number`` say which end of such values is asked for: −1 the least, 1 the greatest, 0 neither.
    ``strict``: only a relation that one of the hints names will do.
    """

    word: str
    hints: tuple[tuple[str, ...], ...]
    date: int
    number: int
    strict: bool = False

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of values that it can compare."""
        kinds: tuple[tuple[Kind, int], ...] = (("date", self.date), ("number", self.number))
        return tuple(kind for kind, end in kinds if end)

    def end(self, kind: str) -> int:
        """Which end of values of a kind is asked for."""
        return self.date if kind == "date" else self.number


_AGE, _TIME = (BIRTH, RELEASE, FOUNDING), (RELEASE, FOUNDING)
# (English comparatives, superlatives), Chinese, hints, which end of dates, which end of numbers
_TABLE: tuple[tuple[str, str, str, tuple[tuple[str, ...], ...], int, int], ...] = (
    ("older|elder", "oldest|eldest", "年长|年纪最?大|年龄最?大|年老|老", _AGE, -1, 1),
    ("younger", "youngest", "年轻|年幼|年纪最?小|年龄最?小", _AGE, 1, -1),
    ("newer|more recent(?:ly)?", "newest|(?:most )?recent(?:ly)?", "新|近", _TIME, 1, 0),
    ("earlier|first|before|prior", "earliest|first", "早|先", _TIME, -1, 0),
    ("later|last|after", "latest|last", "晚|后|迟", _TIME, 1, 0),
    ("longer", "longest", "长", (LENGTH,), 0, 1),
    ("shorter", "shortest", "短", (LENGTH, HEIGHT), 0, -1),
    ("taller|higher", "tallest|highest", "高", (HEIGHT,), 0, 1),
    ("lower", "lowest", "低|矮", (HEIGHT,), 0, -1),
    ("bigger|larger|greater", "biggest|largest|greatest", "大", (SIZE,), 0, 1),
    ("smaller", "smallest", "小", (SIZE,), 0, -1),
    ("heavier", "heaviest", "重", (WEIGHT,), 0, 1),
    ("lighter", "lightest", "轻", (WEIGHT,), 0, -1),
    ("faster", "fastest", "快", (SPEED,), 0, 1),
    ("slower", "slowest", "慢", (SPEED,), 0, -1),
    ("richer|wealthier", "richest|wealthiest", "富有|富", (WEALTH,), 0, 1),
    ("more expensive|costlier", "most expensive|costliest", "贵|昂贵", (PRICE,), 0, 1),
    ("cheaper|less expensive", "cheapest|least expensive", "便宜", (PRICE,), 0, -1),
    ("more populous", "most populous", "人口(?:最?)多", (("population", "人口"),), 0, 1),
    ("less populous", "least populous", "人口(?:最?)少", (("population", "人口"),), 0, -1),
)
_EVENTS: tuple[tuple[str, str, tuple[tuple[str, ...], ...]], ...] = (  # words that say which date is meant
    (r"born|births?", "出生|诞生", (BIRTH,)),
    (r"died?|dies|death|passed away", "去世|逝世|死", (DEATH,)),
    (
        r"released?|c[ao]me out|coming out|published|publication|premiered?|aired|recent(?:ly)?|newer",
        "上映|发行|出版|发布|问世|推出",
        (RELEASE, FOUNDING),
    ),
    (r"founded|established|formed|started|opened|created|built", "成立|创立|建立|创办|建成", (FOUNDING, RELEASE)),
)
EVENT = rf"\b(?:{'|'.join(english for english, _, _ in _EVENTS)})\b"
CHINESE_EVENT = "|".join(chinese for _, chinese, _ in _EVENTS)
COMPARATIVES = rf"\b(?:{'|'.join(english for english, *_ in _TABLE)})\b"
SUPERLATIVES = rf"\b(?:{'|'.join(english for _, english, *_ in _TABLE)})\b"
CHINESE = "|".join(sorted((c for _, _, row, *_ in _TABLE for c in row.split("|")), key=lambda c: -len(c)))
_MOST, _LEAST = r"most|highest|largest|greatest|biggest|longest|best", r"least|fewest|lowest|smallest|shortest|worst"


@lru_cache(maxsize=1024)
def sense(word: str, around: str = "") -> Sense | None:
    """What a word that compares means; ``around`` are the words beside it, which may say which date or number."""
    for english, superlative, chinese, hints, date, number in _TABLE:
        if regex.fullmatch(rf"{english}|{superlative}|[更最较]?(?:{chinese})", word, regex.IGNORECASE):
            for said, said_in_chinese, events in _EVENTS:
                if regex.search(rf"\b(?:{said})\b|{said_in_chinese}", around, regex.IGNORECASE):
                    return Sense(word, events, date, number if events[0] is BIRTH else 0, strict=True)
            return Sense(word, hints, date, number)
    return None


def of_noun(word: str, noun: str) -> Sense | None:
    """What "the highest rating" or "评分最高" compares: numbers or dates of a relation that the noun names."""
    for pattern, end in ((rf"{_MOST}|最?[高大多长重]", 1), (rf"{_LEAST}|最?[低小少短轻]", -1)):
        if regex.fullmatch(pattern, word, regex.IGNORECASE):
            return Sense(f"{word} {noun}", ((noun,),), 0, end, strict=True)
    found = sense(word)
    return None if found is None else Sense(f"{word} {noun}", ((noun,),), found.date, found.number, strict=True)
