"""What a question names: the entities of the graph that its words refer to.

Names are looked up by every run of words in one call, so casing and punctuation do not matter; what no run names
exactly is sought by how it is spelt (spelling.py). The longest name wins; entities that share it stay side by side as
candidates.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import regex

from fusion import spelling
from kg.facts import Entity, EntityId, name_key
from kg.ontology import Ontology
from kg.store import EntityHit
from kg.words import STOP_WORDS

LONGEST = 14  # words (Chinese: characters) that a name in a question may have
LINKED_TEXT = 1000  # characters of a text in which names are sought
SIMILAR = 24  # entities whose names are compared with the question's words when no name fits exactly

EXACT, CASED, KEY, ALIAS = 1.0, 0.98, 0.95, 0.85  # how far each kind of match is believed; others in spelling.py

_TOKEN = regex.compile(r"\p{Han}|[[\p{L}\p{M}\p{N}]--\p{Han}]+", regex.V1)
_HAN = regex.compile(r"\p{Han}")
_ASKING_WORDS = """
    who whom whose what which when where why how do does did is are was were both same share shares between than more
    most less least earlier later first last older younger other come came comes name tell me list give all any have
    had has been about many much born die died dies released year years
"""

_ASKING_ZH = regex.compile(
    r"什么|哪些|哪个|哪里|哪儿|哪位|哪一|多少|怎么|如何|为什么|是谁|谁|吗|呢|的|是|有|和|与|在|了|请问|哪|几|何时|何处|几时"
)


_IRREGULAR = {
    "wrote": "writ", "written": "writ", "sung": "sing", "sang": "sing", "death": "di", "die": "di", "died": "di",
    "dies": "di", "birth": "born", "won": "win", "led": "lead", "children": "child", "wives": "wife", "made": "make",
}  # fmt: skip
_SUFFIX = regex.compile(r"(?:ings?|ers?|ors?|ress(?:es)?|ed|es|s|e)$")


class Names(Protocol):
    """What knows the names of a graph: its store, or an index of them in memory."""

    def entities(self, ids: Collection[EntityId]) -> list[Entity]:
        """These entities, by id; those that the graph does not hold are passed over."""
        ...

    def find_entities(self, keys: Collection[str]) -> list[Entity]:
        """The entities whose name, or one of whose aliases, has one of these keys, by id."""
        ...

    def search_entities(self, text: str, *, limit: int = 10) -> list[EntityHit]:
        """Entities whose names are like a part of the text, best first."""
        ...


@dataclass(frozen=True, slots=True)
class Link:
    """``text[start:end]`` of the question names the entity; the score says how surely (0 to 1)."""

    start: int
    end: int
    entity: Entity
    score: float


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    key: str


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """A word without the endings that English adds to it; coarse, for comparing words with words alone."""
    word = word.casefold()
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    bare = _SUFFIX.sub("", word)
    if len(bare) < 3:
        bare = word
    if len(bare) > 3 and bare[-1] == bare[-2] and bare[-1] not in "sl":
        bare = bare[:-1]
    return bare[:-1] + "i" if bare.endswith("y") and len(bare) > 3 else bare


def is_chinese(text: str) -> bool:
    """Whether a question is asked in Chinese."""
    return _HAN.search(text) is not None


def link(names: Names, ontology: Ontology, text: str) -> tuple[Link, ...]:
    """The entities that a text names, by place; candidates for one place have the same start and end.

    Raises:
        StoreError: the store failed.
    """
    text = text[:LINKED_TEXT]
    plain = plain_words(ontology)
    words = _words(text)
    spans = list(_spans(text, words, plain))
    by_key: defaultdict[str, list[Entity]] = defaultdict(list)
    for entity in names.find_entities({span.key for span in spans}):
        for key in {name_key(name) for name in (entity.name, *entity.aliases)}:
            by_key[key].append(entity)
    links: list[Link] = []
    taken: list[tuple[int, int]] = []
    for span in sorted(spans, key=lambda s: (s.start - s.end, s.start)):
        if span.key in by_key and _free(span.start, span.end, taken):
            taken.append((span.start, span.end))
            links += (_exact(span, text, entity) for entity in by_key[span.key])
    asking = {place for match in _ASKING_ZH.finditer(text) for place in range(*match.span())}
    loose = [
        _free(word.start, word.end, taken)
        and (word.start not in asking if is_chinese(word.key) else stem(word.key) not in plain)
        for word in words
    ]
    if any(loose):

        def search(part: str) -> list[Entity]:
            return [hit.entity for hit in names.search_entities(_ASKING_ZH.sub(" ", part), limit=SIMILAR)]

        near = [Link(*found) for found in spelling.similar(text, words, loose, taken, search)]
        links = [one for one in links if all(_apart(one, other) for other in near)] + near
    return tuple(sorted(links, key=lambda found: (found.start, found.end, -found.score, found.entity.id)))


def _apart(one: Link, other: Link) -> bool:
    return one.end <= other.start or other.end <= one.start


def coverage(ontology: Ontology, text: str, links: Iterable[Link]) -> float:
    """The share of the words that say what a text is about (neither asking nor relating) that name an entity."""
    plain = plain_words(ontology)
    places = {(found.start, found.end) for found in links}
    words = [match.span() for match in _TOKEN.finditer(text) if stem(name_key(match[0])) not in plain]
    inside = [span for span in words if any(start <= span[0] < end for start, end in places)]
    return len(inside) / len(words) if words else 0.0


PLAIN = frozenset(stem(word) for word in (*STOP_WORDS, *_ASKING_WORDS.split()))


_plain: dict[int, tuple[Ontology, frozenset[str]]] = {}  # by identity: an ontology cannot be hashed


def plain_words(ontology: Ontology) -> frozenset[str]:
    """Words that ask or relate, and so do not make a name by themselves: "film", "director", "who"."""
    known = _plain.get(id(ontology))
    if known is None:
        if len(_plain) >= 4:
            _plain.clear()
        english = [relation.words.get("en", ()) for relation in ontology.relations.values()]
        english += [words.get("en", ()) for words in ontology.type_words.values()]
        stems = (stem(part) for group in english for word in group for part in name_key(word).split())
        known = _plain[id(ontology)] = ontology, frozenset(stems) | PLAIN
    return known[1]


def _words(text: str) -> list[spelling.Word]:
    return [spelling.Word(*match.span(), name_key(match[0])) for match in _TOKEN.finditer(text)]


def _spans(text: str, words: Sequence[spelling.Word], plain: frozenset[str]) -> Iterator[_Span]:
    """The runs of words that may be names; the key of a run is that of its words, which nothing but separators part."""
    chinese = [is_chinese(word.key) for word in words]
    common = [all(stem(part) in plain for part in word.key.split()) for word in words]
    for first, begin in enumerate(words):
        key, before = "", begin.start
        for last in range(first, min(len(words), first + LONGEST)):
            word = words[last]
            key += word.key if word.start == before else f" {word.key}"
            before = word.end
            run = slice(first, last + 1)
            surface = text[begin.start : word.end]
            if any(chinese[run]):
                named = len(key) > 1 and _ASKING_ZH.fullmatch(surface) is None
            elif all(common[run]):
                named = (begin.start > 0 or is_chinese(text)) and _capitals(surface)
            else:
                named = not (len(key) == 1 and key.isalpha())
            if named:
                yield _Span(begin.start, word.end, key)


def _capitals(surface: str) -> bool:
    return all(word[:1].isupper() for word in surface.split() if word.casefold() not in STOP_WORDS)


def _free(start: int, end: int, taken: Iterable[tuple[int, int]]) -> bool:
    return all(end <= other_start or other_end <= start for other_start, other_end in taken)


def _exact(span: _Span, text: str, entity: Entity) -> Link:
    surface = text[span.start : span.end]
    if surface == entity.name:
        score = EXACT
    elif surface.casefold() == entity.name.casefold():
        score = CASED
    else:
        score = KEY if span.key == entity.key else ALIAS
    return Link(span.start, span.end, entity, score)
