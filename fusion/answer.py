"""What a question gets back: an answer with its thread, or an abstention that says what was missing."""

from dataclasses import dataclass

from kg.facts import DocumentId, Entity, EntityId, Fact, FactId, Path


@dataclass(frozen=True, slots=True)
class Citation:
    """Characters of a source: ``quote == document.text[start:end]``, and the fact that they state, if any."""

    document: DocumentId
    source: str
    start: int
    end: int
    quote: str
    fact: FactId | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of several things that a question may mean, and what sets it apart."""

    entity: Entity
    description: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, or, with ``abstained``, the reason for none.

    ``names`` holds the entity of every id in ``entities`` and ``paths``. Where there are ``candidates``, the question
    may mean any of them, and it is to be said which.
    """

    question: str
    text: str
    abstained: bool = False
    reason: str = ""  # why it abstained, or what an answer could not settle; one line
    confidence: float = 0.0  # 0 to 1
    entities: tuple[Entity, ...] = ()
    paths: tuple[Path, ...] = ()
    citations: tuple[Citation, ...] = ()
    names: dict[EntityId, Entity] | None = None
    candidates: tuple[Candidate, ...] = ()
    # Facts of ``paths`` that the store does not hold and the learned vectors expect, with their probabilities.
    predicted: dict[FactId, float] | None = None
    checked: tuple[str, ...] = ()  # what was held against the graph and its sources, claim by claim; one line each

    def triples(self) -> list[list[tuple[str, str, str]]]:
        """The paths by name: one list a path, of (subject, relation, object)."""
        names = self.names or {}
        return [[_triple(fact, names) for fact in path.facts] for path in self.paths]


def abstain(question: str, reason: str, candidates: tuple[Candidate, ...] = ()) -> Answer:
    """No answer, and why, in one line."""
    return Answer(question=question, text="", abstained=True, reason=reason, candidates=candidates)


def _triple(fact: Fact, names: dict[EntityId, Entity]) -> tuple[str, str, str]:
    return names[fact.subject].name, fact.relation, names[fact.object].name
