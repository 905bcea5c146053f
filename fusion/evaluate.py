"""Answers against gold answers: by any of their names, by the published measures of texts, and abstentions.

For `is_right`, case, accents, punctuation, English articles and the way of writing a date do not count: "June 23, 1880"
is "23 June 1880". Every other difference does: "Montreal" is not "Montreal, Quebec". An abstention is never right.

`exact_match` and `token_f1` are those of SQuAD (Rajpurkar et al. 2016, https://arxiv.org/abs/1606.05250), as HotpotQA
has them; Chinese is compared by characters, as in CMRC (Cui et al. 2019, https://arxiv.org/abs/1810.07366). `rouge_l`
is the F-measure of ROUGE-L (Lin 2004, https://aclanthology.org/W04-1013); its words are those of the package
rouge-score without stemming.
"""

import string
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import regex
from rapidfuzz.distance import LCSseq

from fusion.answer import Answer
from kg.facts import name_key
from nlp.dates import find_dates

_ARTICLES = regex.compile(r"\b(?:a|an|the)\b")
_MARKS = str.maketrans("", "", string.punctuation + "。，、；：？！“”‘’（）《》【】「」…—·")
_WORD = regex.compile(r"\p{Han}|[^\s\p{Han}]+")
_PLAIN_WORD = regex.compile(r"\p{Han}|[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Question:
    """A question, every way of writing its answer, the titles of the passages that hold it, and what it is about."""

    text: str
    gold: tuple[str, ...]
    supporting: tuple[str, ...] = ()
    topic: str = ""


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


def exact_match(found: str, gold: str) -> bool:
    """Whether two texts are the same but for case, punctuation, English articles and spaces."""
    return words(found) == words(gold)


def token_f1(found: str, gold: str) -> float:
    """The F1 of the words; a yes or no must be exact."""
    here, there = words(found), words(gold)
    if here != there and any(one in (["yes"], ["no"], ["noanswer"]) for one in (here, there)):
        return 0.0
    return _f1(sum((Counter(here) & Counter(there)).values()), len(here), len(there))


def rouge_l(found: str, gold: str) -> float:
    """The F1 of the longest sequence of words that both have in this order, whatever stands between them."""
    here, there = (_PLAIN_WORD.findall(text.lower()) for text in (found, gold))
    return _f1(LCSseq.similarity(here, there), len(here), len(there))


def words(text: str) -> list[str]:
    """The words by which texts are compared; of Chinese, each character."""
    bare = _ARTICLES.sub(" ", text.lower().translate(_MARKS))
    return _WORD.findall(bare)


def recall(found: Collection[str], gold: Collection[str]) -> float:
    """The share of what is needed that was found; all of it where nothing is."""
    return len({*gold} & {*found}) / len({*gold}) if gold else 1.0


@dataclass(frozen=True, slots=True)
class Abstention:
    """How well abstaining told questions without an answer from those with one."""

    precision: float  # of what was abstained from, the share that has no answer
    recall: float  # of what has no answer, the share that was abstained from
    f1: float

    @classmethod
    def of(cls, asked: Iterable[tuple[bool, bool]]) -> "Abstention":
        """From (abstained, has no answer) of every question."""
        pairs = Counter(asked)
        both, abstained, without = pairs[True, True], pairs[True, False], pairs[False, True]
        precision = both / (both + abstained) if both + abstained else 0.0
        return cls(
            precision,
            both / (both + without) if both + without else 0.0,
            _f1(both, both + abstained, both + without),
        )


def _f1(both: int, here: int, there: int) -> float:
    return 2 * both / (here + there) if both else 0.0
