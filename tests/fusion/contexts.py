"""Contexts made by hand: facts and passages as a test wants them, whatever a store would say of them."""

from collections.abc import Iterable, Sequence

import numpy as np

from fusion.context import Context, GraphView
from fusion.reasoned import Guess
from fusion.trace import Passage
from kg.facts import Document, Entity, EntityId, Fact
from nlp.chunk import split
from tests.fusion.graphs import Statement

NO_VIEW = GraphView(
    *(np.zeros((0, 0), np.float32),) * 2,
    topics=np.zeros(0, np.float32),
    relations=np.zeros((0, 0), np.float32),
    **dict.fromkeys(("subjects", "rows", "objects", "candidates"), np.zeros(0, np.int64)),
    scores=np.zeros((0, 3), np.float32),
)


def passages(*texts: str, title: str = "") -> tuple[Passage, ...]:
    """Each text as the first chunk of a document of its own."""
    found = []
    for at, text in enumerate(texts):
        chunk = next(split(Document(f"{at}.txt", text), size=1200))
        found.append(Passage(chunk, f"{at}.txt", title, 1.0 - at / 100))
    return tuple(found)


def context(
    statements: Iterable[Statement] = (),
    texts: Sequence[str] = (),
    *,
    question: str = "Who is it?",
    ways: Sequence[tuple[Entity, Sequence[int]]] = (),
) -> Context:
    """Statements as facts, texts as passages, and candidates, each with the places of the facts that lead to it."""
    facts = []
    names: dict[EntityId, Entity] = {}
    for subject, relation, object in statements:
        names |= {subject.id: subject, object.id: object}
        facts.append(Fact(subject.id, relation, object.id))
    candidates = tuple(Guess(entity, 0.5, 0.5, 0.5, True, tuple(facts[at] for at in places)) for entity, places in ways)
    return Context(question, tuple(facts), passages(*texts), candidates, names, NO_VIEW)
