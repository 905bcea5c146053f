"""Names as people write them: misspelt, shortened, turned round, in English and Chinese; asked of store and index."""

import pytest

from fusion.question import Link, link
from kg import ontology
from kg.facts import Entity
from kg.memory_store import MemoryStore
from kg.name_index import NameIndex, name_index
from tests.fusion.graphs import Statement, film, graph, person, place

STATEMENTS: tuple[Statement, ...] = (
    (film("Inception"), "directed_by", person("Christopher Nolan")),
    (film("The Matrix"), "starring", person("Keanu Reeves")),
    (film("The Dark Knight Rises"), "directed_by", person("Christopher Nolan")),
    (film("Rises"), "directed_by", person("Bo Dahl")),
    (film("Toy Story 2"), "directed_by", person("John Lasseter")),
    (film("Star Wars"), "directed_by", person("George Lucas")),
    (film("Star Wars Lost"), "directed_by", person("Pál Gábor")),
    (Entity("Disease", "糖尿病足"), "symptom", Entity("Symptom", "溃疡")),
    *((person(f"Tomm {name}"), "born_in", place("Oslo")) for name in ("Ash", "Bell", "Cole", "Dunn", "Eng", "Fry")),
    (person("Serena Hale"), "married_to", person("Bernard Hale")),
    (Entity("Disease", "2型糖尿病"), "symptom", Entity("Symptom", "口渴")),
    (Entity("Disease", "急性上呼吸道感染"), "symptom", Entity("Symptom", "咳嗽")),
    (Entity("Disease", "高血压"), "complication", Entity("Disease", "高血压脑病")),
    (Entity("Disease", "高血压眼"), "symptom", Entity("Symptom", "眼花")),
)


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return graph(STATEMENTS)


@pytest.fixture(scope="module")
def index(store: MemoryStore) -> NameIndex:
    return name_index(store)


def first(links: tuple[Link, ...]) -> str | None:
    return max(links, key=lambda one: (one.score, one.end - one.start)).entity.name if links else None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("who directed Inceptoin", "Inception"),
        ("who directed inceptoin?", "Inception"),
        ("who starred in Matrix", "The Matrix"),
        ("which films did Nolan Christopher direct", "Christopher Nolan"),
        ("which films did Nolan direct", "Christopher Nolan"),
        ("which films did Pal Gabor direct", "Pál Gábor"),
        ("who directed the Dark Knigth Rises", "The Dark Knight Rises"),
        ("who directed Toy Story 3", None),
        ("what did Star Wars cost", "Star Wars"),
        ("who directed Zzyzx", None),
        ("请问2型糖尿病有什么症状？", "2型糖尿病"),
        ("急性上呼吸到感染有什么症状？", "急性上呼吸道感染"),
        ("糖尿病的症状是什么", None),
        ("高血压应该看什么科？", "高血压"),
        ("高血压脑兵有什么症状？", "高血压脑病"),
        ("which films did Tomm direct", None),
    ],
)
def test_what_a_question_names(text: str, name: str | None, index: NameIndex) -> None:
    assert first(link(index, ontology.default(), text)) == name


def test_a_name_in_a_chinese_sentence_is_not_misspelt_by_the_word_before_it(index: NameIndex) -> None:
    found = link(index, ontology.default(), "Keanu Reeves出生于Oslo吗？")
    assert [(one.entity.name, one.score) for one in found] == [("Keanu Reeves", 1.0), ("Oslo", 1.0)]


def test_capitals_tell_a_name_of_plain_words_where_a_chinese_question_begins() -> None:
    store = graph([(film("The Event"), "directed_by", person("Bo Dahl"))])
    assert first(link(store, ontology.default(), "The Event的导演是谁？")) == "The Event"
    assert first(link(store, ontology.default(), "Event of 1990 in Oslo")) is None


def test_what_is_named_exactly_is_the_same_by_store_and_index(store: MemoryStore, index: NameIndex) -> None:
    names = [entity.name for entity in store.all_entities()]
    for name in names:
        for text in (f"Who is {name}?", f"tell me of {name.upper()} and {names[0]}"):
            by_store, by_index = (link(each, ontology.default(), text) for each in (store, index))
            assert [one for one in by_index if one.score > 0.8] == [one for one in by_store if one.score > 0.8]


def test_several_candidates_have_scores(index: NameIndex) -> None:
    found = link(index, ontology.default(), "Where was Hale born?")
    assert {one.entity.name for one in found} == {"Bernard Hale", "Serena Hale"}
    assert all(0 < one.score < 0.55 for one in found)
    assert len({(one.start, one.end) for one in found}) == 1
