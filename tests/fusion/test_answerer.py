"""Questions → answers with their thread, on graphs small enough to see through."""

from dataclasses import replace

import pytest

from fusion.answer import Answer
from fusion.answerer import LONGEST, Answerer
from kg import ontology
from kg.facts import Entity
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


def test_an_undecided_name_is_told() -> None:
    store = graph(
        [
            (person("Ann Lee"), "born_in", place("Oslo")),
            (Entity("Agent", "Ann Lee"), "born_in", place("Rome")),
        ]
    )
    answer = Answerer(store, embedder=None, ontology=ontology.default()).ask("Where was Ann Lee born?")
    assert answer.text in ("Oslo", "Rome")
    assert "not Ann Lee" in answer.reason
    assert answer.confidence < 0.8


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
