"""What a trained planner makes of a question: relations to walk from each entity that it may be about, and the answer.

A plan is chosen among the relations that lead on from where it stands, so that one of them is always probable. Whether
the question is one that can be planned at all is told by its likeness to the questions of training; which of several
entities it is about, by how probable the plan is among all relations of the graph.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import regex

from fusion.errors import PlannerError
from fusion.paths import Facts
from fusion.planner.model import Array, Asked, Planner, Read, masked, row_texts
from fusion.planner.search import Plan, candidates, log_softmax, plans
from fusion.question import KEY, Link
from fusion.reader import LISTED, Miss, Reading
from fusion.reader import Asked as Understood
from fusion.trace import Choice
from kg.facts import EntityId, Fact
from kg.mirror import Mirror, Triple, mirror
from kg.mirror_file import kept_mirror
from kg.store import GraphStore
from nlp.embed import TokenEmbedder

if TYPE_CHECKING:
    from fusion.reasoned import Reasoned

MIRRORED = 2_000_000  # facts of a graph that is held in memory whole; of a larger one, what is near the names
NEARBY = 20_000  # facts that are near enough
TOPICS = 8  # entities that a question is tried with
CLOSE = 0.5  # another entity from which a plan fits half as well may be meant, too
SURE = 0.5  # a plan is more probable than all others together
CERTAIN = 0.75  # what the words of a question say by themselves is not even looked at
LIKE, UNLIKE = 0.85, 0.7  # to the questions of training: as good as one of them; about something else

_NOT = regex.compile(r"\b(?:not|never|neither|nor|no|without|except)\b|n['’]t\b|[不没未非无]", regex.IGNORECASE)
_COUNT = regex.compile(r"\b(?:how many|number of|count)\b|多少|几[个部位种]", regex.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """A plan from one entity that the question may be about."""

    link: Link
    plan: Plan
    topic: int  # place in the mirror
    answers: tuple[int, ...]  # places, those that most walks lead to first
    probability: float  # of the plan, as far as the question and its link are known
    fit: float  # of the plan among all relations of the graph: compares entities


@dataclass(frozen=True, slots=True, eq=False)
class Thought:
    """All plans of a question, the best first, and the graph that they walk."""

    graph: Mirror
    plans: tuple[Planned, ...]
    partial: bool = False  # the graph is only what is near the names

    def steps(self, plan: Plan) -> list[tuple[str, bool, int]]:
        """The relations of a plan, whether each is walked forwards, and how many entities it reaches."""
        count = len(self.graph.relations)
        return [
            (self.graph.relations[row % count], row < count, len(front.reached))
            for row, front in zip(plan.rows, plan.fronts[1:], strict=True)
        ]

    def path(self, plan: Plan, place: int) -> tuple[Triple, ...]:
        """The facts that lead to an answer."""
        return self.graph.trace(plan.fronts, place)


class PlannedReader:
    """Reads questions with a trained planner. Safe to use from several threads."""

    def __init__(
        self,
        store: GraphStore,
        planner: Planner,
        embedder: TokenEmbedder,
        *,
        reasoned: "Reasoned | None" = None,
        kept: Path | None = None,
        notify: Callable[[str], None] = lambda message: None,
        mirrored: int = MIRRORED,
    ) -> None:
        """A graph of up to ``mirrored`` facts is held in memory whole, and ``kept`` in a file from run to run.

        ``notify`` is told, in one line, if that file cannot be written. ``reasoned`` is asked where no plan is sure.

        Raises:
            PlannerError: the planner was trained on the vectors of another encoder.
        """
        if planner.encoder != embedder.name:
            raise PlannerError(
                f"The planner was trained with the encoder {planner.encoder}, and this one is {embedder.name}; train "
                "it anew with `clew learn --questions FILE`."
            )
        self._store, self._planner, self._embedder, self._mirrored = store, planner, embedder, mirrored
        self._kept, self._notify, self.reasoned = kept, notify, reasoned
        self._lock = Lock()
        self._whole: tuple[Mirror, Array] | None = None
        self._texts: dict[str, Array] = {}  # the sentence vectors of relations, of which a graph has few

    def warm(self) -> None:
        """Have the graph at hand before the first question.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        self._graph([])

    def think(self, text: str, links: Sequence[Link]) -> Thought:
        """Every plan from the entities that a question names, the best first.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        chosen = sorted(links, key=lambda found: (-found.score, found.start - found.end, found.entity.id))[:TOPICS]
        graph, rows, partial = self._graph([found.entity.id for found in chosen])
        places = sorted({(found.start, found.end) for found in chosen})
        texts = [masked(text, *place) for place in places]
        asked = dict(zip(places, map(Asked.of, texts, self._embedder.tokens(texts)), strict=True))
        read = {place: self._planner.read(one) for place, one in asked.items() if one.topic.any()}
        known = {place: familiar(self._planner.likeness(one)) for place, one in asked.items()}
        found: list[Planned] = []
        for link in chosen:
            place = link.start, link.end
            topic, heard = graph.places.get(link.entity.id), read.get(place)
            if topic is None or heard is None:
                continue
            for plan in plans(self._planner, graph, rows, heard, [topic]):
                answers = tuple(each.place for each in candidates([plan], [topic]))
                if answers:
                    chance = float(np.exp(plan.log_probability)) * known[place] * link.score
                    fits = fit(self._planner, graph, rows, heard, plan) * link.score
                    found.append(Planned(link, plan, topic, answers, chance, fits))
        return Thought(graph, _ranked(found), partial)

    def choose(self, asked: Understood, facts: Facts, ruled: Callable[[], Reading | Miss]) -> Choice:
        """The answer of the best plan where that is sure enough, else what ``ruled`` says.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        if _NOT.search(asked.text):
            return _by_words(ruled, "the question has a negation, which no plan can say")
        thought = self.think(asked.text, asked.links)
        if not thought.plans:
            return _by_words(ruled, "no plan leads on from what the question names", thought)
        if _leaves_out(thought.plans):
            return _by_words(ruled, "the best plan leaves out something that the question names", thought)
        proposed = self.answer(thought, facts)
        if proposed is None:
            return _by_words(ruled, "the graph no longer holds what the best plan leads to", thought)
        if _COUNT.search(asked.text) and not _number(proposed):
            return _by_words(ruled, "the question counts, and the best plan leads to no number", thought)
        if proposed.score < SURE:
            why = f"the best plan is too unsure ({proposed.score:.2f} of {SURE:.2f})"
            return replace(_by_words(ruled, why, thought), unsure=True)
        if proposed.score >= CERTAIN:
            return Choice(proposed, "plan", thought=thought)
        other = ruled()
        if isinstance(other, Reading) and other.score > proposed.score:
            return Choice(other, "words", "the words of the question are surer", thought, other, unsure=True)
        return Choice(proposed, "plan", thought=thought, ruled=other, unsure=True)

    def answer(self, thought: Thought, facts: Facts) -> Reading | None:
        """What the best plan of a thought leads to, as facts that the store has; None if it has none of it any more.

        Raises:
            StoreError: the store failed.
        """
        best = thought.plans[0]
        shown = best.answers[:LISTED]
        traces = {thought.graph.entities[place]: thought.path(best.plan, place) for place in shown}
        held = self._held({triple for trace in traces.values() for triple in trace})
        paths = {id: tuple(held[triple] for triple in trace) for id, trace in traces.items() if held.keys() >= {*trace}}
        known = facts.entities(paths.keys())
        given = tuple(known[id] for id in paths if id in known)
        if not given:
            return None
        reasons = []
        if len(best.answers) > LISTED:
            reasons.append(f"the first {LISTED} of {len(best.answers):,} answers")
        others = _same_name(thought.plans)
        if others:
            mentioned = ", ".join(f"{one.link.entity.name} ({one.link.entity.type})" for one in others)
            reasons.append(f"read as {best.link.entity.name} ({best.link.entity.type}), not {mentioned}")
        if thought.partial:
            reasons.append(
                f"walked among the {thought.graph.facts:,} facts nearest to the names, not in the whole graph"
            )
        return Reading(
            text=", ".join(entity.name for entity in given),
            entities=given,
            paths=tuple(paths[entity.id] for entity in given),
            score=best.probability * (0.8 if others else 1.0),
            reason="; ".join(reasons),
        )

    def _held(self, triples: Collection[Triple]) -> dict[Triple, Fact]:
        found = self._store.facts_between(sorted(triples))
        return {(fact.subject, fact.relation, fact.object): fact for fact in found}

    def _graph(self, topics: Sequence[EntityId]) -> tuple[Mirror, Array, bool]:
        """The graph to walk in, its rows, and whether it is only a part.

        The whole graph is kept until it changes.
        """
        version = self._store.version()
        with self._lock:
            if self._whole is not None and self._whole[0].version == version:
                return *self._whole, False
            if self._store.counts().facts <= self._mirrored:
                whole = self._read()
                self._whole = whole, self._rows(whole)
                return *self._whole, False
            self._whole = None
        near = self._store.neighbourhood(topics, hops=self._planner.hops, limit=NEARBY)
        triples = [(fact.subject, fact.relation, fact.object) for fact in near.facts]
        part = Mirror.of(triples, entities=topics, version=version)
        with self._lock:
            return part, self._rows(part), len(triples) >= NEARBY

    def _read(self) -> Mirror:
        if self._kept is None:
            return mirror(self._store)
        return kept_mirror(self._store, self._kept, notify=self._notify)

    def _rows(self, graph: Mirror) -> Array:
        texts = row_texts(graph.relations)
        missing = sorted({text for text in texts if text not in self._texts})
        self._texts |= dict(zip(missing, self._embedder.encode(missing), strict=True))
        return self._planner.rows(graph.relations, np.stack([self._texts[text] for text in texts]))


def fit(planner: Planner, graph: Mirror, rows: Array, read: Read, plan: Plan) -> float:
    """The probability of a plan where every relation of the graph might be the next, whichever way it is walked."""
    state, before, total = planner.begin, np.zeros(rows.shape[1], np.float32), 1.0
    for row in (*plan.rows, len(rows) - 1):
        state, wanted = planner.step(read, state, before)
        chances = np.exp(log_softmax(rows @ wanted))
        total *= float(chances[row]) + (float(chances[graph.inverse(row)]) if row < len(rows) - 1 else 0.0)
        before = rows[row]
    return total


def _by_words(ruled: Callable[[], Reading | Miss], why: str, thought: Thought | None = None) -> Choice:
    said = ruled()
    return Choice(said, "words", why, thought, said)


def _number(reading: Reading) -> bool:
    """Whether an answer may say how many there are."""
    return all(any(character.isdigit() for character in entity.name) for entity in reading.entities)


def familiar(likeness: float) -> float:
    """How far a question is one that a planner can be trusted with, by its likeness to those of training (0 to 1)."""
    return min(1.0, max(0.0, (likeness - UNLIKE) / (LIKE - UNLIKE)))


def _ranked(found: list[Planned]) -> tuple[Planned, ...]:
    """The plans of the entity that fits best, then those of the others; plans with the same answers are one."""
    best: dict[tuple[Link, frozenset[int]], Planned] = {}
    fits: dict[Link, float] = {}
    for one in found:
        key = one.link, frozenset(one.answers)
        known = best.get(key)
        best[key] = one if known is None else replace(known, probability=known.probability + one.probability)
        fits[one.link] = max(fits.get(one.link, 0.0), one.fit)
    order = sorted(
        best.values(), key=lambda one: (-fits[one.link], one.link.start, one.link.entity.id, -one.probability)
    )
    return tuple(order)


def _leaves_out(found: Sequence[Planned]) -> bool:
    """Whether the question names something else, of which the best plan says nothing.

    A name of one word may be an everyday word; then only one from which a plan is likely, too, is taken seriously.
    """
    best = found[0]
    walked = {place for front in best.plan.fronts for place in front.reached.tolist()}
    return any(
        " " in one.link.entity.key or (one.probability >= SURE and one.fit >= CLOSE * best.fit)
        for one in found
        if (one.link.start, one.link.end) != (best.link.start, best.link.end)
        if one.link.score >= KEY and one.topic not in walked
    )


def _same_name(found: Sequence[Planned]) -> list[Planned]:
    """Other entities of the name that the best plan starts from, for which the question has as good a plan."""
    best = found[0]
    place, taken = (best.link.start, best.link.end), {best.link.entity.id}
    others = []
    for one in found[1:]:
        near = (one.link.start, one.link.end) == place and one.fit >= CLOSE * best.fit
        if near and one.link.entity.id not in taken and set(one.answers) != set(best.answers):
            taken.add(one.link.entity.id)
            others.append(one)
    return others
