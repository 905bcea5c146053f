"""Bytes become the text that was meant, or an error that says where they do not."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.decode import binary_kind, check_encoding, decode, detect, lines, one_line, storable
from kg.errors import InputError

SIMPLIFIED = "糖尿病是一种常见的慢性疾病，患者需要长期控制血糖。"
TRADITIONAL = "臺灣位於東亞，這個島嶼的人們說國語與臺語，經濟發展很快。"
FRENCH = "Le café de Gérard était fermé à l'été; où est passée la crème brûlée ?"
ENGLISH = "Diabetes is a chronic disease.\nIt needs care.\n"


def read(data: bytes, encoding: str | None = None) -> str:
    return decode(io.BytesIO(data), source="a.txt", encoding=encoding)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (text, encoding)
        for text, encodings in (
            (SIMPLIFIED, ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]),
            (TRADITIONAL, ["utf-8", "utf-8-sig", "big5", "utf-16", "utf-16-le", "utf-16-be"]),
            (FRENCH, ["utf-8", "latin-1", "cp1252", "utf-16", "utf-16-le"]),
            (ENGLISH, ["ascii", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32"]),
        )
        for encoding in encodings
    ],
)
def test_the_encoding_is_detected(text: str, encoding: str) -> None:
    assert read(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["gb18030", "big5"])
def test_chinese_far_behind_much_ascii_is_detected(encoding: str) -> None:
    text = "plain line\n" * 300_000 + TRADITIONAL
    assert read(text.encode(encoding)).endswith(TRADITIONAL)


def test_utf8_is_told_across_the_blocks_in_which_it_is_read() -> None:
    text = "a" + "糖" * 1_000_000
    assert read(text.encode()) == text


def test_bytes_that_break_utf8_are_named_by_their_offset() -> None:
    data = SIMPLIFIED.encode() + b"\xff" + SIMPLIFIED.encode()
    with pytest.raises(InputError, match=rf"a\.txt: byte {len(SIMPLIFIED.encode())} is not utf-8; .*--encoding"):
        read(data)


def test_a_given_encoding_is_used() -> None:
    assert read("Привет".encode("koi8-r"), "koi8-r") == "Привет"
    with pytest.raises(InputError, match=r"byte 0 is not utf-8"):
        read("Привет".encode("koi8-r"), "utf-8")


def test_unknown_encodings_are_refused() -> None:
    assert check_encoding("big5") == "big5"
    for wrong in ("klingon", "base64", "rot13"):
        with pytest.raises(InputError, match="no such encoding"):
            check_encoding(wrong)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "a PNG image"),
        (b"\x7fELF\x02\x01\x01" + bytes(40), "a program"),
        (b"PK\x03\x04" + bytes(40), "a zip archive"),
        (bytes(range(256)), "binary"),
        (b"MZ is how this text begins", None),
        (b"text with one \x00 in it, which is odd but nothing else is", None),
        ("文".encode("utf-16"), None),
    ],
)
def test_what_is_not_text_is_named(head: bytes, kind: str | None) -> None:
    assert binary_kind(head) == kind


def test_what_holds_no_text_is_refused() -> None:
    with pytest.raises(InputError, match=r"a\.txt: is empty"):
        detect(io.BytesIO(b""), source="a.txt")
    with pytest.raises(InputError, match=r"a\.txt: is a PNG image, not text"):
        detect(io.BytesIO(b"\x89PNG\r\n\x1a\n" + bytes(40)), source="a.txt")


def test_line_ends_become_newlines() -> None:
    assert read(b"a\r\nb\rc\n") == "a\nb\nc\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
def test_lines_are_read_one_by_one(encoding: str) -> None:
    stream = io.BytesIO("一\r\n二\n\n三".encode(encoding))
    assert [(line.number, line.text) for line in lines(stream, encoding)] == [(1, "一"), (2, "二"), (3, ""), (4, "三")]


def test_a_broken_line_is_named_and_the_others_are_read() -> None:
    found = list(lines(io.BytesIO("好\n".encode() + b"a\xffb\n" + b"c"), "utf-8"))
    assert [line.text for line in found] == ["好", "a\ufffdb", "c"]
    assert [line.problem for line in found] == ["", "byte 5 is not utf-8", ""]


def test_a_line_that_is_too_long_comes_empty() -> None:
    found = list(lines(io.BytesIO(b"short\n" + b"x" * 3_000_000 + b"\nlast"), "utf-8", limit=100))
    assert [(line.number, line.text) for line in found] == [(1, "short"), (2, ""), (3, "last")]
    assert found[1].problem == "is longer than 100 bytes"


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1))
def test_any_text_in_utf8_is_read_as_it_is(text: str) -> None:
    expected = text.removeprefix("\ufeff")
    assert read(text.encode(), "utf-8") == expected
    assert "\n".join(line.text for line in lines(io.BytesIO(text.encode()), "utf-8")) == expected.removesuffix("\n")


@given(text=st.text())
def test_what_can_be_stored_can_be_encoded(text: str) -> None:
    kept, replaced = storable(text + "\x00\ud800")
    assert len(kept) == len(text) + 2
    assert replaced >= 2
    assert "\x00" not in kept
    kept.encode()


def test_names_are_shown_on_one_line() -> None:
    assert one_line("a\nb\u202ec\ud800") == r"a\nb\u202ec\ud800"
    assert one_line("naïve 名前 🎉 ) DETACH DELETE n //") == "naïve 名前 🎉 ) DETACH DELETE n //"
