"""Every file that cannot be read gives one line, and nothing else is lost."""

import io
import os
import zipfile
from pathlib import Path

import docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.facts import Document
from nlp.documents import Unreadable, read
from tests.nlp.files import documents, pdf, problems, word

pytestmark = pytest.mark.usefixtures("inside")


def _encrypted_docx() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + "EncryptedPackage".encode("utf-16-le") + bytes(1000)


def _zip(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "<x/>")
    return out.getvalue()


def _deflate64(archive: bytes) -> bytes:
    """An archive that says of all its parts that they are compressed as zipfile cannot read."""
    patched = bytearray(archive)
    for start, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = -1
        while (place := patched.find(start, place + 1)) >= 0:
            patched[place + at : place + at + 2] = b"\x09\x00"
    return bytes(patched)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", b"", "is empty; there is nothing to read"),
        ("blank.txt", b" \n\n ", "holds no text; leave it out"),
        ("blank.html", b"<html><script>x</script></html>", "holds no text; leave it out"),
        ("header.csv", b"title,text\n", "holds no rows; there is nothing to read"),
        ("blank.csv", b"\n\n", "has no header; put the names of the columns on its first line"),
        ("image.txt", b"\x89PNG\r\n\x1a\n" + bytes(90), "is a PNG image, not text; convert it to text or leave it out"),
        ("image.jpg", b"\xff\xd8\xff\xe0" + bytes(90), "is a JPEG image, not text; convert it to text or leave it out"),
        ("program", b"\x7fELF\x02\x01\x01" + bytes(90), "is a program, not text; convert it to text or leave it out"),
        ("bytes.json", bytes(range(256)), "is binary, not text; convert it to text or leave it out"),
        (
            "bad.txt",
            "糖尿病是病，".encode() * 9 + b"\xff",
            "byte 162 is not utf-8; name the right encoding with --encoding",
        ),
        ("scan.pdf", pdf(""), "has 1 pages but no text, as a scan has; run OCR on it first (ocrmypdf)"),
        ("locked.pdf", pdf("x", password="p"), "is protected by a password; save a copy without one and read that"),
        ("cut.pdf", pdf("x" * 900)[:300], "is not a whole PDF ("),
        ("text.pdf", b"this is no PDF", "is not a whole PDF; get the file again"),
        ("locked.docx", _encrypted_docx(), "is protected by a password; save a copy without one and read that"),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(900), "is an old Office file (.doc, .xls, .ppt);"),
        ("cut.docx", word(lambda document: None)[:5000], "is not a whole DOCX ("),
        ("odd.docx", _zip("word/document.xml"), "is not a whole DOCX ("),
        ("far.docx", _deflate64(word(lambda document: None)), "is compressed in a way that is not read here; save it"),
        ("book.xlsx", _zip("xl/workbook.xml"), "is an Excel workbook; save the sheet as CSV and read that"),
        ("files.zip", _zip("a.txt"), "is a zip archive; unpack it first and read that"),
        ("empty.docx", word(lambda document: None), "holds no text; leave it out"),
        ("old.rtf", b"{\\rtf1 x}", "is an RTF file; save it as DOCX or text and read that"),
    ],
)
def test_a_bad_file_gives_one_line_and_the_others_are_read(name: str, content: bytes, message: str) -> None:
    Path(name).write_bytes(content)
    Path("good.txt").write_text("Good text.")
    items = list(read([name, "good.txt"]))
    assert len(items) == 2
    bad, good = items
    assert isinstance(bad, Unreadable)
    assert bad.source == name
    assert bad.message.startswith(f"{name}: {message}")
    assert "\n" not in bad.message
    assert isinstance(good, Document)


def test_a_huge_file_is_refused_with_the_way_to_read_it() -> None:
    Path("a.txt").write_text("word " * 300_000)
    assert problems("a.txt", max_megabytes=1) == [
        "a.txt: has 2 MB, more than the 1 MB that one document may have; allow more with --max-megabytes"
    ]
    assert len(documents("a.txt", max_megabytes=2)) == 1


def test_missing_and_looping_paths_are_named() -> None:
    Path("dangling.txt").symlink_to("nowhere")
    Path("loop.txt").symlink_to("loop.txt")
    assert problems("missing.txt", "dangling.txt", "loop.txt", "nul\0.txt", "x" * 300) == [
        "missing.txt: does not exist; check the path",
        "dangling.txt: is a symbolic link to something that does not exist; remove it",
        "loop.txt: is a symbolic link that leads back to itself; remove it",
        r"nul\x00.txt: cannot be the name of a file; check the path",
        f"{'x' * 300}: has a name longer than the system allows; rename it",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_that_may_not_be_read_are_named() -> None:
    Path("a.txt").write_text("x")
    Path("a.txt").chmod(0)
    assert problems("a.txt") == ["a.txt: may not be read; allow it with chmod +r"]


def test_pipes_and_devices_are_not_waited_for() -> None:
    os.mkfifo("pipe.txt")
    assert problems("pipe.txt", "/dev/null") == [
        "pipe.txt: is a pipe; send what comes out of it to standard input (-), or to a file",
        "/dev/null: is a device, not a file; leave it out",
    ]


def test_characters_that_no_store_keeps_are_replaced_and_reported() -> None:
    Path("a.jsonl").write_text('{"title": "x\\ud800", "text": "half \\ud83d and \\u0000 and whole \\ud83c\\udf89"}')
    remarks: list[str] = []
    (document,) = read(["a.jsonl"], remarks=remarks)
    assert isinstance(document, Document)
    assert document.text == "half \ufffd and \ufffd and whole 🎉"
    assert document.source == "a.jsonl#x\ufffd"
    assert remarks == ["a.jsonl: 2 characters that no store keeps (NUL, halves of characters) were replaced by U+FFFD"]


def test_a_pdf_that_needs_mending_is_read_without_noise(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("a.pdf").write_bytes(pdf("Still there.").replace(b"startxref\n", b"startxref\n9"))
    assert documents("a.pdf")[0].text == "Still there."
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_to_a_file_raises(data: st.DataObject, samples: dict[str, bytes]) -> None:
    name = data.draw(st.sampled_from(sorted(samples)))
    damaged = bytearray(samples[name])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    Path(name).write_bytes(damaged[: data.draw(st.integers(0, len(damaged)))] if data.draw(st.booleans()) else damaged)
    for item in read([name]):
        if isinstance(item, Document):
            item.text.encode()
            item.source.encode()
        else:
            assert item.message.startswith(f"{name}: ")
            assert "\n" not in item.message


@pytest.fixture(scope="module")
def samples() -> dict[str, bytes]:
    """A good file of each format."""

    def fill(document: docx.document.Document) -> None:
        document.add_heading("Title")
        document.add_table(rows=1, cols=2).cell(0, 0).text = "cell"

    return {
        "a.pdf": pdf("Some text in a PDF."),
        "b.pdf": pdf("Some text in a PDF.", title="A title", owner="secret"),
        "a.docx": word(fill),
        "a.html": b"<html><head><title>T</title></head><body><p>One <b>two</b><table><tr><td>1</table><pre> x</pre>",
        "a.md": "# 标题\n\n正文 *text*\n\n| a | b |\n|---|---|\n| 1 | 2 |\n".encode("gb18030"),
        "a.csv": b'title,text\nA,"one, ""two"""\nB,three\n',
        "a.json": '[{"title": "题", "text": "正文\\u00e9"}, {"title": "B", "text": "two"}]'.encode(),
        "a.jsonl": b'{"title": "A", "text": "one"}\n{"title": "B", "text": "two"}\n',
        "a.txt": "某些文字，在这里。".encode("utf-16"),
    }
