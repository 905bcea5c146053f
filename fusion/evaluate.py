"""Answers against gold answers, by exact match after normalisation.

Case, accents, punctuation, English articles and the way of writing a date do not count: "June 23, 1880" is
"23 June 1880". Every other difference does: "Montreal" is not "Montreal, Quebec". An abstention is never right.
"""

from collections.abc import Collection
from dataclasses import dataclass

import regex

from fusion.answer import Answer
from kg.facts import name_key
from nlp.dates import find_dates

_ARTICLES = regex.compile(r"\b(?:a|an|the)\b")


@dataclass(frozen=True, slots=True)
class Question:
    """A question, every way of writing its answer, and the titles of the passages that hold it."""

    text: str
    gold: tuple[str, ...]
    supporting: tuple[str, ...] = ()


def normalise(text: str) -> str:
    """The form under which answers are compared; a text of nothing but articles keeps them."""
    stripped = text.strip()
    dates = list(find_dates(stripped))
    if len(dates) == 1 and dates[0][:2] == (0, len(stripped)):
        stripped = dates[0][2]
    key = name_key(stripped)
    return " ".join(_ARTICLES.sub(" ", key).split()) or key


def is_right(answer: Answer, gold: Collection[str]) -> bool:
    """Whether the answer's text, or the name or an alias of one of its entities, is one of the gold answers."""
    if answer.abstained:
        return False
    given = {answer.text}.union(*((entity.name, *entity.aliases) for entity in answer.entities))
    return not {normalise(name) for name in given if name.strip()}.isdisjoint(normalise(name) for name in gold)
