"""What a question names is one thing or several; the one thing, and the question's own words, are no answer to it."""

import pytest

from fusion.named import Named, named, repeats
from fusion.question import Link, link
from kg import ontology
from kg.facts import Chunk, Document, Entity, Occurrence
from kg.store import DocumentRecord, Reading
from tests.fusion.graphs import film, graph, person

ALAN, JULIUS = Entity("Person", "Alan Turing", ("A. M. Turing", "图灵")), person("Julius Turing")
FILM, SONG, GROUP = film("Halo"), Entity("Song", "Halo"), Entity("Organization", "Halo Group")
STORE = graph([(ALAN, "father", JULIUS), (SONG, "part_of", FILM), (GROUP, "published", SONG)])
TEXT = "A. M. Turing, 图灵"
ALSO = Chunk(Document("also", TEXT).id, 0, len(TEXT), TEXT)
STORE.write(
    [
        Reading(
            DocumentRecord(ALSO.document, "also", "", "en", "", "test", complete=True),
            (ALSO,),
            (ALAN,),
            (Occurrence(ALAN.id, ALSO.id, 0, 12), Occurrence(ALAN.id, ALSO.id, 14, 16)),
            (),
        )
    ]
)


@pytest.mark.parametrize(
    ("question", "names", "several"),
    [
        ("Who was it?", set(), False),
        ("Who was Alan Turing?", {ALAN}, False),
        ("Was Alan Turing, called A. M. Turing, the Alan Turing of the test?", {ALAN}, False),  # by an alias, and twice
        ("图灵是谁？", {ALAN}, False),
        ("Who made Halo?", {FILM, SONG}, False),  # two that it may be, and one that is meant
        ("Is Halo the Halo of Halo?", {FILM, SONG}, False),
        ("Did Halo Group publish Halo?", {FILM, SONG, GROUP}, True),
        ("Who is older, Alan Turing or Julius Turing?", {ALAN, JULIUS}, True),
    ],
)
def test_one_thing_is_told_from_several(question: str, names: set[Entity], several: bool) -> None:
    found = named(link(STORE, ontology.default(), question))
    assert ({*found.entities}, found.several, len(found)) == (names, several, len(names))
    for entity in names:
        assert entity.id in found
        assert found.asked_about(entity.id) is not several
    assert person("Ann").id not in found
    assert not found.asked_about(person("Ann").id)


def test_a_part_of_a_name_is_no_further_thing() -> None:
    """What "Turing" may mean is told by "Alan Turing" behind it; two such names are two things."""

    def at(start: int, *entities: Entity) -> list[Link]:
        return [Link(start, start + 6, entity, 0.5) for entity in entities]

    assert not named([*at(50, ALAN, JULIUS), *at(0, ALAN)]).several
    assert named([*at(50, ALAN, JULIUS), *at(0, ALAN), *at(70, JULIUS)]).several
    assert named([*at(0, ALAN), *at(50, JULIUS)]).several
    assert not named([*at(0, ALAN), *at(50, Entity("Person", ALAN.name))]).several  # as another version has it


NOTHING, ONE, TWO = Named(), Named((ALAN,)), Named((ALAN, JULIUS), several=True)


@pytest.mark.parametrize(
    ("quotation", "question", "topics", "repeated"),
    [
        ("Turing", "Where was Turing born?", ONE, True),
        ("Alan Turing", "What was Alan Turing's mother called?", ONE, True),
        ("the TURING, born", "Where was Turing born?", ONE, True),
        ("Túring", "Where was Turing born?", NOTHING, True),
        ("1.5", "Is 1.5 less than 5?", NOTHING, True),
        ("Turing’s", "Where was Turing born?", NOTHING, True),
        ("born in London", "Where was Turing born?", ONE, False),
        ("London", "Where was Turing born?", ONE, False),
        ("1.5", "Is 1 less than 5, or 15?", NOTHING, False),
        ("it", "What is it?", NOTHING, True),  # words that say nothing, where there are no others
        ("The Who", "Which band played Tommy?", NOTHING, False),
        ("糖尿病", "糖尿病有什么症状？", NOTHING, True),
        ("病", "糖尿病有什么症状？", NOTHING, True),
        ("糖尿病有多饮", "糖尿病有什么症状？", NOTHING, False),
        ("多饮", "糖尿病有什么症状？", NOTHING, False),
        ("Alan Turing", "Who is older, Alan Turing or Julius Turing?", TWO, False),  # one of the two
        ("A. M. Turing", "Who is older, A. M. Turing or Julius Turing?", TWO, False),
        ("older", "Who is older, Alan Turing or Julius Turing?", TWO, True),
        ("Alan Turing or Julius Turing", "Who is older, Alan Turing or Julius Turing?", TWO, True),
        ("€", "How much is it?", NOTHING, False),
    ],
)
def test_a_quotation_of_the_question_is_told(quotation: str, question: str, topics: Named, repeated: bool) -> None:
    assert repeats(quotation, question, topics) is repeated
