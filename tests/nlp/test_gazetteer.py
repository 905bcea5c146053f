"""Names are found to the letter at word boundaries, and topics of one name are told apart by what they are."""

import pytest

from kg.facts import DocumentId, Topic
from nlp.gazetteer import Gazetteer, is_name


def gazetteer(*topics: Topic) -> Gazetteer:
    return Gazetteer((DocumentId(str(i)), topic) for i, topic in enumerate(topics))


def test_longest_name_at_word_boundaries():
    known = gazetteer(Topic("Free Guy", "Film"), Topic("Guy", "Person"), Topic("Free Guy Two", "Film"))
    text = "Free Guys saw Free Guy Two, not free guy."
    assert [(m.start, m.end, m.name) for m in known.matches(text)] == [(14, 26, "Free Guy Two")]


def test_chinese_names_need_no_boundary():
    assert [m.name for m in gazetteer(Topic("北京", "City")).matches("他在北京工作")] == ["北京"]


def test_nothing_is_found_in_an_empty_gazetteer():
    assert gazetteer().matches("Free Guy") == []
    assert gazetteer().topics("Free Guy") == ()


def test_topics_by_alias_and_by_key():
    free = Topic("Free Guy (2021 film)", "Film", "", ("Free Guy",))
    known = gazetteer(free)
    assert known.topics("Free Guy") == (free,)
    assert known.topics("FREE-GUY") == (free,)
    assert known.topics("Free") == ()


@pytest.mark.parametrize("name", ["It", "The Film", "2001", "a", "", "film", "X", "?"])
def test_too_common_or_short_to_be_a_name(name):
    assert not is_name(name)


@pytest.mark.parametrize("name", ["Teutberga", "Free Guy", "北京", "basal cell carcinoma", "R2-D2"])
def test_names(name):
    assert is_name(name)


def test_a_lone_given_name_is_no_alias_of_a_person():
    assert not is_name("Wilhelm", alias=True, type="Person")


FOOTBALLER = Topic("John Smith", "Person", "English footballer, born 1950")
POLITICIAN = Topic("John Smith", "Person", "American politician, born 1921")


def test_clearly_different_topics_of_one_name_are_qualified_whatever_their_order():
    expected = {"John Smith (English footballer)", "John Smith (American politician)"}
    for topics in ((FOOTBALLER, POLITICIAN), (POLITICIAN, FOOTBALLER)):
        known = gazetteer(*topics)
        assert {topic.name for topic in known.topics("John Smith")} == expected
        assert known.own(FOOTBALLER).name == "John Smith (English footballer)"
        assert known.names() == gazetteer(*reversed(topics)).names()


def test_topics_that_may_be_one_thing_keep_their_name():
    other = Topic("John Smith", "Person", "retired English footballer")
    known = gazetteer(FOOTBALLER, other)
    assert {topic.name for topic in known.topics("John Smith")} == {"John Smith"}
    assert known.own(other) is other


def test_the_same_words_with_other_years_are_other_people():
    other = Topic("John Smith", "Person", "English footballer, born 1899")
    assert {t.name for t in gazetteer(FOOTBALLER, other).topics("John Smith")} == {
        "John Smith (English footballer, born 1950)",
        "John Smith (English footballer, born 1899)",
    }
