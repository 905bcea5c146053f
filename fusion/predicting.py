"""Where a chain breaks off because the graph lacks a fact: what the learned vectors expect there, and what follows.

Only when it is asked for. One fact of a chain may be expected, the others must be in the graph. An expected fact is no
fact: it has no evidence and is not in the store, and goes with its probability wherever it is shown.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from fusion.cues import INVERSE, Cue
from fusion.paths import FRONTIER, Facts
from fusion.question import Link
from fusion.reader import LISTED, Asked, Miss, Reading
from kg.embeddings.errors import NotLearnedError
from kg.facts import Entity, EntityId, Fact, FactId

if TYPE_CHECKING:
    from fusion.planned import PlannedReader
    from fusion.trace import Choice
    from kg.embeddings.learned import LearnedGraph

PROBABLE = 0.5  # calibrated: it is expected rather to hold than not
FROM = 5  # entities of which a missing fact is expected
EACH = 5  # facts that are expected of one of them
CUES = 3  # words that a chain may be made of
READINGS = 8  # chains that are tried

Step = tuple[str, bool]  # a relation, and whether it is walked forwards
Reached = dict[EntityId, tuple[Fact, ...]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Relations that a question asks to walk, whether or not the graph has such facts."""

    begun: Reached  # where from, with the facts that lead there
    steps: tuple[Step, ...]
    score: float  # how surely that is what is asked


@dataclass(frozen=True, slots=True)
class Foretold:
    """A reading that rests on expected facts, and how probable each of them is."""

    reading: Reading
    expected: dict[FactId, float]


@dataclass(frozen=True, slots=True)
class _End:
    entity: EntityId
    path: tuple[Fact, ...]
    expected: Fact
    probability: float


def wanted_by_words(asked: Asked, miss: Miss) -> list[Wanted]:
    """The chains that the words of a question ask for: on from where its walk ended, by the words that are left."""
    if not 0 < len(miss.left) <= CUES or not asked.links:
        return []
    if miss.walk is not None and miss.walk.reached:
        score = min(link.score for link in asked.links) * miss.walk.score
        starts = [(asked.links[0], dict(miss.walk.reached), score)]
    else:
        starts = [(link, {link.entity.id: ()}, link.score) for link in asked.links]
    found = []
    for link, begun, score in starts:
        near = sorted((_distance(cue, link), at) for at, cue in enumerate(miss.left))
        cues = [miss.left[at] for _, at in near]
        for chains in list(product(*(cue.chains for cue in cues)))[:READINGS]:
            steps = tuple(
                (name.removesuffix(INVERSE), not name.endswith(INVERSE)) for chain in chains for name in chain
            )
            found.append(Wanted(begun, steps, score))
    return found


class Predictor:
    """Completes what a question asks for with what the learned vectors expect. Safe to use from several threads."""

    def __init__(
        self,
        *,
        planned: "Callable[[], PlannedReader | None]",
        learned: "Callable[[], LearnedGraph] | None",
    ) -> None:
        """Both are asked only where a fact is missing."""
        self._planned, self._learned = planned, learned

    def predict(self, asked: Asked, choice: "Choice", facts: Facts) -> Foretold | Miss:
        """The answer of a chain that the graph has all but one fact of, where that one is expected.

        Beside a plan that the graph answers, only what the question asks for more surely, whatever the graph has.

        Raises:
            StoreError: the store failed.
            PlannerError: the trained planner cannot be read.
            CheckpointError: what was learned of the graph cannot be read.
            WeightsError: the embedder's weights are missing or damaged.
        """
        reason = choice.reading.reason
        planned = self._planned()
        wanted = planned.wanted(asked) if planned is not None and choice.by in ("plan", "words") else []
        if isinstance(choice.reading, Reading):
            wanted = [one for one in wanted[:1] if one.score > choice.reading.score]
        elif choice.by == "words":
            wanted += wanted_by_words(asked, choice.reading)
        if not wanted:
            return Miss(reason)
        if self._learned is None:
            return Miss(f"{reason}; nothing can be predicted")
        try:
            found = foretell(wanted, facts, self._learned(), fits=lambda entity: entity.type not in asked.unfit)
        except NotLearnedError as error:
            return Miss(f"{reason}; nothing can be predicted: {error}")
        return found or Miss(f"{reason}; nothing is expected there with a probability of {PROBABLE} or more")


def foretell(
    wanted: Sequence[Wanted], facts: Facts, model: "LearnedGraph", *, fits: Callable[[Entity], bool]
) -> Foretold | None:
    """The answer of the first chain that one expected fact completes; None if there is none.

    ``fits`` says which entities may be answers.

    Raises:
        StoreError: the store failed.
        NotLearnedError: nothing was learned of an entity.
    """
    for one in wanted:
        ends: dict[EntityId, _End] = {}
        for end in _completed(one, facts, model):
            if end.entity not in ends or ends[end.entity].probability < end.probability:
                ends[end.entity] = end
        known = facts.entities(ends.keys())
        fitting = [end for end in ends.values() if end.entity in known and fits(known[end.entity])]
        order = sorted(fitting, key=lambda end: (-end.probability, end.entity))[:LISTED]
        if order:
            given = tuple(known[end.entity] for end in order)
            reading = Reading(
                text=", ".join(entity.name for entity in given),
                entities=given,
                paths=tuple(end.path for end in order),
                score=one.score * order[0].probability * _stated(order[0]),
                reason=f"{order[0].expected.relation} is predicted: it is not in the graph, and no document says it",
            )
            return Foretold(reading, {end.expected.id: end.probability for end in order})
    return None


def _completed(wanted: Wanted, facts: Facts, model: "LearnedGraph") -> Iterator[_End]:
    """The ends of a chain of which one fact is expected: the first that nothing reached has; none if none is."""
    reached = wanted.begun
    for at, (relation, forward) in enumerate(wanted.steps):
        onward = _walked(reached, relation, facts, forward=forward)
        if onward:
            reached = onward
            continue
        if relation not in model.relations:
            return
        for id in sorted(reached)[:FROM]:
            subject, object = (id, None) if forward else (None, id)
            for one in model.predict(relation, subject=subject, object=object, limit=EACH):
                if one.probability < PROBABLE:
                    break  # the likeliest come first
                fact = Fact(one.subject, relation, one.object, frozenset())
                ends: Reached = {one.object if forward else one.subject: (*reached[id], fact)}
                for later, ahead in wanted.steps[at + 1 :]:
                    ends = _walked(ends, later, facts, forward=ahead)
                yield from (_End(end, path, fact, one.probability) for end, path in ends.items())
        return


def _walked(reached: Mapping[EntityId, tuple[Fact, ...]], relation: str, facts: Facts, *, forward: bool) -> Reached:
    """Where one relation leads; never back along the fact that led there."""
    here = sorted(reached)[:FRONTIER]
    found: Reached = {}
    for id, known in facts.of(here).items():
        path = reached[id]
        for fact in known:
            if fact.relation == relation and id == (fact.subject if forward else fact.object) and fact not in path[-1:]:
                found.setdefault(fact.object if forward else fact.subject, (*path, fact))
    return found


def _stated(end: _End) -> float:
    """How sure the facts are on which the expected one stands."""
    told = [fact for fact in end.path if fact is not end.expected]
    return min((max((e.confidence for e in fact.evidence), default=0.5) for fact in told), default=1.0)


def _distance(cue: Cue, link: Link) -> tuple[int, int]:
    return cue.start - link.end if cue.start >= link.end else link.start - cue.end, cue.start
