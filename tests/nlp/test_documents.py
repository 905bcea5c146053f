"""What is read: folders, odd names, standard input."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kg.facts import Document
from nlp.documents import Unreadable, read
from tests.nlp.files import documents, pdf, problems

ODD_NAMES = ["line\nbreak.txt", "emoji 🎉.txt", "שלום.txt", "') DETACH DELETE n; --.txt", "名前 #1.txt", "a'b\"c.txt"]

pytestmark = pytest.mark.usefixtures("inside")


def test_a_folder_is_read_by_name_and_hidden_files_are_counted() -> None:
    for name in ("b/two.txt", "a.txt", "b/.git/config.txt", ".hidden.txt", "c.txt", "b/b/deep.txt"):
        Path("in", name).parent.mkdir(parents=True, exist_ok=True)
        Path("in", name).write_text("The same text.")
    remarks: list[str] = []
    found = list(read(["./in/"], remarks=remarks))
    assert [item.source for item in found] == ["in/a.txt", "in/b/b/deep.txt", "in/b/two.txt", "in/c.txt"]
    assert len({item.id for item in found if isinstance(item, Document)}) == 4
    assert remarks == ["2 hidden files and folders were passed over; name them to read them"]
    assert [item.source for item in read(["in/.hidden.txt"])] == ["in/.hidden.txt"]


def test_a_link_to_a_folder_above_is_not_followed() -> None:
    Path("in").mkdir()
    Path("in/a.txt").write_text("Text.")
    Path("in/up").symlink_to("..", target_is_directory=True)
    Path("in/self").symlink_to(".", target_is_directory=True)
    items = list(read(["in"]))
    assert [item.source for item in items] == ["in/a.txt", "in/self", "in/up/in"]
    assert isinstance(items[1], Unreadable)
    assert items[1].message == "in/self: is a link to a folder that holds it; remove it"


def test_a_path_given_twice_is_read_once() -> None:
    Path("a.txt").write_text("Text.")
    remarks: list[str] = []
    assert len(list(read(["a.txt", "./a.txt"], remarks=remarks))) == 1
    assert remarks == ["a.txt: was given more than once and read once"]


def test_odd_names_are_sources_like_others() -> None:
    for name in ODD_NAMES:
        Path(name).write_text("Text.")
    sources = [name.replace("#", "%23") for name in ODD_NAMES]  # "#" parts a file from its row
    assert sorted(document.source for document in documents(*ODD_NAMES)) == sorted(sources)
    Path("bad\nname.txt").write_bytes(b"")
    assert problems("bad\nname.txt") == [r"bad\nname.txt: is empty; there is nothing to read"]


def test_a_name_that_is_not_utf8_is_written_with_its_bytes() -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    Path(name).write_text("Text.")
    assert [document.source for document in documents(".")] == [r"caf\xe9.txt"]


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], None]]:
    def put(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return put


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"Plain text.", [("notes", "Plain text.")]),
        (b"<!DOCTYPE html><p>A page.", [("notes", "A page.")]),
        (b'{"text": "one"}\n{"text": "two"}\n', [("notes#1", "one"), ("notes#2", "two")]),
        (b'[{"id": "x", "text": "one"}]', [("notes#x", "one")]),
        (pdf("A PDF."), [("notes", "A PDF.")]),
    ],
)
def test_standard_input_is_known_by_its_content_and_can_be_read_twice(
    stdin: Callable[[bytes], None], data: bytes, expected: list[tuple[str, str]]
) -> None:
    stdin(data)
    for _ in range(2):
        items = list(read(["-"], name="notes"))
        assert [(d.source, d.text) for d in items if isinstance(d, Document)] == expected


def test_nothing_on_standard_input_is_said(stdin: Callable[[bytes], None]) -> None:
    stdin(b"")
    assert problems("-") == ["stdin: is empty; there is nothing to read"]
