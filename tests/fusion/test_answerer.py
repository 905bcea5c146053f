"""Questions → answers with their thread, on graphs small enough to see through."""

from dataclasses import replace

import pytest

from fusion.answer import Answer
from fusion.answerer import LONGEST, Answerer
from kg import ontology
from kg.facts import Entity, Topic
from kg.memory_store import MemoryStore
from tests.fusion.graphs import FILMS, GROUND, GUY, date, film, graph, person, place, reading

ANSWERS = [
    ("Who directed Free Guy?", {"Shawn Levy"}),
    ("who is the director of free guy", {"Shawn Levy"}),
    ("Which films did Shawn Levy direct?", {"Free Guy", "Night at the Museum"}),
    ("What is the place of birth of the director of film Free Guy?", {"Montreal"}),
    ("Where was the director of film Free Guy born?", {"Montreal"}),
    ("When was the director of film Free Guy born?", {"23 July 1968"}),
    ("Who is the spouse of the director of film Free Guy?", {"Serena Levy"}),
    ("Who is the spouse of the director of film Fre Guy?", {"Serena Levy"}),
    ("What is the place of birth of Henrik Selberg's father?", {"Flora"}),
    ("When did Henrik Selberg's father die?", {"1 August 1950"}),
    ("Where did Henrik Selberg's father die?", {"Oslo"}),
    ("Who is the paternal grandfather of Henrik Selberg?", {"Old Selberg"}),
    ("Who is the child of Ole Selberg?", {"Henrik Selberg"}),
    ("Where was the wife of Camille Paule born?", {"Fomboni"}),
    ("What is the place of birth of the keyboardist of Veslefrekk?", {"Dombås"}),
    ("What treats diabetes?", {"Metformin"}),
    ("What does Metformin treat?", {"diabetes"}),
    ("Which film whose director is younger, Forbidden Ground or Free Guy?", {"Free Guy"}),
    ("Which film has the director who is older than the other, Forbidden Ground or Free Guy? ", {"Forbidden Ground"}),
    ("Which film was released earlier, Free Guy or Forbidden Ground?", {"Forbidden Ground"}),
    ("Which film was released more recently, Free Guy or Forbidden Ground?", {"Free Guy"}),
    ("Was Shawn Levy or Pál Gábor born first?", {"Pál Gábor"}),
]


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return graph(FILMS)


@pytest.fixture(scope="module")
def answerer(store: MemoryStore) -> Answerer:
    return Answerer(store, embedder=None, ontology=ontology.default())


def holds(answer: Answer, store: MemoryStore) -> None:
    """What every answer promises."""
    facts = {fact for path in answer.paths for fact in path.facts}
    for fact in facts:
        assert store.facts_between([(fact.subject, fact.relation, fact.object)])
    texts = {d.id: "".join(chunk.text for chunk in store.chunks_of(d.id)) for d in store.documents()}
    for citation in answer.citations:
        assert texts[citation.document][citation.start : citation.end] == citation.quote
    assert {citation.fact for citation in answer.citations if citation.fact} == {fact.id for fact in facts}
    assert answer.names is not None
    assert 0 < answer.confidence <= 1


@pytest.mark.parametrize(("question", "expected"), ANSWERS, ids=[question for question, _ in ANSWERS])
def test_answers(answerer: Answerer, store: MemoryStore, question: str, expected: set[str]) -> None:
    answer = answerer.ask(question)
    assert not answer.abstained, answer.reason
    assert {entity.name for entity in answer.entities} == expected
    holds(answer, store)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Do both films Free Guy and Forbidden Ground have the directors that share the same nationality?", "no"),
        ("Are the directors of films Free Guy and Night at the Museum both from the same country?", "yes"),
    ],
)
def test_yes_or_no(answerer: Answerer, store: MemoryStore, question: str, text: str) -> None:
    answer = answerer.ask(question)
    assert answer.text == text
    assert len(answer.paths) == 2
    holds(answer, store)


def test_a_country_is_given_where_one_is_asked_for(answerer: Answerer) -> None:
    answer = answerer.ask("Which country is the director of Free Guy from?")
    assert answer.text == "Canada"
    assert [entity.name for entity in answer.entities] == ["Canadian"]


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("", "empty"),
        ("  ?!", "nothing in the graph"),
        ("x" * (LONGEST + 1), "longer than"),
        ("Who is the mayor of Atlantis?", "nothing in the graph"),
        ("Who is the employer of Shawn Levy?", "knows Shawn Levy, but no fact of it matches 'employer'"),
        ("Where did the director of Free Guy die?", "no fact of it matches 'die'"),
        ("Which film was released earlier, Free Guy or Night at the Museum?", "does not say released on or founded on"),
        ("' OR 1=1 RETURN n // \"", "nothing in the graph"),
    ],
)
def test_abstentions_say_what_was_missing(answerer: Answerer, question: str, reason: str) -> None:
    answer = answerer.ask(question)
    assert answer.abstained
    assert reason in answer.reason
    assert "\n" not in answer.reason
    assert (answer.text, answer.paths, answer.citations, answer.confidence) == ("", (), (), 0.0)


def test_a_quotation_is_the_sentence_that_states_the_fact(answerer: Answerer) -> None:
    [citation] = answerer.ask("Who directed Free Guy?").citations
    assert citation.quote == "Free Guy directed by Shawn Levy."
    assert citation.source == "Film Free Guy"


def test_of_two_things_of_one_name_the_one_that_the_question_fits_answers() -> None:
    song = Entity("Song", "Halo")
    store = graph([(song, "performed_by", person("Ann")), (film("Halo"), "directed_by", person("Bo"))])
    answerer = Answerer(store, embedder=None, ontology=ontology.default())
    assert answerer.ask("Who directed Halo?").text == "Bo"
    assert answerer.ask("Who is the performer of song Halo?").text == "Ann"


HALOS = Entity("Film", "Halo"), Entity("Song", "Halo")
ANNS = person("Ann Lee"), Entity("Agent", "Ann Lee")


@pytest.fixture(scope="module")
def homonyms() -> MemoryStore:
    store = graph(
        [
            (ANNS[0], "born_in", place("Oslo")),
            (ANNS[0], "married_to", person("Bo Dahl")),
            (ANNS[1], "born_in", place("Rome")),
            (HALOS[0], "directed_by", person("Bo Dahl")),
            (HALOS[0], "released_on", date("2019")),
            (HALOS[1], "directed_by", person("Cy Roe")),
            (HALOS[1], "released_on", date("1999")),
        ]
    )
    return store


@pytest.mark.parametrize(
    ("question", "meant"),
    [("Where was Ann Lee born?", ANNS), ("Where was ann lee born?", ANNS), ("Who directed Halo?", HALOS)],
)
def test_where_nothing_tells_which_is_meant_it_is_asked(
    homonyms: MemoryStore, question: str, meant: tuple[Entity, Entity]
) -> None:
    answerer = Answerer(homonyms, embedder=None, ontology=ontology.default())
    answer = answerer.ask(question)
    assert answer.abstained
    assert {one.entity for one in answer.candidates} == set(meant)
    assert len({one.description for one in answer.candidates}) == 2
    assert all(one.type in answer.reason for one in meant)
    assert "say which one is meant" in answer.reason
    assert not answer.paths
    texts = set()
    for one in meant:
        chosen = answerer.ask(question, topics=[one.id])
        assert not chosen.abstained
        assert not chosen.candidates
        assert chosen.paths[0].facts[0].subject == one.id
        texts.add(chosen.text)
        holds(chosen, homonyms)
    assert len(texts) == 2


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who directed the film Halo?", "Bo Dahl"),
        ("Who directed Halo (song)?", "Cy Roe"),
        ("Who directed Halo of 1999?", "Cy Roe"),
        ("Who directed Halo, the one that came out in 2019?", "Bo Dahl"),
        ("Where was Ann Lee, the wife of Bo Dahl, born?", "Oslo"),
    ],
)
def test_the_question_itself_may_tell_which_is_meant(homonyms: MemoryStore, question: str, text: str) -> None:
    answer = Answerer(homonyms, embedder=None, ontology=ontology.default()).ask(question)
    assert answer.text == text
    assert not answer.candidates
    holds(answer, homonyms)


def test_a_topic_that_the_question_does_not_name_is_told(homonyms: MemoryStore) -> None:
    answerer = Answerer(homonyms, embedder=None, ontology=ontology.default())
    answer = answerer.ask("Where was Ann Lee born?", topics=[HALOS[0].id])
    assert answer.abstained
    assert "no name that may mean Halo (Film)" in answer.reason


def test_dates_that_are_not_precise_enough_decide_nothing() -> None:
    store = graph([(GUY, "released_on", date("2021")), (GROUND, "released_on", date("3 May 2021"))])
    answer = Answerer(store, embedder=None, ontology=ontology.default()).ask(
        "Which film was released earlier, Free Guy or Forbidden Ground?"
    )
    assert answer.abstained
    assert "do not decide" in answer.reason


def test_chinese_and_imported_relation_names() -> None:
    store = graph(
        [
            (Entity("Thing", "糖尿病"), "HAS_SYMPTOM", Entity("Thing", "多饮")),
            (Entity("Thing", "糖尿病"), "HAS_SYMPTOM", Entity("Thing", "多尿")),
            (Entity("Thing", "糖尿病"), "DEPARTMENT_IS", Entity("Thing", "内分泌科")),
            (Entity("Thing", "糖尿病"), "ALIAS_IS", Entity("Thing", "消渴")),
            (Entity("Thing", "Kismet"), "starred_actors", Entity("Thing", "Edward Arnold")),
            (Entity("Thing", "Ziegfeld"), "starred_actors", Entity("Thing", "Edward Arnold")),
            (Entity("Thing", "Ziegfeld"), "has_genre", Entity("Thing", "Musical")),
        ]
    )
    answerer = Answerer(store, embedder=None, ontology=ontology.default())

    def names(question: str) -> set[str]:
        return {entity.name for entity in answerer.ask(question).entities}

    assert names("糖尿病有什么症状？") == {"多饮", "多尿"}
    assert names("消渴应该看什么科？") == {"内分泌科"}
    assert names("what movies did Edward Arnold act in") == {"Kismet", "Ziegfeld"}
    assert names("which movies share actors with Kismet") == {"Ziegfeld"}
    assert names("what genres do the films that share actors with Kismet fall under") == {"Musical"}


def test_the_text_is_read_on_where_the_graph_ends() -> None:
    store = graph([(GUY, "directed_by", person("Ann Lee"))])
    unread = reading(person("Ann Lee"), [("passed_away_and_died_at", place("Rome"))])
    store.write([replace(unread, facts=())])
    answer = Answerer(store, embedder=None, ontology=ontology.default()).ask("Where did the director of Free Guy die?")
    assert answer.text == "Rome"
    assert answer.confidence < 0.5
    assert "read from one sentence" in answer.reason
    assert answer.citations[-1].quote == "Ann Lee passed away and died at Rome."


def test_a_graph_that_changes_is_answered_from_as_it_is(store: MemoryStore) -> None:
    changing = graph(FILMS[:2])
    answerer = Answerer(changing, embedder=None, ontology=ontology.default())
    assert answerer.ask("Who directed Free Guy?").text == "Shawn Levy"
    changing.delete([document.id for document in changing.documents()])
    assert answerer.ask("Who directed Free Guy?").abstained


def test_an_empty_graph() -> None:
    answerer = Answerer(MemoryStore(), embedder=None, ontology=ontology.default())
    assert answerer.ask("Who directed Free Guy?").abstained
    assert answerer.search("Free Guy") == []


def test_a_description_tells_and_is_shown() -> None:
    store = graph([(ANNS[0], "born_in", place("Oslo"))])
    other = reading(ANNS[1], [("born_in", place("Rome"))], None)
    topic = Topic("Ann Lee", "Agent", "American trumpeter")
    store.write([replace(other, document=replace(other.document, topic=topic))])
    answerer = Answerer(store, embedder=None, ontology=ontology.default())
    asked = answerer.ask("Where was Ann Lee born?")
    assert {one.description for one in asked.candidates} == {"born in Oslo", "American trumpeter"}
    assert answerer.ask("Where was the trumpeter Ann Lee born?").text == "Rome"


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("高血压有哪些并发症？", {"冠心病"}),
        ("哪些疾病的并发症是高血压？", {"痛风", "偏头痛"}),
        ("高血压和糖尿病有哪些共同的并发症？", set()),
        ("高血压的并发症有哪些症状？", set()),
    ],
)
def test_a_relation_between_things_of_one_kind_is_read_as_it_is_said(question: str, answers: set[str]) -> None:
    gout, migraine, pressure, sugar, heart = (
        Entity("Disease", name) for name in ("痛风", "偏头痛", "高血压", "糖尿病", "冠心病")
    )
    store = graph(
        [
            (gout, "complication", pressure),
            (gout, "complication", sugar),
            (migraine, "complication", pressure),
            (pressure, "complication", heart),
            (sugar, "complication", Entity("Disease", "糖尿病足")),
            (gout, "symptom", Entity("Symptom", "关节疼痛")),
        ]
    )
    answer = Answerer(store, embedder=None, ontology=ontology.default()).ask(question)
    assert {entity.name for entity in answer.entities} == answers
    assert answer.abstained == (not answers)
