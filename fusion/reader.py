"""Links, cues and facts → what the graph answers, as paths; or why it does not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import regex

from fusion.constraints import Unmet, constrained
from fusion.cues import Cue, Lexicon, asked, loose_words
from fusion.paths import Facts, Walk, explain, strength
from fusion.question import Link
from kg.facts import Entity, EntityId, Fact
from kg.ontology import Ontology

ENOUGH = 0.72  # a walk with a lower score explains too little of its question to be an answer
LISTED = 100  # answers that are given where there are more
CLOSE = 0.98  # a second reading whose score comes so near to the first's is as good as it

_ASKS_FIRST = regex.compile(r"\s*(?:(?:in|at|on|from|to|by|of)\s+)?(?:where|when|who|whom)\b", regex.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the graph says: the answers (entities, or ``text`` alone), the facts that lead to each, how surely."""

    text: str
    entities: tuple[Entity, ...]
    paths: tuple[tuple[Fact, ...], ...]
    score: float
    reason: str = ""
    joint: bool = False  # it rests on all of the paths together
    meant: tuple[Link, ...] = ()  # what a name of the question may mean as well, after what it was read as; or nothing


@dataclass(frozen=True, slots=True)
class Miss:
    """Why the graph does not answer, in one line, and how far it got: where the best walk ended, and what is left.

    ``final``: nor may a sentence answer, which could not settle what the question asks.
    """

    reason: str
    walk: Walk | None = None
    left: tuple[Cue, ...] = ()
    final: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, understood as far as its words go."""

    text: str
    links: tuple[Link, ...]
    cues: tuple[Cue, ...]
    expected: frozenset[str]
    loose: tuple[str, ...]  # words that neither name nor relate nor ask
    candidates: dict[tuple[int, int], list[Link]] = field(default_factory=dict)
    unfit: frozenset[str] = frozenset()  # types of the ontology that nothing asked for can be of


def understand(text: str, links: Sequence[Link], lexicon: Lexicon, ontology: Ontology) -> Asked:
    """Find what a question asks for and the words that relate."""
    cues = lexicon.cues(text, links)
    candidates: dict[tuple[int, int], list[Link]] = {}
    for found in links:
        candidates.setdefault((found.start, found.end), []).append(found)
    loose = loose_words(text, links, cues, ontology)
    expected = asked(text, ontology)
    return Asked(text, tuple(links), tuple(cues), expected, tuple(loose), candidates, _unfit(text, expected, ontology))


def read(question: Asked, facts: Facts, ontology: Ontology) -> Reading | Miss:
    """Answer from the paths that explain the question best.

    Raises:
        StoreError: the store failed.
    """
    facts.know(found.entity for found in question.links)
    facts.of([found.entity.id for found in question.links])
    best: list[tuple[float, Link, Walk]] = []
    for place, candidates in question.candidates.items():
        for found in candidates:
            cues = list(question.cues)
            if not cues:
                continue
            for walk in explain(facts, found.entity.id, place, cues, question.expected, ontology)[:3]:
                through = _passes(walk, question.links, found)
                best.append((walk.score * found.score * (1.0 + 0.05 * through), found, walk))
    best.sort(key=lambda item: (-item[0], -_support(item[2]), item[1].entity.id))
    if not best or best[0][2].score < ENOUGH:
        partial = best[0][2] if best else None
        left = tuple(cue for cue in question.cues if not cue.soft and (partial is None or cue not in partial.cues))
        return Miss(_missing(question, left), partial, left)
    held = [
        (score, found, constrained(walk, (found.start, found.end), question.candidates, question.cues, facts))
        for score, found, walk in best
        if walk.score >= ENOUGH
    ]
    score, link, kept = next((one for one in held if isinstance(one[2], Walk)), held[0])
    if isinstance(kept, Unmet):
        return Miss(f"the graph does not say how {kept.link.entity.name} is part of what the question asks")
    others = [
        other
        for total, other, second in best
        if total >= CLOSE * score and (other.start, other.end) == (link.start, link.end)
        if other.entity.id != link.entity.id and second.reached.keys() != kept.reached.keys()
    ]
    return _answer(question, link, kept, facts, ontology, others)


def _unfit(text: str, expected: Collection[str], ontology: Ontology) -> frozenset[str]:
    """What cannot be asked for, of a question that begins with its question word: others may ask by a later one."""
    if not expected or _ASKS_FIRST.match(text) is None:
        return frozenset()
    fit = {*expected, "Nationality"} if any(ontology.is_a("Country", kind) for kind in expected) else set(expected)
    return frozenset(type for type in ontology.types if not any(ontology.compatible(type, kind) for kind in fit))


def _passes(walk: Walk, links: Collection[Link], start: Link) -> bool:
    """Whether the walk meets another entity that the question names."""
    named = {found.entity.id for found in links if (found.start, found.end) != (start.start, start.end)}
    return any({fact.subject, fact.object} & named for path in walk.reached.values() for fact in path)


def _support(walk: Walk) -> int:
    return max((sum(len(fact.evidence) for fact in path) for path in walk.reached.values()), default=0)


def _answer(
    question: Asked, link: Link, walk: Walk, facts: Facts, ontology: Ontology, others: Sequence[Link]
) -> Reading:
    ranked = sorted(walk.reached, key=lambda id: ([strength(fact) for fact in walk.reached[id]], id))
    last = walk.reached[ranked[0]][-1]
    relation = ontology.relations.get(last.relation)
    reason = ""
    if relation is not None and relation.functional and ranked[0] == last.object:
        ranked = [id for id in ranked if walk.reached[id][-1].subject != last.subject or id == ranked[0]]
    if len(ranked) > LISTED:
        reason = f"the first {LISTED} of {len(ranked)} answers"
        ranked = ranked[:LISTED]
    if others:
        names = ", ".join(sorted({f"{other.entity.name} ({other.entity.type})" for other in others}))
        reason = (
            f"read {question.text[link.start : link.end]!r} as {link.entity.name} ({link.entity.type}), not {names}"
        )
    entities = facts.entities(ranked)
    given = tuple(entities[id] for id in ranked if id in entities)
    named = 1 / (1 + 0.25 * len(question.loose))
    sure = min((_confidence(fact) for fact in walk.reached[ranked[0]]), default=0.0)
    return Reading(
        text=", ".join(entity.name for entity in given),
        entities=given,
        paths=(*(walk.reached[id] for id in ranked if id in entities), *((fact,) for fact in walk.beside)),
        score=min(1.0, walk.score) * link.score * sure * (0.5 + 0.5 * named) * (0.8 if others else 1.0),
        reason=reason,
        meant=(link, *others) if others else (),
    )


def _confidence(fact: Fact) -> float:
    return max((evidence.confidence for evidence in fact.evidence), default=0.5)


def _missing(question: Asked, left: Sequence[Cue]) -> str:
    """Names what the graph knows of the question and what it does not."""
    names = {(found.start, found.end): found.entity.name for found in reversed(question.links)}
    known = " and ".join(dict.fromkeys(names[place] for place in sorted(names)))
    if all(cue.soft for cue in question.cues):
        return f"the graph knows {known}, but no word of the question is one of its relations"
    unmatched = left or [cue for cue in question.cues if not cue.soft]
    words = [repr(question.text[cue.start : cue.end]) for cue in unmatched]
    return f"the graph knows {known}, but no fact of it matches {' or '.join(words)}"


def reached_by(facts: Facts, start: EntityId, place: tuple[int, int], cues: Sequence[Cue], ontology: Ontology) -> Walk:
    """The best walk that uses every cue, or the entity itself where there is none."""
    if not cues:
        return Walk({start: ()})
    for walk in explain(facts, start, place, cues, frozenset(), ontology):
        if len(walk.cues) == len(cues):
            return walk
    return Walk({}, score=0.0)
