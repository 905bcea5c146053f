"""The words of a text for full-text search, cut as Lucene's CJK analyser cuts them, and their BM25 score.

Chinese, Japanese and Korean runs become overlapping pairs of characters; everything else becomes lower-case words.
"""

import math
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import regex

from kg.facts import digest, name_key

K1, B = 1.2, 0.75  # Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009)

# What the analyser drops from running text. Names keep them: there is a band called "The The".
_STOP_WORDS = """
a and are as at be but by for if in into is it no not of on or s such t that the their then there these they this to
was will with www
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())

_CJK = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}"
_RUN = regex.compile(rf"(?P<pairs>[{_CJK}]+)|[^\W{_CJK}](?:[\w--[{_CJK}]]|['’.](?=[^\W{_CJK}]))*", regex.V1)


def words(text: str) -> list[str]:
    """Every word and pair of characters, in the order of the text, stop words included."""
    found: list[str] = []
    for match in _RUN.finditer(unicodedata.normalize("NFKC", text).lower()):
        run = match.group()
        if match["pairs"] and len(run) > 1:
            found.extend(run[i : i + 2] for i in range(len(run) - 1))
        else:
            found.append(run)
    return found


def content_words(text: str) -> list[str]:
    """The words of running text, stop words left out."""
    return [word for word in words(text) if word not in STOP_WORDS]


def name_words(name: str) -> list[str]:
    """The words of a name, compared without case, accents or punctuation; none is left out."""
    key = name_key(name)
    if key.isascii() and key.replace(" ", "").isalnum():
        return key.split(" ")  # what the next line comes to, at a fraction of its cost
    return words(key)


Id = TypeVar("Id", bound=Hashable)


class Bm25(Generic[Id]):
    """An inverted index with Lucene's score: the sum of idf · tf / (tf + k1 · (1 - b + b · length / mean length))."""

    def __init__(self) -> None:
        self._postings: dict[str, dict[Id, int]] = {}
        self._lengths: dict[Id, int] = {}
        self._words: dict[Id, Mapping[str, int]] = {}
        self._total = 0

    def put(self, id: Id, text: Sequence[str]) -> None:
        """Index a text under an id, in place of what was there."""
        self.remove(id)
        counts = Counter(text)
        if not counts:
            return
        self._words[id] = counts
        self._lengths[id] = len(text)
        self._total += len(text)
        for word, count in counts.items():
            self._postings.setdefault(word, {})[id] = count

    def remove(self, id: Id) -> None:
        """Forget a text; one that is not there is ignored."""
        for word in self._words.pop(id, ()):
            postings = self._postings[word]
            del postings[id]
            if not postings:
                del self._postings[word]
        self._total -= self._lengths.pop(id, 0)

    def scores(self, query: Iterable[str]) -> dict[Id, float]:
        """The score of every text that shares a word with the query."""
        scores: dict[Id, float] = {}
        for word, repeats in Counter(query).items():
            postings = self._postings.get(word, {})
            idf = math.log(1 + (len(self._lengths) - len(postings) + 0.5) / (len(postings) + 0.5))
            for id, count in postings.items():
                length = self._lengths[id] * len(self._lengths) / self._total
                score = repeats * idf * count / (count + K1 * (1 - B + B * length))
                scores[id] = scores.get(id, 0.0) + score
        return scores


MOST_QUERY_WORDS = 256  # a longer question is searched by its first so many different words


def query_words(found: Iterable[str]) -> list[str]:
    """The different words of a query, in order."""
    return list(dict.fromkeys(found))[:MOST_QUERY_WORDS]


def alias_word(key: str) -> str:
    """A single word that stands for the whole key of an alias, so that a word index answers for whole names."""
    plain = len(key) <= 200 and all(c.isalnum() or c == " " for c in key)
    return key.replace(" ", "_") + "_" if plain else "_" + digest(key)


def entity_words(name: str, aliases: Iterable[str]) -> list[str]:
    """What the search of entities looks at: the words of every name, and each alias as one word."""
    found = name_words(name)
    for alias in aliases:
        found += name_words(alias)
        found.append(alias_word(name_key(alias)))
    return found
