"""What every format gives: pieces of text, and the parts that could not be read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """How files are read; fields are those of rows and JSON objects, by name."""

    text_field: str | None = None
    title_field: str | None = None
    id_field: str | None = None
    encoding: str | None = None
    max_megabytes: int = 200  # of text in one document

    @property
    def limit(self) -> int:
        """The most bytes that one document may have."""
        return self.max_megabytes * 1_000_000


@dataclass(frozen=True, slots=True)
class Piece:
    """The text of a whole file, or, with a key, of one row of it."""

    text: str
    title: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """A part that could not be read: where, what is wrong, and what to do, without the file's name."""

    message: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that was to be read and could not be: one line that says what, where, and what to do."""

    source: str
    message: str
