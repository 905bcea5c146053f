"""Which walks explain an answer: labels for training, from questions and answers alone.

Of all walks from the topic, those whose ends agree best with the answers (F1). A question of n hops has few of them,
and the wrong ones differ from question to question, while the right one stays. Where many agree as well, the words of
the question tell them apart as far as it uses those of the relations.
"""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
import regex

from fusion.planner.model import TOPIC
from fusion.question import stem
from kg.mirror import Front, Mirror, Places

WIDEST = 20_000  # pairs that a walk may stand on: one that reaches half the graph explains nothing
Chain = tuple[int, ...]  # rows of relations
NEARLY_ALL = 0.98  # of the questions that can be explained
FADING = 0.5  # of a relation's words the last counts most, the one before it so much less
LONGER, BACKWARDS = 0.05, 0.1  # what a relation of a chain must say to be worth its step, and its being read backwards

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")


def explain(
    mirror: Mirror, topics: Collection[int], answers: Collection[int], *, hops: int
) -> tuple[list[Chain], float]:
    """The chains with the best F1, all of them where several are as good, and that F1; none where no chain helps."""
    gold = np.unique(np.fromiter(answers, dtype=np.int64))
    best: list[Chain] = []
    most = 0.0
    fronts: list[tuple[Chain, Front]] = [((), mirror.start(list(topics)))]
    for hop in range(1, hops + 1):
        grown: list[tuple[Chain, Front]] = []
        for chain, front in fronts:
            rows = mirror.rows_from(front) if hop < hops else mirror.rows_towards(front, gold)
            for row in rows.tolist():
                step = mirror.step(front, row)
                found = f1(step.reached, gold)
                if found > most + 1e-9:
                    best, most = [], found
                if found and found > most - 1e-9:
                    best.append((*chain, row))
                if len(step.here) <= WIDEST:
                    grown.append(((*chain, row), step))
        fronts = grown
    return best, most


def of_usual_length(explained: Sequence[list[Chain]]) -> list[list[Chain]]:
    """The chains of each question, but those of another length where one length explains nearly all questions.

    The one that explains most of them, of equals the shortest. Where entities of one name are one, chains of another
    length come to the same answer by chance. A question that has none of that length keeps its own.
    """
    lengths = [{len(chain) for chain in chains} for chains in explained if chains]
    spread = Counter(length for of_question in lengths for length in of_question)
    usual = min(spread, key=lambda length: (-spread[length], length), default=0)
    if spread[usual] < NEARLY_ALL * len(lengths):
        return list(explained)
    return [[chain for chain in chains if len(chain) == usual] or chains for chains in explained]


def f1(found: Places, gold: Places) -> float:
    """How well what was found agrees with what is right. Shapes: (k,), (g,), each of distinct places."""
    both = len(np.intersect1d(found, gold, assume_unique=True))
    return 2 * both / (len(found) + len(gold)) if both else 0.0


def stems(text: str) -> Counter[str]:
    """The words of a question but its topic, without their endings."""
    return Counter(map(stem, _WORD.findall(text.replace(TOPIC, " "))))


def said(words: Counter[str], chain: Chain, relations: Sequence[Sequence[str]]) -> float:
    """How much of a chain a question says: up to one for each relation. A word that is said once is used up by one.

    ``relations`` has the stems of each relation's name.
    """
    left, found = words.copy(), 0.0
    for row in chain:
        name = relations[row % len(relations)]
        heard = whole = 0.0
        for at, word in enumerate(reversed(name)):
            whole += FADING**at
            if left[word]:
                left[word] -= 1
                heard += FADING**at
        found += heard / whole - LONGER - (BACKWARDS if row >= len(relations) else 0.0)
    return found
