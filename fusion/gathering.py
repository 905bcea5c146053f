"""A question as it was understood → what a language model is given of the graph, the best of each kind first.

Facts come in three ranks: those that lead to candidates, those around the question's entities, by how near their
relations are to the question, and those that the best passages state. Nothing is made up on the way: every fact is one
that the store gave.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from threading import Lock

import numpy as np

from fusion.context import Context, Floats, GraphView
from fusion.paths import Facts, strength
from fusion.planner.model import words_of
from fusion.question import stem
from fusion.reader import Asked, Miss, Reading
from fusion.reasoned import Guess
from fusion.thought import Planned, Thought
from fusion.trace import Choice, Passage
from kg.facts import Entity, EntityId, Fact, FactId
from kg.store import GraphStore
from kg.words import content_words
from nlp.embed import Embedder

FACTS = 64  # that a language model is given at the most
CANDIDATES = 24
PASSAGES = 8
EACH = 6  # facts of one relation of one entity, before others of it come first
LATE = 4.0  # takes those behind all others: what is nearest has 3 at the most
ONWARD = 8  # facts whose far ends are looked at as well
FARTHER = 0.5  # how much a fact of such an end counts, beside one of an entity that the question names
KEPT = 50_000  # vectors of names: 75 MB of 384 numbers
LEAST = 1e-6  # a probability below which all are alike


class VectorsKept:
    """Sentence vectors of names, encoded once; the longest unused go first. Safe to use from several threads."""

    def __init__(self, embedder: Embedder | None, *, most: int = KEPT) -> None:
        """Without an embedder, vectors have no dimensions."""
        self._embedder, self._most, self._lock = embedder, most, Lock()
        self._kept: OrderedDict[str, Floats] = OrderedDict()

    def of(self, texts: Sequence[str]) -> Floats:
        """One row a text. Shapes: -> (len(texts), t).

        Raises:
            WeightsError: the embedder's weights are missing or damaged.
        """
        if self._embedder is None:
            return np.zeros((len(texts), 0), np.float32)
        with self._lock:
            found = {text: self._kept[text] for text in texts if text in self._kept}
        missing = sorted({*texts} - found.keys())
        if missing:
            found |= dict(zip(missing, self._embedder.encode(missing), strict=True))
        with self._lock:
            for text in texts:
                self._kept[text] = found[text]
                self._kept.move_to_end(text)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return np.stack([found[text] for text in texts]) if texts else np.zeros((0, self._embedder.dimensions), "f4")


class Gatherer:
    """Gathers what a language model is given. Safe to use from several threads."""

    def __init__(self, store: GraphStore, *, embedder: Embedder | None, viewed: bool = True) -> None:
        """Without an embedder, relations compare by words alone. Not ``viewed``: vectors of entities are left out."""
        self._store, self._viewed = store, viewed
        self._relations = VectorsKept(embedder)
        self._names = VectorsKept(embedder if viewed else None)

    def gather(self, asked: Asked, facts: Facts, choice: Choice | None, passages: Sequence[Passage]) -> Context:
        """What was found for a question; ``choice`` is None where nothing of the graph is named.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        shown = tuple(passages[:PASSAGES])
        candidates, led = _bounded(_proposed(choice, facts) if choice is not None else ())
        near = self._near(asked, facts)
        if not candidates:
            candidates = _ends(asked, near, facts)
        # Of facts that the passages state, the text says as much: they are for what no name of the question leads to.
        told = [] if near else self._store.facts_in([passage.chunk.id for passage in shown])
        order = {passage.chunk.id: at for at, passage in enumerate(shown)}
        told.sort(key=lambda fact: (min(order.get(e.chunk, len(order)) for e in fact.evidence), strength(fact)))
        chosen = _distinct(chain(led, near, told))[:FACTS]
        names = facts.entities(dict.fromkeys(id for fact in chosen for id in (fact.subject, fact.object)))
        whole = tuple(fact for fact in chosen if fact.subject in names and fact.object in names)
        there = {fact.id for fact in whole}
        candidates = tuple(one for one in candidates if one.path and all(fact.id in there for fact in one.path))
        names |= {one.entity.id: one.entity for one in candidates}
        return Context(asked.text, whole, shown, candidates, names, self._view(asked, whole, candidates, names))

    def _near(self, asked: Asked, facts: Facts) -> list[Fact]:
        """The facts around the entities that a question names, those nearest to what it asks first."""
        topics = list(dict.fromkeys(found.entity.id for found in asked.links))
        first = self._ranked(asked, topics, facts, weight=1.0)
        ends = [_other(fact, start) for _, fact, start in first[:ONWARD]]
        second = self._ranked(asked, [id for id in dict.fromkeys(ends) if id not in topics], facts, weight=FARTHER)
        found = sorted((*first, *second), key=lambda one: (-one[0], strength(one[1])))
        return _distinct(fact for _, fact, _ in found)[:FACTS]

    def _ranked(
        self, asked: Asked, starts: Sequence[EntityId], facts: Facts, *, weight: float
    ) -> list[tuple[float, Fact, EntityId]]:
        known = [(start, fact) for start, found in facts.of(starts).items() for fact in found]
        texts = sorted({_said(fact, start) for start, fact in known})
        relevant = dict(zip(texts, self._relevance(asked.text, texts), strict=True))
        named = {found.entity.id for found in asked.links}
        seen: Counter[tuple[EntityId, str]] = Counter()
        found = []
        for start, fact in known:
            said = _said(fact, start)
            seen[start, said] += 1
            other = _other(fact, start)
            score = weight * relevant[said] + (other in named and other != start) - LATE * (seen[start, said] > EACH)
            found.append((score, fact, start))
        return sorted(found, key=lambda one: (-one[0], strength(one[1])))

    def _relevance(self, question: str, texts: Sequence[str]) -> list[float]:
        """How near each text is to the question: by its words, and, where there is an embedder, by its vector."""
        wanted = _stems(question)
        shares = [len(wanted & words) / len(words) if (words := _stems(text)) else 0.0 for text in texts]
        vectors = self._relations.of([question, *texts])
        return [float(vectors[0] @ vector) + share for vector, share in zip(vectors[1:], shares, strict=True)]

    def _view(
        self, asked: Asked, facts: Sequence[Fact], candidates: Sequence[Guess], names: dict[EntityId, Entity]
    ) -> GraphView:
        place = {id: at for at, id in enumerate(names)}
        relations = list(dict.fromkeys(fact.relation for fact in facts))
        row = {name: at for at, name in enumerate(relations)}
        learned = self._store.learned() if self._viewed else None
        vectors = np.zeros((len(names), learned.dimensions if learned is not None else 0), np.float32)
        if learned is not None:
            for id, vector in self._store.entity_vectors(names.keys()).items():
                vectors[place[id]] = vector
        topics = np.zeros(len(names), np.float32)
        for found in asked.links:
            if (at := place.get(found.entity.id)) is not None:
                topics[at] = max(topics[at], found.score)
        chances = np.array([(one.planned, one.reasoned, one.probability) for one in candidates], np.float32)
        return GraphView(
            names=self._names.of([entity.name for entity in names.values()]),
            vectors=vectors,
            topics=topics,
            relations=self._relations.of([words_of(name) for name in relations]),
            subjects=np.array([place[fact.subject] for fact in facts], np.int64),
            rows=np.array([row[fact.relation] for fact in facts], np.int64),
            objects=np.array([place[fact.object] for fact in facts], np.int64),
            candidates=np.array([place[one.entity.id] for one in candidates], np.int64),
            scores=np.log(np.clip(chances.reshape(-1, 3), LEAST, 1.0)),
        )


def _proposed(choice: Choice, facts: Facts) -> Iterator[Guess]:
    """What plans and reasoner propose, then what the words do."""
    if choice.guesses is not None:
        yield from choice.guesses
    elif choice.thought is not None:
        yield from _planned(choice.thought, facts)
    for said in (choice.reading, choice.ruled):
        if isinstance(said, Reading) and not said.joint:
            yield from _read(said.entities, said.paths, min(said.score, 1.0))
        elif isinstance(said, Miss) and said.walk is not None:
            known = facts.entities(said.walk.reached.keys())
            yield from _read(list(known.values()), [said.walk.reached[id] for id in known], 0.0)


def _planned(thought: Thought, facts: Facts) -> Iterator[Guess]:
    """What each plan leads to, as facts that the store has."""
    left = CANDIDATES
    for at, one in enumerate(thought.plans):
        found = led_to(thought, one, facts, most=left)
        yield from (replace(guess, answers=at == 0) for guess in found)
        left -= len(found)
        if left <= 0:
            return


def led_to(thought: Thought, one: Planned, facts: Facts, *, most: int) -> list[Guess]:
    """The first entities that a plan leads to, as facts that the store has.

    Raises:
        StoreError: the store failed.
    """
    graph = thought.graph
    ways = {graph.entities[place]: thought.path(one.plan, place) for place in one.answers[:most]}
    held = facts.held({triple for way in ways.values() for triple in way})
    known = facts.entities(ways.keys())
    return [
        Guess(known[id], one.probability, one.probability, 0.0, True, tuple(held[triple] for triple in way))
        for id, way in ways.items()
        if id in known and held.keys() >= {*way}
    ]


def _read(entities: Sequence[Entity], paths: Sequence[tuple[Fact, ...]], score: float) -> Iterator[Guess]:
    for entity in entities:
        for path in paths:
            if path and entity.id in (path[-1].subject, path[-1].object):
                yield Guess(entity, score, 0.0, 0.0, score > 0, path)
                break


def _bounded(proposed: Iterable[Guess]) -> tuple[tuple[Guess, ...], list[Fact]]:
    """The first candidates, each once with each way that leads to it, and the facts of these ways."""
    found: dict[tuple[EntityId, tuple[Fact, ...]], Guess] = {}
    led: dict[Fact, None] = {}
    for one in proposed:
        if len(found) == CANDIDATES:
            break
        if (one.entity.id, one.path) not in found and one.path and len(led.keys() | {*one.path}) <= FACTS:
            found[one.entity.id, one.path] = one
            led |= dict.fromkeys(one.path)
    return tuple(found.values()), list(led)


def _ends(asked: Asked, near: Sequence[Fact], facts: Facts) -> tuple[Guess, ...]:
    """Where nothing is proposed: what the facts nearest to the question join its entities to."""
    topics = {found.entity.id for found in asked.links}
    found: dict[EntityId, Fact] = {}
    for fact in near:
        if fact.subject in topics or fact.object in topics:
            found.setdefault(fact.object if fact.subject in topics else fact.subject, fact)
    known = facts.entities([id for id in found if id not in topics][:CANDIDATES])
    return tuple(Guess(entity, 0.0, 0.0, 0.0, False, (found[id],)) for id, entity in known.items())


def _distinct(facts: Iterable[Fact]) -> list[Fact]:
    found: dict[FactId, Fact] = {}
    for fact in facts:
        found.setdefault(fact.id, fact)
    return list(found.values())


def _said(fact: Fact, start: EntityId) -> str:
    """The words of a fact's relation, as it is walked from one of its ends."""
    return words_of(fact.relation) if fact.subject == start else f"{words_of(fact.relation)} of"


def _other(fact: Fact, start: EntityId) -> EntityId:
    return fact.object if fact.subject == start else fact.subject


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in content_words(text))
