"""The Cypher that `clew explain` prints, run in a real Neo4j: it finds exactly the answer's entities and facts."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from neo4j import GraphDatabase

from api import explaining
from api.assemble import Services
from api.cli import run
from api.settings import Settings
from fusion.planner.questions import Question
from kg.bolt_store import BoltStore
from kg.chain_query import chain_query, facts_query
from kg.door import Door
from kg.facts import Fact
from kg.mirror import mirror
from kg.store import GraphStore
from nlp.documents import read
from tests.api.conftest import teach
from tests.fusion.graphs import Statement, film, person, place, readings
from tests.kg.databases import wipe

ROOT = Path(__file__).parents[2]
FILMS = ROOT / "examples" / "films" / "passages.jsonl"
PASSAGES = 60
MADE, LIVES = "made `by`", "住在"
ODD = [film('The "Glass" Bell'), film("L'Été `72`"), film("霸王别姬"), film("O'Brien\\n (film)")]
MAKERS = [person('Ann "Nan" O\'Neil'), person("陈凯歌")]
TOLD: tuple[Statement, ...] = (
    (ODD[0], MADE, MAKERS[0]),
    (ODD[1], MADE, MAKERS[0]),
    (ODD[3], MADE, MAKERS[0]),
    (ODD[2], MADE, MAKERS[1]),
    (MAKERS[1], LIVES, place("北京")),
    (MAKERS[0], LIVES, place('Cork`s "Rest"')),
)


@pytest.fixture(scope="module")
def services(neo4j_store: BoltStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Bundled films and a few of odd names in one Neo4j, and a planner of chains there, back, and there and back."""
    wipe(neo4j_store)
    folder = tmp_path_factory.mktemp("explained")
    films = folder / "films.jsonl"
    films.write_text("".join(FILMS.read_text("utf-8").splitlines(keepends=True)[:PASSAGES]), "utf-8")
    services = Services(Settings(store=neo4j_store.address, model=folder / "model"), store=neo4j_store)
    services.ingestor.ingest(lambda: read([films]))
    neo4j_store.write(readings(TOLD))
    teach(services, asked(neo4j_store), epochs=12)
    yield services
    wipe(neo4j_store)


def asked(store: GraphStore) -> list[Question]:
    """Questions of the bundled films, with the chains that they mean."""
    told = {
        ("directed_by",): ("who directed {}", "who is the director of {}"),
        ("^directed_by",): ("what films did {} direct", "which films are by {}"),
        ("directed_by", "^directed_by"): ("which films have the same director as {}",),
        ("directed_by", "born_on"): ("when was the director of {} born",),
    }
    graph, found = mirror(store), []
    names = {entity.id: entity.name for entity in store.all_entities()}
    for path, wordings in told.items():
        steps = [(graph.rows[name.removeprefix("^")], name.startswith("^")) for name in path]
        rows = [graph.inverse(row) if back else row for row, back in steps]
        for topic in range(len(graph.entities)):
            ends = set(graph.walk([topic], rows)[-1].reached.tolist()) - {topic}
            answers = tuple(names[graph.entities[end]] for end in sorted(ends))
            if answers:
                found += [
                    Question(0, words.format(names[graph.entities[topic]]), answers, names[graph.entities[topic]], path)
                    for words in wordings
                ]
    return found


def records(query: str, door: Door) -> list[dict[str, object]]:
    """What Neo4j finds, and that it warns of nothing."""
    with GraphDatabase.driver(door.uri, auth=(door.user, door.password)) as driver:
        found = driver.execute_query(query)
        said = [status for status in found.summary.gql_status_objects if status.is_notification]
        assert [status.status_description for status in said] == [], query
        return [dict(record) for record in found.records]


def facts_of(found: list[dict[str, object]]) -> set[str]:
    """The ids of all relationships in some records."""
    return {
        value["id"]  # type: ignore[index]
        for record in found
        for name, value in record.items()
        if name == "fact" or name[0] == "r"
    }


@pytest.mark.neo4j
@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("directed_by",), "who directed {}"),
        (("^directed_by",), "what films did {} direct"),
        (("directed_by", "^directed_by"), "which films have the same director as {}"),
        (("directed_by", "born_on"), "when was the director of {} born"),
    ],
)
def test_a_plan_finds_its_answer(path: tuple[str, ...], words: str, services: Services, neo4j_door: Door) -> None:
    topics = [one for one in asked(services.store) if one.path == path and one.text == words.format(one.topic)]
    answered = 0
    for question in topics[:8]:
        trace = services.answerer.explain(question.text)
        if not trace.answer.paths:
            continue
        answered += 1
        query = explaining.explain(services, question.text).cypher
        assert query is not None
        found = records(query, neo4j_door)
        entities = {entity.id for entity in trace.answer.entities}
        if trace.by != "plan":  # the words of the question were surer
            assert facts_of(found) == {fact.id for answer_path in trace.answer.paths for fact in answer_path.facts}
            continue
        assert {record["answer"]["id"] for record in found} == entities, question.text  # type: ignore[index]
        facts = {fact.id for answer_path in trace.answer.paths for fact in answer_path.facts}
        assert facts <= facts_of(found), question.text
        if len(found) == len(entities):  # one walk to each
            assert facts == facts_of(found), question.text
    assert answered


@pytest.mark.neo4j
def test_the_facts_of_a_comparison_are_found(services: Services, neo4j_door: Door) -> None:
    dated = [fact for fact in services.store.all_facts() if fact.relation == "born_on"][:2]
    names = {entity.id: entity.name for entity in services.store.all_entities()}
    question = f"Who was born first, {names[dated[0].subject]} or {names[dated[1].subject]}?"
    trace = services.answerer.explain(question)
    assert trace.by == "operators"
    query = explaining.explain(services, question).cypher
    assert query is not None
    assert facts_of(records(query, neo4j_door)) == {f.id for path in trace.answer.paths for f in path.facts}


@pytest.mark.neo4j
@pytest.mark.parametrize("at", range(len(ODD)))
def test_names_of_any_kind_are_walked(at: int, services: Services, neo4j_door: Door) -> None:
    by = {one: maker for one, relation, maker in TOLD if relation == MADE}
    town = {one: where for one, relation, where in TOLD if relation == LIVES}
    maker = by[ODD[at]]
    found = records(chain_query(ODD[at].id, [(MADE, True), (LIVES, True)]), neo4j_door)
    assert [record["answer"]["name"] for record in found] == [town[maker].name]  # type: ignore[index]
    same = records(chain_query(ODD[at].id, [(MADE, True), (MADE, False)]), neo4j_door)
    others = {one.name for one in ODD if by[one] == maker and one != ODD[at]}
    assert {record["answer"]["name"] for record in same} == others  # type: ignore[index]
    back = records(chain_query(maker.id, [(MADE, False)]), neo4j_door)
    assert {record["answer"]["name"] for record in back} == others | {ODD[at].name}  # type: ignore[index]
    facts = [Fact(ODD[at].id, MADE, maker.id, frozenset()), Fact(maker.id, LIVES, town[maker].id, frozenset())]
    assert facts_of(records(facts_query(facts), neo4j_door)) == {fact.id for fact in facts}


@pytest.mark.neo4j
def test_the_command_prints_it(
    services: Services, neo4j_door: Door, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEW_STORE_USER", neo4j_door.user)
    monkeypatch.setenv("CLEW_STORE_PASSWORD", neo4j_door.password)
    monkeypatch.setenv("CLEW_MODEL", str(services.model_folder))
    question = next(one.text for one in asked(services.store) if one.path == ("directed_by",))
    store = ["--store", neo4j_door.uri]
    assert run(["explain", question, "--cypher", *store]) == 0
    query = capsys.readouterr().out
    assert run(["ask", question, "--json", *store]) == 0
    answer = json.loads(capsys.readouterr().out)
    found = {node["id"] for record in records(query, neo4j_door) for node in record.values()}  # type: ignore[index]
    assert answer["entities"]
    assert {entity["id"] for entity in answer["entities"]} <= found
