"""Which stored texts contain a string to the letter: a full-text query that can miss none, then the letters.

The query asks only for words that must be whole words of any text that contains the string, whatever stands before
and after it there: words of plain letters between two spaces, and pairs of Chinese characters. The last word may go
on in the text, so it is asked for by its beginning. Words that the index leaves out are not asked for. Where a
string gives no such word, every text has to be read.
"""

import re
from collections.abc import Collection, Iterable, Iterator

import regex

from kg.facts import DocumentId
from kg.words import STOP_WORDS

_WORD = re.compile(r"(?<= )[A-Za-z]{1,100}(?= )")
_LAST = re.compile(r"(?<= )[A-Za-z]{3,100}$")
_HAN = regex.compile(r"[\u4e00-\u9fff]{2,}")


def query(string: str) -> str | None:
    """A Lucene query that every text containing the string fulfils, or None if there is none."""
    words = [word.lower() for word in _WORD.findall(string)]
    clauses = [f"+{word}" for word in words if word not in STOP_WORDS]
    clauses += [f"+{run[i : i + 2]}" for run in _HAN.findall(string) for i in range(len(run) - 1)]
    last = _LAST.search(string)
    if last and not any(word.startswith(last.group().lower()) for word in STOP_WORDS):
        clauses.append(f"+{last.group().lower()}*")
    return " ".join(dict.fromkeys(clauses[:64])) or None


def scan(texts: Iterable[tuple[DocumentId, str]], strings: Collection[str]) -> set[DocumentId]:
    """The documents whose texts contain one of the strings: one pass, however many strings there are."""
    found: set[DocumentId] = set()
    contains = _matcher(strings)
    for document, text in texts:
        if document not in found and contains(text):
            found.add(document)
    return found


class _matcher:
    def __init__(self, strings: Collection[str]) -> None:
        import ahocorasick

        self._any = "" in strings
        self._finder = ahocorasick.Automaton()
        for string in strings:
            if string:
                self._finder.add_word(string, 1)
        if len(self._finder):
            self._finder.make_automaton()

    def __call__(self, text: str) -> bool:
        if self._any or not len(self._finder):
            return self._any
        iterator: Iterator[object] = self._finder.iter(text)
        return next(iterator, None) is not None
