"""Every format gives its text; everything that cannot be read gives one line, and nothing else is lost."""

import io
import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from kg.errors import InputError
from kg.facts import Document
from nlp.documents import Options, Unreadable, read

ODD_NAMES = ["line\nbreak.txt", "emoji 🎉.txt", "שלום.txt", "') DETACH DELETE n; --.txt", "名前 #1.txt", "a'b\"c.txt"]


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def documents(*paths: str, **options: object) -> list[Document]:
    items = list(read(paths, options=Options(**options)))  # type: ignore[arg-type]
    assert not [item.message for item in items if isinstance(item, Unreadable)]
    return [item for item in items if isinstance(item, Document)]


def problems(*paths: str, **options: object) -> list[str]:
    found = [item for item in read(paths, options=Options(**options)) if isinstance(item, Unreadable)]  # type: ignore[arg-type]
    for item in found:
        assert "\n" not in item.message
    return [item.message for item in found]


def pdf(text: str, *, title: str = "", password: str = "", owner: str = "") -> bytes:
    """A PDF of one page; without text it is as empty as a scan."""
    content = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode("latin-1") if text else b""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = io.BytesIO(b"%PDF-1.4\n")
    out.seek(0, io.SEEK_END)
    places = []
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.writelines(b"%010d 00000 n \n" % place for place in places)
    out.write(b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start))
    if not (title or password or owner):
        return out.getvalue()
    writer = PdfWriter(clone_from=PdfReader(out))
    if title:
        writer.add_metadata({"/Title": title})
    if password or owner:
        writer.encrypt(password, owner or None, algorithm="AES-256")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def word(fill: Callable[[docx.document.Document], None]) -> bytes:
    document = docx.Document()
    fill(document)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


# -- formats ------------------------------------------------------------------------------------------------------


def test_text_is_read_as_it_stands() -> None:
    Path("a.txt").write_bytes("  Zoë went.\r\n\r\nShe came back.\n".encode())
    assert documents("a.txt") == [Document("a.txt", "  Zoë went.\n\nShe came back.\n", language="en")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "big5", "utf-16", "utf-16-le"])
def test_chinese_text_is_read_in_its_encoding(encoding: str) -> None:
    text = "阿司匹林是一種藥物，可以用於這些病人的治療。"
    Path("a.txt").write_bytes(text.encode(encoding))
    (document,) = documents("a.txt")
    assert (document.text, document.language) == (text, "zh")


def test_latin_1_is_read_and_an_encoding_can_be_given() -> None:
    Path("a.txt").write_bytes("The café of Zoë".encode("latin-1"))
    Path("b.txt").write_bytes("Привет, мир".encode("koi8-r"))
    assert documents("a.txt")[0].text == "The café of Zoë"
    assert documents("b.txt", encoding="koi8-r")[0].text == "Привет, мир"
    with pytest.raises(InputError, match="no such encoding"):
        read(["a.txt"], options=Options(encoding="klingon"))


def test_html_is_laid_out_as_a_browser_would() -> None:
    Path("a.html").write_text(
        "<html><head><title>Kis&shy;met &amp; co</title><style>p {}</style><script>let x = '<p>no</p>'</script></head>"
        "<body><nav><a href=x>Home</a></nav><h1>Kismet</h1><p>Directed  by <b>William</b>\n<i>Dieterle</i>.<br>1944</p>"
        "<p hidden>secret</p><div style='display: none'>secret</div><pre hidden>secret</pre>"
        "<ul><li>one<li>two</ul><table><tr><th>a<th>b<tr><td>1<td>2</table><pre> x\n  y\n</pre>after</body></html>"
    )
    (document,) = documents("a.html")
    assert document.title == "Kismet & co"
    assert document.text == (
        "Kismet\n\nDirected by William Dieterle.\n1944\n\none\ntwo\n\na\tb\n1\t2\n\n x\n  y\n\nafter"
    )


def test_html_is_titled_by_its_heading_and_read_in_the_encoding_that_it_declares() -> None:
    Path("a.htm").write_bytes("<meta charset=windows-1251><h1>Заголовок</h1>Это текст".encode("cp1251"))
    Path("b.html").write_bytes("<meta charset=utf-8><p>糖尿病是一种病，我们说的是中文".encode("gb18030"))
    first, second = documents("a.htm", "b.html")
    assert (first.title, first.text) == ("Заголовок", "Заголовок\n\nЭто текст")
    assert second.text == "糖尿病是一种病，我们说的是中文"


def test_html_that_nests_deep_is_read_and_that_nests_absurdly_is_refused() -> None:
    Path("a.html").write_text("<div>" * 1500 + "deep" + "</div>" * 1500)
    Path("b.html").write_text("<div>" * 9000 + "deep" + "</div>" * 9000)
    assert documents("a.html")[0].text == "deep"
    assert problems("b.html") == ["b.html: nests more than 2,000 elements; save it as text and read that"]


def test_markdown_loses_its_marks() -> None:
    Path("a.md").write_text(
        "# The *Film*\n\nIt was\nshot in [Rome](http://x).\n\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n"
    )
    Path("b.md").write_text("---\ntitle: 'In front'\ntags: [x]\n---\n# Heading\n\nText.\n")
    first, second = documents("a.md", "b.md")
    assert (first.title, first.text) == ("The Film", "The Film\n\nIt was shot in Rome.\n\na\nb\n\nx\ty\n1\t2")
    assert (second.title, second.text) == ("In front", "Heading\n\nText.")


def test_pdf_gives_its_text_and_title() -> None:
    Path("a.pdf").write_bytes(pdf("Kismet was directed by William Dieterle."))
    Path("b.pdf").write_bytes(pdf("Some text.", title="A title"))
    Path("c.pdf").write_bytes(pdf("Printing is forbidden.", owner="secret"))
    first, second, third = documents("a.pdf", "b.pdf", "c.pdf")
    assert (first.title, first.text) == ("Kismet was directed by William Dieterle.",) * 2
    assert second.title == "A title"
    assert third.text == "Printing is forbidden."


def test_docx_gives_paragraphs_and_tables_in_order() -> None:
    def fill(document: docx.document.Document) -> None:
        document.core_properties.title = ""
        document.add_heading("Aspirin", level=1)
        document.add_paragraph("It treats ").add_run("fever").bold = True
        table = document.add_table(rows=2, cols=2)
        for number, cell in enumerate(table._cells):
            cell.text = f"cell {number}"
        document.add_paragraph("")
        document.add_paragraph("End.")

    Path("a.docx").write_bytes(word(fill))
    (document,) = documents("a.docx")
    assert document.title == "Aspirin"
    assert document.text == "Aspirin\n\nIt treats fever\n\ncell 0\tcell 1\ncell 2\tcell 3\n\nEnd."


def test_docx_keeps_tracked_insertions_and_drops_deletions() -> None:
    def fill(document: docx.document.Document) -> None:
        document.core_properties.title = "Changes"
        paragraph = document.add_paragraph()
        for tag, text in (("w:ins", "kept "), ("w:del", "gone ")):
            change = docx.oxml.OxmlElement(tag)
            change.append(paragraph.add_run(text)._r)
            paragraph._p.append(change)
        paragraph.add_run("end")

    Path("a.docx").write_bytes(word(fill))
    assert [(d.title, d.text) for d in documents("a.docx")] == [("Changes", "kept end")]


# -- rows ---------------------------------------------------------------------------------------------------------


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


# -- what is wrong with a file ------------------------------------------------------------------------------------


def _encrypted_docx() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + "EncryptedPackage".encode("utf-16-le") + bytes(1000)


def _zip(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "<x/>")
    return out.getvalue()


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
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


# -- folders and standard input -----------------------------------------------------------------------------------


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
