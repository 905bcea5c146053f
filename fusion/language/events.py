"""Server-sent events, read within a limit of time and length: a server may send slowly, or without end."""

import time
from collections.abc import Iterable, Iterator

from fusion.errors import LanguageServerError, MalformedReplyError

LONGEST = 4 * 1024 * 1024  # bytes of one reply


class Guard:
    """Lets a reply through until its deadline, on the clock of ``time.monotonic``, or its limit of bytes."""

    def __init__(self, address: str, deadline: float, *, longest: int = LONGEST) -> None:
        self._address = address
        self.deadline = deadline
        self._longest = longest

    def __call__(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The same chunks.

        Raises:
            LanguageServerError: the deadline has passed.
            MalformedReplyError: they are longer than any answer.
        """
        length = 0
        for chunk in chunks:
            length += len(chunk)
            if length > self._longest:
                raise MalformedReplyError(f"{self._address}: sent more than {self._longest:,} bytes for one answer.")
            if time.monotonic() > self.deadline:
                raise LanguageServerError(
                    f"{self._address}: took too long to answer; ask for less, or allow it more seconds."
                )
            yield chunk


def data(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The data of each event, one line each; comments and other fields are no part of an answer."""
    held = b""
    for chunk in chunks:
        *lines, held = (held + chunk).split(b"\n")
        for line in lines:
            yield from _data(line)
    yield from _data(held)


def _data(line: bytes) -> Iterator[bytes]:
    field, colon, value = line.partition(b":")
    if colon and field == b"data":
        yield value.strip()
