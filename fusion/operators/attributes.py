"""Which relation holds the values that a question compares, and what the values of entities are."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from fusion.operators.senses import BIRTH, DEATH, Kind, Sense
from fusion.operators.values import Value, read_all
from fusion.paths import Facts, strength
from fusion.planner.model import words_of
from fusion.question import is_chinese, stem
from fusion.reader import Miss
from kg.facts import EntityId, Fact
from kg.ontology import Ontology
from nlp.embed import Embedder

MOST = 2000  # entities whose values are compared
VALUES = 0.8  # of a relation's objects that are dates or numbers, if it holds values
ALIKE = 0.5  # cosine of a relation's words and the word that compares, if they may mean the same
YEARS = range(1000, 2101)  # what a bare number may stand for where its type does not say that it is a date


@dataclass(frozen=True, slots=True)
class Measured:
    """The values of entities by one relation: of several that an entity has, the surest, the most precise of equals."""

    relation: str
    kind: Kind
    values: dict[EntityId, tuple[Value, Fact]]
    read: dict[str, Value]  # what each name was read as


class Attributes:
    """Reads the values of entities."""

    def __init__(self, facts: Facts, ontology: Ontology, embedder: Embedder | None) -> None:
        """Without an embedder, relations are told by their words alone."""
        self._facts, self._ontology, self._embedder = facts, ontology, embedder

    def measure(self, entities: Collection[EntityId], sense: Sense, *, unit: str | None = None) -> Measured | Miss:
        """The values that a word compares, of as many of these entities as have one; ``unit`` is their kind, if known.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        if len(entities) > MOST:
            return Miss(f"{len(entities):,} things are too many to compare; at most {MOST:,} are")
        found: dict[str, Measured] = {}
        for kind in sense.kinds:  # what may be a year is one, if years can be compared
            found = self._held(entities, kind, unit) | found
        chosen = self._chosen(found, sense)
        return chosen or Miss(f"the graph does not say {self.meant(sense)} for any of them")

    def meant(self, sense: Sense) -> str:
        """The relations that a word compares by, as the ontology calls them, else the word."""
        names = [
            relation.name
            for group in sense.hints
            for relation in self._ontology.relations.values()
            if "Time" in relation.range and self._named(relation.name, group)
        ]
        return " or ".join(dict.fromkeys(names)).replace("_", " ") or repr(sense.word)

    def _held(self, entities: Collection[EntityId], kind: Kind, unit: str | None) -> dict[str, Measured]:
        """The relations of these entities whose objects are values of a kind."""
        told: defaultdict[str, list[Fact]] = defaultdict(list)
        for id, facts in self._facts.of(entities).items():
            for fact in facts:
                if fact.subject == id:
                    told[fact.relation].append(fact)
        objects = self._facts.entities({fact.object for facts in told.values() for fact in facts})
        found: dict[str, Measured] = {}
        for relation, facts in told.items():
            names = {fact.object: objects[fact.object].name for fact in facts if fact.object in objects}
            read = read_all(set(names.values()), kind)
            read = {name: value for name, value in read.items() if unit is None or value.kind == unit}
            if kind == "date":
                dated = {names[id] for id, one in objects.items() if id in names and self._is_time(one.type)}
                read = {name: value for name, value in read.items() if name in dated or _plausible(name, value)}
            if not read or len(read) < VALUES * len(set(names.values())):
                continue
            values: dict[EntityId, tuple[Value, Fact]] = {}
            for fact in sorted(facts, key=lambda fact: _preference(fact, read.get(names.get(fact.object, "")))):
                value = read.get(names.get(fact.object, ""))
                if value is not None:
                    values.setdefault(fact.subject, (value, fact))
            found[relation] = Measured(relation, kind, values, read)
        return found

    def _chosen(self, found: dict[str, Measured], sense: Sense) -> Measured | None:
        for group in sense.hints:
            named = [one for relation, one in found.items() if self._named(relation, group)]
            if named:
                return min(named, key=lambda one: (-len(one.values), len(one.relation), one.relation))
        about_life = (*BIRTH, *DEATH)
        others = {relation: one for relation, one in found.items() if not self._named(relation, about_life)}
        like = self._like(others, sense)
        if like is not None:
            return like
        timely = sense.date != 0 or not sense.hints  # any date will do for "first", but not any number for "heaviest"
        return next(iter(others.values())) if len(others) == 1 and timely and not sense.strict else None

    def _like(self, found: dict[str, Measured], sense: Sense) -> Measured | None:
        """The relation whose words mean most nearly what the word that compares means, if they do."""
        if self._embedder is None or not found or is_chinese(sense.word):
            return None
        names = sorted(found)
        asked = (
            sense.hints[0][0]
            if sense.strict and sense.hints
            else f"{sense.word} {' '.join(sense.hints[0][:2])}"
            if sense.hints
            else sense.word
        )
        vectors = self._embedder.encode([asked, *(words_of(name) for name in names)])
        likeness = vectors[1:] @ vectors[0]
        best = int(np.argmax(likeness))
        return found[names[best]] if likeness[best] >= ALIKE else None

    def _named(self, relation: str, words: Collection[str]) -> bool:
        """Whether one of the words is one of the relation's."""
        wanted = {stem(part) for word in words if not is_chinese(word) for part in word.split()}
        known = set(self._spoken(relation))
        english = {stem(part) for word in known if not is_chinese(word) for part in word.split()}
        chinese = "\n".join(word for word in known if is_chinese(word))
        return not wanted.isdisjoint(english) or any(word in chinese for word in words if is_chinese(word))

    def _spoken(self, relation: str) -> Iterator[str]:
        yield words_of(relation)
        known = self._ontology.relations.get(relation)
        if known is not None:
            for words in known.words.values():
                yield from words

    def _is_time(self, type: str) -> bool:
        return self._ontology.is_a(type, "Time")


def _plausible(name: str, value: Value) -> bool:
    return not name.strip().isdecimal() or int(value.low[0]) in YEARS


def _preference(fact: Fact, value: Value | None) -> tuple[float, bool, tuple[object, ...], str]:
    """Sorts the values of one entity."""
    if value is None:
        return 0.0, True, (), fact.id
    return strength(fact)[0], value.low != value.high, value.low, fact.id
