"""Questions that combine, count, compare, filter, deny or ask whether: answers, proofs, and when there is none."""

from itertools import combinations

import pytest
from neo4j import GraphDatabase

from fusion.answer import Answer
from fusion.answerer import Answerer
from fusion.operators.algebra import intersection, union
from fusion.operators.found import Found
from fusion.operators.valued import leader
from fusion.operators.values import read_date, read_number
from fusion.paths import FACTS, FRONTIER, Facts
from fusion.reader import Miss
from kg import ontology, set_query
from kg.bolt_store import BoltStore
from kg.door import Door
from kg.facts import Entity, EntityId
from kg.memory_store import MemoryStore
from tests.fusion.graphs import Statement, date, film, graph, person, place, readings
from tests.fusion.operator_cases import ADA, AMBER, ANSWERS, BO, FERRY, GLASS, REFUSED, STATEMENTS, TEXTS
from tests.kg.databases import wipe


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return graph(STATEMENTS)


@pytest.fixture(scope="module")
def answerer(store: MemoryStore) -> Answerer:
    return Answerer(store, embedder=None, ontology=ontology.default())


def holds(answer: Answer, store: MemoryStore) -> None:
    """Every fact of every path is in the store and quoted."""
    facts = {fact for path in answer.paths for fact in path.facts}
    assert facts
    triples = [(fact.subject, fact.relation, fact.object) for fact in facts]
    assert len(store.facts_between(triples)) == len(facts)
    assert {citation.fact for citation in answer.citations} == {fact.id for fact in facts}


@pytest.mark.parametrize(("question", "expected"), ANSWERS, ids=[question for question, _ in ANSWERS])
def test_what_is_asked_for(answerer: Answerer, store: MemoryStore, question: str, expected: set[Entity]) -> None:
    trace = answerer.explain(question)
    assert trace.answer.reason == "" or not trace.answer.abstained, trace.answer.reason
    assert {entity.name for entity in trace.answer.entities} == {entity.name for entity in expected}
    assert trace.by == "operators"
    assert trace.choice is not None
    assert trace.choice.operation is not None
    assert trace.choice.operation.lines
    holds(trace.answer, store)


@pytest.mark.parametrize(("question", "text"), TEXTS, ids=[question for question, _ in TEXTS])
def test_numbers_and_yes_or_no(answerer: Answerer, store: MemoryStore, question: str, text: str) -> None:
    answer = answerer.ask(question)
    assert answer.text == text, answer.reason
    holds(answer, store)


@pytest.mark.parametrize(("question", "reason"), REFUSED, ids=[question for question, _ in REFUSED])
def test_what_is_not_decided_is_said(answerer: Answerer, question: str, reason: str) -> None:
    answer = answerer.ask(question)
    assert answer.abstained, answer.text
    assert reason in answer.reason


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Which films were directed by 311?", "Blue Light"),
        ("Which films were directed by 808?", "Big Brother"),
        ("2046之前的导演是谁？", "Bo Falk"),
        ("Which films were released by 1931?", None),
        ("Which films were released before 1931?", None),
        ("Which films were released before 1950?", None),
        ("Which films took place around 1939–1945?", "Amber Road"),
    ],
)
def test_things_whose_name_is_a_number_are_no_limits(question: str, text: str | None) -> None:
    statements: list[Statement] = [
        (film("Blue Light"), "directed_by", Entity("Organization", "311")),
        (film("Big Brother"), "directed_by", Entity("Thing", "808")),
        (GLASS, "released_on", Entity("Thing", "1950")),
        (film("2046"), "directed_by", BO),
        (AMBER, "released_on", date("1931")),
        (AMBER, "took_place_on", Entity("Event", "1939–1945")),
    ]
    answer = Answerer(graph(statements), embedder=None, ontology=ontology.default()).ask(question)
    assert answer.text == (text or "")
    assert answer.abstained == (text is None)
    assert text is not None or "could not be told" in answer.reason


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Is 李安 older than Ada Lund?", "no"),
        ("Was 李安 born before 1960?", "yes"),
        ("Are 李安 and Ada Lund of the same nationality?", "no"),
        ("李安比Ada Lund年长吗？", "否"),
        ("李安和Ada Lund的国籍相同吗？", "否"),
    ],
)
def test_yes_and_no_are_said_in_the_language_of_the_words_not_of_the_names(question: str, text: str) -> None:
    other = person("李安")
    statements: list[Statement] = [
        *STATEMENTS,
        (other, "born_on", date("1954")),
        (other, "nationality", Entity("Nationality", "Danish")),
    ]
    assert Answerer(graph(statements), embedder=None, ontology=ontology.default()).ask(question).text == text


def test_what_is_denied_of_a_thing_with_very_many_facts_is_left_out() -> None:
    states, france = place("United States"), place("France")
    statements: list[Statement] = [(film(f"Film {n}"), "country_of_origin", states) for n in range(FACTS + 200)]
    mine = [film(f"Film {n}") for n in range(0, FACTS + 200, 60)]
    statements += [(one, "directed_by", ADA) for one in mine]
    statements += [(AMBER, "directed_by", ADA), (AMBER, "country_of_origin", france)]
    answerer = Answerer(graph(statements), embedder=None, ontology=ontology.default())
    answer = answerer.ask("Which films directed by Ada Lund are not from United States?")
    assert [one.name for one in answer.entities] == [AMBER.name], answer.reason


def test_what_was_not_walked_whole_is_not_told_as_exact() -> None:
    statements: list[Statement] = [(film(f"Film {n}"), "directed_by", ADA) for n in range(FRONTIER + 50)]
    statements += [(film(f"Film {n}"), "starring", person(f"Actor {n}")) for n in range(FRONTIER + 50)]
    answerer = Answerer(graph(statements), embedder=None, ontology=ontology.default())
    answer = answerer.ask("How many actors star in films directed by Ada Lund?")
    assert "only a part of the graph was walked" in answer.reason
    many: list[Statement] = [(film(f"Film {n}"), "directed_by", ADA) for n in range(FACTS + 50)]
    answerer = Answerer(graph([*many, (FERRY, "directed_by", BO)]), embedder=None, ontology=ontology.default())
    answer = answerer.ask("Who directed more films, Ada Lund or Bo Falk?")
    assert answer.abstained
    assert "only a part of the graph was walked" in answer.reason


def test_a_name_of_two_things_that_lead_elsewhere_is_asked_back() -> None:
    company = Entity("Organization", "Ada Lund")
    statements: list[Statement] = [*STATEMENTS, (film("Low Tide"), "directed_by", company)]
    answerer = Answerer(graph(statements), embedder=None, ontology=ontology.default())
    for question in ("How many films were directed by Ada Lund?", "What is the latest film directed by Ada Lund?"):
        answer = answerer.ask(question)
        assert answer.abstained, question
        assert {(one.entity.name, one.entity.type) for one in answer.candidates} == {
            ("Ada Lund", "Person"),
            ("Ada Lund", "Organization"),
        }


FAY = person("Fay Holm")
OF_FAY: tuple[Statement, ...] = ((FAY, "born_on", date("1948")), (FAY, "nationality", Entity("Nationality", "Danish")))


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("Is Ada Lund older than Fay Holm?", ("yes", "no")),
        ("Ada Lund比Fay Holm年长吗？", ("是", "否")),
        ("Who is older, Ada Lund or Fay Holm?", ("Ada Lund", "Fay Holm")),
        ("Ada Lund和Fay Holm谁更年长？", ("Ada Lund", "Fay Holm")),
        ("Are Ada Lund and Fay Holm of the same nationality?", ("yes", "no")),
        ("Was Ada Lund born before 1949?", ("yes", "no")),
        ("Who directed more films, Ada Lund or Fay Holm?", ("Fay Holm", "Ada Lund")),
    ],
)
def test_a_name_of_two_things_is_asked_back_where_they_are_compared(question: str, answers: tuple[str, str]) -> None:
    other = Entity("Politician", "Ada Lund")
    statements: list[Statement] = [
        *STATEMENTS,
        (other, "born_on", date("1900")),
        (other, "nationality", Entity("Nationality", "Danish")),
        (film("Low Tide"), "directed_by", other),
        (film("High Tide"), "directed_by", FAY),
        (film("Neap Tide"), "directed_by", FAY),
        *OF_FAY,
    ]
    answerer = Answerer(graph(statements), embedder=None, ontology=ontology.default())
    asked = answerer.ask(question)
    assert asked.abstained, asked.text
    assert {one.entity.type for one in asked.candidates} == {"Person", "Politician"}
    assert [answerer.ask(question, topics=[one.id]).text for one in (other, ADA)] == list(answers)


def test_a_name_of_two_things_that_come_to_the_same_is_not_asked_back() -> None:
    other = Entity("Politician", "Ada Lund")
    answerer = Answerer(
        graph([*STATEMENTS, *OF_FAY, (other, "born_on", date("1951"))]), embedder=None, ontology=ontology.default()
    )
    for question, text in (
        ("Is Ada Lund older than Fay Holm?", "no"),
        ("Who is older, Ada Lund or Fay Holm?", "Fay Holm"),
        ("Was Ada Lund born before 1949?", "no"),
    ):
        assert answerer.ask(question).text == text
    assert answerer.ask("Who is younger, Ada Lund or Fay Holm?").candidates


@pytest.mark.parametrize("end", [-1, 1])
def test_the_leader_is_before_every_other(end: int) -> None:
    said = ["1968", "3 May 1968", "1970", "July 1970", "1 July 1970", "95 min"]
    values = [(EntityId(name), value) for name in said if (value := read_date(name) or read_number(name)) is not None]
    assert len(values) == len(said)
    for count in (1, 2, 3):
        for chosen in combinations(values, count):
            open_to = tuple(
                id
                for id, value in chosen
                if not any((other.precedes(value) if end < 0 else value.precedes(other)) for _, other in chosen)
            )
            assert leader(chosen, end) == (open_to[0] if len(open_to) == 1 else open_to)


def test_the_cypher_of_a_set_within_a_set_keeps_names_apart() -> None:
    one, other = (set_query.Reached(EntityId(id), ((("correct answer", True),),)) for id in ("1", "2"))
    extremum = set_query.Extremum(other, "born_on", "date", 1)
    nested = set_query.Less(one, set_query.Within(set_query.AllOf((other, extremum)), "n", "number", ()), "r", True)
    cypher = set_query.set_query(set_query.AllOf((one, nested)))
    assert "WITH other1 WHERE other1 = answer" in cypher
    assert "WITH other2 WHERE other2 = other1" in cypher
    assert "correct other" not in cypher
    assert cypher.index("low IS NOT NULL") < cypher.index("ORDER BY")


def test_too_many_readings_are_not_combined(store: MemoryStore) -> None:
    sets = [
        Found(str(n), (), lambda id: (), 1.0, set_query.Reached(EntityId(str(n)), ((("child", True),),)))
        for n in range(4)
    ]
    operands = [sets] * 7
    for found in (intersection(operands, listed=True, facts=Facts(store)), union(operands, listed=True)):
        assert isinstance(found, Miss)
        assert "too many" in found.reason


@pytest.fixture(scope="module")
def in_neo4j(neo4j_store: BoltStore) -> BoltStore:
    """The same graph in Neo4j."""
    wipe(neo4j_store)
    neo4j_store.write(readings(STATEMENTS))
    return neo4j_store


@pytest.mark.neo4j
def test_the_cypher_of_an_operation_finds_the_same_in_neo4j(
    answerer: Answerer, in_neo4j: BoltStore, neo4j_door: Door
) -> None:
    asked = 0
    with GraphDatabase.driver(neo4j_door.uri, auth=(neo4j_door.user, neo4j_door.password)) as driver:
        counts: list[tuple[str, int | set[Entity]]] = [(one, int(text)) for one, text in TEXTS if text in "123"]
        for question, expected in [*ANSWERS, *counts]:
            choice = answerer.explain(question).choice
            assert choice is not None
            assert choice.operation is not None
            if choice.operation.cypher is None:
                continue
            found = driver.execute_query(choice.operation.cypher)
            assert not [s for s in found.summary.gql_status_objects if s.is_notification], question
            if isinstance(expected, int):
                assert [row["count"] for row in found.records] == [expected], question
            else:
                assert {row["answer"]["name"] for row in found.records} == {one.name for one in expected}, question
            asked += 1
    assert asked > len(ANSWERS) / 2
