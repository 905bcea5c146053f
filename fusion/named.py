"""What a question names, and so what is no answer to it: the one thing that it is about, or its own words again."""

from collections.abc import Iterable
from dataclasses import dataclass

from fusion.question import Link, is_chinese
from kg.facts import Entity, EntityId, name_key
from kg.words import STOP_WORDS, words


@dataclass(frozen=True, slots=True)
class Named:
    """The entities that a question may name, and whether it names several things, so that one of them may answer it.

    What one name may mean, and what is named twice, is one thing.
    """

    entities: tuple[Entity, ...] = ()
    several: bool = False

    def __contains__(self, id: object) -> bool:
        return any(entity.id == id for entity in self.entities)

    def __len__(self) -> int:
        return len(self.entities)

    def asked_about(self, id: EntityId) -> bool:
        """Whether an entity is, or may be, the one thing that the question is about, which is no answer to it."""
        return not self.several and id in self


def named(links: Iterable[Link]) -> Named:
    """What the links of a question name."""
    entities: dict[EntityId, Entity] = {}
    places: dict[tuple[int, int], set[EntityId]] = {}
    for one in links:
        entities[one.entity.id] = one.entity
        places.setdefault((one.start, one.end), set()).add(one.entity.id)
    every = {*map(frozenset, places.values())}
    things = {one for one in every if not any(other < one for other in every)}  # no "Turing" beside "Alan Turing"
    return Named(tuple(entities.values()), len(things) > 1)


def repeats(quotation: str, question: str, topics: Named) -> bool:
    """Whether a quotation has no word but those of its question, and so says nothing to it.

    Where several things are named, the name of one of them does. Words that say nothing count only where a quotation
    has no others.
    """
    key = name_key(quotation)
    if topics.several and any(name_key(name) == key for one in topics.entities for name in (one.name, *one.aliases)):
        return False
    said, asked, whole = _words(quotation), {*_words(question)}, name_key(question)
    told = [word for word in said if word not in STOP_WORDS] or said
    return bool(told) and all(word in asked or (is_chinese(word) and word in whole) for word in told)


def _words(text: str) -> list[str]:
    """The words of a text without case, accents or a genitive's ending; numbers are whole."""
    return [name_key(word).removesuffix(" s") for word in words(text)]
