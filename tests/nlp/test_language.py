"""Texts come back to the letter from either parser, with what the rules need."""

import pytest

from nlp.dates import find_dates
from nlp.language import parse

ENGLISH = ["Teutberga( died 11 November 875) was\n\n a queen.  Really!\t", "", "👑 e\u0301 \u202bשלום\u202c"]
CHINESE = ["LoRA 是一种方法，\n由微软提出。 👍", "", "他说：“好！”　然后走了…\r\n"]


def test_english_texts_are_preserved():
    parsed = list(parse(ENGLISH, "en"))
    assert [document.text for document in parsed] == ENGLISH
    assert any(token.dep_ == "nsubj" for token in parsed[0])
    assert len(list(parsed[0].sents)) >= 2


def test_chinese_texts_are_preserved_and_tagged():
    parsed = list(parse(CHINESE, "zh"))
    assert [document.text for document in parsed] == CHINESE
    assert {ent.text: ent.label_ for ent in parsed[0].ents}["微软"] == "ORG"


def test_long_chinese_without_a_stop_is_still_read_whole():
    text = "北京" * 2000
    assert next(parse([text], "zh")).text == text


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="give en or zh"):
        list(parse(["x"], "xx"))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("born July 23, 1968 in Paris", ["23 July 1968"]),
        ("on 27 July 1917.", ["27 July 1917"]),
        ("Sept. 5, 2009", ["5 September 2009"]),
        ("in July 1917", ["July 1917"]),
        ("(43 BC – 2 BC)", ["43 BC", "2 BC"]),
        ("6 May 17479 September 1813", ["6 May 1747", "9 September 1813"]),
        ("1,500 people and 1500 mg in the 1990s", []),
        ("1970年7月30日和2001 年", ["1970年7月30日", "2001年"]),
    ],
)
def test_dates(text, names):
    assert [name for _, _, name in find_dates(text)] == names
