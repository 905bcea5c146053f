"""Words as the servers' analysers cut them, and Lucene's score."""

import math

import pytest

from kg.words import MOST_QUERY_WORDS, Bm25, alias_word, content_words, entity_words, name_words, query_words, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Who, don't!", ["the", "who", "don't"]),
        ("糖尿病的 insulin", ["糖尿", "尿病", "病的", "insulin"]),
        ("糖", ["糖"]),
        ("T2DM 3.5 U.S.", ["t2dm", "3.5", "u.s"]),
        ("中文and英文", ["中文", "and", "英文"]),
        ("ＦＵＬＬ", ["full"]),
        ("…!? ", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_running_text_leaves_stop_words_out_and_names_keep_them() -> None:
    assert content_words("the end of it") == ["end"]
    assert name_words("The Thé") == ["the", "the"]
    assert name_words("Café-au-lait 2") == ["cafe", "au", "lait", "2"]
    assert name_words("!!!") == []


def test_an_alias_is_also_one_word() -> None:
    assert alias_word("forbidden ground") in entity_words("Film", ["Forbidden Ground!"])
    assert len({alias_word(key) for key in ("a b", "a_b", "ab", "!!!", "x" * 300, "x" * 301)}) == 6
    assert all(" " not in alias_word(key) and len(alias_word(key)) < 250 for key in ("a b", "x" * 300))
    assert alias_word("who") not in words("who")


def test_a_query_has_an_end() -> None:
    assert len(query_words(str(number) for number in range(1000))) == MOST_QUERY_WORDS
    assert query_words(["a", "b", "a"]) == ["a", "b"]


def test_the_score_is_that_of_the_formula() -> None:
    index: Bm25[str] = Bm25()
    index.put("one", ["film", "film", "who"])
    index.put("two", ["film"])
    index.put("three", ["band", "who"])
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    expected = idf * 2 / (2 + 1.2 * (1 - 0.75 + 0.75 * 3 / 2))
    assert index.scores(["film"])["one"] == pytest.approx(expected)
    index.put("two", ["other"])
    assert index.scores(["film"]).keys() == {"one"}
    index.remove("one")
    index.remove("one")
    assert index.scores(["film"]) == {}
    index.remove("two")
    index.remove("three")
    assert index.scores(["who", "band", "other"]) == {}
