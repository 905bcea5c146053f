"""The names that the graph already knows, found in a text and looked up by the linker."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import ahocorasick
import regex

from kg.facts import DocumentId, Topic, name_key
from nlp.lexicon import STOP_NAMES

_HAN = regex.compile(r"\p{Han}")
_UPPER = regex.compile(r"\p{Lu}|\p{Lt}")
_LETTER = regex.compile(r"\p{L}")
_WORD = regex.compile(r"[\p{L}\p{N}\p{M}]")
_CONTENT_WORD = regex.compile(r"\p{L}{3,}")
_YEARS = regex.compile(r"\d{3,4}")
_DESCRIPTION_NOISE = frozenset(
    ["the", "and", "for", "who", "that", "with", "from", "was", "best", "known", "his", "her", "former"]
)


@dataclass(frozen=True, slots=True)
class Match:
    """``text[start:end]`` is a name of one or more topics."""

    start: int
    end: int
    name: str


class Gazetteer:
    """Topics by each of their names.

    It is made of what documents declare themselves to be about and of what imported files name: never of what an
    extractor found in other documents, so that reading a document depends on the set of documents alone and not on
    their order. A document whose text holds none of the names that came or went reads the same as before.

    Topics of one name and type whose descriptions have nothing in common are different things; each is then known
    by its name and its description: "John Smith (English footballer)".
    """

    def __init__(self, topics: Iterable[tuple[DocumentId, Topic]] = ()) -> None:
        declared = list(topics)
        self._qualified = _qualify(declared)
        by_name: dict[str, dict[Topic, None]] = defaultdict(dict)
        for _, topic in declared:
            for name in (topic.name, *topic.aliases):
                if is_name(name, alias=name != topic.name, type=topic.type):
                    by_name[name][self._qualified.get(topic, topic)] = None
        self._by_name: dict[str, tuple[Topic, ...]] = {
            name: tuple(topics) if len(topics) == 1 else tuple(sorted(topics, key=_content))
            for name, topics in by_name.items()
        }

    def matches(self, text: str) -> list[Match]:
        """The names found in the text, to the letter and at word boundaries, longest first where they overlap."""
        if not self._by_name:
            return []
        found = []
        for last, name in self._automaton.iter(text):
            end = last + 1
            start = end - len(name)
            if _at_boundary(text, start) and _at_boundary(text, end):
                found.append(Match(start, end, name))
        found.sort(key=lambda match: (match.start - match.end, match.start))
        taken = bytearray(len(text))
        chosen = []
        for match in found:
            if not any(taken[match.start : match.end]):
                taken[match.start : match.end] = b"\1" * (match.end - match.start)
                chosen.append(match)
        return sorted(chosen, key=lambda match: match.start)

    def topics(self, name: str) -> Sequence[Topic]:
        """The topics known under this name, an alias, or a name of the same key, in content order."""
        exact = self._by_name.get(name)
        if exact is not None:
            return exact
        return self._by_key.get(name_key(name), ()) if self._by_name else ()

    def own(self, topic: Topic) -> Topic:
        """The topic under the name that tells it from others of the same name, if there are such."""
        return self._qualified.get(topic, topic)

    def names(self) -> Mapping[str, Sequence[Topic]]:
        """Every name with its topics."""
        return self._by_name

    @cached_property
    def _automaton(self) -> "ahocorasick.Automaton":
        automaton = ahocorasick.Automaton()
        for name in self._by_name:
            automaton.add_word(name, name)
        automaton.make_automaton()
        return automaton

    @cached_property
    def _by_key(self) -> dict[str, tuple[Topic, ...]]:
        keys: dict[str, dict[Topic, None]] = defaultdict(dict)
        for name, topics in self._by_name.items():
            for topic in topics:
                keys[name_key(name)][topic] = None
        return {key: tuple(sorted(topics, key=_content)) for key, topics in keys.items()}


def is_name(name: str, *, alias: bool = False, type: str = "") -> bool:
    """Whether a text that holds these characters can be taken to name the thing.

    Not so for numbers, function words and single letters; nor for a lone given name or surname that is only a
    person's second name: "Wilhelm" stands for too many.
    """
    if _HAN.search(name):
        return len(name) >= 2
    if len(name) < 2 or not _LETTER.search(name):
        return False
    if not _UPPER.search(name):
        # Imported files name diseases and the like in lower case; letters without case have no other.
        return not name.isascii() or (" " in name and not alias)
    words = name.casefold().split()
    if all(word in STOP_NAMES for word in words):
        return False
    return not (alias and type == "Person" and len(words) == 1)


def _at_boundary(text: str, at: int) -> bool:
    """Whether no word of letters that are written with spaces between words runs across this place."""
    if at == 0 or at == len(text):
        return True
    before, behind = text[at - 1], text[at]
    if not (_WORD.match(before) and _WORD.match(behind)):
        return True
    return bool(_HAN.match(before) or _HAN.match(behind))


def _content(topic: Topic) -> tuple[str, str, str, tuple[str, ...]]:
    return topic.name, topic.type, topic.description, topic.aliases


def _qualify(declared: Sequence[tuple[DocumentId, Topic]]) -> dict[Topic, Topic]:
    """The topics that must be told from others of their name and type, under the names that do so."""
    groups: dict[tuple[str, str], set[Topic]] = defaultdict(set)
    for _, topic in declared:
        if topic.description:
            groups[topic.name, topic.type].add(topic)
    qualified = {}
    for topics in groups.values():
        kinds = _kinds(sorted(topics, key=_content)) if len(topics) > 1 else []
        if len(kinds) > 1:
            plain = [kind[0].description.partition(",")[0] for kind in kinds]
            for kind, short in zip(kinds, plain, strict=True):
                qualifier = short if plain.count(short) == 1 else kind[0].description
                for topic in kind:
                    name = f"{topic.name} ({qualifier})"
                    qualified[topic] = replace(topic, name=name, aliases=(topic.name, *topic.aliases))
    return qualified


def _kinds(topics: Sequence[Topic]) -> list[list[Topic]]:
    """The topics in groups, each of what may be one thing: single-link by descriptions that have words in common."""
    kinds: list[list[Topic]] = []
    for topic in topics:
        alike = [kind for kind in kinds if any(not clearly_different(topic, other) for other in kind)]
        kinds = [kind for kind in kinds if kind not in alike]
        kinds.append(sorted([topic, *(t for kind in alike for t in kind)], key=_content))
    return sorted(kinds, key=lambda kind: _content(kind[0]))


def clearly_different(one: Topic, other: Topic) -> bool:
    """Whether two descriptions cannot be of one thing: they give other years, or share no word."""
    years, other_years = set(_YEARS.findall(one.description)), set(_YEARS.findall(other.description))
    if years and other_years and not years & other_years:
        return True
    words, other_words = content_words(one.description), content_words(other.description)
    return bool(words) and bool(other_words) and not words & other_words


def content_words(description: str) -> set[str]:
    """The words of a description that say something, in lower case."""
    return set(_CONTENT_WORD.findall(description.casefold())) - _DESCRIPTION_NOISE
