"""Questions of yes or no: yes with the path, no with what the graph says instead; else the graph does not say."""

from collections.abc import Collection, Iterator
from dataclasses import replace

import regex

from fusion.operators.alike import OTHERWISE
from fusion.operators.answers import Answers, Operation
from fusion.operators.attributes import Attributes, Measured
from fusion.operators.forms import Limit, Whether
from fusion.operators.found import Found, Paths, of_chain, step, triple, words
from fusion.operators.operands import Chain
from fusion.operators.phrase import Phrase, Place
from fusion.operators.sets import Sets
from fusion.operators.sides import yes_no
from fusion.paths import Facts
from fusion.question import Link
from fusion.reader import CLOSE, Miss
from kg import set_query
from kg.facts import EntityId
from kg.ontology import Ontology
from kg.statements import DEFAULT_TYPE

SHOWN = 5  # other values that a "no" is shown with

_DOER = regex.compile(r"(?:_by|[eo]rs?)$", regex.IGNORECASE)  # "starred_actors": the object is who did it


class YesNo:
    """Reads one question that may be one of yes or no."""

    def __init__(
        self, phrase: Phrase, facts: Facts, ontology: Ontology, sets: Sets, attributes: Attributes, answers: Answers
    ) -> None:
        self._phrase, self._facts, self._ontology = phrase, facts, ontology
        self._sets, self._attributes, self._answers = sets, attributes, answers

    def read(self) -> Operation | None:
        """What it comes to; None if it asks for something else.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        limits = self._sets.limits
        limit, whether = limits.limited(self._phrase), self._sets.words.whether(self._phrase)
        unread = limits.unread(self._phrase if limit is None else limit.rest)
        if limit is not None and (limits.limited(limit.rest) is not None or len(limit.rest.places) > 1):
            return Operation(Miss("the question asks whether two things are so at once; ask one of them", final=True))
        if unread is not None:
            return Operation(Miss(f"what {unread!r} asks for could not be told", final=True))
        if limit is not None:
            return self._within(limit)
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
                    proven = replace(part, whole=True)  # by one fact, whatever was not walked
                    return self._say(True, proven, part.prove(right[0]))
                if not inside:
                    told += self._against(part, members, place)
        if not told:
            return Operation(Miss("the graph does not say", final=True), ((0, "whether"),))
        part = told[0]
        shown = part.ends[:SHOWN]
        reason = f"the graph says {', '.join(map(self._answers.name, shown))}"
        if len(part.ends) > len(shown):
            reason += f" and {len(part.ends) - len(shown):,} more"
        sure = 1.0 if len(part.ends) == 1 and self._functional(part) else OTHERWISE
        return self._say(False, part, tuple(path for id in shown for path in part.prove(id)), sure=sure, reason=reason)

    def _say(self, yes: bool, part: Found, paths: Paths, *, sure: float = 1.0, reason: str = "") -> Operation:
        text, reasons = yes_no(self._phrase.words, yes), [reason] if reason else []
        reading = self._answers.reading(part, paths, text=text, joint=True, sure=sure, reasons=reasons)
        return Operation(reading, ((0, "whether"), *part.lines(1)), set_query.set_query(part.query))

    def _against(self, part: Found, members: Collection[EntityId], place: Place) -> Iterator[Found]:
        """What speaks for "no", where none of the members is among what a plainer question leads to."""
        if self._rules_out(part, members):
            yield part
        elif len(part.shapes) == 1 and len(part.shapes[0]) == 1 and isinstance(part.query, set_query.Reached):
            [(relation, forward)] = part.shapes[0]
            known = self._ontology.relations.get(relation)
            if not forward and known is not None and known.functional:
                topics = {part.query.topic}
                yield from (own for own in self._own(relation, place) if self._rules_out(own, topics))

    def _own(self, relation: str, place: Place) -> Iterator[Found]:
        """What the graph says by a relation of what stands at a place, where it says anything."""
        for link in self._phrase.at(place):
            told = step(self._facts, [link.entity.id], relation, True)
            if told:
                paths = {end: (triple(fact),) for end, fact in told.items()}
                shape = ((relation, True),)
                yield of_chain(Chain(link, (shape,), tuple(told), link.score, paths.__getitem__, False))

    def _rules_out(self, part: Found, members: Collection[EntityId]) -> bool:
        """Whether what the graph says of one thing speaks against others: it says all that it has of that relation.

        Who else was born in Rome says nothing of who is not; and who was born in Paris was born in what Paris is in.
        """
        if not part.whole or any(len(shape) != 1 or not shape[0][1] for shape in part.shapes):
            return False
        places = [id for id, end in self._facts.entities(part.ends).items() if self._ontology.is_a(end.type, "Place")]
        beyond = {fact.object for told in self._facts.of(places).values() for fact in told}
        return bool(part.shapes) and not any(id in members for id in part.ends) and beyond.isdisjoint(members)

    def _functional(self, part: Found) -> bool:
        known = self._ontology.relations.get(part.shapes[0][-1][0]) if part.shapes else None
        return known is not None and known.functional

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
        rest = self._sets.words.unasked(limit.rest)
        named = not any(not cue.soft for cue in self._sets.cues(rest))
        readings = [self._itself(link) for link in _nearest(rest.links)] if named else self._sets.readings(rest)[:1]
        if not readings:
            return None
        ids = [id for part in readings for id in part.ends]
        measured = self._attributes.measure(ids, limit.sense, unit=limit.bounds[0][1].kind)
        if isinstance(measured, Miss):
            return Operation(Miss(measured.reason, final=True), ((0, "whether"),))
        verdicts = {part: _verdict(part, measured, limit) for part in readings if _has_value(part, measured)}
        part, verdict = next(((part, said) for part, said in verdicts.items() if said is not None), (readings[0], None))
        lines = ((0, f"whether {measured.relation} is {limit.text}"), *part.lines(1))
        if verdict is None:
            return Operation(Miss(f"{words(measured.relation)} does not decide it", final=True), lines)
        meant = None
        if named:  # of two things of one name, those matter of which it is not so
            others = [one for one, said in verdicts.items() if said != verdict]
            meant = tuple(link for one in (part, *others) for link in rest.links if link.entity.id == one.ends[0])
            meant = meant if others else ()
        facts = [measured.values[id][1] for id in part.ends]
        reasons = [f"the graph says {', '.join(self._answers.name(fact.object) for fact in facts[:SHOWN])}"]
        paths = tuple(
            (*(part.prove(id)[0] if part.prove(id) else ()), triple(fact))
            for id, fact in zip(part.ends, facts, strict=True)
        )
        text = yes_no(self._phrase.words, verdict)
        reading = self._answers.reading(part, paths, text=text, joint=True, reasons=reasons, meant=meant)
        return Operation(reading, lines)

    def _itself(self, link: Link) -> Found:
        self._facts.know([link.entity])
        query = set_query.Reached(link.entity.id, ((),))
        return Found(link.entity.name, (link.entity.id,), lambda id: ((),), link.score, query)


def _nearest(links: Collection[Link]) -> list[Link]:
    """What a name may mean, the surest first."""
    best = max(one.score for one in links)
    return sorted((one for one in links if one.score >= CLOSE * best), key=lambda one: -one.score)


def _has_value(part: Found, measured: Measured) -> bool:
    return any(id in measured.values for id in part.ends)


def _verdict(part: Found, measured: Measured, limit: Limit) -> bool | None:
    """Whether all values of a set are surely within limits, or all surely not; None where neither is sure."""
    values = [measured.values.get(id) for id in part.ends]
    kept = [value is not None and [value[0].keeps(*bound) for bound in limit.bounds] for value in values]
    if all(verdict is not False and all(verdict) for verdict in kept):
        return True
    return False if all(verdict is not False and False in verdict for verdict in kept) else None
