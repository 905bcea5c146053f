"""Every format gives its text."""

from pathlib import Path

import docx
import pytest

from kg.errors import InputError
from kg.facts import Document
from nlp.documents import Options, read
from tests.nlp.files import documents, pdf, problems, word

pytestmark = pytest.mark.usefixtures("inside")


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
