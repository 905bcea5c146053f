"""The HTTP service over a graph in memory: what each route gives, and that every error has one shape."""

import gc
import re
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from api.app import create_app
from api.assemble import Services
from api.settings import Settings
from kg.errors import StoreAccessError, StoreError, StoreFullError, StoreUnavailableError
from kg.facts import Entity
from tests.api.conftest import TEXTS
from tests.fusion.graphs import person, reading


def problem(response: Response, status: int) -> dict[str, object]:
    """The problem that a response is."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found = response.json()
    assert found.keys() == {"type", "title", "status", "detail", "instance", "errors"}
    assert found["status"] == status
    assert found["detail"]
    assert "\n" not in found["detail"]
    assert isinstance(found, dict)
    return found


def entity_id(client: TestClient, name: str) -> str:
    found = client.get("/entities", params={"query": name}).json()["entities"]
    return str(next(entity["id"] for entity in found if entity["name"] == name))


# -- the documentation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_the_documentation_needs_no_network(client: TestClient, page: str) -> None:
    html = client.get(page).text
    loaded = re.findall(r"""(?:src|href)=["']([^"']+)""", html)
    assert any(address.endswith(".js") for address in loaded)
    for address in loaded:
        assert address.startswith("/"), address
        assert client.get(address).status_code == 200


# -- what routes give ---------------------------------------------------------------------------------------------


def test_an_answer_has_the_documented_shape(client: TestClient) -> None:
    answer = client.post("/ask", json={"question": "Who directed Radioactive?"}).json()
    assert answer.keys() == {
        "question", "answer", "abstained", "reason", "confidence", "entities", "paths", "citations", "candidates",
        "checked",
    }  # fmt: skip
    assert answer["question"] == "Who directed Radioactive?"
    for citation in answer["citations"]:
        assert citation.keys() == {"document", "start", "end", "quote"}
        _, text = TEXTS[citation["document"]]
        assert text[citation["start"] : citation["end"]] == citation["quote"]
    for step in (step for path in answer["paths"] for step in path):
        assert step.keys() == {"subject", "relation", "object"}


def test_a_question_that_needs_two_documents_is_answered_with_its_path(client: TestClient) -> None:
    answer = client.post("/ask", json={"question": "Who is the spouse of the director of Radioactive?"}).json()
    assert answer["answer"] == "Mattias Ripa"
    relations = [[step["relation"] for step in path] for path in answer["paths"]]
    assert ["directed_by", "married_to"] in relations
    assert {citation["document"] for citation in answer["citations"]} == set(TEXTS)


def test_which_of_one_name_is_meant_is_asked_and_said(filled: Services) -> None:
    songs = [
        (Entity("Film", "Halo"), "directed_by", person("Ann Bird")),
        (Entity("Song", "Halo"), "directed_by", person("Cy Dove")),
    ]
    filled.store.write([reading(subject, [(relation, object)], None) for subject, relation, object in songs])
    with TestClient(create_app(filled)) as client:
        asked = client.post("/ask", json={"question": "Who directed Halo?"}).json()
        assert asked["abstained"]
        assert {one["entity"]["type"]: one["description"] for one in asked["candidates"]} == {
            "Film": "directed by Ann Bird",
            "Song": "directed by Cy Dove",
        }
        for one in asked["candidates"]:
            body = {"question": "Who directed Halo?", "topics": [one["entity"]["id"]]}
            answer = client.post("/ask", json=body).json()
            assert f"directed by {answer['answer']}" == one["description"]
        assert problem(client.post("/ask", json={"question": "Who directed Halo?", "topics": ["x"]}), 404)


def test_a_search_finds_passages(client: TestClient) -> None:
    passages = client.post("/search", json={"text": "Rosamund Pike", "limit": 1}).json()["passages"]
    assert [passage["document"] for passage in passages] == ["films/radioactive"]
    _, text = TEXTS["films/radioactive"]
    assert passages[0]["text"] == text[passages[0]["start"] : passages[0]["end"]]


def test_documents_come_page_by_page(client: TestClient) -> None:
    first = client.get("/documents", params={"limit": 1}).json()
    assert [one["source"] for one in first["documents"]] == ["films/radioactive"]
    second = client.get("/documents", params={"limit": 1, "cursor": first["next"]}).json()
    assert [one["source"] for one in second["documents"]] == ["people/satrapi"]
    assert second["next"] is None
    some = client.get("/documents", params={"prefix": "people/"}).json()["documents"]
    assert [one["source"] for one in some] == ["people/satrapi"]


def test_a_document_is_read_once_and_replaced_when_it_changes(client: TestClient) -> None:
    body = {"source": "note", "title": "Note", "text": "Radioactive stars Sam Riley."}
    assert client.post("/documents", json=body).json()["new"] == 1
    assert client.post("/documents", json=body).json()["unchanged"] == 1
    body["text"] = "Radioactive stars Anya Taylor-Joy."
    assert client.post("/documents", json=body).json()["changed"] == 1
    assert client.get("/stats").json()["documents"] == 3


def test_reading_a_row_leaves_the_other_rows_of_its_file_alone(client: TestClient) -> None:
    for row in ("rows.csv#1", "rows.csv#2"):
        assert client.post("/documents", json={"source": row, "text": "Sam Riley is an actor."}).json()["removed"] == 0
    assert client.get("/stats").json()["documents"] == 4


def test_a_deleted_document_leaves_no_trace(client: TestClient, services: Services) -> None:
    from kg.export import export_jsonl

    before = list(export_jsonl(services.store))
    client.post("/documents", json={"source": "note", "title": "Sam Riley", "text": "Sam Riley is an English actor."})
    added = client.get("/documents", params={"prefix": "note"}).json()["documents"]
    assert list(export_jsonl(services.store)) != before
    deleted = client.delete(f"/documents/{added[0]['id']}").json()
    assert [one["source"] for one in deleted["deleted"]] == ["note"]
    assert list(export_jsonl(services.store)) == before


def test_entities_come_page_by_page_and_all_of_them(client: TestClient) -> None:
    everything = client.get("/entities").json()["entities"]
    assert everything
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get("/entities", params={"limit": 2, "cursor": cursor}).json()
        assert len(page["entities"]) <= 2
        seen += page["entities"]
        cursor = page["next"]
    assert seen == everything


def test_entities_are_found_by_name_and_narrowed_by_type(client: TestClient) -> None:
    people = client.get("/entities", params={"type": "Person"}).json()["entities"]
    assert "Marjane Satrapi" in {one["name"] for one in people}
    assert {one["type"] for one in people} == {"Person"}
    assert client.get("/entities", params={"query": "Marjane Satrapi", "type": "Film"}).json()["entities"] == []


def test_an_entity_shows_what_is_said_of_it_and_where(client: TestClient) -> None:
    detail = client.get(f"/entities/{entity_id(client, 'Marjane Satrapi')}").json()
    fact = next(fact for fact in detail["facts"] if fact["relation"] == "directed_by")
    assert fact["object"]["name"] == "Marjane Satrapi"
    assert detail["mentions_total"] >= len(detail["mentions"]) > 0
    for quoted in [*fact["evidence"], *detail["mentions"]]:
        _, text = TEXTS[quoted["document"]]
        assert text[quoted["start"] : quoted["end"]] == quoted["quote"]


def test_a_long_list_of_facts_says_that_it_was_cut(client: TestClient) -> None:
    id = entity_id(client, "Marjane Satrapi")
    assert client.get(f"/entities/{id}", params={"facts": 1}).json()["more_facts"] is True
    assert client.get(f"/entities/{id}").json()["more_facts"] is False


def test_a_neighbourhood_holds_both_ends_of_each_fact(client: TestClient) -> None:
    id = entity_id(client, "Marjane Satrapi")
    near = client.get(f"/entities/{id}/neighbourhood", params={"hops": 2}).json()
    assert near["center"] == id
    ids = {entity["id"] for entity in near["entities"]}
    assert near["facts"]
    assert {end["id"] for fact in near["facts"] for end in (fact["subject"], fact["object"])} <= ids


def test_the_service_says_how_it_is(client: TestClient) -> None:
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/health").json()["store"] == "memory:"
    assert client.get("/stats").json()["documents"] == 2


def test_the_description_has_every_route_with_its_errors_and_an_example_of_each_body(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    routes = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    assert routes == {
        ("POST", "/ask"), ("POST", "/explain"), ("POST", "/search"), ("POST", "/documents"), ("GET", "/documents"),
        ("DELETE", "/documents/{id}"), ("GET", "/entities"), ("GET", "/entities/{id}"),
        ("GET", "/entities/{id}/neighbourhood"), ("GET", "/entities/{id}/similar"),
        ("GET", "/entities/{id}/predictions"), ("GET", "/suspicious"), ("GET", "/learned"),
        ("POST", "/learn/questions"), ("GET", "/learn/questions"), ("GET", "/stats"), ("GET", "/health"),
    }  # fmt: skip
    for path, methods in described["paths"].items():
        for operation in methods.values():
            errors = {status: r for status, r in operation["responses"].items() if status >= "400"}
            assert "503" in errors, path
            for error in errors.values():
                assert list(error["content"]) == ["application/problem+json"], path
    for name in ("Question", "LearnIn", "SearchRequest", "DocumentIn", "EntityOut", "CitationOut"):
        assert described["components"]["schemas"][name]["examples"], name


# -- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", "/nowhere", 404),
        ("GET", "/ask", 405),
        ("PUT", "/documents", 405),
        ("GET", "/entities/unknown", 404),
        ("GET", "/entities/unknown/neighbourhood", 404),
        ("DELETE", "/documents/unknown", 404),
        ("GET", "/entities?limit=0", 422),
        ("GET", "/entities?limit=many", 422),
        ("GET", "/entities?cursor=%E7%B3%96", 422),
        ("GET", "/entities?cursor=abc", 422),
        ("GET", "/entities?cursor=YQli&query=x", 422),
        ("GET", "/documents?cursor=_w==", 422),
        ("GET", "/entities/x/neighbourhood?hops=9", 422),
    ],
)
def test_every_error_has_one_shape(client: TestClient, method: str, path: str, status: int) -> None:
    found = problem(client.request(method, path), status)
    assert found["instance"] == path.partition("?")[0]


@pytest.mark.parametrize("path", ["/ask", "/search", "/documents"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"question": 1, "text": 1, "source": 1}',
        b'{"question": "", "text": "", "source": ""}',
        b'{"question": "  ", "text": " \\n", "source": "x"}',
        b'{"question": "\\ud800", "text": "\\ud800", "source": "x"}',
        b'{"question": "a", "text": "a\\udfff", "source": "x"',
        b"\xff\xfe",
        b'{"question": ' + b"[" * 5000,
        b'{"question": "a", "text": "a", "source": "x", "\\ud800\\n": 1}',
        b'{"question": "a", "text": "a", "source": "x", "' + b"x" * 5000 + b'": 1}',
    ],
)
def test_a_body_that_is_not_what_it_should_be_is_refused(client: TestClient, path: str, body: bytes) -> None:
    response = client.post(path, content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422), response.text
    problem(response, response.status_code)


def test_a_refused_value_is_named_and_not_repeated(client: TestClient) -> None:
    found = problem(client.post("/search", json={"text": "x", "limit": "secret"}), 422)
    assert found["errors"] == [{"where": "body.limit", "message": found["errors"][0]["message"]}]  # type: ignore[index]
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (b'{"question": "a", "topic": ["b"]}', "application/json", "body.topic: there is no such field"),
        (b"{bad", "application/json", "body: is not JSON (Expecting property name"),
        (b"question=Who", "application/x-www-form-urlencoded", "body: is not a JSON object; send one, with content-"),
        (b"[]", "application/json", "body: is not a JSON object"),
        (b'{"question": "\xff"}', "application/json", "the body is not UTF-8; send JSON in UTF-8"),
    ],
)
def test_what_is_wrong_with_a_body_is_told(client: TestClient, body: bytes, kind: str, says: str) -> None:
    response = client.post("/ask", content=body, headers={"content-type": kind})
    assert str(problem(response, response.status_code)["detail"]).startswith(says)


def test_a_question_that_is_too_long_is_refused(client: TestClient) -> None:
    assert client.post("/ask", json={"question": "x" * 200}).status_code == 200
    assert "CLEW_MAX_QUESTION_CHARACTERS" in str(problem(client.post("/ask", json={"question": "x" * 201}), 422))
    problem(client.post("/search", json={"text": "x" * 201}), 422)
    problem(client.get("/entities", params={"query": "x" * 201}), 422)


def test_a_body_that_is_too_long_is_refused_by_its_length(client: TestClient) -> None:
    for path in ("/documents", "/nowhere", "/health"):
        found = problem(client.post(path, content=b"x" * 20_001), 413)
        assert "20000 bytes" in str(found["detail"])


def test_a_body_that_is_too_long_is_refused_without_a_length_too(client: TestClient) -> None:
    def parts() -> Iterator[bytes]:
        yield b'{"source": "x", "text": "'
        for _ in range(21):
            yield b"x" * 1000

    response = client.post("/documents", content=parts(), headers={"content-type": "application/json"})
    assert "content-length" not in response.request.headers
    problem(response, 413)


def test_a_service_on_loopback_goes_by_no_other_name(services: Services) -> None:
    app = create_app(services, hosts={"localhost", "[::1]"})
    with TestClient(app, base_url="http://localhost:8000") as client:
        assert client.get("/health").status_code == 200
        assert client.get("/health", headers={"host": "[::1]:8000"}).status_code == 200
        for name in ("evil.example", "evil.example:8000", "localhost.evil.example", ""):
            problem(client.get("/health", headers={"host": name}), 421)


def test_names_are_data_whatever_they_look_like(client: TestClient) -> None:
    nasty = "x'}) DETACH DELETE n //"
    assert client.get("/entities", params={"query": nasty}).json() == {"entities": [], "next": None}
    problem(client.get(f"/entities/{nasty}"), 404)
    assert client.post("/search", json={"text": 'AND ( "* [] ~ :'}).status_code == 200
    assert client.get("/stats").json()["documents"] == 2


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreUnavailableError("bolt://db: nothing answers; start it"), 503),
        (StoreAccessError("bolt://db: refused the password; check it"), 503),
        (StoreFullError("bolt://db: disk full; free some space"), 507),
        (StoreError("bolt://db: failed; see its log"), 503),
    ],
)
def test_a_store_that_fails_is_said_so(error: StoreError, status: int) -> None:
    with TestClient(create_app(Failing(error)), raise_server_exceptions=False) as client:
        assert problem(client.get("/health"), status)["detail"] == str(error)


def test_a_bug_shows_nothing_of_the_house() -> None:
    with TestClient(create_app(Failing(KeyError("secret of the house"))), raise_server_exceptions=False) as client:
        assert "secret" not in str(problem(client.get("/stats"), 500))


class Failing(Services):
    """Services over a store that cannot be opened."""

    def __init__(self, error: Exception) -> None:
        super().__init__(Settings(store="memory:"))
        self._error = error

    @property
    def store(self):  # type: ignore[no-untyped-def]
        raise self._error

    def warm(self) -> None:
        pass


def test_two_threads_may_ask_while_a_third_writes(client: TestClient, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def read(number: int) -> int:
        return client.get("/entities", params={"limit": 5 + number % 3}).status_code

    def write(number: int) -> int:
        body = {"source": f"note {number}", "title": f"Actor {number}", "text": f"Actor {number} is an English actor."}
        return client.post("/documents", json=body).status_code

    with ThreadPoolExecutor(6) as pool:
        written = [pool.submit(write, number) for number in range(8)]
        seen = [pool.submit(read, number) for number in range(60)]
        assert {future.result() for future in [*written, *seen]} == {200}
    assert client.get("/stats").json()["documents"] == 10


def test_closed_services_keep_no_model(services: Services) -> None:
    """FastAPI's caches keep the app."""
    create_app(services)
    encoder = weakref.ref(services.embedder)
    services.answerer  # noqa: B018  # built by being asked for, with the encoder
    services.close()
    gc.collect()
    assert encoder() is None
