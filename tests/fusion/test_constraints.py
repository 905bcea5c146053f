"""Questions that name more than what they start from: the answer must have to do with all of it."""

import pytest

from fusion.answerer import Answerer
from kg import ontology
from kg.facts import Entity
from tests.fusion.graphs import film, graph, person

ADA, BO, CY = person("Ada Lund"), person("Bo Falk"), person("Cy Moss")
AMBER, GLASS, BELL = film("Amber Road"), film("Glass Mountain"), film("Hollow Bell")


@pytest.fixture(scope="module")
def answerer() -> Answerer:
    store = graph(
        [
            (AMBER, "directed_by", ADA),
            (AMBER, "starring", BO),
            (BELL, "directed_by", ADA),
            (BELL, "starring", CY),
            (GLASS, "directed_by", CY),
            (GLASS, "starring", BO),
        ]
    )
    return Answerer(store, embedder=None, ontology=ontology.default())


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("Who directed Amber Road with Bo Falk?", {ADA}),  # it says more of the film
        ("Which films did Ada Lund direct with Bo Falk?", {AMBER}),  # it limits the films
        ("Which films did Ada Lund direct with Cy Moss?", {BELL}),
    ],
)
def test_all_that_is_named_has_to_do_with_the_answer(answerer: Answerer, question: str, answers: set[Entity]) -> None:
    answer = answerer.ask(question)
    assert set(answer.entities) == answers
    proof = {fact.relation for path in answer.paths for fact in path.facts}
    assert len(answers) == len(answer.entities)
    assert "directed_by" in proof


def test_what_limits_the_answer_is_part_of_its_proof(answerer: Answerer) -> None:
    answer = answerer.ask("Which films did Ada Lund direct with Bo Falk?")
    told = {(fact.subject, fact.relation, fact.object) for path in answer.paths for fact in path.facts}
    assert told == {(AMBER.id, "directed_by", ADA.id), (AMBER.id, "starring", BO.id)}


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Who directed Amber Road with Cy Moss?", "Cy Moss"),
        ("Which pictures has Bo Falk appeared in that Ada Lund was the director of?", "Ada Lund"),
    ],
)
def test_what_leaves_a_name_out_is_no_answer(answerer: Answerer, question: str, name: str) -> None:
    answer = answerer.ask(question)
    assert answer.abstained
    assert name in answer.reason
