"""Files, folders and standard input to documents.

The text that comes out is the text of the document: every offset counts its characters, and line ends in it are
``\\n``. A document's source is the path as it was given, with "/" between its parts; a row of a file is named
``path#row`` (``nlp.formats.rows`` says how). Whatever cannot be read comes out as ``Unreadable`` in its place, and
reading goes on behind it.
"""

import atexit
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, cast

from kg.decode import binary_kind, check_encoding, decode, detect, one_line, storable
from kg.errors import InputError
from kg.facts import Document
from kg.sources import check, open_file, refusal, source_of
from nlp.formats.pieces import Lost, Options, Piece, Unreadable
from nlp.script import detect as detect_language

__all__ = ["Options", "Unreadable", "read"]

_FORMATS = {
    ".txt": "text", ".text": "text", ".md": "markdown", ".markdown": "markdown", ".html": "html", ".htm": "html",
    ".xhtml": "html", ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".json": "json", ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}  # fmt: skip
_DEFAULTS = Options()
_SPOOLED = 16 << 20  # bytes of standard input held in memory; what is more goes to a temporary file
_TITLE = 300  # characters


def read(
    paths: Sequence[str | Path], *, options: Options = _DEFAULTS, name: str = "stdin", remarks: list[str] | None = None
) -> Iterator[Document | Unreadable]:
    """The documents under these paths, in order; folders by name, and "-" is standard input, called ``name``.

    ``remarks`` gets a line for whatever was passed over or changed though nothing was lost.

    Raises:
        InputError: the encoding in the options is none.
    """
    if options.encoding is not None:
        check_encoding(options.encoding)
    found: list[str] = [] if remarks is None else remarks
    return _Walk(options, name, found).read(paths)


class _Walk:
    """One reading of paths."""

    def __init__(self, options: Options, stdin_name: str, remarks: list[str]) -> None:
        self._options = options
        self._stdin_name = stdin_name
        self._remarks = remarks
        self._hidden = 0
        self._done: set[str] = set()

    def read(self, paths: Sequence[str | Path]) -> Iterator[Document | Unreadable]:
        for path in paths:
            if str(path) == "-":
                yield from self._stream(_standard_input(), self._stdin_name, self._stdin_name)
            else:
                yield from self._path(Path(path), within=())
        if self._hidden:
            self._remark(f"{self._hidden} hidden files and folders were passed over; name them to read them")

    def _remark(self, line: str) -> None:
        if line not in self._remarks:  # the same paths may be read twice
            self._remarks.append(line)

    def _path(self, path: Path, *, within: tuple[tuple[int, int], ...]) -> Iterator[Document | Unreadable]:
        """A file or folder; ``within`` identifies the folders that were entered on the way to it."""
        source = source_of(path)
        try:
            status = check(path)
            is_folder = stat.S_ISDIR(status.st_mode)
            names = sorted(os.listdir(path)) if is_folder else []
        except InputError as error:
            yield Unreadable(source, str(error))
            return
        except OSError as error:
            yield Unreadable(source, str(refusal(path, error)))
            return
        if not is_folder:
            yield from self._file(path, source)
            return
        identity = (status.st_dev, status.st_ino)
        if identity in within:
            yield Unreadable(source, f"{one_line(source)}: is a link to a folder that holds it; remove it")
            return
        for name in names:
            if name.startswith("."):
                self._hidden += 1
            else:
                yield from self._path(path / name, within=(*within, identity))

    def _file(self, path: Path, source: str) -> Iterator[Document | Unreadable]:
        if source in self._done:
            self._remark(f"{one_line(source)}: was given more than once and read once")
            return
        self._done.add(source)
        try:
            stream = open_file(path)
        except InputError as error:
            yield Unreadable(source, str(error))
            return
        with stream:
            yield from self._stream(stream, source, path.name)

    def _stream(self, stream: BinaryIO, source: str, name: str) -> Iterator[Document | Unreadable]:
        replaced = 0
        remarks: list[str] = []
        try:
            for piece in self._pieces(stream, source, name, remarks):
                if isinstance(piece, Lost):
                    yield Unreadable(source, f"{one_line(source)}: {piece.message}")
                    continue
                text, unstorable = storable(piece.text)
                title, _ = storable(" ".join(piece.title.split())[:_TITLE])
                key, _ = storable(piece.key or "")
                replaced += unstorable
                yield Document(
                    source=source if piece.key is None else f"{source}#{key}",
                    text=text,
                    title=title,
                    language=detect_language(text),
                )
        except InputError as error:
            yield Unreadable(source, str(error))
        except OSError as error:
            yield Unreadable(source, str(refusal(Path(source), error)))
        for remark in remarks:
            self._remark(remark)
        if replaced:
            self._remark(
                f"{one_line(source)}: {replaced} characters that no store keeps (NUL, halves of characters) "
                "were replaced by U+FFFD"
            )

    def _pieces(self, stream: BinaryIO, source: str, name: str, remarks: list[str]) -> Iterator[Piece | Lost]:
        """The texts in a file, by what it is: its content decides where its name and it disagree."""
        options, label = self._options, one_line(source)
        stream.seek(0)
        head = stream.read(4096)
        if not head:
            raise InputError(f"{label}: is empty; there is nothing to read")
        if head.lstrip()[:5] == b"%PDF-":
            from nlp.formats.pdf import read_pdf

            yield _filled(read_pdf(stream, source=source, options=options, remarks=remarks), label)
            return
        if head.startswith(b"PK\x03\x04"):
            from nlp.formats.word import read_docx

            yield _filled(read_docx(stream, source=source, options=options), label)
            return
        if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
            from nlp.formats.word import refuse_ole

            raise refuse_ole(stream, source=source)
        if head.startswith(b"{\\rtf"):
            raise InputError(f"{label}: is an RTF file; save it as DOCX or text and read that")
        suffix = Path(name).suffix.lower()
        if suffix in (".pdf", ".docx") and binary_kind(head) is None:
            raise InputError(f"{label}: is not a whole {suffix[1:].upper()}; get the file again")
        yield from self._text_pieces(stream, source, _FORMATS.get(suffix), head, remarks)

    def _text_pieces(
        self, stream: BinaryIO, source: str, format: str | None, head: bytes, remarks: list[str]
    ) -> Iterator[Piece | Lost]:
        options, label = self._options, one_line(source)
        encoding = options.encoding or self._declared(stream, head, format) or detect(stream, source=source)
        format = format or _guess(head.decode(encoding, "ignore"))
        if format == "json" and _is_json_lines(stream, encoding):
            format = "jsonl"
        if format in ("csv", "tsv", "jsonl"):
            from nlp.formats import rows

            if format == "jsonl":
                pieces = rows.read_json_lines(stream, encoding, source=source, options=options, remarks=remarks)
            else:
                pieces = rows.read_csv(
                    stream, encoding, tabs=format == "tsv", source=source, options=options, remarks=remarks
                )
            nothing = True
            for piece in pieces:
                nothing = False
                yield piece
            if nothing:
                raise InputError(f"{label}: holds no rows; there is nothing to read")
            return
        size = stream.seek(0, os.SEEK_END)
        if size > options.limit:
            raise InputError(
                f"{label}: has {size / 1_000_000:,.0f} MB, more than the {options.max_megabytes} MB that one document "
                "may have; allow more with --max-megabytes"
            )
        text = decode(stream, source=source, encoding=encoding)
        if format == "json":
            from nlp.formats.rows import read_json

            yield from read_json(text, source=source, options=options, remarks=remarks)
        elif format in ("html", "markdown"):
            from nlp.formats.web import read_html, read_markdown

            yield _filled((read_html if format == "html" else read_markdown)(text, source=source), label)
        else:
            yield _filled(Piece(text), label)

    def _declared(self, stream: BinaryIO, head: bytes, format: str | None) -> str | None:
        """The encoding that a web page says it is in, if it says so and is."""
        if format != "html" or head.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
            return None
        from nlp.formats.web import declared_charset

        charset = declared_charset(head)
        if charset is None or charset.startswith("utf-16"):  # what can be read as ASCII is not UTF-16
            return None
        charset = {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252", "big5": "big5hkscs"}.get(
            charset, charset
        )
        stream.seek(0)
        try:
            stream.read(self._options.limit).decode(charset)
        except (LookupError, UnicodeDecodeError):
            return None  # pages often say what they are not
        return charset


def _guess(text: str) -> str:
    """The format of a text without a telling name."""
    start = text.lstrip("\ufeff \t\r\n")[:200].lower()
    if start.startswith(("<!doctype html", "<html", "<head", "<body")):
        return "html"
    return "json" if start.startswith(("{", "[{", "[\n", "[ ", "[\r")) else "text"


def _is_json_lines(stream: BinaryIO, encoding: str) -> bool:
    """Whether a file called JSON has an object on each of its first two lines."""
    import json
    from itertools import islice

    from kg.decode import lines

    try:
        start = [json.loads(line.text) for line in islice(lines(stream, encoding), 2)]
    except (ValueError, RecursionError):
        return False
    return len(start) == 2 and all(isinstance(value, dict) for value in start)


def _filled(piece: Piece, label: str) -> Piece:
    if not piece.text.strip():
        raise InputError(f"{label}: holds no text; leave it out")
    return piece


def _standard_input() -> BinaryIO:
    """Standard input as something that can be read twice."""
    return _spooled(sys.stdin.buffer)


@lru_cache(maxsize=1)
def _spooled(stream: BinaryIO) -> BinaryIO:
    spool = tempfile.SpooledTemporaryFile(max_size=_SPOOLED)  # noqa: SIM115  # it may be read until the process ends
    atexit.register(spool.close)
    shutil.copyfileobj(stream, spool)
    return cast(BinaryIO, spool)
