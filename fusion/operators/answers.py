"""What was found, as an answer: each fact as the store has it now, and what a name may mean as well."""

from collections.abc import Iterable
from dataclasses import dataclass

from fusion.operators.found import Found, Paths, reached
from fusion.operators.phrase import Phrase
from fusion.paths import Facts
from fusion.question import Link
from fusion.reader import CLOSE, LISTED, Miss, Reading
from kg import set_query
from kg.facts import Entity, EntityId

UNTOLD = 0.8  # how surely a name is read that may mean something else


@dataclass(frozen=True, slots=True)
class Operation:
    """What operators made of a question: what it comes to, how, as a tree of (depth, text), and as Cypher."""

    reading: Reading | Miss
    lines: tuple[tuple[int, str], ...] = ()
    cypher: str | None = None


class Answers:
    """Makes answers to one question."""

    def __init__(self, facts: Facts, phrase: Phrase) -> None:
        self._facts, self._phrase = facts, phrase

    def of_set(self, found: Found | Miss, *, count: bool = False) -> Operation:
        """The members of a set, or how many they are.

        Raises:
            StoreError: the store failed.
        """
        if isinstance(found, Miss):
            return Operation(found, ((0, "count"),) if count else ())
        shown = found.ends[:LISTED]
        entities = self._facts.entities(shown)
        reasons = []
        if len(found.ends) > LISTED:
            what = "counted" if count else "answers"
            reasons.append(f"the first {LISTED} of {len(found.ends):,} {what}" + (" are shown" if count else ""))
        paths = tuple(path for id in shown for path in found.prove(id))
        given = tuple(entities[id] for id in shown if id in entities)
        text = str(len(found.ends)) if count else ", ".join(entity.name for entity in given)
        joint = count or found.joint
        reading = self.reading(found, paths, text=text, entities=() if count else given, joint=joint, reasons=reasons)
        lines = ((0, f"count: {len(found.ends):,}"), *found.lines(1)) if count else tuple(found.lines())
        return Operation(reading, lines, set_query.set_query(found.query, count=count))

    def reading(
        self,
        found: Found,
        paths: Paths,
        *,
        text: str,
        entities: tuple[Entity, ...] = (),
        joint: bool = False,
        sure: float = 1.0,
        reasons: Iterable[str] = (),
        meant: tuple[Link, ...] | None = None,
    ) -> Reading | Miss:
        """The reading of what was found; ``meant`` is what a name may mean as well, if that is known already.

        Raises:
            StoreError: the store failed.
        """
        held = self._facts.held({triple for path in paths for triple in path})
        lost = any(triple not in held for path in paths for triple in path)
        if lost and joint:
            return Miss("what was found is no longer in the graph")
        kept = tuple(tuple(held[triple] for triple in path) for path in paths if held.keys() >= set(path))
        for fact in held.values():
            sure = min(sure, max((evidence.confidence for evidence in fact.evidence), default=0.5))
        meant = self._meant(found) if meant is None else meant
        others = ", ".join(f"{one.entity.name} ({one.entity.type})" for one in meant[1:])
        read_as = (f"read as {meant[0].entity.name} ({meant[0].entity.type}), not {others}",) if meant else ()
        cut = () if found.whole else ("only a part of the graph was walked, so that there may be more",)
        reason = "; ".join((*reasons, *cut, *read_as, *found.all_notes()))
        score = found.probability * sure * (UNTOLD if meant else 1.0)
        return Reading(text, entities, kept, score, reason, joint, meant)

    def name(self, id: EntityId) -> str:
        """What an entity is called."""
        return self._facts.entities([id])[id].name

    def _meant(self, found: Found) -> tuple[Link, ...]:
        """What a name may mean as well, after what it was read as: what is linked as well and leads elsewhere."""
        for leaf in found.leaves():
            if not isinstance(leaf.query, set_query.Reached):
                continue
            topic, shapes = leaf.query.topic, leaf.query.shapes
            for place in self._phrase.places:
                links = self._phrase.at(place)
                chosen = next((one for one in links if one.entity.id == topic), None)
                if chosen is None:
                    continue
                near = [one for one in links if one.entity.id != topic and one.score >= CLOSE * chosen.score]
                led = [(one, reached(self._facts, one.entity.id, shapes)) for one in near]
                walked = reached(self._facts, topic, shapes)
                others = tuple(one for one, ends in led if ends and ends != walked)
                if others:
                    return chosen, *others
        return ()
