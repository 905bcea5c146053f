"""`clew learn --questions`, `clew ask` with what was learned, `clew explain`; and the same over HTTP."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import planning
from api.app import create_app
from api.assemble import Services
from api.cli import run
from api.job import Job, Progress, Tell
from api.planning import PlannerOut
from api.settings import Settings
from kg.facts import EntityId
from kg.labels import ARCADEDB
from kg.triples import TripleFile
from tests.api.conftest import teach

STORE = ["--store", "embedded:graph"]
CITIES = ["Metz", "Toul", "Autun", "Lyon", "Reims"]
FILMS = [f"{one} {other}" for one in ("Amber", "Silent", "Paper", "Glass") for other in ("Road", "Harbour", "Bell")]
MAKERS = ["Ida Falk", "Otto Brandt", "Vera Keller", "Hugo Lorenz", "Nora Moser", "Emil Reuter"]


def facts() -> list[str]:
    made = [f"{name}\tfabricated_by\t{MAKERS[n % 6]}" for n, name in enumerate(FILMS)]
    return made + [f"{name}\thails_from\t{CITIES[n % 5]}" for n, name in enumerate(MAKERS)]


def questions() -> list[str]:
    """One or two facts from the film, of all films but the last two."""
    found = []
    for n, name in enumerate(FILMS[:-2]):
        maker, city = MAKERS[n % 6], CITIES[n % 6 % 5]
        for words in ("who made {}", "who is the maker of {}", "whose work is {}", "tell me who made {}"):
            found.append(json.dumps({"question": words.format(name), "answers": [maker]}))
        for words in ("where is the maker of {} from", "which town is the home of the maker of {}"):
            found.append(json.dumps({"question": words.format(name), "answers": [city], "topic": name}))
        found.append(f"the one who made [{name}] is from where\t{city}")
        found.append(f"from which town is the one whose work is [{name}]\t{city}")
    return [*found, "no answer here", "{broken"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLEW_STORE_IDLE_SECONDS", "1")
    Path("films.tsv").write_text("\n".join(facts()) + "\n", "utf-8")
    Path("questions.txt").write_text("\n".join(questions()) + "\n", "utf-8")
    return tmp_path


def test_questions_are_learned_and_others_answered(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "films.tsv", *STORE]) == 0
    asked = ["ask", "Which town is the maker of Glass Bell from?", "--json", *STORE]
    assert run(asked) == 0
    before = json.loads(capsys.readouterr().out.partition("\n")[2] or "{}")
    assert before.get("answer") != "Metz"
    assert run(["explain", "Which town is the maker of Glass Bell from?", *STORE]) == 0
    told = capsys.readouterr()
    assert "clew learn --questions" in told.err
    assert "Glass Bell (Thing)" in told.out
    assert run(["learn", "--questions", "questions.txt", "--no-generated", "--epochs", "15", "--json", *STORE]) == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert (found["unreadable_lines"], found["own"]["held_out"], found["skipped"]) == (2, 8, {})
    assert found["generated"] == {"learned": 0, "held_out": 0, "hits1": None}
    assert "line 81 has no tab" in told.err
    assert "learning from 72 questions in 15 epochs" in told.err
    assert "epoch 15" in told.err
    assert Path("graph/model/planner.safetensors").exists()
    assert run(asked) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["answer"] == "Metz"
    assert answer["paths"] == [
        [
            {"subject": "Glass Bell", "relation": "fabricated_by", "object": "Emil Reuter"},
            {"subject": "Emil Reuter", "relation": "hails_from", "object": "Metz"},
        ]
    ]
    assert [one["quote"] for one in answer["citations"]]
    assert run(["explain", "Which town is the maker of Glass Bell from?", *STORE]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert "fabricated_by" in told.out
    assert "answered by the best plan" in told.out
    assert run(["explain", "Which town is the maker of Glass Bell from?", "--cypher", *STORE]) == 0
    assert "MATCH (topic)-[r1:`fabricated_by`]->(e1:Entity)" in capsys.readouterr().out
    assert run(["explain", "Which town is that?", "--cypher", *STORE]) == 2


@pytest.mark.parametrize(
    ("lines", "code", "says"),
    [
        ("", 1, "is empty"),
        ("nothing\n", 1, "holds no question"),
        ("who made Amber Road\tNobody\n", 1, "None of the questions"),
        ('{"question": "who made \\ud800", "answers": ["Ida Falk"]}\n', 1, "has half of a character ('\\ud800')"),
    ],
)
def test_questions_that_teach_nothing(
    lines: str, code: int, says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("few.tsv").write_text(lines, "utf-8")
    assert run(["learn", "--questions", "few.tsv", "--store", "memory:"]) == code
    [told] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("clew: ")]
    assert says in told or "holds no facts" in told


def test_options_that_would_do_nothing_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["learn", "--questions", "questions.txt", "--dimension", "8", "--store", "memory:"]) == 2
    assert "--dimension" in capsys.readouterr().err
    assert run(["learn", "--questions", "--seed", str(2**63), "--store", "memory:"]) == 2
    assert "--seed" in capsys.readouterr().err
    assert run(["learn", "--questions", "missing.txt", "--store", "memory:"]) == 1
    assert run(["learn", "questions.txt", "--store", "memory:"]) == 2
    assert "questions.txt says nothing without --questions" in capsys.readouterr().err
    assert run(["learn", "--no-generated", "--store", "memory:"]) == 2
    assert run(["learn", "--questions", "--no-generated", "--store", "memory:"]) == 2
    assert "nothing to learn from" in capsys.readouterr().err
    assert run(["learn", "--questions", "--store", "memory:"]) == 1
    assert "holds no facts" in capsys.readouterr().err


@pytest.fixture
def services(folder: Path) -> Iterator[Services]:
    services = Services(Settings(store="memory:", model=folder / "model"))
    services.ingestor.import_file(TripleFile(folder / "films.tsv").__iter__)
    yield services
    services.close()


def test_over_http_a_planner_is_used_once_it_is_there(services: Services, folder: Path) -> None:
    from fusion.planner.questions import read_questions

    question = {"question": "Which town is the maker of Glass Bell from?"}
    client = TestClient(create_app(services))
    found = client.post("/explain", json=question).json()
    assert (found["planner"], found["plans"], found["cypher"]) == (False, [], None)
    assert found["links"][0]["entity"]["name"] == "Glass Bell"
    store = services.store
    lines, _ = read_questions(folder / "questions.txt")
    teach(services, lines, epochs=15, seed=1)
    assert client.post("/ask", json=question).json()["answer"] == "Metz"
    for words in ("Who made Glass Bell and Paper Road?", "Who never made Glass Bell?", "Who is Ida Falk?", "And why?"):
        asked = {"question": words}
        explained = client.post("/explain", json=asked).json()
        assert explained["answer"] == client.post("/ask", json=asked).json(), words
        assert explained["why"] or not explained["links"] or explained["by"] == "plan", words
    found = client.post("/explain", json=question).json()
    assert (found["planner"], found["by"], found["answer"]["answer"]) == (True, "plan", "Metz")
    assert [(s["relation"], s["forward"], s["reached"]) for s in found["plans"][0]["steps"]] == [
        ("fabricated_by", True, 1),
        ("hails_from", True, 1),
    ]
    assert found["cypher"].endswith("RETURN topic, r1, e1, r2, answer")
    names = {one.name: one.id for one in store.all_entities()}
    for path in found["answer"]["paths"]:
        for step in path:
            assert store.facts_between([(names[step["subject"]], step["relation"], names[step["object"]])])
    services.planner_file.write_bytes(b"damaged")
    refused = client.post("/ask", json=question)
    assert refused.status_code == 503
    assert "train it anew" in refused.json()["detail"]


def test_over_http_the_graph_alone_is_enough(services: Services) -> None:
    client = TestClient(create_app(services))
    assert client.get("/learn/questions").json() == {"state": "none", "progress": "", "found": None}
    begun = client.post("/learn/questions", json={"epochs": 3, "reasoner": False})
    assert (begun.status_code, begun.json()["state"]) == (202, "running")
    found = learned(client)["found"]
    assert found["own"] == {"learned": 0, "held_out": 0, "hits1": None}
    made = found["generated"]
    assert made["learned"] > 500
    assert made["hits1"] > 0.8
    assert (found["unworded"], found["skipped"], found["epochs"]) == ([], {}, 3)
    assert services.planner_file.exists()
    asked = {"question": "Who fabricated Glass Bell?"}
    assert client.post("/explain", json=asked).json()["answer"]["answer"] == "Emil Reuter"


def learned(client: TestClient) -> dict[str, Any]:
    """What the training that was begun came to."""
    while (told := client.get("/learn/questions").json())["state"] == "running":
        time.sleep(0.02)
    assert isinstance(told, dict)
    return told


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"generated": False}, "nothing to learn from"),
        ({"questions": [{"question": "who made it", "answers": [" "]}]}, "questions.0: has no answer"),
        ({"questions": [{"question": "who made it", "answer": "Ida Falk"}]}, "body.questions.0.answer: "),
        ({"questions": [{"question": "who made \ud800", "answers": ["Ida Falk"]}]}, "questions.0: has half of a"),
        ({"questions": [{"question": "who made it", "answers": ["Ida", "\udfff"]}]}, "questions.0: has half of a"),
        ({"questions": [{"question": "who", "answers": ["Ida"], "topic": "\ud800"}]}, "questions.0: has half of a"),
        ({"questions": [{"question": "who", "answers": ["Ida"], "path": ["\ud800"]}]}, "questions.0: has half of a"),
        ({"epochs": 0}, "body.epochs"),
        ({"seed": 2**63}, "body.seed"),
        ({"generate": False}, "body.generate: "),
    ],
)
def test_over_http_what_teaches_nothing_is_refused(body: dict[str, object], says: str, services: Services) -> None:
    sent = json.dumps(body)  # lone surrogates as escapes
    headers = {"content-type": "application/json"}
    found = TestClient(create_app(services)).post("/learn/questions", content=sent, headers=headers)
    assert found.status_code == 422
    assert says in found.json()["detail"]


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"question": "who made [Nothing]", "answers": ["Nobody"]}, "none of the answers is in the graph (1)"),
        (
            {"question": "who made Amber Road", "answers": ["Ida Falk"], "path": ["painted_by"]},
            "their path names a relation that is not in the graph (1)",
        ),
    ],
)
def test_over_http_why_nothing_was_learned_is_told(question: object, says: str, services: Services) -> None:
    client = TestClient(create_app(services))
    client.post("/learn/questions", json={"questions": [question], "generated": False})
    told = learned(client)
    assert (told["state"], told["found"]) == ("failed", None)
    assert told["progress"] == f"None of the questions can be learned from: {says}."


def test_one_training_at_a_time_which_ends_with_the_service(services: Services) -> None:
    client, reached, going = TestClient(create_app(services)), Event(), Event()

    def work(tell: Tell) -> PlannerOut:
        reached.set()
        going.wait()
        while True:
            tell("on and on")

    services.training.start(work)
    reached.wait()
    found = client.post("/learn/questions", json={})
    assert found.status_code == 409
    assert "learning already" in found.json()["detail"]
    going.set()
    services.close()
    assert services.training.progress == Progress("failed", "the service was stopped")


def test_what_does_not_stop_is_left_behind() -> None:
    job, reached, going = Job[int](patience=0.01), Event(), Event()

    def work(tell: Tell) -> int:
        reached.set()
        going.wait()
        return 1

    job.start(work)
    reached.wait()
    stopping = Thread(target=job.stop, daemon=True)
    stopping.start()
    stopping.join(30)
    try:
        assert not stopping.is_alive()
        assert job.progress.state == "running"
    finally:
        going.set()


def test_a_second_interrupt_does_not_keep_the_store_open(services: Services) -> None:
    reached = Event()
    store = services.store

    def work(tell: Tell) -> PlannerOut:
        reached.set()
        while True:
            try:
                tell("on and on")
            except BaseException:  # told to stop, which is being waited for
                signal.raise_signal(signal.SIGINT)
                raise

    services.training.start(work)
    reached.wait()
    with pytest.raises(KeyboardInterrupt):
        services.close()
    assert services.store is not store


@pytest.mark.parametrize(("given", "stages"), [(8, ["reading", "looking"]), (0, ["reading", "making", "encoding"])])
def test_training_can_be_stopped_between_its_stages(
    given: int, stages: list[str], services: Services, folder: Path
) -> None:
    from fusion.planner.questions import read_questions

    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line.split()[0])
        if told == stages:
            raise KeyboardInterrupt

    lines, _ = read_questions(folder / "questions.txt")
    with pytest.raises(KeyboardInterrupt):
        planning.learn(services, lines[:given], generated=not given, epochs=1, tell=tell)
    assert told == stages


def test_what_fails_in_clew_itself_is_logged_and_told_without_it(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    def work(tell: Tell) -> PlannerOut:
        raise ZeroDivisionError("a secret")

    services.training.start(work)
    told = learned(TestClient(create_app(services)))
    assert (told["state"], told["progress"]) == ("failed", "an error in Clew itself; the log says more")
    assert "a secret" in caplog.text


def test_cypher_walks_what_the_plan_walks() -> None:
    from kg.chain_query import chain_query

    query = chain_query(EntityId("ab12"), [("made_by", True), ("made_by", False), ("制`作", True)])
    assert query.splitlines() == [
        "MATCH (topic:Entity {id: 'ab12'})",
        "MATCH (topic)-[r1:`made_by`]->(e1:Entity)",
        "MATCH (e1)<-[r2:`made_by`]-(e2:Entity)",
        "WHERE r2 <> r1",
        "MATCH (e2)-[r3:`制``作`]->(answer:Entity)",
        "WHERE answer <> topic",
        "RETURN topic, r1, e1, r2, e2, r3, answer",
    ]
    assert "`r:Made`" in chain_query(EntityId("ab12"), [("Made", True)], naming=ARCADEDB)
