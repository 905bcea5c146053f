"""The names that the graph already knows, found in a text and looked up by the linker."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kg.facts import DocumentId, Topic


@dataclass(frozen=True, slots=True)
class Match:
    """``text[start:end]`` is a name of one or more topics."""

    start: int
    end: int
    name: str


class Gazetteer:
    """Topics by each of their names.

    It is made of what documents declare themselves to be about and of what imported files name: never of what an
    extractor found in other documents, so that reading a document depends on the set of documents alone and not on
    their order. A document whose text holds none of the names that came or went reads the same as before.
    """

    def __init__(self, topics: Iterable[tuple[DocumentId, Topic]] = ()) -> None:
        raise NotImplementedError

    def matches(self, text: str) -> list[Match]:
        """The names found in the text, to the letter and at word boundaries, longest first where they overlap."""
        raise NotImplementedError

    def topics(self, name: str) -> Sequence[Topic]:
        """The topics known under this name, an alias, or a name of the same key, in content order."""
        raise NotImplementedError

    def names(self) -> Mapping[str, Sequence[Topic]]:
        """Every name with its topics."""
        raise NotImplementedError
