"""What the graph neural reasoner answers where no plan is sure: entities that lie near, each with the way to it.

Its entities and those of the plans get one calibrated probability (reasoner/fusing.py), which counts as far as the
question is like those of training and as its link is sure. Of each entity the facts of one way to it are looked up in
the store before it is shown: those of its plan, where it has one, else the likeliest chain from the topic.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fusion import weights_file
from fusion.ground import Ground, RowsKept
from fusion.paths import Facts
from fusion.planner.model import Asked, Planner, masked
from fusion.planner.search import candidates
from fusion.reader import LISTED, Reading
from fusion.reader import Asked as Understood
from fusion.reasoner.around import best_path
from fusion.reasoner.fusing import fuse, given, see
from fusion.reasoner.model import Reasoner
from fusion.thought import SURE, Thought, familiar, same_name
from fusion.trace import Choice
from kg.facts import Entity, Fact, Triple
from nlp.embed import TokenEmbedder

SHOWN = 10  # guesses that are no answers, and still told


@dataclass(frozen=True, slots=True)
class Guess:
    """An entity that may be the answer, and the facts that lead to it."""

    entity: Entity
    probability: float  # of both together, as far as the question and its link are known
    planned: float  # of the plans that lead to it
    reasoned: float  # as the reasoner alone has it, among all entities around the topic
    answers: bool  # it is one of what would be answered
    path: tuple[Fact, ...]


class Reasoned:
    """Reasons over what lies around a question's topic. Safe to use from several threads."""

    def __init__(self, planner: Planner, reasoner: Reasoner, embedder: TokenEmbedder) -> None:
        """``planner`` is the one that the reasoner was calibrated beside.

        Raises:
            PlannerError: the reasoner was trained on the vectors of another encoder.
        """
        weights_file.check_encoder(reasoner.encoder, embedder.name, what="reasoner")
        self._planner, self._reasoner, self._embedder = planner, reasoner, embedder
        self._rows = RowsKept(reasoner.rows)

    def reconsider(self, choice: Choice, asked: Understood, facts: Facts) -> Choice:
        """The choice, or, where no plan was sure and the reasoner is surer than what was chosen, its answer.

        It must be of a kind that may be asked for.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        thought = choice.thought
        if not choice.unsure or thought is None or same_name(thought.plans):
            return choice  # which of several things is meant is asked, not reasoned
        guesses = self.think(asked.text, thought, facts)
        choice = replace(choice, guesses=guesses)
        reading = _reading(guesses, thought.ground)
        if reading is None or reading.score < SURE or all(one.type in asked.unfit for one in reading.entities):
            return choice
        if isinstance(choice.reading, Reading) and choice.reading.score >= reading.score:
            return choice
        return replace(choice, reading=reading, by="reasoner")

    def think(self, text: str, thought: Thought, facts: Facts) -> tuple[Guess, ...]:
        """The entities that plans and reasoner propose for the topic of the best plan, the most probable first.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        if self._reasoner.calibration is None or not thought.plans:
            return ()
        best, graph = thought.plans[0], thought.graph
        question = masked(text, best.link.start, best.link.end)
        asked = Asked.of(question, self._embedder.tokens([question])[0])
        scored = self._reasoner.reason(asked, graph, self._rows.of(thought.ground), [best.topic])
        found = candidates([one.plan for one in thought.plans if one.link == best.link], [best.topic])
        fused = fuse(self._reasoner.calibration, see(found, best.fit / best.link.score, scored))
        answers = {one.place for one in given(fused, found[0].plan if found else None)}
        shown = [one for at, one in enumerate(fused) if at < SHOWN or one.place in answers][: LISTED + SHOWN]
        ways: dict[int, tuple[Triple, ...]] = {}
        for one in shown:
            if one.plan is not None:
                ways[one.place] = thought.path(one.plan, one.place)
            else:
                here = scored.part.here([one.place])
                hops = self._reasoner.hops
                ways[one.place] = best_path(graph, scored.part, scored.relevance, int(here[0]), hops=hops)[1]
        held = facts.held({triple for way in ways.values() for triple in way})
        known = facts.entities([graph.entities[one.place] for one in shown])
        sure = familiar(self._planner.likeness(asked)) * best.link.score
        return tuple(
            Guess(
                known[graph.entities[one.place]],
                one.probability * sure,
                one.planned,
                one.reasoned,
                one.place in answers,
                tuple(held[triple] for triple in ways[one.place]),
            )
            for one in shown
            if ways[one.place] and held.keys() >= {*ways[one.place]} and graph.entities[one.place] in known
        )


def _reading(guesses: Sequence[Guess], ground: Ground) -> Reading | None:
    """The answer that guesses make; None where there is none."""
    found = [guess for guess in guesses if guess.answers][:LISTED]
    if not found:
        return None
    return Reading(
        text=", ".join(guess.entity.name for guess in found),
        entities=tuple(guess.entity for guess in found),
        paths=tuple(guess.path for guess in found),
        score=found[0].probability,
        reason="; ".join(filter(None, ("no plan was sure; reasoned from what lies near", ground.caution))),
    )
