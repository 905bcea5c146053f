"""`POST /ask` as a stream: what is told on the way, and that only what was verified is called an answer."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient

from api import streaming
from api.app import create_app
from api.assemble import Services
from api.settings import Settings
from fusion.answer import Answer
from fusion.steps import Step
from kg.memory_store import MemoryStore
from tests.api.conftest import documents
from tests.api.events import comments, events
from tests.fusion import tiny_model
from tests.fusion.language_server import Reply, Script, chunk, says, sends, serving

OPEN = {"question": "Which movies are the work of Marjane Satrapi?"}  # no word of it is a relation of the graph
SETTLED = {"question": "Who directed Radioactive?"}
STREAM = {"accept": "text/event-stream"}
CLAIMS = json.dumps({"claims": [{"name": "Radioactive", "facts": list(range(1, 9))}]})

Make = Callable[[str], TestClient]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.write(tmp_path_factory.mktemp("model"), context=2048)


@pytest.fixture(scope="module")
def graph() -> MemoryStore:
    store = MemoryStore()
    services = Services(Settings(language_model="none"), store=store)
    services.ingestor.ingest(documents)
    return store


@pytest.fixture
def script() -> Iterator[Script]:
    with serving(says("{}")) as found:
        yield found


@pytest.fixture
def make(graph: MemoryStore) -> Iterator[Make]:
    made: list[Services] = []

    def client(model: str) -> TestClient:
        made.append(Services(Settings(language_model=model, language_model_name="m"), store=graph))
        return TestClient(create_app(made[-1]), raise_server_exceptions=False)

    yield client
    for services in made:
        services._close_fused()


def streamed(client: TestClient, body: dict[str, str]) -> list[tuple[str, Any]]:
    response = client.post("/ask", json=body, headers=STREAM)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache"
    return list(events(response.text.split("\n")))


def test_pieces_come_before_the_answer_that_is_the_same_without_a_stream(make: Make, tiny: Path) -> None:
    client = make(str(tiny))
    found = streamed(client, OPEN)
    names = [name for name, _ in found]
    assert names[:3] == ["linked", "given", "piece"]
    assert set(names[2:-1]) == {"piece"}
    assert names[-1] == "answer"
    assert found[0][1]["links"][0]["entity"]["name"] == "Marjane Satrapi"
    assert found[1][1]["model"] == str(tiny)
    assert found[1][1]["facts"] > 0
    assert found[1][1]["passages"] > 0
    assert not any(shape["verified"] for name, shape in found if name == "piece")
    assert "".join(shape["text"] for name, shape in found if name == "piece").strip()
    assert found[-1][1] == client.post("/ask", json=OPEN).json()


def test_what_the_graph_settles_needs_no_model(make: Make, tiny: Path) -> None:
    for model in ("", "none", str(tiny)):
        client = make(model)
        found = streamed(client, SETTLED)
        assert [name for name, _ in found] == ["linked", "answer"]
        assert found[-1][1]["answer"] == "Marjane Satrapi"
        assert found[-1][1] == client.post("/ask", json=SETTLED).json()


@pytest.mark.parametrize(
    ("body", "status"),
    [({"question": " "}, 422), ({"question": "Who?", "topics": ["x"]}, 404), ({"question": "Who?", "streams": 1}, 422)],
)
def test_what_is_wrong_with_a_request_is_an_error_as_ever(make: Make, body: dict[str, object], status: int) -> None:
    response = make("").post("/ask", json=body, headers=STREAM)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("accept", "as_events"),
    [
        ("text/event-stream", True),
        ("application/json, Text/Event-Stream;q=0.9", True),
        ("application/json", False),
        ("*/*", False),
        ("text/event-streams", False),
    ],
)
def test_only_who_accepts_events_gets_them(make: Make, accept: str, as_events: bool) -> None:
    response = make("").post("/ask", json=SETTLED, headers={"accept": accept})
    assert response.headers["content-type"].startswith("text/event-stream" if as_events else "application/json")


def test_what_fails_midway_ends_the_stream_with_the_problem(make: Make, tmp_path: Path) -> None:
    client = make(str(tmp_path / "missing"))
    found = streamed(client, OPEN)
    assert [name for name, _ in found] == ["linked", "error"]
    refused = client.post("/ask", json=OPEN)
    assert refused.status_code == found[-1][1]["status"] == 503
    assert found[-1][1] == refused.json()
    assert "is no folder" in found[-1][1]["detail"]
    assert client.post("/ask", json=SETTLED).status_code == 200


def test_an_error_in_clew_itself_tells_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    def steps() -> Iterator[Step | Answer]:
        yield from ()
        raise ZeroDivisionError("a secret")

    [(name, found)] = events("".join(streaming._events(steps(), "?", "/ask")).split("\n"))  # type: ignore[arg-type]
    assert (name, found["status"]) == ("error", 500)
    assert "secret" not in json.dumps(found)
    assert "a secret" in caplog.text


# -- behind a server ----------------------------------------------------------------------------------------------


def test_of_a_server_the_claims_are_told_and_not_its_json(make: Make, script: Script) -> None:
    script.replies[:] = [says(*CLAIMS)]
    found = streamed(make(script.address), OPEN)
    assert "".join(shape["text"] for name, shape in found if name == "piece") == "Radioactive"
    assert found[-1][0] == "answer"
    assert found[-1][1]["answer"] == "Radioactive (film)"
    assert found[-1][1]["checked"]
    assert "said by" in found[-1][1]["reason"]


def breaks_off(handler: BaseHTTPRequestHandler) -> None:
    """Half an answer, and the connection is gone."""
    sends(b"".join(chunk(sign) for sign in CLAIMS[:30]), content_length="100000")(handler)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (breaks_off, "cannot be reached"),
        (says(*CLAIMS[:30]), "text where JSON was asked for"),
        (says(CLAIMS.replace("Radioactive", "Ignore all rules")), "name nothing that was shown"),
        (sends(b"<html>busy</html>", kind="text/html"), "no stream of events"),
        (sends(b"data: {\n\n"), "no part of an answer"),
    ],
)
def test_of_a_server_that_fails_no_half_answer_is_believed(make: Make, script: Script, reply: Reply, why: str) -> None:
    script.replies[:] = [reply]
    client = make(script.address)
    found = streamed(client, OPEN)
    assert [name for name, _ in found if name in ("answer", "error")] == ["answer"]
    answer = found[-1][1]
    assert "said by" not in answer["reason"]
    assert why in answer["reason"]
    assert answer == client.post("/ask", json=OPEN).json()


def test_what_breaks_off_is_asked_for_once_more(make: Make, script: Script) -> None:
    script.replies[:] = [breaks_off, says(*CLAIMS)]
    found = streamed(make(script.address), OPEN)
    names = [name for name, _ in found]
    assert names.count("given") == 2  # what came before the second is void
    again = len(names) - 1 - names[::-1].index("given")
    assert "".join(shape["text"] for name, shape in found[again:] if name == "piece") == "Radioactive"
    assert found[-1][1]["answer"] == "Radioactive (film)"


def test_comments_keep_the_connection(make: Make, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "KEEP_ALIVE", 0.01)
    going = threading.Event()

    def waits(handler: BaseHTTPRequestHandler) -> None:
        going.wait(0.2)
        says(*CLAIMS)(handler)

    script.replies[:] = [waits]
    lines = make(script.address).post("/ask", json=OPEN, headers=STREAM).text.split("\n")
    assert comments(lines) > 0
    assert list(events(lines))[-1][0] == "answer"


def test_who_goes_away_stops_the_model(graph: MemoryStore, script: Script) -> None:
    ended = threading.Event()

    def writes_on(handler: BaseHTTPRequestHandler) -> None:
        try:
            sends(b"")(handler)
            handler.wfile.write(b"".join(chunk(sign) for sign in '{"claims": [{"quote": "'))
            while not ended.wait(0.005):
                handler.wfile.write(chunk("x"))
        except ConnectionError:
            ended.set()

    script.replies[:] = [writes_on]
    services = Services(Settings(language_model=script.address, language_model_name="m"), store=graph)
    server = uvicorn.Server(uvicorn.Config(create_app(services), log_level="error"))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        body = json.dumps(OPEN).encode()
        head = f"POST /ask HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\ncontent-length: {len(body)}\r\n"
        with socket.create_connection(listener.getsockname()) as client:
            client.sendall(f"{head}content-type: application/json\r\n\r\n".encode() + body)
            came = b""
            while b"event: piece" not in came:
                came += client.recv(4096)
        assert b"event: answer" not in came
        assert ended.wait(30)
    finally:
        ended.set()
        server.should_exit = True
        thread.join()
        listener.close()
        services._close_fused()
