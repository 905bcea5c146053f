"""Which sentences of passages are shown where there is no room for all: of each, those around the one nearest to the
question.

Nearness is by words: of those that the question and a sentence share, each counts the more, the fewer sentences have
it. Each passage has one window, so that what is shown of it stands as in its source.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from fusion.extract import sentences, stems


@dataclass(frozen=True, slots=True)
class Window:
    """Sentences of a text, from ``first`` to ``last``; ``worth`` is how near each of all sentences is to a question."""

    spans: tuple[tuple[int, int], ...]
    worth: tuple[float, ...]
    first: int
    last: int

    @property
    def span(self) -> tuple[int, int]:
        """Where in the text they begin and end."""
        return self.spans[self.first][0], self.spans[self.last][1]

    @property
    def whole(self) -> bool:
        """Whether these are all sentences of the text."""
        return self.last - self.first + 1 == len(self.spans)

    def wider(self) -> Iterator["Window"]:
        """The same and one sentence more: the nearer one first, the one behind where they are as near."""
        found = []
        if self.last + 1 < len(self.spans):
            found.append((-self.worth[self.last + 1], replace(self, last=self.last + 1)))
        if self.first:
            found.append((-self.worth[self.first - 1], replace(self, first=self.first - 1)))
        for _, one in sorted(found, key=lambda one: one[0]):
            yield one


def windows(question: str, texts: Sequence[str]) -> list[Window | None]:
    """The sentence of each text that is nearest to the question, the first one of such; None where a text has none."""
    spans = [sentences(text) for text in texts]
    told = [[stems(text[start:end]) for start, end in of] for text, of in zip(texts, spans, strict=True)]
    wanted = stems(question)
    held = Counter(word for of in told for words in of for word in words & wanted)
    count = sum(map(len, told))
    weight = {word: math.log(1 + count / held[word]) for word in held}
    found: list[Window | None] = []
    for of, words in zip(spans, told, strict=True):
        worth = tuple(sum(weight[word] for word in sorted(one & wanted)) for one in words)
        best = max(range(len(of)), key=worth.__getitem__, default=-1)
        found.append(Window(tuple(of), worth, best, best) if of else None)
    return found
