"""Names that a question misspells, shortens or turns round: "Inceptoin", "Matrix", "Nolan, Christopher".

What is compared are keys without articles, by the edits between them (a letter more, less, other, or two turned round:
optimal string alignment). Numbers must be the same: "Toy Story 2" is no misspelt "Toy Story 3". Words that stand under
an exact name are compared, too, where a greater part of the longer name is free: "the dark knigth rises" names no
film "Rises".
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import regex
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from kg.facts import Entity, EntityId, name_key

WIDEST = 10  # words (Chinese: characters) that are compared with a name at once
MOST = 4  # candidates for one place
NEAR = 0.07  # behind the best of its place, a candidate may be so far

MANY = 3  # edits: no two names that are further apart are one
ARTICLE, TURNED, FUZZY, PART = 0.8, 0.75, 0.7, 0.55  # how far each kind of match is believed
CASE = 0.01  # less for a name that is written with a capital where the question has none, or without

Found = tuple[int, int, Entity, float]  # start, end, entity, score

_ARTICLES = frozenset(("the", "a", "an"))
_HAN = regex.compile(r"\p{Han}")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a question (of Chinese, a character), and its key."""

    start: int
    end: int
    key: str


@dataclass(frozen=True, slots=True)
class _Window:
    start: int
    end: int
    bare: str  # the key, without articles
    named: tuple[tuple[int, int], ...] = ()  # where, in ``bare``, the characters of exact names stand; of Chinese only


@dataclass(frozen=True, slots=True)
class _Name:
    entity: Entity
    bare: str


def similar(
    text: str,
    words: Sequence[Word],
    loose: Sequence[bool],
    taken: Collection[tuple[int, int]],
    search: Callable[[str], Sequence[Entity]],
) -> list[Found]:
    """Which entities the text names, in other letters than theirs.

    ``loose`` tells the words that may belong to a name and that no exact name has ``taken``; ``search`` finds entities
    whose names are like a part of a text, the best of them.

    Raises:
        StoreError: the search failed.
    """
    windows = list(_windows(text, words, loose, taken))
    names = _names(search(text)) if windows else []
    if not names:
        return []
    found = _misspelt(text, names, windows) or ([] if taken else _parts(names, windows, search))
    best: dict[tuple[int, int, str], Found] = {}
    for one in found:
        key = one[0], one[1], one[2].id
        if key not in best or best[key][3] < one[3]:
            best[key] = one
    return list(_settled(list(best.values())))


def _names(entities: Sequence[Entity]) -> list[_Name]:
    spelt = {(entity, _bare(name)) for entity in entities for name in (entity.name, *entity.aliases)}
    return [_Name(entity, bare) for entity, bare in sorted(spelt, key=lambda one: (one[0].id, one[1]))]


def _misspelt(text: str, names: Sequence[_Name], windows: Sequence[_Window]) -> list[Found]:
    edits = cdist(
        [n.bare for n in names], [w.bare for w in windows], scorer=OSA.distance, score_cutoff=MANY, dtype=np.uint8
    )
    found = []
    for at, to in np.argwhere(edits <= MANY).tolist():
        name, window, count = names[at], windows[to], int(edits[at, to])
        if _HAN.search(window.bare) and not _HAN.search(name.bare):
            continue  # the word before the name, in a text without spaces: 于Rome
        if _HAN.search(name.bare) and (len(name.bare) != len(window.bare) or _by_a_name_alone(name, window)):
            continue  # a character more or less makes another name
        if count <= _allowed(name.bare) and _numbers(name.bare) == _numbers(window.bare):
            score = FUZZY * (1 - count / max(len(name.bare), len(window.bare))) if count else ARTICLE
            cased = _upper(text[window.start :]) == _upper(name.entity.name)
            found.append((window.start, window.end, name.entity, score - (0.0 if cased else CASE)))
    turned = defaultdict(list)
    for window in windows:
        turned[" ".join(sorted(window.bare.split()))].append(window)
    for name in names:
        for window in turned.get(" ".join(sorted(name.bare.split())), ()):
            if window.bare != name.bare:
                found.append((window.start, window.end, name.entity, TURNED))
    return found


def _by_a_name_alone(name: _Name, window: _Window) -> bool:
    """Whether nothing but an exact name within it makes a text like this name.

    Chinese has no spaces: the character that follows the name 糖尿病 in 糖尿病应 does not make it 糖尿病足.
    """
    if not window.named:
        return False
    free = [at for at in range(len(window.bare)) if not any(s <= at < e for s, e in window.named)]
    return all(name.bare[at] != window.bare[at] for at in free)


def _parts(
    names: Sequence[_Name], windows: Sequence[_Window], search: Callable[[str], Sequence[Entity]]
) -> list[Found]:
    """Names of which the text has some words alone, where few have those: the family name of a person.

    How many have them is told by a search for these words by themselves.
    """
    found = []
    for window in windows:
        said = set(window.bare.split())
        if max(map(len, said)) < 4 or _HAN.search(window.bare):
            continue
        if not _having(names, window):
            continue
        fitting = _having(_names(search(window.bare)), window)
        if 0 < len(fitting) <= MOST:
            found += [(window.start, window.end, entity, PART / len(fitting) ** 0.5) for entity in fitting.values()]
    return found


def _having(names: Sequence[_Name], window: _Window) -> dict[EntityId, Entity]:
    """The entities with a name that has all words of the window, and others."""
    said, numbers = set(window.bare.split()), _numbers(window.bare)
    fitting = (one for one in names if said < set(one.bare.split()) and _numbers(one.bare) == numbers)
    return {one.entity.id: one.entity for one in fitting}


def _settled(found: list[Found]) -> Iterator[Found]:
    """What accounts for most of the text, and the other candidates for its place that are nearly as good."""
    used: list[tuple[int, int, float, int]] = []
    for start, end, entity, score in sorted(found, key=lambda f: (f[3] * (f[0] - f[1]), f[0], -f[3], f[2].id)):
        meeting = [place for place, (s, e, _, _) in enumerate(used) if start < e and s < end]
        if not meeting:
            used.append((start, end, score, 1))
            yield start, end, entity, score
            continue
        s, e, best, count = used[meeting[0]]
        if len(meeting) == 1 and (s, e) == (start, end) and score >= best - NEAR and count < MOST:
            used[meeting[0]] = s, e, best, count + 1
            yield start, end, entity, score


def _windows(
    text: str, words: Sequence[Word], loose: Sequence[bool], taken: Collection[tuple[int, int]]
) -> Iterator[_Window]:
    """Runs of words of which one is loose.

    Of what exact names have taken, a run may have a single word, if the loose ones are written like it ("Claudine
    oLnget"), or else a smaller part. A lower-case word by itself is a name only where nothing else is.
    """
    for first, begin in enumerate(words):
        bare, before = "", begin.start
        for last in range(first, min(len(words), first + WIDEST)):
            word = words[last]
            if word.key not in _ARTICLES:
                bare += word.key if word.start == before or not bare else f" {word.key}"
            start, end, before = begin.start, word.end, word.end
            free = [words[at] for at in range(first, last + 1) if loose[at]]
            if not free or begin.key in _ARTICLES or word.key in _ARTICLES or len(bare) < 3:
                continue
            inside = [(s, e) for s, e in taken if s < end and start < e]
            if any(s < start or e > end for s, e in inside):
                continue
            if any(_HAN.match(words[at].key) and not loose[at] and not inside for at in (first, last)):
                continue  # an asking word of Chinese
            if taken and first == last and not _upper(text[start:]) and not _HAN.search(bare):
                continue
            if inside and 2 * sum(e - s for s, e in inside) >= end - start:
                single = len(inside) == 1 and " " not in text[slice(*inside[0])]
                if not single or any(_upper(text[w.start :]) != _upper(text[inside[0][0] :]) for w in free):
                    continue
            named = tuple((s - start, e - start) for s, e in inside) if len(bare) == end - start else ()
            yield _Window(start, end, bare, named)


def _upper(text: str) -> bool:
    """Whether a text begins with a capital, though two letters may be turned round."""
    return any(letter.isupper() for letter in text[:2])


def _bare(name: str) -> str:
    words = name_key(name).split()
    return " ".join([word for word in words if word not in _ARTICLES] or words)


def _numbers(key: str) -> list[str]:
    return sorted(word for word in key.split() if any(c.isdigit() for c in word))


def _allowed(key: str) -> int:
    """How many edits may part a name from a misspelling of it."""
    length = len(key)
    if _HAN.search(key):
        return 0 if length < 4 else 1 if length < 8 else 2
    return 0 if length < 4 else 1 if length < 8 else 2 if length < 16 else 3
