"""What a trained planner makes of a question: relations to walk from each entity that it may be about, and the answer.

A plan is chosen among the relations that lead on from where it stands, so that one of them is always probable. Whether
the question is one that can be planned at all is told by its likeness to the questions of training; which of several
entities it is about, by how probable the plan is among all relations of the graph.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from fusion.errors import PlannerError
from fusion.paths import Facts
from fusion.planner.model import Array, Asked, Planner, Read, masked, row_texts
from fusion.planner.search import Plan, answers, foreseen, likely, plans
from fusion.predicting import Wanted
from fusion.question import KEY, Link
from fusion.reader import LISTED, Miss, Reading
from fusion.reader import Asked as Understood
from fusion.trace import Choice
from kg.errors import ChangingError
from kg.facts import EntityId, Fact, Triple
from kg.mirror import Mirror, mirror
from kg.mirror_changes import caught_up
from kg.mirror_file import kept_mirror
from kg.store import GraphStore
from nlp.embed import TokenEmbedder

if TYPE_CHECKING:
    from fusion.reasoned import Reasoned

MIRRORED = 2_000_000  # facts of a graph that is held in memory whole; of a larger one, what is near the names
NEARBY = 20_000  # facts that are near enough
TOPICS = 8  # entities that a question is tried with
CLOSE = 0.5  # another entity from which a plan fits half as well may be meant, too
EQUAL = 0.9  # and if this well, nothing but other words of the question can tell which is meant
MEANT = 1e-5  # a plan that is less probable than this follows other relations, for want of those that are asked for
SURE = 0.5  # a plan is more probable than all others together
CERTAIN = 0.75  # what the words of a question say by themselves is not even looked at
LIKE, UNLIKE = 0.85, 0.7  # to the questions of training: as good as one of them; about something else


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
    meant: float = 1.0  # how probable the best plan is among all that like entities have: whether it is asked for

    def steps(self, plan: Plan) -> list[tuple[str, bool, int]]:
        """The relations of a plan, whether each is walked forwards, and how many entities it reaches."""
        return [
            (*self.graph.named(row), len(front.reached)) for row, front in zip(plan.rows, plan.fronts[1:], strict=True)
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
                "it anew with `clew learn --questions`."
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

    def think(self, text: str, links: Sequence[Link], *, version: int | None = None) -> Thought:
        """Every plan from the entities that a question names, the best first.

        ``version`` is the graph's, where it is known already.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        chosen = _surest(links)
        graph, rows, partial = self._graph([found.entity.id for found in chosen], version)
        places = {(found.start, found.end) for found in chosen}
        read, known = self._heard(text, places)
        found: list[Planned] = []
        for link in chosen:
            place = link.start, link.end
            topic, heard = graph.places.get(link.entity.id), read.get(place)
            if topic is None or heard is None:
                continue
            for plan in plans(self._planner, graph, rows, heard, [topic]):
                ends = answers(plan, [topic])
                if ends:
                    chance = float(np.exp(plan.log_probability)) * known[place] * link.score
                    found.append(Planned(link, plan, topic, ends, chance, plan.fit * link.score))
        order = _ranked(found)
        meant = 1.0
        if order:
            best = order[0]
            meant = likely(self._planner, graph, rows, read[best.link.start, best.link.end], best.plan.rows, best.topic)
        return Thought(graph, order, partial, meant)

    def wanted(self, asked: Understood) -> list[Wanted]:
        """The chains that a question surely asks for, whether or not the graph has their facts, the surest first.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        chosen = _surest(asked.links)
        graph, rows, _ = self._graph([found.entity.id for found in chosen])
        read, known = self._heard(asked.text, {(found.start, found.end) for found in chosen})
        found: list[Wanted] = []
        for link in chosen:
            place = link.start, link.end
            topic, heard = graph.places.get(link.entity.id), read.get(place)
            if topic is None or heard is None:
                continue
            for chain, chance in foreseen(self._planner, graph, rows, heard, topic):
                sure = float(np.exp(chance)) * known[place] * link.score
                if sure >= SURE:
                    found.append(Wanted({link.entity.id: ()}, tuple(graph.named(row) for row in chain), sure))
        return sorted(found, key=lambda one: (-one.score, one.steps))

    def choose(self, asked: Understood, facts: Facts, ruled: Callable[[], Reading | Miss]) -> Choice:
        """The answer of the best plan where that is sure enough, else what ``ruled`` says.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        thought = self.think(asked.text, asked.links, version=facts.version)
        if not thought.plans:
            return _by_words(ruled, "no plan leads on from what the question names", thought)
        if thought.meant < MEANT:
            return _by_words(ruled, "the question asks for relations that the graph does not have there", thought)
        if _leaves_out(thought.plans):
            return _by_words(ruled, "the best plan leaves out something that the question names", thought)
        proposed = self.answer(thought, facts)
        if proposed is None:
            return _by_words(ruled, "the graph no longer holds what the best plan leads to", thought)
        if all(entity.type in asked.unfit for entity in proposed.entities):
            types = " and ".join(sorted({entity.type for entity in proposed.entities}))
            return _by_words(ruled, f"the best plan leads to things of type {types}, and others are asked for", thought)
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
        others = same_name(thought.plans)
        equal = [one.link for one in others if one.fit >= EQUAL * best.fit]
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
            meant=(best.link, *equal) if equal else (),
        )

    def _heard(
        self, text: str, places: Collection[tuple[int, int]]
    ) -> tuple[dict[tuple[int, int], Read], dict[tuple[int, int], float]]:
        """The question as it reads with its topic at each place, and how familiar it is then."""
        order = sorted(places)
        texts = [masked(text, *place) for place in order]
        asked = dict(zip(order, map(Asked.of, texts, self._embedder.tokens(texts)), strict=True))
        read = {place: self._planner.read(one) for place, one in asked.items() if one.topic.any()}
        return read, {place: familiar(self._planner.likeness(one)) for place, one in asked.items()}

    def _held(self, triples: Collection[Triple]) -> dict[Triple, Fact]:
        found = self._store.facts_between(sorted(triples))
        return {(fact.subject, fact.relation, fact.object): fact for fact in found}

    def _graph(self, topics: Sequence[EntityId], version: int | None = None) -> tuple[Mirror, Array, bool]:
        """The graph to walk in, its rows, and whether it is only a part.

        The whole graph is kept, and brought up to date when it has changed.
        """
        version = self._store.version() if version is None else version
        with self._lock:
            if self._whole is not None and self._whole[0].version == version:
                return *self._whole, False
            if self._store.counts().facts > self._mirrored:
                self._whole = None
            else:
                with suppress(ChangingError):  # while others write, what is near is walked
                    whole = self._read()
                    self._whole = whole, self._rows(whole)
                    return *self._whole, False
        near = self._store.neighbourhood(topics, hops=self._planner.hops, limit=NEARBY)
        triples = [(fact.subject, fact.relation, fact.object) for fact in near.facts]
        part = Mirror.of(triples, entities=topics, version=version)
        with self._lock:
            return part, self._rows(part), len(triples) >= NEARBY

    def _read(self) -> Mirror:
        if self._whole is not None and (found := caught_up(self._whole[0], self._store)) is not None:
            return found
        self._whole = None
        if self._kept is None:
            return mirror(self._store)
        return kept_mirror(self._store, self._kept, notify=self._notify)

    def _rows(self, graph: Mirror) -> Array:
        texts = row_texts(graph.relations)
        missing = sorted({text for text in texts if text not in self._texts})
        self._texts |= dict(zip(missing, self._embedder.encode(missing), strict=True))
        return self._planner.rows(graph.relations, np.stack([self._texts[text] for text in texts]))


def _by_words(ruled: Callable[[], Reading | Miss], why: str, thought: Thought | None = None) -> Choice:
    said = ruled()
    return Choice(said, "words", why, thought, said)


def _surest(links: Sequence[Link]) -> list[Link]:
    return sorted(links, key=lambda found: (-found.score, found.start - found.end, found.entity.id))[:TOPICS]


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


def same_name(found: Sequence[Planned]) -> list[Planned]:
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
