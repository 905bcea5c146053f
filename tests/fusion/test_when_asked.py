"""Of which questions a language model is asked: never of one that counts, compares, or combines chains of facts."""

import json
from collections.abc import Iterator

import pytest

from fusion import answerer as answering
from fusion.answerer import Answerer
from fusion.fused import FusedReader
from fusion.gathering import Gatherer
from fusion.language.server import ServerModel
from fusion.reader import Miss
from fusion.speaking import RemoteSpeaker
from fusion.trace import unsettled
from kg import ontology
from kg.memory_store import MemoryStore
from tests.fusion.graphs import graph
from tests.fusion.language_server import Script, says, serving
from tests.fusion.operator_cases import STATEMENTS

GUESSES = [
    ("How many films did Cy Moss direct?", "Crimson Ferry"),
    ("Which film with Cy Moss is the longest?", "Glass Mountain"),
    ("Which film came out first, Amber Road or Crimson Ferry?", "Crimson Ferry"),
    ("What films did Ada Lund and Bo Falk direct?", "Hollow Bell"),
    ("films directed by Ada Lund released after 2010", "Amber Road"),
    ("Ada Lund和Bo Falk共同执导的电影有哪些？", "Hollow Bell"),
]


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return graph(STATEMENTS)


@pytest.fixture
def script() -> Iterator[Script]:
    with serving(says("{}")) as found:
        yield found


def test_clauses_that_the_graph_does_not_read_are_no_operands(store: MemoryStore) -> None:
    """Then it is a plain question, which a language model may be asked; but not what is said of two alike."""
    asked = Answerer(store, embedder=None, ontology=ontology.default())
    trace = asked.explain("Which magazine praised Ada Lund and was sold to Bo Falk?")
    assert trace.choice is not None
    assert trace.choice.operation is None
    assert unsettled(trace.choice)
    trace = asked.explain("What did Ada Lund and Bo Falk paint?")
    assert trace.choice is not None
    assert trace.choice.operation is not None
    assert not unsettled(trace.choice)


@pytest.mark.parametrize(("question", "guess"), GUESSES, ids=[question for question, _ in GUESSES])
def test_what_operators_miss_is_not_guessed(
    store: MemoryStore, script: Script, question: str, guess: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A guess would pass every check: it is there, and facts lead to it, but one chain cannot show that it is right."""
    script.replies[:] = [says(json.dumps({"claims": [{"name": guess, "facts": list(range(1, 40))}]}))]
    speaker = RemoteSpeaker(ServerModel(script.address, model="m", tries=1))
    fused = FusedReader(store, Gatherer(store, embedder=None, viewed=False), speaker)
    asked = Answerer(store, embedder=None, ontology=ontology.default(), fused=lambda: fused)
    trace = asked.explain(question)
    assert trace.choice is not None
    assert trace.choice.operation is not None
    assert isinstance(trace.choice.reading, Miss)
    assert not trace.choice.reading.final
    assert not unsettled(trace.choice)
    assert (trace.answer.abstained, trace.heard, script.asked) == (True, None, [])

    monkeypatch.setattr(answering, "unsettled", lambda choice: True)
    trace = asked.explain(question)
    assert trace.by == "model"
    assert guess in {entity.name for entity in trace.answer.entities}
