"""Questions that combine, count, compare, limit, deny or ask whether: read by their words, answered by exact sets.

Each operator is cut out of the question, and what is left is a plainer question: until only chains of facts are left,
which a trained planner reads, or the words. Where an operator has been read, the answer is that operator's, or none: a
question that counts is not answered as if it did not.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from fusion.cues import Speech
from fusion.operators import chinese
from fusion.operators.algebra import difference
from fusion.operators.alike import same
from fusion.operators.answers import Answers, Operation
from fusion.operators.attributes import Attributes
from fusion.operators.forms import More
from fusion.operators.found import Found
from fusion.operators.operands import Operands, thinned
from fusion.operators.phrase import Phrase, Place
from fusion.operators.sets import Sets
from fusion.operators.sides import Sides
from fusion.operators.values import read_date, read_number
from fusion.operators.versus import side_by_side
from fusion.operators.whether import YesNo
from fusion.paths import Facts
from fusion.reader import LISTED, Asked, Miss, Reading
from kg.facts import Entity
from kg.ontology import Ontology
from nlp.embed import Embedder

if TYPE_CHECKING:
    from fusion.planned import PlannedReader


class Operators:
    """Reads questions by their operators. Safe to use from several threads."""

    def __init__(
        self,
        ontology: Ontology,
        speech: Speech,
        *,
        embedder: Embedder | None = None,
        planned: "Callable[[], PlannedReader | None]" = lambda: None,
    ) -> None:
        """Without a planner, operands are read by their words."""
        self._ontology, self._speech = ontology, speech
        self._embedder, self._planned = embedder, planned

    def read(self, asked: Asked, facts: Facts, plain: Callable[[], Reading | Miss]) -> Operation | None:
        """What a question comes to; None if it has no operator. ``plain`` is the answer as if it had none.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
            PlannerError: the trained planner cannot be read.
        """
        phrase = thinned(Phrase(asked.text, asked.links))
        phrase = chinese.tidied(phrase) if phrase.chinese else phrase
        if not phrase.links:
            return None
        return _Question(self, asked, facts, phrase).read(plain)

    def operands(self, facts: Facts) -> Operands:
        """What reads the operands of a question."""
        return Operands(facts, self._speech.lexicon(), self._ontology, self._planned())


class _Question:
    """One question, on its way to an answer."""

    def __init__(self, operators: Operators, asked: Asked, facts: Facts, phrase: Phrase) -> None:
        self._ontology = operators._ontology
        self._asked, self._facts, self._phrase = asked, facts, phrase
        self._attributes = Attributes(facts, self._ontology, operators._embedder)
        self._sets = Sets(facts, operators.operands(facts), self._attributes, chinese=phrase.chinese)
        self._words, self._limits = self._sets.words, self._sets.limits
        self._answers = Answers(facts, phrase)

    def read(self, plain: Callable[[], Reading | Miss]) -> Operation | None:
        """What it comes to."""
        denial = self._words.denial(self._phrase)
        if denial is not None and not self._sets.is_relation(self._phrase, denial):
            return self._denied()
        rank = self._words.ranked(self._phrase)
        if rank is not None and not self._sets.is_relation(self._phrase, rank):
            return Operation(Miss(f"only the first or the last of several can be told, not {rank!r}", final=True))
        sides = Sides(self._asked, self._facts, self._ontology, self._attributes)
        compared = same(sides)
        if compared is not None:
            return Operation(compared, ((0, "compare"),))
        more = self._words.more(self._phrase)
        if more is not None:
            return self._more(more)
        limit = self._limits.limited(self._phrase)
        things = (
            self._phrase
            if limit is None
            else self._phrase.only(place for place in self._phrase.places if not self._phrase.is_value(place))
        )
        versus = self._words.versus(things)
        if versus is not None:
            return Operation(side_by_side(sides, versus), ((0, f"compare by {versus.sense.word!r}"),))
        if self._words.asks_whether(self._phrase):
            return YesNo(self._phrase, self._facts, self._ontology, self._sets, self._attributes, self._answers).read()
        counted = self._words.counted(self._phrase)
        if counted is not None:
            looked_up = plain()
            if isinstance(looked_up, Reading) and self._are_values(looked_up.entities):
                return None
            return self._answers.of_set(self._sets.set(counted), count=True)
        found = self._sets.combined(self._phrase)
        if found is not None:
            return self._answers.of_set(found)
        either = self._sets.either(self._phrase)
        return None if either is None else Operation(Miss(f"{either!r} asks two things at once; ask one", final=True))

    def _denied(self) -> Operation:
        without = self._words.without(self._phrase)
        compares = self._words.more(self._phrase) or self._words.versus(self._phrase)
        if without is not None and not compares and not self._words.asks_whether(self._phrase):
            kept, dropped = self._sets.set(without.kept), self._sets.readings(without.dropped)
            if isinstance(kept, Found) and dropped:
                return self._answers.of_set(difference(kept, dropped[0], self._facts))
        reason = "the question asks for what is not so, and the graph only says what is"
        return Operation(Miss(reason, final=True), ((0, "not"),))

    def _more(self, more: More) -> Operation:
        """Which of the things named has more, or fewer, of something."""
        found = [(place, self._sets.set(part)) for place, part in more.parts]
        lines = [(0, f"{'most' if more.end > 0 else 'fewest'} of")]
        sets: list[tuple[Place, Found]] = []
        for place, one in found:
            if isinstance(one, Miss):
                return Operation(one, tuple(lines))
            sets.append((place, one))
            lines += one.lines(1)
        sets.sort(key=lambda each: -more.end * len(each[1].ends))
        (place, best), (_, second), *_ = sets
        counts = ", ".join(f"{self._phrase.at(at)[0].entity.name} {len(one.ends):,}" for at, one in sets)
        if not all(one.whole for _, one in sets):
            reason = f"only a part of the graph was walked, so that there may be more of each: {counts}"
            return Operation(Miss(reason, final=True), tuple(lines))
        if len(best.ends) == len(second.ends):
            return Operation(Miss(f"the graph knows as many of each: {counts}"), tuple(lines))
        paths = tuple(path for _, one in sets for id in one.ends[:LISTED] for path in one.prove(id))
        link = self._phrase.at(place)[0]
        self._facts.know([link.entity])
        compared = replace(best, parts=tuple(one for _, one in sets))
        reading = self._answers.reading(
            compared, paths, text=link.entity.name, entities=(link.entity,), joint=True, reasons=[counts]
        )
        return Operation(reading, tuple(lines))

    def _are_values(self, entities: Collection[Entity]) -> bool:
        """Whether an answer says how many by itself: as numbers, which are the subject of nothing."""
        told = self._facts.of([entity.id for entity in entities])
        return bool(entities) and all(
            (self._ontology.is_a(one.type, "Quantity") or read_number(one.name) is not None)
            and not any(fact.subject == one.id for fact in told[one.id])
            and (len(entities) == 1 or read_date(one.name) is None)
            for one in entities
        )
