"""The sides of a comparison: what a question names, what of it is compared, and the answer that they give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import regex

from fusion.operators.attributes import Attributes
from fusion.operators.senses import CHINESE_EVENT, EVENT
from fusion.paths import Facts
from fusion.question import Link, is_chinese, stem
from fusion.reader import Asked, Reading
from kg.facts import Fact
from kg.ontology import Ontology

COMBINED = 1000  # combinations of what the names may mean that are looked at

COUNTRIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"nationalit|citizen|国籍", ("nationality",)),
    (r"countr|国家", ("nationality", "country_of_origin", "located_in")),
)


@dataclass(frozen=True, slots=True)
class Sides:
    """A question that may hold things against each other, and what it is read with."""

    question: Asked
    facts: Facts
    ontology: Ontology
    attributes: Attributes

    @property
    def words(self) -> str:
        """The text without its names."""
        return "".join(" " if self._named(i) else c for i, c in enumerate(self.question.text))

    def _named(self, place: int) -> bool:
        return any(start <= place < end for start, end in self.question.candidates)


def says_what(word: str, hinted: set[str]) -> bool:
    """Whether a word of a question says what is compared, rather than leads there."""
    return (
        regex.search(rf"{EVENT}|{CHINESE_EVENT}", word, regex.IGNORECASE) is not None
        or any(regex.search(pattern, word, regex.IGNORECASE) for pattern, _ in COUNTRIES)
        or not hinted.isdisjoint(stem(part) for part in word.split())
        or any(hint in word for hint in hinted if is_chinese(hint))
    )


def meant(answers: Mapping[tuple[Link, ...], object], chosen: tuple[Link, ...]) -> tuple[Link, ...]:
    """What the first name on which the answer depends may mean, beginning with what it was read as; else nothing.

    ``answers`` are those of each combination of what the names may mean.
    """
    for at, read_as in enumerate(chosen):
        others: dict[tuple[Link, ...], set[object]] = {}
        for links, answer in answers.items():
            others.setdefault((*links[:at], *links[at + 1 :]), set()).add(answer)
        if any(len(each) > 1 for each in others.values()):
            return tuple(dict.fromkeys((read_as, *(links[at] for links in answers))))
    return ()


def reading(
    winner: Link | None,
    paths: Sequence[tuple[Fact, ...]],
    links: Sequence[Link],
    *,
    text: str = "",
    meant: tuple[Link, ...] = (),
) -> Reading:
    """The answer that the facts of all sides give together: one of the things named, or a text."""
    sure = 1.0
    for fact in (fact for path in paths for fact in path):
        sure = min(sure, max((evidence.confidence for evidence in fact.evidence), default=0.5))
    linked = min(link.score for link in links)
    entities = () if winner is None else (winner.entity,)
    said = text if winner is None else winner.entity.name
    return Reading(said, entities, tuple(paths), 0.9 * sure * linked, joint=True, meant=meant)


def yes_no(words: str, yes: bool) -> str:
    """Yes or no, in the language of a question's words, which are without its names."""
    return ("是" if yes else "否") if is_chinese(words) else ("yes" if yes else "no")
