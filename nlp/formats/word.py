"""DOCX: the paragraphs and tables of the body in order, a blank line between two; cells are parted by tabs."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from kg.decode import one_line
from kg.errors import InputError
from nlp.formats.pieces import Options, Piece

if TYPE_CHECKING:
    from lxml import etree

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_SKIPPED = frozenset((f"{_W}del", f"{_W}moveFrom", _FALLBACK))
_CHARACTERS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
)
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_OTHERS = {
    "xl/": "an Excel workbook; save the sheet as CSV",
    "ppt/": "a PowerPoint file; save it as PDF",
    "content.xml": "an OpenDocument file; save it as DOCX",
    "META-INF/container.xml": "an EPUB book; save it as HTML",
}


def refuse_ole(stream: BinaryIO, *, source: str) -> InputError:
    """Why such a file is not read."""
    stream.seek(0)
    name, tail = one_line(source), b""
    while block := stream.read(1 << 20):
        if _ENCRYPTED in tail + block:
            return InputError(f"{name}: is protected by a password; save a copy without one and read that")
        tail = block[-len(_ENCRYPTED) :]
    return InputError(f"{name}: is an old Office file (.doc, .xls, .ppt); save it as DOCX or PDF and read that")


def read_docx(stream: BinaryIO, *, source: str, options: Options) -> Piece:
    """The text of a DOCX, and its title: that of its properties, or its first title or heading.

    Raises:
        InputError: it is broken, protected by a password, not a DOCX, or holds more text than allowed.
    """
    from docx import Document as open_docx
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError

    name = one_line(source)
    try:
        with zipfile.ZipFile(stream) as archive:
            _check(archive, name, options)
        stream.seek(0)
        document = open_docx(stream)
        body = document.element.body
        text = "\n\n".join(filter(None, _blocks(body)))
        styles = {style.style_id: style.name.lower() for style in document.styles if style.name}
        title = (document.core_properties.title or "").strip() or _heading(body, styles)
    except (*_BROKEN, OpcError, LxmlError) as error:
        why = one_line(str(error)).strip(" .")[:100] or type(error).__name__
        raise InputError(f"{name}: is not a whole DOCX ({why}); get the file again") from error
    except NotImplementedError as error:  # zipfile's, of a kind of compression that it lacks, such as Deflate64
        raise InputError(f"{name}: is compressed in a way that is not read here; save it again with Word") from error
    return Piece(text, title)


def _check(archive: zipfile.ZipFile, name: str, options: Options) -> None:
    infos = archive.infolist()
    if any(info.flag_bits & 1 for info in infos):
        raise InputError(f"{name}: is protected by a password; save a copy without one and read that")
    names = [info.filename for info in infos]
    if not any(part.startswith("word/") for part in names):
        kind = next((what for start, what in _OTHERS.items() if any(p.startswith(start) for p in names)), None)
        raise InputError(f"{name}: is {kind or 'a zip archive; unpack it first'} and read that")
    size = sum(info.file_size for info in infos if info.filename.endswith((".xml", ".rels")))
    if size > 10 * options.limit:  # the markup of a text is a few times its length
        raise InputError(f"{name}: unpacks to {size // 1_000_000} MB of XML; allow more with --max-megabytes")


def _blocks(parent: "etree._Element") -> Iterator[str]:
    """The paragraphs and tables under an element, those in content controls and insertions too."""
    for element in parent.iterchildren():
        if element.tag == f"{_W}p":
            yield _text(element).strip()
        elif element.tag == f"{_W}tbl":
            rows = element.iterchildren(f"{_W}tr")
            yield "\n".join("\t".join(_cell(cell) for cell in row.iterchildren(f"{_W}tc")) for row in rows)
        elif element.tag not in _SKIPPED:
            yield from _blocks(element)


def _cell(cell: "etree._Element") -> str:
    return " ".join(filter(None, (_text(paragraph).strip() for paragraph in cell.iter(f"{_W}p"))))


def _text(paragraph: "etree._Element") -> str:
    """What a paragraph shows: tracked deletions are gone, tracked insertions there."""
    parts: list[str] = []
    stack = [paragraph]
    while stack:
        element = stack.pop()
        if element.tag == f"{_W}t":
            parts.append(element.text or "")
        elif element.tag in _CHARACTERS:
            parts.append(_CHARACTERS[element.tag])
        elif element.tag not in _SKIPPED:
            if element.tag == f"{_W}p" and element is not paragraph:
                parts.append("\n")  # a text box
            stack.extend(reversed(element))
    return "".join(parts)


def _heading(body: "etree._Element", styles: dict[str, str]) -> str:
    """The first paragraph that is styled as the title or a main heading."""
    for paragraph in body.iter(f"{_W}p"):
        style = paragraph.find(f"{_W}pPr/{_W}pStyle")
        if style is not None and styles.get(style.get(f"{_W}val", "")) in ("title", "heading 1"):
            return _text(paragraph).strip()
    return ""
