"""Questions worded from marked relations: they ask what was marked, and are answered by what was marked."""

import pytest

from benchmarks.redocred import Marked, descriptions, joined, questions, wordings
from kg.facts import Document

FILM, ANN, OSLO = ("Long Night", "The Night"), ("Ann Lund", "Lund"), ("Oslo",)
MARKED = [
    Marked("Long Night", FILM, "P57", ANN, "MISC"),
    Marked("Ann Lund", ANN, "P19", OSLO, "PER"),
    Marked("Ann Lund", ANN, "P569", ("1 May 1950",), "PER"),
    Marked("Ann Lund", ("1 May 1950",), "P19", OSLO, "TIME"),
    Marked("Ann Lund", ("Bo",), "P9999", OSLO, "PER"),
]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ('Wilfried " Willi " Schneider ( born 13 March 1963 )', 'Wilfried "Willi" Schneider (born 13 March 1963)'),
        ("the men 's event in 1997 - 8 , at $ 5", "the men's event in 1997-8, at $5"),
        ("She did n't go .", "She didn't go."),
    ],
)
def test_words_are_joined_as_they_are_written(words: str, text: str) -> None:
    assert joined(words.split()) == text


def test_every_relation_has_a_question_about_a_subject() -> None:
    for relation, wording in wordings().items():
        assert relation.startswith("P"), relation
        assert all(asked.count("{}") == 1 and asked.endswith("?") for asked in wording.asked), relation
        assert wording.noun.count("{}") == bool(wording.noun), relation


def test_one_and_two_steps_are_asked_for() -> None:
    found = questions(MARKED, seed=0)
    assert {one.gold for one in found if "Long Night" in one.text} == {ANN, OSLO, ("1 May 1950",)}
    onward = next(one for one in found if one.gold == OSLO and "director of Long Night" in one.text)
    assert (onward.supporting, onward.topic) == (("Ann Lund", "Long Night"), "Long Night")
    assert not any("1 May" in one.text or "Bo" in one.text for one in found)
    assert found == questions(MARKED, seed=0)


def test_a_name_of_two_articles_is_not_asked_about() -> None:
    again = [*MARKED, Marked("Another", ("Ann Lund",), "P20", ("Bergen",), "PER")]
    assert not any("Ann Lund" in one.text for one in questions(again, seed=0))


def test_what_the_thing_of_an_article_is() -> None:
    documents = [
        Document("1", "Ann Lund (born 1950) is a Norwegian director of films. She was born in Oslo.", "Ann Lund", "en"),
        Document("2", "Long Night was the second film of Ann Lund.", "Long Night (film)", "en"),
        Document("3", "In 1950 it rained.", "Rain", "en"),
        Document("4", "", "Nothing", "en"),
    ]
    found = descriptions(documents, MARKED)
    assert [(one.text, one.gold) for one in found] == [
        ("Who is Ann Lund?", ("a Norwegian director of films",)),
        ("What was Long Night?", ("the second film of Ann Lund",)),
    ]
    for one, document in zip(found, documents, strict=False):
        assert one.gold[0] in document.text
