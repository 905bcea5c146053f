"""A document declares its topic in its title and first sentence, or declares none."""

import pytest

from kg.facts import Document
from nlp.topics import declare


def topic(text: str, title: str = "", language: str = "en"):
    return declare(Document("x", text, title, language))


@pytest.mark.parametrize(
    ("title", "text", "type", "description"),
    [
        ("Teutberga", "Teutberga( died 11 November 875) was a queen of Lotharingia.", "Person", "queen of Lotharingia"),
        ("Free Guy", '" Free Guy" is a 2021 American comedy film directed by Shawn Levy.', "Film", "2021 American"),
        ("Distant Lover", '" Distant Lover" is the sixth song issued on an album.', "Song", "sixth song"),
        ("The Flock (band)", "The Flock was a Chicago- based jazz rock band.", "Organization", "Chicago-based jazz"),
        ("Nasamkhrali", "Nasamkhrali is a village in the Telavi district.", "City", "village"),
        (
            "Yella Beezy",
            "Deandre Conway, known by the stage name Yella Beezy, is a rapper.",
            "Person",
            "rapper",
        ),
        ("She Wants Me", "She Wants Me is a 2012 comedy film starring Josh Gad.", "Film", "2012 comedy film"),
        ("", "Melanoma is a type of skin cancer.", "Disease", "type of skin cancer"),
    ],
)
def test_english(title, text, type, description):
    found = topic(text, title)
    assert found is not None
    assert found.type == type
    assert found.description.startswith(description)
    assert found.name == title or not title


def test_the_title_is_the_name_and_the_rest_are_aliases():
    found = topic(
        "Forbidden Ground, also known as Battle Ground, is a 2013 Australian action drama film, starring Johan Earl.",
        "Forbidden Ground (2013 film)",
    )
    assert found is not None
    assert found.name == "Forbidden Ground (2013 film)"
    assert found.aliases == ("Battle Ground", "Forbidden Ground")
    assert found.description == "2013 Australian action drama film"


def test_the_name_in_the_text_becomes_an_alias():
    found = topic("William Samuel George( 27 July 1895 – 29 September 1962) was an English footballer.", "Billy George")
    assert found is not None
    assert found.aliases == ("William Samuel George",)
    assert found.description == "English footballer, 1895–1962"


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Introduction", "Measles is a disease caused by a virus."),
        ("The Search", "The Search may refer to: a film, a song, a book."),
        ("Seville (disambiguation)", "Seville is a city in Spain."),
        ("", "It is a common mistake to think so."),
        ("", "He was a man who lived in a house."),
        ("", "The results were better than we thought."),
        ("", ""),
    ],
)
def test_none(title, text):
    assert topic(text, title) is None


@pytest.mark.parametrize(
    ("title", "text", "name", "type"),
    [
        ("", "LoRA 是一种参数高效微调方法，由微软提出。", "LoRA", "Method"),
        ("诺兰", "克里斯托弗·诺兰是一位英国导演。", "诺兰", "Person"),
        ("", "鲁迅（1881年9月25日－1936年10月19日），原名周樟寿，中国文学家。", "鲁迅", "Person"),
        ("", "北京是中国的首都。", "北京", "City"),
    ],
)
def test_chinese(title, text, name, type):
    found = topic(text, title, "zh")
    assert found is not None
    assert (found.name, found.type) == (name, type)


def test_chinese_pronouns_declare_nothing():
    assert topic("这是一个问题。", language="zh") is None
