"""Questions that combine, count, compare, limit, deny or ask whether: read by their words, answered by exact sets.

Each operator is cut out of the question, and what is left is a plainer question: until only chains of facts are left,
which a trained planner reads, or the words. Where an operator has been read, the answer is that operator's, or none: a
question that counts is not answered as if it did not.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import regex

from fusion.cues import Speech
from fusion.operators import algebra, chinese, english
from fusion.operators.algebra import Found, Paths
from fusion.operators.attributes import Attributes
from fusion.operators.forms import Limit, More, Whether
from fusion.operators.operands import Operands, thinned
from fusion.operators.phrase import Phrase, Place
from fusion.operators.sets import Sets
from fusion.operators.values import read_date, read_number
from fusion.operators.versus import OTHERWISE, Sides, same, side_by_side
from fusion.paths import Facts
from fusion.question import Link, is_chinese
from fusion.reader import CLOSE, LISTED, Asked, Miss, Reading
from kg import set_query
from kg.facts import Entity, EntityId, Fact, Triple
from kg.ontology import Ontology
from kg.statements import DEFAULT_TYPE
from kg.store import GraphStore
from nlp.embed import Embedder

if TYPE_CHECKING:
    from fusion.planned import PlannedReader

_DOER = regex.compile(r"(?:_by|[eo]rs?)$", regex.IGNORECASE)  # "starred_actors": the object is who did it
UNTOLD = 0.8  # how surely a name is read that may mean something else
SHOWN = 5  # other values that a "no" is shown with


@dataclass(frozen=True, slots=True)
class Operation:
    """What operators made of a question: what it comes to, how, as a tree of (depth, text), and as Cypher."""

    reading: Reading | Miss
    lines: tuple[tuple[int, str], ...] = ()
    cypher: str | None = None


class Operators:
    """Reads questions by their operators. Safe to use from several threads."""

    def __init__(
        self,
        store: GraphStore,
        ontology: Ontology,
        speech: Speech,
        *,
        embedder: Embedder | None = None,
        planned: "Callable[[], PlannedReader | None]" = lambda: None,
    ) -> None:
        """Without a planner, operands are read by their words."""
        self._store, self._ontology, self._speech = store, ontology, speech
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
        self._store, self._ontology = operators._store, operators._ontology
        self._asked, self._facts, self._phrase = asked, facts, phrase
        self._words = chinese if phrase.chinese else english
        self._attributes = Attributes(facts, self._ontology, operators._embedder)
        self._sets = Sets(facts, operators.operands(facts), self._attributes, chinese=phrase.chinese)

    def read(self, plain: Callable[[], Reading | Miss]) -> Operation | None:
        """What it comes to."""
        denial = self._words.denial(self._phrase)
        if denial is not None and not self._sets.is_relation(self._phrase, denial):
            return self._denied()
        sides = Sides(self._asked, self._facts, self._ontology, self._attributes)
        compared = same(sides)
        if compared is not None:
            return Operation(compared, ((0, "compare"),))
        more = self._words.more(self._phrase)
        if more is not None:
            return self._more(more)
        limit = self._words.limited(self._phrase)
        things = self._phrase if limit is None else self._phrase.only(filter(self._is_thing, self._phrase.places))
        versus = self._words.versus(things)
        if versus is not None:
            return Operation(side_by_side(sides, versus), ((0, f"compare by {versus.sense.word!r}"),))
        if self._words.asks_whether(self._phrase):
            return self._yes_or_no()
        counted = self._words.counted(self._phrase)
        if counted is not None:
            looked_up = plain()
            if isinstance(looked_up, Reading) and self._are_values(looked_up.entities):
                return None
            return self._answer(self._sets.set(counted), count=True)
        found = self._sets.combined(self._phrase)
        return None if found is None else self._answer(found)

    def _denied(self) -> Operation:
        without = self._words.without(self._phrase)
        compares = self._words.more(self._phrase) or self._words.versus(self._phrase)
        if without is not None and not compares and not self._words.asks_whether(self._phrase):
            kept, dropped = self._sets.set(without.kept), self._sets.readings(without.dropped)
            if isinstance(kept, Found) and dropped:
                return self._answer(algebra.difference(kept, dropped[0], self._facts))
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
        reading = self._reading(
            best, paths, text=link.entity.name, entities=(link.entity,), joint=True, reasons=[counts]
        )
        return Operation(reading, tuple(lines))

    def _yes_or_no(self) -> Operation | None:
        limit, whether = self._words.limited(self._phrase), self._words.whether(self._phrase)
        if limit is not None and len(limit.rest.places) == 1:
            return self._within(limit)
        if limit is not None:
            return Operation(Miss("the question asks whether two things are so at once; ask one of them", final=True))
        if whether is None and len(self._phrase.places) > 1:
            return Operation(Miss("what is asked could not be told; ask of one thing and one other", final=True))
        return None if whether is None else self._whether(whether)

    def _whether(self, whether: Whether) -> Operation:
        """Whether something is among what is asked for."""
        told: list[Found] = []
        for asked, place in whether.asked:
            members = {one.entity.id for one in self._phrase.at(place)}
            for part in self._sets.readings(asked):
                inside = [id for id in part.ends if id in members]
                right = [id for id in inside if self._directed(part, id, whether)]
                if right:
                    paths = part.prove(right[0])
                    proven = replace(part, whole=True)  # by one fact, whatever was not walked
                    reading = self._reading(proven, paths, text=self._yes_no(True), joint=True)
                    return Operation(reading, ((0, "whether"), *part.lines(1)), self._cypher(part))
                if not inside and self._rules_out(part, members):
                    told.append(part)
        if not told:
            return Operation(Miss("the graph does not say", final=True), ((0, "whether"),))
        part = told[0]
        shown = part.ends[:SHOWN]
        known = self._ontology.relations.get(part.shapes[0][-1][0]) if part.shapes else None
        sure = known is not None and known.functional and len(part.ends) == 1
        reason = f"the graph says {', '.join(map(self._name, shown))}"
        if len(part.ends) > len(shown):
            reason += f" and {len(part.ends) - len(shown):,} more"
        paths = tuple(path for id in shown for path in part.prove(id))
        reading = self._reading(
            part, paths, text=self._yes_no(False), joint=True, sure=1.0 if sure else OTHERWISE, reasons=[reason]
        )
        return Operation(reading, ((0, "whether"), *part.lines(1)), self._cypher(part))

    def _rules_out(self, part: Found, members: Collection[EntityId]) -> bool:
        """Whether what the graph says of one thing speaks against others: it says all that it has of that relation.

        Who else was born in Rome says nothing of who is not; and who was born in Paris was born in what Paris is in.
        """
        if not part.whole or any(len(shape) != 1 or not shape[0][1] for shape in part.shapes):
            return False
        places = [id for id, end in self._facts.entities(part.ends).items() if self._ontology.is_a(end.type, "Place")]
        beyond = {fact.object for told in self._facts.of(places).values() for fact in told}
        return bool(part.shapes) and beyond.isdisjoint(members)

    def _directed(self, part: Found, id: EntityId, whether: Whether) -> bool:
        """Whether a fact between two things of one kind is the way round that the question has it.

        Of a film and a person, only one can have directed the other; of two people, either may have taught the other.
        """
        paths = part.prove(id)
        if len(whether.asked) == 1 or len(paths) != 1 or len(paths[0]) != 1:
            return True
        [(subject, relation, object)] = paths[0]
        types = self._facts.entities([subject, object])
        known = self._ontology.relations.get(relation)
        alike = self._ontology.compatible(types[subject].type, types[object].type)
        if not alike or self._of_two_kinds(subject, object) or (known is not None and known.symmetric):
            return True
        first = {one.entity.id for one in self._phrase.at(self._phrase.places[0])}
        return (subject in first) != ((_DOER.search(relation) is not None) != whether.passive)

    def _of_two_kinds(self, one: EntityId, other: EntityId) -> bool:
        """Whether things whose type says nothing are of two kinds by what is said of them: they share no relation."""
        if any(entity.type != DEFAULT_TYPE for entity in self._facts.entities([one, other]).values()):
            return False
        told = self._facts.of([one, other])
        roles = [{(fact.relation, fact.subject == id) for fact in told[id]} for id in (one, other)]
        return roles[0].isdisjoint(roles[1]) and max(map(len, roles)) > 2

    def _within(self, limit: Limit) -> Operation | None:
        """Whether the values of what is asked about are within limits."""
        rest = self._words.unasked(limit.rest)
        readings = (
            self._sets.readings(rest) if any(not cue.soft for cue in self._sets.cues(rest)) else [self._itself(rest)]
        )
        if not readings:
            return None
        part = readings[0]
        measured = self._attributes.measure(part.ends, limit.sense, unit=limit.bounds[0][1].kind)
        if isinstance(measured, Miss):
            return Operation(Miss(measured.reason, final=True), ((0, "whether"),))
        values = [measured.values.get(id) for id in part.ends]
        verdicts = [value is not None and [value[0].keeps(*bound) for bound in limit.bounds] for value in values]
        all_in = all(verdict is not False and all(verdict) for verdict in verdicts)
        all_out = all(verdict is not False and False in verdict for verdict in verdicts)
        lines = ((0, f"whether {measured.relation} is {limit.text}"), *part.lines(1))
        if not (all_in or all_out):
            return Operation(Miss(f"{algebra.words(measured.relation)} does not decide it", final=True), lines)
        facts = [value[1] for value in values if value is not None]
        reasons = [f"the graph says {', '.join(self._name(fact.object) for fact in facts[:SHOWN])}"]
        paths = tuple(
            (*(part.prove(id)[0] if part.prove(id) else ()), (fact.subject, fact.relation, fact.object))
            for id, fact in zip(part.ends, facts, strict=True)
        )
        return Operation(self._reading(part, paths, text=self._yes_no(all_in), joint=True, reasons=reasons), lines)

    def _itself(self, phrase: Phrase) -> Found:
        link = max(phrase.links, key=lambda one: one.score)
        self._facts.know([link.entity])
        query = set_query.Reached(link.entity.id, ((),))
        return Found(link.entity.name, (link.entity.id,), lambda id: ((),), link.score, query)

    def _answer(self, found: Found | Miss, *, count: bool = False) -> Operation:
        if isinstance(found, Miss):
            return Operation(found, ((0, "count"),) if count else ())
        shown = found.ends[:LISTED]
        self._facts.entities(shown)
        reasons = []
        if len(found.ends) > LISTED:
            what = "counted" if count else "answers"
            reasons.append(f"the first {LISTED} of {len(found.ends):,} {what}" + (" are shown" if count else ""))
        paths = tuple(path for id in shown for path in found.prove(id))
        entities = self._facts.entities(shown)
        given = tuple(entities[id] for id in shown if id in entities)
        text = str(len(found.ends)) if count else ", ".join(entity.name for entity in given)
        joint = count or found.joint
        reading = self._reading(found, paths, text=text, entities=() if count else given, joint=joint, reasons=reasons)
        lines = ((0, f"count: {len(found.ends):,}"), *found.lines(1)) if count else tuple(found.lines())
        return Operation(reading, lines, self._cypher(found, count=count))

    def _reading(
        self,
        part: Found,
        paths: Paths,
        *,
        text: str,
        entities: tuple[Entity, ...] = (),
        joint: bool = False,
        sure: float = 1.0,
        reasons: Iterable[str] = (),
    ) -> Reading | Miss:
        """The reading of what was found, each fact as the store has it now."""
        held = self._held({triple for path in paths for triple in path})
        lost = any(triple not in held for path in paths for triple in path)
        if lost and joint:
            return Miss("what was found is no longer in the graph")
        kept = tuple(tuple(held[triple] for triple in path) for path in paths if held.keys() >= set(path))
        for fact in held.values():
            sure = min(sure, max((evidence.confidence for evidence in fact.evidence), default=0.5))
        meant = self._meant(part)
        others = ", ".join(f"{one.entity.name} ({one.entity.type})" for one in meant[1:])
        read_as = (f"read as {meant[0].entity.name} ({meant[0].entity.type}), not {others}",) if meant else ()
        cut = () if part.whole else ("only a part of the graph was walked, so that there may be more",)
        reason = "; ".join((*reasons, *cut, *read_as, *part.all_notes()))
        score = part.probability * sure * (UNTOLD if meant else 1.0)
        return Reading(text, entities, kept, score, reason, joint, meant)

    def _meant(self, part: Found) -> tuple[Link, ...]:
        """What a name may mean as well, after what it was read as: what is linked as well and leads elsewhere."""
        for leaf in part.leaves():
            if not isinstance(leaf.query, set_query.Reached):
                continue
            topic, shapes = leaf.query.topic, leaf.query.shapes
            for place in self._phrase.places:
                links = self._phrase.at(place)
                chosen = next((one for one in links if one.entity.id == topic), None)
                if chosen is None:
                    continue
                near = [one for one in links if one.entity.id != topic and one.score >= CLOSE * chosen.score]
                led = [(one, algebra.reached(self._facts, one.entity.id, shapes)) for one in near]
                walked = algebra.reached(self._facts, topic, shapes)
                others = tuple(one for one, ends in led if ends and ends != walked)
                if others:
                    return chosen, *others
        return ()

    def _held(self, triples: Collection[Triple]) -> dict[Triple, Fact]:
        found = self._store.facts_between(sorted(triples))
        return {(fact.subject, fact.relation, fact.object): fact for fact in found}

    def _cypher(self, found: Found, *, count: bool = False) -> str:
        return set_query.set_query(found.query, count=count)

    def _are_values(self, entities: Collection[Entity]) -> bool:
        """Whether an answer says how many by itself: as numbers, which are the subject of nothing."""
        told = self._facts.of([entity.id for entity in entities])
        return bool(entities) and all(
            (self._ontology.is_a(one.type, "Quantity") or read_number(one.name) is not None)
            and not any(fact.subject == one.id for fact in told[one.id])
            and (len(entities) == 1 or read_date(one.name) is None)
            for one in entities
        )

    def _is_thing(self, place: Place) -> bool:
        said = self._phrase.text[slice(*place)]
        return read_date(said) is None and read_number(said) is None

    def _name(self, id: EntityId) -> str:
        return self._facts.entities([id])[id].name

    def _yes_no(self, yes: bool) -> str:
        if is_chinese(self._phrase.words):
            return "是" if yes else "否"
        return "yes" if yes else "no"
