"""What operators work on: the ends of a chain of facts, by a trained planner where there is one, else by the words.

An operand is a part of the question that names one thing. Every way in which it may be read is kept, so that operators
can choose among them by what their ends have in common.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from fusion.asking import unfit, unsaid
from fusion.cues import Cue, Lexicon
from fusion.operators.phrase import Phrase
from fusion.paths import FACTS, FRONTIER, Facts, Walk, explain
from fusion.question import KEY, Link, is_chinese, stem
from fusion.reader import ENOUGH, LISTED, Asked, understand
from kg.facts import EntityId, Fact, Triple
from kg.ontology import Ontology

if TYPE_CHECKING:
    from fusion.planned import PlannedReader
    from fusion.thought import Planned, Thought

SURE, CERTAIN = 0.5, 0.75  # plans below are passed over; those above go before what the words say
READINGS = 6  # of one operand

Shape = tuple[tuple[str, bool], ...]  # relations, and whether each is walked forwards


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Where relations lead from one thing. ``shapes`` are the relations; words may stand for several chains of them."""

    link: Link
    shapes: tuple[Shape, ...]
    ends: tuple[EntityId, ...]
    probability: float
    trace: Callable[[EntityId], tuple[Triple, ...]]  # one way to an end
    planned: bool
    whole: bool = True  # False where only a part of the graph, or of an entity's facts, was walked


class Operands:
    """Reads operands from one version of a graph."""

    def __init__(self, facts: Facts, lexicon: Lexicon, ontology: Ontology, planned: "PlannedReader | None") -> None:
        self._facts, self._lexicon, self._ontology, self._planned = facts, lexicon, ontology, planned

    def chains(self, phrase: Phrase) -> list[Chain]:
        """The ways to read a phrase, the best first.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        found = [*self._by_plan(phrase), *self._by_words(phrase)]
        found = [one for one in found if not _leaves_out(phrase, one.link)]
        if not found and not any(not cue.soft for cue in self.cues(phrase)):
            found = self._by_kind(phrase)
        found.sort(key=lambda one: -(one.probability + (one.planned and one.probability >= CERTAIN)))
        distinct: dict[tuple[EntityId, frozenset[EntityId]], Chain] = {}
        for one in found:
            distinct.setdefault((one.link.entity.id, frozenset(one.ends)), one)
        return list(distinct.values())[:READINGS]

    def cues(self, phrase: Phrase) -> list[Cue]:
        """The words of a phrase that stand for relations."""
        return self._lexicon.cues(phrase.text, phrase.links)

    def _by_plan(self, phrase: Phrase) -> list[Chain]:
        if self._planned is None or not phrase.links:
            return []
        from fusion.planned import MEANT

        thought = self._planned.think(phrase.text, phrase.links)
        if thought.meant < MEANT:  # it follows other relations, for want of those that are asked for
            return []
        graph, found = thought.graph, []
        asked = understand(phrase.text, phrase.links, self._lexicon, self._ontology)
        wrong = asked.unfit | unfit(phrase.text, asked.cues, asked.expected, self._ontology)
        for one in thought.plans:
            if one.probability < SURE or self._against(asked, thought, one, wrong if phrase.expected is None else ()):
                continue
            shape = tuple((relation, forward) for relation, forward, _ in thought.steps(one.plan))
            ends = tuple(graph.entities[place] for place in one.answers)
            if phrase.expected:
                ends = self._fitting(ends, phrase.expected)
            if ends:
                found.append(
                    Chain(
                        one.link,
                        (shape,),
                        ends,
                        one.probability,
                        partial(_trace, thought, one),
                        True,
                        not thought.partial,
                    )
                )
        return found

    def _against(self, asked: Asked, thought: "Thought", one: "Planned", wrong: Collection[str]) -> bool:
        """Whether a plan leads to nothing that may be asked for, or against what the words surely say."""
        ends = self._facts.entities([thought.graph.entities[place] for place in one.answers])
        if ends and all(entity.type in wrong for entity in ends.values()):
            return True
        paths = [[Fact(*triple) for triple in thought.path(one.plan, place)] for place in one.answers[:LISTED]]
        return unsaid(asked.cues, asked.links, paths, self._ontology) is not None

    def _by_words(self, phrase: Phrase) -> list[Chain]:
        asked = understand(phrase.text, phrase.links, self._lexicon, self._ontology)
        expected = asked.expected if phrase.expected is None else phrase.expected
        self._facts.know(one.entity for one in phrase.links)
        named = 1 / (1 + 0.25 * len(asked.loose))
        found = []
        for link in phrase.links:
            walks = explain(self._facts, link.entity.id, (link.start, link.end), asked.cues, expected, self._ontology)
            for walk in walks[:3]:
                if walk.score >= ENOUGH and walk.reached:
                    score = min(1.0, walk.score) * link.score * (0.5 + 0.5 * named)
                    found.append(self._walked(link, walk, score))
        return found

    def _by_kind(self, phrase: Phrase) -> list[Chain]:
        """Things of the one kind that the words name, where only one relation joins them to the entity: "A's films"."""
        words = [stem(word) for word in phrase.words.split()] if not phrase.chinese else []
        kinds = {
            kind
            for kind, spoken in self._ontology.type_words.items()
            if any(stem(word) in words for word in spoken.get("en", ()))
            or (phrase.chinese and any(word in phrase.words for word in spoken.get("zh", ())))
        }
        found = []
        for link in phrase.links:
            start = link.entity.id
            reached: dict[tuple[str, bool], dict[EntityId, tuple[Fact, ...]]] = {}
            for fact in self._facts.of([start])[start]:
                forward = fact.subject == start
                reached.setdefault((fact.relation, forward), {})[fact.object if forward else fact.subject] = (fact,)
            fitting = {step: self._fitting(tuple(ends), kinds) for step, ends in reached.items()} if kinds else {}
            steps = [step for step, ends in fitting.items() if ends]
            if len(steps) == 1:
                [step] = steps
                walk = Walk({id: reached[step][id] for id in fitting[step]})
                found.append(self._walked(link, walk, 0.8 * link.score))
        return found

    def _walked(self, link: Link, walk: Walk, score: float) -> Chain:
        start = link.entity.id
        paths = {id: tuple((f.subject, f.relation, f.object) for f in path) for id, path in walk.reached.items()}
        shapes = tuple(dict.fromkeys(shape_of(start, path) for path in paths.values()))
        whole = all(self._walks_all(start, shape) for shape in shapes)
        return Chain(link, shapes, tuple(paths), score, paths.__getitem__, False, whole)

    def _walks_all(self, start: EntityId, shape: Shape) -> bool:
        """Whether a walk looks at all facts of all entities on its way."""
        here = {start}
        for relation, forward in shape:
            if len(here) > FRONTIER:
                return False
            known = self._facts.of(sorted(here))
            if any(len(told) >= FACTS for told in known.values()):
                return False
            steps = [
                (fact.subject, fact.object) if forward else (fact.object, fact.subject)
                for told in known.values()
                for fact in told
                if fact.relation == relation
            ]
            here = {end for one, end in steps if one in here}
        return True

    def _fitting(self, ends: tuple[EntityId, ...], kinds: Collection[str]) -> tuple[EntityId, ...]:
        types = {id: entity.type for id, entity in self._facts.entities(ends).items()}
        return tuple(
            id for id in ends if id in types and any(self._ontology.compatible(types[id], kind) for kind in kinds)
        )


def shape_of(start: EntityId, path: Sequence[Triple]) -> Shape:
    """The relations of a path, and which way each is walked."""
    shape, here = [], start
    for subject, relation, object in path:
        shape.append((relation, subject == here))
        here = object if subject == here else subject
    return tuple(shape)


def _trace(thought: "Thought", one: "Planned", id: EntityId) -> tuple[Triple, ...]:
    return thought.path(one.plan, thought.graph.places[id])


def thinned(phrase: Phrase) -> Phrase:
    """The phrase without names of one lower-case word, which are everyday words where other names are capitalised."""
    said = {place: phrase.text[place[0] : place[1]] for place in phrase.places}
    proper = {place for place, word in said.items() if " " in word or is_chinese(word) or not word.islower()}
    return replace(phrase, links=tuple(one for one in phrase.links if not proper or (one.start, one.end) in proper))


def _leaves_out(phrase: Phrase, link: Link) -> bool:
    """Whether the phrase surely names something else, too."""
    return any(one.score >= KEY for one in phrase.links if (one.start, one.end) != (link.start, link.end))
