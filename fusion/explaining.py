"""How and why → the sentences of the passages that come nearest to the question, as they stand in their sources.

No name and no few words answer such a question, and no chain of facts does. Nearness is the likeness of the sentence
vectors and the share of the question's words that a sentence has, each counting the more, the fewer sentences have it.
A question in Chinese goes by words alone, without those that ask: the vectors are of an English model.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import regex

from fusion.extract import LONGEST, sentences, stems
from fusion.question import is_chinese
from fusion.trace import Passage
from nlp.embed import Embedder

MOST = 2  # sentences of an answer
ENOUGH, ENOUGH_WORDS = 0.7, 0.4  # nearness of a sentence that is quoted, and where there are words alone

_AMOUNT = r"many|much|old|long|tall|far|often|high|big|large|deep|fast|wide|heavy|late|early"
_MATTER = (
    "role|effect|impact|influence|relation|relationship|difference|purpose|function|significance|importance|reason|"
    "mechanism|rationale|implication|consequence|connection|link|distinction"
)
_ASKING = regex.compile(
    rf"""^\W*(?:how(?!\s+(?:{_AMOUNT})\b)|why|explain|describe|in\s+what\s+(?:way|sense)s?|to\s+what\s+extent)\b
    | \bwhat\s+(?:is|are|was|were)\s+the\s+(?:\w+\s+)?(?:{_MATTER})s?\b
    | \bwhat\s+(?:\w+\s+)?(?:{_MATTER}|consideration|happen)s?\b
    | 为什么|为何|为啥|怎么|怎样|如何|解释|说明|描述
    | (?:作用|区别|影响|原理|意义|原因|目的|关系)(?:是|有|在于)?(?:什么|哪些|何在|如何)
    | 什么(?:作用|区别|影响|意义|不同|关系)""",
    regex.VERBOSE | regex.IGNORECASE,
)
_END = regex.compile(r"""[.!?。！？；]["'”’)）」』\]]*$""")


@dataclass(frozen=True, slots=True)
class Quoted:
    """A sentence, ``passage.chunk.text[start:end]``, and how near it is to the question."""

    passage: Passage
    start: int
    end: int
    near: float


def asks_to_explain(question: str) -> bool:
    """Whether a question asks how or why, in English or Chinese."""
    return _ASKING.search(question) is not None


def nearest(question: str, passages: Sequence[Passage], embedder: Embedder) -> list[Quoted]:
    """The sentences that come nearest to a question, in the order of the passages; none where none is near enough.

    Raises:
        WeightsError: the embedder's weights are missing or damaged.
    """
    places = [(one, *span) for one in passages for span in sentences(one.chunk.text) if _whole(one.chunk.text, *span)]
    chinese = is_chinese(question)
    wanted = stems(_ASKING.sub(" ", question) if chinese else question)
    if not places or not wanted:
        return []
    texts = [one.chunk.text[start:end] for one, start, end in places]
    near, enough = _shares(wanted, [stems(text) for text in texts]), ENOUGH_WORDS
    if not chinese:
        vectors = embedder.encode([question, *texts])  # (1 + sentences, d)
        near, enough = near + vectors[1:] @ vectors[0], ENOUGH
    best = [at for at in np.argsort(-near, kind="stable")[:MOST] if near[at] >= enough]
    return [Quoted(one, start, end, float(near[at])) for at in sorted(best) for one, start, end in [places[at]]]


def _whole(text: str, start: int, end: int) -> bool:
    """Whether it is a sentence, and no heading, and short enough to be quoted."""
    return end - start <= LONGEST and _END.search(text, start, end) is not None


def _shares(wanted: frozenset[str], told: Sequence[frozenset[str]]) -> np.ndarray:
    """Of the question's words, the share that each sentence has. Shapes: -> (sentences,)"""
    held = Counter(word for words in told for word in words & wanted)
    weights = {word: math.log(1 + len(told) / max(held[word], 1)) for word in wanted}
    return np.array([sum(weights[word] for word in sorted(words & wanted)) for words in told]) / sum(weights.values())
