"""Chunks tile the text, stay within their size, and end where a reader would pause."""

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from kg.facts import Document
from nlp.chunk import split

PROSE = st.lists(
    st.sampled_from(
        ["Dr. Smith came.", "It cost 3.14 dollars!", "“Really?” he asked.", "\n\n", "\n", " ", "他说：“好。”",
         "阿司匹林；", "👩‍👩‍👧", "e\u0301", "\r\n", "supercalifragilistic" * 4, "The U.S. Army", "- item\n", "، שלום",
         "\u200d", "🇫🇷🇩🇪"]
    ),
    max_size=60,
).map("".join)  # fmt: skip


def texts(text: str, size: int) -> list[str]:
    return [chunk.text for chunk in split(Document("a.txt", text), size=size)]


@given(text=st.one_of(PROSE, st.text(max_size=400)), size=st.integers(1, 90))
def test_chunks_tile_the_text_within_their_size(text: str, size: int) -> None:
    document = Document("a.txt", text)
    chunks = list(split(document, size=size))
    assert "".join(chunk.text for chunk in chunks) == text
    position = 0
    for chunk in chunks:
        assert chunk.document == document.id
        assert chunk.start == position
        assert chunk.text == text[chunk.start : chunk.end]
        assert 0 < len(chunk.text) <= size
        position = chunk.end
    assert position == len(text)


@given(text=PROSE, size=st.integers(30, 200))
def test_no_cut_falls_inside_a_grapheme_that_fits(text: str, size: int) -> None:
    boundaries = {match.end() for match in regex.finditer(r"\X", text)}
    longest = max((len(cluster) for cluster in regex.findall(r"\X", text)), default=0)
    if longest <= size:
        assert {chunk.end for chunk in split(Document("a.txt", text), size=size)} <= boundaries


@given(count=st.integers(2, 40), size=st.integers(60, 300))
def test_no_sentence_that_fits_is_cut(count: int, size: int) -> None:
    sentence = "Mr. J. R. Smith paid 3.50 dollars to Acme Inc. in Boston. "
    for piece in texts(sentence * count, size):
        assert not piece.replace(sentence.strip(), "").strip()


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("He met Dr. Watson at noon. They left.", "He met Dr. Watson at noon. "),
        ("It grew 3.5 times. Then it fell.", "It grew 3.5 times. "),
        ("“Is it?” he said. Nobody knew.", "“Is it?” he said. "),
        ("He left the U.S. The army stayed on.", "He left the U.S. "),
        ("He joined the U.S. Army in May. It rained.", "He joined the U.S. Army in May. "),
        ("See No. 5 and Fig. 3 there. Done now.", "See No. 5 and Fig. 3 there. "),
        ("The answer is no. Everyone agreed.", "The answer is no. "),
        ("J. R. R. Tolkien wrote it. C. S. Lewis read it.", "J. R. R. Tolkien wrote it. "),
        ("Born 12 May 1917. Died 1990.", "Born 12 May 1917. "),
        ('She said "no." Then she left.', 'She said "no." '),
        ("他说：“明天来。”她笑了。天黑了", "他说：“明天来。”她笑了。"),
        ("他说：“明天来。”她笑了", "他说：“明天来。”"),
        ("糖尿病是慢性病；需要长期治疗", "糖尿病是慢性病；"),
        ("真的吗？！当然是真的", "真的吗？！"),
        ("Overview\n- first item\n- second item", "Overview\n- first item\n"),
    ],
)
def test_where_sentences_end(text: str, first: str) -> None:
    assert texts(text, len(text) - 1)[0] == first


def test_a_paragraph_is_preferred_to_a_later_sentence() -> None:
    text = "One two three four five. Six seven eight.\n\nNine ten. Eleven twelve thirteen fourteen."
    assert texts(text, 60)[0] == "One two three four five. Six seven eight.\n\n"


def test_a_long_sentence_is_cut_after_a_clause_then_at_white_space() -> None:
    assert texts("alpha beta gamma, delta epsilon zeta eta", 25)[0] == "alpha beta gamma, "
    assert texts("alpha beta gamma delta epsilon", 14) == ["alpha beta ", "gamma delta ", "epsilon"]
    assert texts("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]


def test_an_empty_text_has_no_chunk_and_a_size_of_nothing_is_refused() -> None:
    assert texts("", 10) == []
    with pytest.raises(ValueError, match="at least 1"):
        split(Document("a.txt", "text"), size=0)
