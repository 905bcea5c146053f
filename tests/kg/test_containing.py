"""Finding documents by letters through the full-text index misses nothing."""

import itertools
import random

import pytest

from kg import containing
from kg.bolt_store import BoltStore
from kg.memory_store import MemoryStore
from tests.kg.databases import wipe
from tests.readings import reading

PIECES = (
    *(
        "The",
        "the",
        "their",
        "with",
        "Who",
        "forbidden",
        "Ground",
        "of",
        "and",
        "U.S.",
        "don't",
        "o'clock",
        "naïve",
        "CAFÉ",
        "İst",
    ),
    *("e\u0301te", "straße", "ΑΣ", "ῳ", "3.5", "x_y", "a-b", "foo.bar", "ab1c", "http://x.y/z", "me@x.org", "ﬁne"),
    *(
        "糖尿病",
        "高血压",
        "病",
        "心脏病 ",
        "ｆｕｌｌ",
        "ＡＢＣ",
        "カタカナ",
        "ｶﾞ",
        "ひら",
        "한국어",
        "中文and英文",
        "𠀀𠀁",
    ),
    *(
        " ",
        " ",
        " ",
        " ",
        " ",
        " ",
        "  ",
        "\n",
        "\t",
        "\u00a0",
        "\u200b",
        "\u00ad",
        ", ",
        "。",
        "“",
        "”",
        "(",
        ")",
        "😀",
        "'",
    ),
    *("\u202e", "مرحبا", "ไทย", "-", ".", "_", "a" * 260, "\r\n"),
)
RARE = random.Random(20261122)


def texts(count: int) -> list[str]:
    return ["".join(RARE.choices(PIECES, k=RARE.randint(1, 30))) for _ in range(count)]


def strings(texts: list[str], count: int) -> list[str]:
    """Parts of the texts, and some that are like parts of them."""
    found = []
    for _ in range(count):
        text = RARE.choice(texts)
        start = RARE.randrange(len(text))
        part = text[start : start + RARE.randint(1, 25)]
        found.append(RARE.choice([part, part, part.swapcase(), part.replace(" ", "  ")]))
    return [*found, *(f"{one} {other}" for one, other in itertools.pairwise(PIECES))]


def check(store: BoltStore) -> None:
    memory = MemoryStore()
    written = texts(150)
    readings = [reading(f"{i}", text) for i, text in enumerate(written)]
    wipe(store)
    store.write(readings)
    memory.write(readings)
    asked = 0
    for string in strings(written, 600):
        asked += containing.query(string) is not None
        assert store.documents_containing([string]) == memory.documents_containing([string]), repr(string)
    assert asked > 60, "too few strings went through the index for this to say anything"
    many = strings(written, 60)
    assert store.documents_containing(many) == memory.documents_containing(many)


def test_embedded(embedded_store: BoltStore) -> None:
    check(embedded_store)


@pytest.mark.neo4j
def test_neo4j(neo4j_store: BoltStore) -> None:
    check(neo4j_store)


@pytest.mark.parametrize(
    ("string", "query"),
    [
        ("Teutberga", None),
        ("Forbidden Ground", "+ground*"),
        ("King of the Hill Country", "+hill +country*"),
        ("a of the", None),
        ("x thei", None),
        ("糖尿病", "+糖尿 +尿病"),
        ("", None),
    ],
)
def test_the_query(string: str, query: str | None) -> None:
    assert containing.query(string) == query
