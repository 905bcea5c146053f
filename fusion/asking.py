"""What a question surely asks for by its words, and so what no plan may make of it.

How it begins says of what kind the answer is: "What nationality …", "What is the place of birth of …". And some words
leave no choice of a relation: who has no date of death has not died on a date of birth.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import regex

from fusion.cues import INVERSE, ONE_WAY, SAME_AS, Cue
from fusion.question import Link
from kg.facts import Entity, EntityId, Fact
from kg.ontology import Ontology

if TYPE_CHECKING:
    from fusion.reader import Asked

_LEAD = regex.compile(
    r"\s*(?:(?:in|at|on|from|to|by|of)\s+)?(?:what|which)\b(?P<is>\s+(?:is|are|was|were)\s+(?:the\s+)?)?",
    regex.IGNORECASE,
)
_ALSO = {"Place": ("Organization", "Nationality"), "Country": ("Nationality",)}  # answers that are as good
_CONCEPT = "Concept"  # people mean one of its kinds by the word for another: a sign, a symptom, a condition


def unfit(text: str, cues: Sequence[Cue], expected: Collection[str], ontology: Ontology) -> frozenset[str]:
    """The types of the ontology that no answer can be of; none where the beginning does not tell.

    ``expected`` are the types that the question's words name.
    """
    lead = _LEAD.match(text)
    if lead is None:
        return frozenset()
    first = next((cue for cue in cues if cue.start == lead.end()), None)
    kinds = set(expected) if lead["is"] is None else _reached(first, ontology)
    if not kinds:
        return frozenset()
    beside = {also for kind in kinds for also in _ALSO.get(kind, ())}
    if any(ontology.is_a(kind, _CONCEPT) for kind in kinds - beside):
        beside.add(_CONCEPT)
    kinds |= beside
    return frozenset(type for type in ontology.types if not any(ontology.compatible(type, kind) for kind in kinds))


def unsaid(
    cues: Sequence[Cue], links: Sequence[Link], paths: Collection[Sequence[Fact]], ontology: Ontology
) -> Cue | None:
    """The words of a question that all paths to its answer go against; None where there are none.

    These are words for a relation with one value only, where the paths follow other relations of the ontology, those
    for a relation that the paths walk the other way, and those for several steps ("grandfather"), where the paths end
    before.
    """
    topics = {link.entity.id for link in links}
    for cue in cues:
        if cue.soft or not paths:
            continue
        least = min(map(len, cue.chains), default=1)
        if least > 1 and all(_stops(path, least, ontology) for path in paths):
            return cue
        names = [name for chain in cue.chains for name in (chain[0], *SAME_AS.get(chain[0], ()))]
        said = {(name.removesuffix(INVERSE), not name.endswith(INVERSE)) for name in names}
        single = all(len(chain) == 1 for chain in cue.chains)
        if single and all(_against(said, _steps(topics, path), ontology) for path in paths):
            return cue
    return None


def contradicted(question: "Asked", entity: Entity, path: Sequence[Fact], ontology: Ontology) -> str:
    """Why an entity to which facts lead cannot be the answer that the words ask for, in one line; else nothing."""
    if entity.type in question.unfit:
        return f"the question does not ask for a {entity.type}"
    cue = unsaid(question.cues, question.links, [path], ontology)
    return "" if cue is None else f"its facts go against {question.text[cue.start : cue.end]!r}"


def _stops(path: Sequence[Fact], steps: int, ontology: Ontology) -> bool:
    """Whether a path ends before so many steps, all along relations of the ontology."""
    return len(path) < steps and all(fact.relation in ontology.relations for fact in path)


def _against(said: set[tuple[str, bool]], steps: Sequence[tuple[str, bool]], ontology: Ontology) -> bool:
    if not said.isdisjoint(steps):
        return False
    names = {name for name, _ in said}
    if any(name in names & ONE_WAY for name, _ in steps):
        return True
    known = ontology.relations
    one_valued = any(name in known and known[name].functional for name in names)
    return one_valued and all(name in known and name not in names for name, _ in steps)


def _steps(topics: Collection[EntityId], path: Sequence[Fact]) -> list[tuple[str, bool]]:
    """The relations of a path, and whether each is walked forwards."""
    found = []
    here = next((end for fact in path[:1] for end in (fact.subject, fact.object) if end in topics), None)
    for fact in path:
        found.append((fact.relation, fact.subject == here))
        here = fact.object if fact.subject == here else fact.subject
    return found


def _reached(cue: Cue | None, ontology: Ontology) -> set[str]:
    """What the relations lead to that a word stands for; nothing where one may lead to anything."""
    kinds: set[str] = set()
    for chain in () if cue is None else cue.chains:
        relation = ontology.relations.get(chain[-1].removesuffix(INVERSE))
        ends = () if relation is None else relation.domain if chain[-1].endswith(INVERSE) else relation.range
        if not ends:
            return set()
        kinds |= {*ends}
    return kinds
