"""Files that tests write, and what reading them comes to."""

import io
from collections.abc import Callable

import docx
from pypdf import PdfReader, PdfWriter

from kg.facts import Document
from nlp.documents import Options, Unreadable, read


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
