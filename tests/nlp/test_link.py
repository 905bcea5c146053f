"""Mentions become entities by name, within the document first; what is ambiguous is not merged."""

import pytest

from kg import ontology
from kg.facts import Document, DocumentId, Topic
from nlp.gazetteer import Gazetteer
from nlp.link import NameLinker
from nlp.names import clean_name
from nlp.spans import Mention

PARIS = Topic("Paris Hilton", "Person")
LEVY = Topic("Shawn Levy", "Person", "Canadian film director")
GROUND_1968 = Topic("Forbidden Ground", "Film", "1968 Hungarian film")
GROUND_2013 = Topic("Forbidden Ground (2013 film)", "Film", "2013 Australian action drama film", ("Forbidden Ground",))


def gazetteer(*topics: Topic) -> Gazetteer:
    return Gazetteer((DocumentId(str(i)), topic) for i, topic in enumerate(topics))


def link(text: str, *mentions: tuple[str, str, float], topics: tuple[Topic, ...] = (), topic: Topic | None = None):
    document = Document("x", text, topic.name if topic else "", "en")
    found = [
        Mention(text.rindex(name), text.rindex(name) + len(name), name, label, sure) for name, label, sure in mentions
    ]
    links = NameLinker(ontology.default()).link(document, topic, found, gazetteer(*topics))
    return {mention.name: (links.entities[mention].type, links.entities[mention].name) for mention in found}, links


def test_a_surname_is_the_person_named_in_full():
    entities, links = link(
        "Shawn Levy said so. Levy left.", ("Shawn Levy", "Person", 0.6), ("Levy", "Organization", 0.6)
    )
    assert entities["Levy"] == ("Person", "Shawn Levy")
    assert links.decisions == {"new": 1, "alias": 1}


def test_a_surname_of_two_people_is_neither():
    entities, _ = link(
        "Shawn Levy met Eugene Levy. Then Levy left.",
        ("Shawn Levy", "Person", 0.9),
        ("Eugene Levy", "Person", 0.9),
        ("Levy", "Person", 0.9),
    )
    assert entities["Levy"] == ("Person", "Levy")


def test_close_spellings_are_one_unless_their_numbers_differ():
    entities, _ = link(
        "Bahram Beyzai wrote; Bahram Beyzaie filmed. Frederick Augustus II and Frederick Augustus IV.",
        ("Bahram Beyzaie", "Person", 0.9),
        ("Bahram Beyzai", "Person", 0.9),
        ("Frederick Augustus II", "Person", 0.9),
        ("Frederick Augustus IV", "Person", 0.9),
    )
    assert entities["Bahram Beyzai"] == entities["Bahram Beyzaie"]
    assert entities["Frederick Augustus II"] != entities["Frederick Augustus IV"]


def test_known_names_and_titles_before_them():
    entities, links = link(
        "Director Shawn Levy and Sir Shawn Levy.",
        ("Shawn Levy", "Person", 0.6),
        ("Sir Shawn Levy", "Person", 0.9),
        topics=(LEVY,),
    )
    assert set(entities.values()) == {("Person", "Shawn Levy")}
    assert links.decisions == {"exact": 1, "alias": 1}


def test_context_decides_between_topics_of_one_name():
    entities, _ = link(
        "In 2013 the Australian drama film Forbidden Ground came out.",
        ("Forbidden Ground", "Film", 0.9),
        topics=(GROUND_1968, GROUND_2013),
    )
    assert entities["Forbidden Ground"] == ("Film", "Forbidden Ground (2013 film)")


def test_without_context_they_are_ambiguous_and_not_merged():
    entities, links = link(
        "They liked Forbidden Ground.", ("Forbidden Ground", "Work", 0.6), topics=(GROUND_1968, GROUND_2013)
    )
    assert entities["Forbidden Ground"] == ("Work", "Forbidden Ground")
    assert links.decisions == {"ambiguous": 1}


def test_a_place_is_never_a_person_of_that_name():
    entities, _ = link(
        "They moved to Paris Hilton.", ("Paris Hilton", "Place", 0.6), topics=(Topic("Paris Hilton", "Person"),)
    )
    assert entities["Paris Hilton"] == ("Place", "Paris Hilton")


def test_a_known_work_outweighs_a_guessed_type():
    entities, _ = link("She saw Free Guy.", ("Free Guy", "Organization", 0.6), topics=(Topic("Free Guy", "Film"),))
    assert entities["Free Guy"] == ("Film", "Free Guy")


def test_the_title_entity_goes_by_the_name_that_tells_it_from_others():
    one = Topic("John Smith", "Person", "English footballer, born 1950")
    other = Topic("John Smith", "Person", "American politician, born 1921")
    entities, _ = link("John Smith scored.", ("John Smith", "Person", 1.0), topics=(one, other), topic=one)
    assert entities["John Smith"] == ("Person", "John Smith (English footballer)")


def test_an_acronym_is_what_the_document_says_it_stands_for():
    entities, _ = link(
        "He had acute myeloid leukemia (AML). Later AML came back.",
        ("acute myeloid leukemia", "Disease", 0.9),
        ("AML", "Organization", 0.6),
    )
    assert entities["AML"] == ("Disease", "acute myeloid leukemia")


@pytest.mark.parametrize(
    ("surface", "name"),
    [
        ('" Free Guy"', "Free Guy"),
        ("Levy's", "Levy"),
        ("Bowes- Lyon", "Bowes-Lyon"),
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("  Shawn \n Levy ", "Shawn Levy"),
        ("“ Die Wacht am Rhein. ”", "Die Wacht am Rhein"),
        ("Cafe\u0301", "Café"),
        ("Robert Downey Jr.", "Robert Downey Jr."),
        ("Teutberga( died 875", "Teutberga"),
    ],
)
def test_clean_names(surface, name):
    assert clean_name(surface) == name
