"""PDF: the text of its pages, a blank line between two."""

import logging
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from kg.decode import one_line
from kg.errors import InputError
from nlp.formats.pieces import Options, Piece

# What pypdf lets through when a file is broken: its own errors, and those of the code that trips over bad objects.
_BROKEN = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, AssertionError)
_FOREIGN = (*_BROKEN, NotImplementedError, EOFError, OSError, struct.error, zlib.error)


def read_pdf(stream: BinaryIO, *, source: str, options: Options, remarks: list[str]) -> Piece:
    """The text of a PDF, and its title: that of its metadata, or its first line. ``remarks`` gets a line for
    each page that could not be read.

    Raises:
        InputError: it is broken, protected by a password, holds no text, or more of it than allowed.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    name = one_line(source)
    with _quiet():
        try:
            reader = PdfReader(stream, strict=False)
            if reader.is_encrypted and not reader.decrypt(""):
                raise InputError(f"{name}: is protected by a password; save a copy without one and read that")
            pages = len(reader.pages)
            title = str((reader.metadata and reader.metadata.title) or "")
        except DependencyError as error:
            raise InputError(f"{name}: is encrypted in a way that needs more; pip install cryptography") from error
        except (PyPdfError, *_FOREIGN) as error:
            raise InputError(f"{name}: is not a whole PDF ({_why(error)}); get the file again") from error
        texts: list[str] = []
        size, broken = 0, 0
        for number in range(pages):
            try:
                text = reader.pages[number].extract_text().strip()
            except (PyPdfError, *_FOREIGN) as error:
                broken += 1
                remarks.append(f"{name}: page {number + 1} could not be read ({_why(error)}); the others were")
                continue
            size += len(text)
            if size > options.limit:
                raise InputError(
                    f"{name}: holds more than {options.max_megabytes} MB of text; allow more with --max-megabytes"
                )
            if text:
                texts.append(text)
    if pages and broken == pages:
        raise InputError(f"{name}: none of its {pages} pages could be read; get the file again")
    if not texts:
        raise InputError(f"{name}: has {pages} pages but no text, as a scan has; run OCR on it first (ocrmypdf)")
    return Piece("\n\n".join(texts), title.strip() or texts[0].split("\n", 1)[0])


def _why(error: Exception) -> str:
    return one_line(str(error)).strip(" .")[:100] or type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """pypdf logs a warning for each thing that it mends; a reader of many files has no use for them."""
    logger = logging.getLogger("pypdf")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)
