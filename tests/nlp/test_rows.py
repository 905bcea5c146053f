"""Rows become documents with names of their own; a bad one gives one line, and no other is lost."""

import json
from pathlib import Path

import pytest

from kg.facts import Document
from nlp.documents import Options, Unreadable, read
from tests.nlp.files import documents, problems

pytestmark = pytest.mark.usefixtures("inside")


def rows(*paths: str, **options: object) -> list[tuple[str, str, str]]:
    return [(d.source, d.title, d.text) for d in documents(*paths, **options)]


def test_rows_are_named_by_id_then_title_then_number() -> None:
    lines = [{"id": 7, "title": "A", "text": "one"}, {"title": "B", "text": "two"}, {"text": "three"}]
    Path("a.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    assert rows("a.jsonl") == [("a.jsonl#7", "A", "one"), ("a.jsonl#B", "B", "two"), ("a.jsonl#3", "", "three")]


def test_rows_of_the_same_name_are_told_apart_and_reported() -> None:
    lines = [{"title": "C# #1", "text": text} for text in ("one", "two", "three")]
    Path("a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    remarks: list[str] = []
    sources = [item.source for item in read(["a.jsonl"], remarks=remarks)]
    assert sources == ["a.jsonl#C%23 %231", "a.jsonl#C%23 %231 (2)", "a.jsonl#C%23 %231 (3)"]
    assert remarks == [
        "a.jsonl: 2 rows have the id or title of an earlier row; a number tells them apart, as in C%23 %231 (2)"
    ]


@pytest.mark.parametrize(
    "value",
    [
        [{"title": "A", "text": "one"}, {"title": "B", "text": "two"}],
        {"version": "1.0", "data": [{"title": "A", "text": "one"}, {"title": "B", "text": "two"}]},
        {"A": {"text": "one", "title": "A"}, "B": {"text": "two", "title": "B"}},
    ],
)
def test_json_may_hold_its_rows_in_several_ways(value: object) -> None:
    Path("a.json").write_text(json.dumps(value))
    assert rows("a.json") == [("a.json#A", "A", "one"), ("a.json#B", "B", "two")]


def test_json_may_be_one_document_or_lines_of_them() -> None:
    Path("a.json").write_text('{"标题": "糖尿病", "正文": "糖尿病是一种病。", "year": 2020, "tags": ["x"]}')
    Path("b.json").write_text('{"text": "one"}\n{"text": "two"}\n')
    Path("c.json").write_text('["one", "two"]')
    assert rows("a.json") == [("a.json", "糖尿病", "糖尿病是一种病。")]
    assert rows("b.json", "c.json") == [
        ("b.json#1", "", "one"), ("b.json#2", "", "two"), ("c.json#1", "", "one"), ("c.json#2", "", "two"),
    ]  # fmt: skip


def test_the_text_field_is_guessed_given_or_asked_for() -> None:
    Path("a.json").write_text('[{"corpus_name": "Medical", "context": "about cancer"}]')
    Path("b.json").write_text('[{"title": "A", "lyrics": "la la la"}]')
    Path("c.json").write_text('[{"first": "x", "second": "y", "n": 3}]')
    Path("d.json").write_text('[{"title": "A", "context": [["x"]], "text": ["one.", "two."]}]')
    assert rows("a.json", "b.json") == [("a.json#1", "", "about cancer"), ("b.json#A", "A", "la la la")]
    assert rows("c.json", text_field="second", title_field="first", id_field="n") == [("c.json#3", "x", "y")]
    assert rows("d.json") == [("d.json#A", "A", "one.\ntwo.")]
    assert problems("c.json") == [
        "c.json: has no field known to be the text (fields: first, second, n); name it with --text-field"
    ]
    assert problems("c.json", text_field="z")[0].startswith("c.json: has no field z (fields: first, second, n)")
    assert problems("c.json", text_field="second", id_field="z")[0].endswith("correct --id-field")


def test_tables_are_read_whatever_parts_their_columns() -> None:
    Path("a.csv").write_text('Title,Text\nA,"one, ""two""\nthree"\n\nB,four\n')
    Path("b.csv").write_text("title;text\nA;x, y, z\n")
    Path("c.tsv").write_text('title\ttext\nA\t"Hello," he said\nB\tplain\n')
    Path("d.tsv").write_text('title\ttext\nA\t"he said ""hi"""\n')
    assert rows("a.csv") == [("a.csv#A", "A", 'one, "two"\nthree'), ("a.csv#B", "B", "four")]
    assert rows("b.csv", "c.tsv", "d.tsv") == [
        ("b.csv#A", "A", "x, y, z"),
        ("c.tsv#A", "A", '"Hello," he said'),
        ("c.tsv#B", "B", "plain"),
        ("d.tsv#A", "A", 'he said "hi"'),
    ]


def test_a_long_field_is_read() -> None:
    Path("a.csv").write_text("title,text\nA," + "x" * 1_000_000 + "\n")
    assert len(documents("a.csv")[0].text) == 1_000_000


def test_rows_are_streamed() -> None:
    """The first row comes out before the last has been read."""
    Path("a.jsonl").write_text('{"text": "first"}\n' * 200_000 + "not json")
    stream = read(["a.jsonl"])
    assert isinstance(next(stream), Document)
    Path("a.jsonl").write_text("")
    assert sum(isinstance(item, Document) for item in stream) < 199_999


# -- what is wrong with a row -------------------------------------------------------------------------------------


def test_a_bad_line_is_named_and_the_others_are_read() -> None:
    good = '{"text": "糖尿病"}'.encode()
    Path("a.jsonl").write_bytes(b"\n".join([good, b"{oops", good, b"[1]", b'{"text": "\xff"}', b'{"text": ""}', good]))
    items = list(read(["a.jsonl"]))
    assert [item.source for item in items if isinstance(item, Document)] == ["a.jsonl#1", "a.jsonl#3", "a.jsonl#7"]
    assert [item.message for item in items if isinstance(item, Unreadable)] == [
        "a.jsonl: line 2 is not JSON (Expecting property name enclosed in double quotes, column 2); mend it",
        "a.jsonl: line 4 is not a JSON object; mend it",
        "a.jsonl: line 5 byte 64 is not utf-8; mend it",
        "a.jsonl: line 6 has no text in its field text; fill it, or leave the row out",
    ]


def test_a_file_whose_lines_are_all_bad_is_given_up() -> None:
    Path("a.jsonl").write_text("nothing here is JSON\n" * 5000)
    assert problems("a.jsonl") == [
        "a.jsonl: none of its first 100 lines can be read (line 1 is not JSON (Expecting value, column 1)); "
        "give a file with one JSON object a line"
    ]


def test_a_row_of_the_wrong_width_is_named_and_the_others_are_read() -> None:
    Path("a.csv").write_text('title,text\nA,one\nB\nC,three,more\n"D"x,four\nE,five\n')
    items = list(read(["a.csv"]))
    assert [item.source for item in items if isinstance(item, Document)] == ["a.csv#A", "a.csv#E"]
    assert [item.message for item in items if isinstance(item, Unreadable)] == [
        "a.csv: line 3 has 1 columns where the header has 2; mend it",
        "a.csv: line 4 has 3 columns where the header has 2; mend it",
        "a.csv: line 5 is not CSV (',' expected after '\"'); mend it",
    ]


def test_a_quote_that_never_closes_is_named() -> None:
    Path("a.csv").write_text('title,text\nA,one\nB,"two\nC,three\n')
    items = list(read(["a.csv"]))
    assert [item.source for item in items] == ["a.csv#A", "a.csv"]
    assert problems("a.csv") == ["a.csv: line 3 opens a quote that never closes; nothing behind it was read; mend it"]


def test_a_giant_field_is_named_and_the_others_are_read() -> None:
    Path("a.csv").write_text("title,text\nA," + "x" * 1_500_000 + "\nB,two\n")
    assert problems("a.csv", max_megabytes=1) == ["a.csv: line 2 is longer than 1000000 bytes; mend it"]
    assert [item.source for item in read(["a.csv"], options=Options(max_megabytes=1))] == ["a.csv", "a.csv#B"]


def test_broken_json_is_named_by_its_line() -> None:
    Path("a.json").write_text('[{"text": "one"},\n {"text": "two",}]')
    Path("b.json").write_text("[" * 100_000)
    Path("c.json").write_text("[]")
    Path("d.json").write_text('{"a": [{"text": "x"}], "b": [{"text": "y"}]}')
    Path("e.json").write_text('[{"text": "one"}, 5]')
    Path("f.json").write_text('{"n": ' + "9" * 5000 + "}")
    assert problems("a.json")[0].startswith("a.json: line 2, column 17 is not JSON (")
    assert problems("b.json")[0].startswith("b.json: is JSON that cannot be read (maximum recursion depth")
    assert problems("c.json") == [
        "c.json: holds no objects; give an array of objects, or one object, with a text in each"
    ]
    assert problems("d.json")[0].startswith("d.json: has several arrays of objects (fields: a, b)")
    assert problems("e.json") == ["e.json: item 2 is not an object; mend it"]
    assert problems("f.json")[0].startswith("f.json: is JSON that cannot be read (Exceeds the limit")
