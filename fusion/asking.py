"""What kind of thing a question asks for by how it begins: "What nationality …", "What is the place of birth of …"."""

from collections.abc import Collection, Sequence

import regex

from fusion.cues import INVERSE, Cue
from kg.ontology import Ontology

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
