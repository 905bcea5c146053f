"""From the words of a phrase to the set that it asks for: operators are cut out until only chains are left."""

from dataclasses import replace
from itertools import pairwise

import regex

from fusion.cues import INVERSE, Cue
from fusion.operators import algebra, chinese, chinese_limits, english, english_limits, valued
from fusion.operators.attributes import Attributes, Measured
from fusion.operators.forms import Limit, Parts
from fusion.operators.found import Found, of_chain
from fusion.operators.operands import Operands
from fusion.operators.phrase import Phrase
from fusion.operators.senses import Sense
from fusion.paths import Facts
from fusion.question import is_chinese, stem
from fusion.reader import Miss
from kg.facts import EntityId, Fact


class Sets:
    """Reads the sets of one question."""

    def __init__(self, facts: Facts, operands: Operands, attributes: Attributes, *, chinese: bool) -> None:
        """``chinese``: by which language's words."""
        self._facts, self._operands, self._attributes = facts, operands, attributes
        self.words, self.limits = _WORDS[chinese], _LIMITS[chinese]

    def set(self, phrase: Phrase) -> Found | Miss:
        """The set that a phrase asks for."""
        found = self.combined(phrase)
        if found is not None:
            return found
        readings = self.readings(phrase)
        if readings:
            return readings[0]
        names = " and ".join(dict.fromkeys(one.entity.name for one in phrase.links)) or "nothing"
        return Miss(f"the graph knows {names}, but no fact of it matches {phrase.text.strip(' ?？')!r}")

    def readings(self, phrase: Phrase) -> list[Found]:
        """The sets that a phrase may ask for, the most probable first."""
        combined = self.combined(phrase) if len(phrase.places) > 1 else None
        if isinstance(combined, Found):
            return [combined]
        return [of_chain(chain) for chain in self._operands.chains(phrase)]

    def combined(self, phrase: Phrase) -> Found | Miss | None:
        """The set that a phrase with operators asks for; None if it has none."""
        extreme = self.words.extreme(phrase)
        if extreme is not None and not self.is_relation(phrase, extreme.sense.word):
            part, measured = self._measured(extreme.rest, extreme.sense)
            if isinstance(part, Miss):
                return part
            if isinstance(measured, Miss):
                return replace(measured, final=True)  # no sentence by itself says which of many comes first
            return valued.farthest(part, measured, extreme.sense.end(measured.kind), self._name)
        limit = self.limits.limited(phrase)
        if limit is not None:
            part, measured = self._measured(limit.rest, limit.sense, unit=limit.bounds[0][1].kind)
            if isinstance(part, Miss):
                return part
            if isinstance(measured, Miss):
                return None if self._describes(limit, phrase) else measured
            return valued.within(part, measured, limit.bounds, limit.text)
        unread = self.limits.unread(phrase)
        if unread is not None:
            return Miss(f"what {unread!r} asks for could not be told", final=True)
        parts = self.words.parted(phrase)
        if parts is not None:
            return self._parted(parts)
        return self._beside(phrase)

    def _measured(
        self, phrase: Phrase, sense: Sense, *, unit: str | None = None
    ) -> tuple[Found | Miss, Measured | Miss]:
        """The set that a phrase asks for, by the best of its readings that have values, and those values."""
        first = self.set(phrase)
        if isinstance(first, Miss):
            return first, first
        measured = self._attributes.measure(first.ends, sense, unit=unit)
        if isinstance(measured, Measured):
            return first, measured
        for part in self.readings(phrase)[1:]:
            other = self._attributes.measure(part.ends, sense, unit=unit)
            if isinstance(other, Measured):
                return part, other
        return first, measured

    def _describes(self, limit: Limit, phrase: Phrase) -> bool:
        """Whether a limit may say which thing is named, not which are asked for: "Halo, which came out in 2019"."""
        named = sorted({link.entity.id for link in phrase.links})
        return isinstance(self._attributes.measure(named, limit.sense, unit=limit.bounds[0][1].kind), Measured)

    def _parted(self, parts: Parts) -> Found | Miss | None:
        operands = [self.readings(part) for part in parts.parts]
        if parts.all and not parts.listed and not any(operands):
            return None  # clauses of one sentence, and no operands: the graph reads none of them
        for operand, part in zip(operands, parts.parts, strict=True):
            if not operand:
                names = " and ".join(dict.fromkeys(one.entity.name for one in part.links))
                return None if parts.tentative else Miss(f"the graph does not say this of {names}")
        if parts.all:
            found = algebra.intersection(operands, listed=parts.listed, facts=self._facts)
            return None if isinstance(found, Miss) and parts.tentative else found
        return algebra.union(operands, listed=parts.listed)

    def _beside(self, phrase: Phrase) -> Found | None:
        """Those who are what a noun says beside: "actors" that were born somewhere."""
        role = self.words.role(phrase)
        if role is None or len(phrase.places) != 1:
            return None
        noun, rest = role
        cues = [cue for cue in self.cues(phrase) if _says(phrase, cue, noun)]
        relations = {chain[0] for cue in cues for chain in cue.chains if len(chain) == 1 and INVERSE not in chain[0]}
        if not relations or not self.cues(rest):
            return None
        for part in self.readings(rest):
            if any(relation in relations for shape in part.shapes for relation, _ in shape):
                return None  # the noun is what leads there
            told: dict[EntityId, Fact] = {}
            for id, facts in self._facts.of(part.ends).items():
                for fact in facts:
                    if fact.relation in relations and fact.object == id:
                        told.setdefault(id, fact)
            if told:
                return algebra.beside(part, next(iter(told.values())).relation, told)
        return None

    def cues(self, phrase: Phrase) -> list[Cue]:
        return self._operands.cues(phrase)

    def either(self, phrase: Phrase) -> str | None:
        """Two words that relate, joined by "or": "direct or star in"."""
        cues = [cue for cue in self.cues(phrase) if not cue.soft]
        for one, other in pairwise(cues):
            apart = set(one.chains).isdisjoint(other.chains)
            if apart and regex.fullmatch(r"\s*过?(?:或者?|or)\s*", phrase.text[one.end : other.start]):
                return phrase.text[one.start : other.end]
        return None

    def is_relation(self, phrase: Phrase, word: str) -> bool:
        """Whether a word belongs to what the graph calls one of its relations: "largest" of "largest city"."""
        whole = regex.compile(
            regex.escape(word) if is_chinese(word) else rf"\b{regex.escape(word)}\b", regex.IGNORECASE
        )
        return any(whole.search(phrase.text[cue.start : cue.end]) for cue in self.cues(phrase))

    def _name(self, id: EntityId) -> str:
        return self._facts.entities([id])[id].name


_WORDS = {True: chinese, False: english}
_LIMITS = {True: chinese_limits, False: english_limits}


def _says(phrase: Phrase, cue: Cue, noun: str) -> bool:
    said = phrase.text[cue.start : cue.end]
    return stem(said) == stem(noun) or said == noun
