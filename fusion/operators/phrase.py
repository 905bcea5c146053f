"""A question, or a part of one, in which names stand apart from words: what operators are read off, and cut out of."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import regex

from fusion.operators.values import read_date, read_number
from fusion.question import Link, is_chinese
from kg.statements import DEFAULT_TYPE

NAME = "\ue000"  # stands for each character of a name, so that a name's words say nothing
ONE = rf"{NAME}+"

_VALUES = frozenset(("Date", "Quantity"))
_OF_THINGS = regex.compile(r"\b(?:by|about)\s+(?:the\s+)?$", regex.IGNORECASE)  # what may lead to a thing or a value
_RANGE = regex.compile(r"\d\s*[-–—~～至]\s*\d")

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words, and the entities that they name; ``expected`` are the types that an answer should have, if it is told."""

    text: str
    links: tuple[Link, ...]
    expected: frozenset[str] | None = None

    @property
    def places(self) -> list[Place]:
        """Where names stand, in order."""
        return sorted({(one.start, one.end) for one in self.links})

    @property
    def words(self) -> str:
        """The text with ``NAME`` for each character of a name."""
        return self._without(self.places)

    @property
    def unvalued(self) -> str:
        """The same, where dates and numbers are no names."""
        return self._without(place for place in self.places if not self.is_value(place))

    @property
    def limiting(self) -> str:
        """The same, but things whose name is a number ("311", a band) are names where nothing else is named."""
        alone = all(map(self.is_value, self.places))
        return self._without(p for p in self.places if not self.is_value(p) or (alone and self._is_thing(p)))

    @property
    def chinese(self) -> bool:
        """Whether its words, names aside, are Chinese; where it is only names, whether they are."""
        return is_chinese(self.words) or (not self.words.strip(NAME + " ?") and is_chinese(self.text))

    def is_value(self, place: Place) -> bool:
        """Whether what stands there is, as it is said, a date or a number."""
        said = self.text[slice(*place)]
        return read_date(said) is not None or read_number(said) is not None

    def _is_thing(self, place: Place) -> bool:
        """Whether what stands there, a number by its words, names a thing, or a range that the graph has as one thing.

        What has no type may be either, so that only the word before it can tell.
        """
        types = {one.entity.type for one in self.at(place)}
        if _RANGE.search(self.text[slice(*place)]) or types.isdisjoint(_VALUES | {DEFAULT_TYPE}):
            return True
        return not types <= _VALUES and _OF_THINGS.search(self.text[: place[0]]) is not None

    def _without(self, places: Iterable[Place]) -> str:
        letters = list(self.text)
        for start, end in places:
            letters[start:end] = NAME * (end - start)
        return "".join(letters)

    def at(self, place: Place) -> tuple[Link, ...]:
        """What may be named at a place."""
        return tuple(one for one in self.links if (one.start, one.end) == place)

    def only(self, places: Iterable[Place]) -> "Phrase":
        """The same words, naming only what stands at these places."""
        kept = set(places)
        return replace(self, links=tuple(one for one in self.links if (one.start, one.end) in kept))

    def put(self, start: int, end: int, words: str = "") -> "Phrase":
        """The phrase with other words from start to end; names that stood there are gone, those behind it move."""
        before, after = self.text[:start], self.text[end:]
        if not words and (not before or before[-1].isspace()):
            dropped = len(after) - len(after.lstrip())
            after, end = after.lstrip(), end + dropped
        moved = len(before) + len(words) - end
        links = [one for one in self.links if one.end <= start]
        links += [replace(one, start=one.start + moved, end=one.end + moved) for one in self.links if one.start >= end]
        return replace(self, text=before + words + after, links=tuple(links))

    def joined(self, *parts: "str | Place") -> "Phrase":
        """A phrase of words and of stretches of this one, in the order given, with spaces between where words need one.

        A name that comes twice is named where it comes first.
        """
        text, links = "", []
        for part in parts:
            piece = part if isinstance(part, str) else self.text[part[0] : part[1]]
            bare = piece.strip()
            if not bare:
                continue
            if text and not (is_chinese(text[-1]) or is_chinese(bare[0]) or not bare[0].isalnum()):
                text += " "
            if not isinstance(part, str):
                moved = len(text) - part[0] - (len(piece) - len(piece.lstrip()))
                links += [
                    replace(one, start=one.start + moved, end=one.end + moved)
                    for one in self.links
                    if part[0] <= one.start and one.end <= part[1]
                ]
            text += bare
        return replace(self, text=text, links=tuple(links))


def ends(text: str) -> int:
    """Where a question's words end, before its question mark."""
    return len(regex.sub(r"[\s?？。.!！]+$", "", text))


def expecting(asked: Phrase, phrase: Phrase, place: Place) -> Phrase:
    """What is asked, where the answer is of the types that a name of a phrase has."""
    return Phrase(asked.text, asked.links, frozenset(one.entity.type for one in phrase.at(place)))
