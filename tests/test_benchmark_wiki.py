"""How benchmarks/wiki.py counts: the official measures, and the stage at which a question is lost."""

import json
from pathlib import Path

import pytest

from benchmarks.wiki import ask
from benchmarks.wikihop import Question, bridges, gold_store, questions, reached, topics
from fusion.answerer import Answerer
from kg import ontology
from kg.memory_store import MemoryStore
from kg.store import GraphStore

ROWS = [
    {
        "type": "compositional",
        "question": "Where was the director of Free Guy (Film) born?",
        "answer": "Montreal, Quebec",
        "context": [["Free Guy (film)", ["Free Guy is a film.", "Shawn Levy directed it."]]],
        "supporting_facts": [["Free Guy (film)", 0], ["Shawn Levy", 0]],
        "evidences": [["Free Guy", "director", "Shawn A. Levy"], ["Shawn Levy", "place of birth", "Montreal, Quebec"]],
    },
    {
        "type": "comparison",
        "question": "Who was born first, Ann Falk or Bo Brandt?",
        "answer": "Ann Falk",
        "context": "[['Ann Falk', ['She is.']], ['Bo Brandt', ['He is.']]]",
        "supporting_facts": "[['Ann Falk', 0], ['Bo Brandt', 0]]",
        "evidences": "[['Ann Falk', 'date of birth', 'July 1, 1901'], ['Bo Brandt', 'date of birth', '2 May 1902']]",
    },
]


@pytest.fixture
def asked(tmp_path: Path) -> list[Question]:
    path = tmp_path / "rows.json"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), "utf-8")
    return questions(path)


def answerer(store: GraphStore) -> Answerer:
    return Answerer(store, embedder=None, ontology=ontology.default())


def test_two_names_of_a_bridge_are_one_thing(asked: list[Question]) -> None:
    [(subject, object)] = bridges(asked[0]).items()
    assert (subject.name, object.name) == ("Shawn Levy", "Shawn A. Levy")
    assert [topic.title for topic in topics(asked[0])] == ["Free Guy (film)"]
    assert [topic.name for topic in topics(asked[1])] == ["Ann Falk", "Bo Brandt"]


def test_the_gold_graph_answers(asked: list[Question]) -> None:
    store = gold_store(asked)
    assert all(reached(triple, store) for question in asked for triple in question.evidence)
    for question in asked:
        found = ask(question, answerer(store), store)
        assert (found.right, found.stage) == (True, ""), found.trace.answer


def test_a_question_is_lost_where_it_fails_first(asked: list[Question]) -> None:
    whole = gold_store(asked)
    empty = MemoryStore()
    assert ask(asked[0], answerer(empty), empty).stage == "extraction"
    elsewhere = Question("Where was whoever made it born?", *_rest(asked[0]))
    assert ask(elsewhere, answerer(whole), whole).stage == "linking"
    otherwise = Question("How tall was the director of Free Guy (Film)?", *_rest(asked[0]))
    assert ask(otherwise, answerer(whole), whole).stage == "planning"


def _rest(question: Question) -> tuple[str, tuple[str, ...], tuple[tuple[str, str], ...], tuple[object, ...]]:
    return question.kind, question.gold, question.context, question.evidence
