"""What a trained planner makes of a question: relations to walk from each entity that it may be about, and the answer.

A plan is chosen among the relations that lead on from where it stands, so that one of them is always probable. Whether
the question is one that can be planned at all is told by its likeness to the questions of training; which of several
entities it is about, by how probable the plan is among all relations of the graph.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fusion import weights_file
from fusion.ground import MIRRORED, Ground, Grounds, RowsKept
from fusion.paths import Facts
from fusion.planner.model import Asked, Planner, Read, load, masked
from fusion.planner.search import answers, foreseen, likely, merged, plans
from fusion.predicting import Wanted
from fusion.question import Link
from fusion.reader import LISTED, Miss, Reading
from fusion.reader import Asked as Understood
from fusion.thought import SURE, Planned, Thought, familiar, leaves_out, ranked, same_name, surest
from fusion.trace import Choice
from kg.store import GraphStore
from nlp.embed import TokenEmbedder

if TYPE_CHECKING:
    from fusion.reasoned import Reasoned

EQUAL = 0.9  # of two entities that fit so nearly as well, nothing but other words of the question tells which is meant
# A plan that is less probable than this follows other relations, for want of those that are asked for. The highest of
# the thresholds tried that refuses at most 2 of 100 right plans (python -m benchmarks.reasoner metaqa --refused).
MEANT = 0.01
CERTAIN = 0.75  # what the words of a question say by themselves is not even looked at


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
        weights_file.check_encoder(planner.encoder, embedder.name, what="planner")
        self._planner, self._embedder, self.reasoned = planner, embedder, reasoned
        self._grounds = Grounds(store, embedder, kept=kept, notify=notify, mirrored=mirrored)
        self._rows = RowsKept(planner.rows)

    def warm(self) -> None:
        """Have the graph at hand before the first question.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        self._rows.of(self._around([]))

    def think(self, text: str, links: Sequence[Link], *, version: int | None = None) -> Thought:
        """Every plan from the entities that a question names, the best first.

        ``version`` is the graph's, where it is known already.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        chosen = surest(links)
        ground = self._around(chosen, version)
        graph, rows = ground.graph, self._rows.of(ground)
        places = {(found.start, found.end) for found in chosen}
        read, known = self._heard(text, places)
        found: list[Planned] = []
        for link in chosen:
            place = link.start, link.end
            topic, heard = graph.places.get(link.entity.id), read.get(place)
            if topic is None or heard is None:
                continue
            for plan in merged(plans(self._planner, graph, rows, heard, [topic]), [topic]):
                chance = float(np.exp(plan.log_probability)) * known[place] * link.score
                ends = answers(plan, [topic])
                found.append(Planned(link, plan, topic, ends, chance, plan.fit * link.score))
        order = ranked(found)
        meant = likely(graph, order[0].plan, order[0].topic) if order else 1.0
        return Thought(ground, order, meant)

    def wanted(self, asked: Understood) -> list[Wanted]:
        """The chains that a question surely asks for, whether or not the graph has their facts, the surest first.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        chosen = surest(asked.links)
        ground = self._around(chosen)
        graph, rows = ground.graph, self._rows.of(ground)
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
        if leaves_out(thought.plans):
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
        held = facts.held({triple for trace in traces.values() for triple in trace})
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
        if thought.ground.caution:
            reasons.append(thought.ground.caution)
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

    def _around(self, links: Sequence[Link], version: int | None = None) -> Ground:
        """The graph to walk in from what is linked."""
        return self._grounds.around([one.entity.id for one in links], hops=self._planner.hops, version=version)


def _by_words(ruled: Callable[[], Reading | Miss], why: str, thought: Thought) -> Choice:
    said = ruled()
    return Choice(said, "words", why, thought, said)


def open_reader(store: GraphStore, embedder: TokenEmbedder, *, planner: Path, reasoner: Path) -> PlannedReader | None:
    """What reads questions of a store with a planner, and a reasoner, that were trained of it or of more than it has.

    None where there is no planner.

    Raises:
        PlannerError: the planner or the reasoner is damaged, or was trained with another encoder.
    """
    if not planner.exists():
        return None
    from fusion.reasoned import Reasoned
    from fusion.reasoner.model import load as load_reasoner

    found = load(planner)
    reasoned = Reasoned(found, load_reasoner(reasoner), embedder) if reasoner.exists() else None
    return PlannedReader(store, found, embedder, reasoned=reasoned)
