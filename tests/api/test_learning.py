"""Learning from the command line, and what a learned graph is good for over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.assemble import Services
from api.cli import run
from api.settings import Settings
from kg.facts import EntityId
from kg.triples import TripleFile

CITIES = {"Metz": "Lotharingia", "Toul": "Lotharingia", "Autun": "Burgundy", "Lyon": "Burgundy"}


def rows() -> list[str]:
    """People who are of the nation in whose cities they were born; of Person 0 to 3 nobody says so."""
    cities = list(CITIES)
    stated = [f"{city}\tlocated_in\t{country}" for city, country in CITIES.items()]
    for n in range(160):
        city = cities[n % 4]
        stated.append(f"Person {n}\tborn_in\t{city}")
        if n > 3:
            stated.append(f"Person {n}\tof_nation\t{CITIES[city]}")
    return stated


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("learning")
    (folder / "people.tsv").write_text("\n".join(rows()) + "\n", "utf-8")
    services = Services(Settings(store="memory:", model=folder / "model"))
    services.ingestor.import_file(TripleFile(folder / "people.tsv").__iter__)
    yield services
    services.close()


@pytest.fixture(scope="module")
def client(services: Services) -> TestClient:
    """A service whose graph has been learned."""
    from kg.embeddings.config import TrainConfig
    from kg.embeddings.learn import learn

    client = TestClient(create_app(services))
    assert client.get("/learned").status_code == 404
    assert client.get("/suspicious").status_code == 404
    learn(services.store, services.model_folder, TrainConfig(dimension=32, epochs=60, batch_size=100))
    return client


def named(services: Services, name: str) -> EntityId:
    return services.store.find_entities([name.casefold()])[0].id


def test_the_model_is_described(client: TestClient) -> None:
    found = client.get("/learned").json()
    assert found["dimensions"] == 32
    assert found["entities"] == 166
    assert found["stale"] is False
    assert found["model"].startswith("complex-32-")


def test_predictions_are_marked_and_have_reasons(client: TestClient, services: Services) -> None:
    id = named(services, "Person 2")
    found = client.get(f"/entities/{id}/predictions", params={"relation": "of_nation"}).json()
    best = found["predictions"][0]
    assert best["predicted"] is True
    assert best["object"]["name"] == "Burgundy"
    assert 0 < best["probability"] < 1
    assert best["reasons"][0]["path"] == [
        {"subject": "Person 2", "relation": "born_in", "object": "Autun"},
        {"subject": "Autun", "relation": "located_in", "object": "Burgundy"},
    ]
    assert best["reasons"][0]["holds"] > 50
    back = client.get(
        f"/entities/{best['object']['id']}/predictions", params={"relation": "of_nation", "role": "object"}
    ).json()
    assert {"Person 2", "Person 3"} <= {one["subject"]["name"] for one in back["predictions"]}


def test_similar_entities_keep_the_same_company(client: TestClient, services: Services) -> None:
    found = client.get(f"/entities/{named(services, 'Person 8')}/similar", params={"limit": 5}).json()
    numbers = [int(one["entity"]["name"].split()[1]) for one in found["entities"]]
    assert len(numbers) == 5
    assert all(number % 4 == 0 for number in numbers)


def test_suspicious_facts_are_facts(client: TestClient, services: Services) -> None:
    for doubt in client.get("/suspicious", params={"limit": 5}).json()["doubts"]:
        triple = (EntityId(doubt["subject"]["id"]), doubt["relation"], EntityId(doubt["object"]["id"]))
        assert services.store.facts_between([triple])


def test_what_is_not_known_is_a_problem(client: TestClient, services: Services) -> None:
    id = named(services, "Person 2")
    assert client.get(f"/entities/{id}/predictions", params={"relation": "loves"}).status_code == 404
    assert client.get(f"/entities/{'0' * 32}/predictions", params={"relation": "born_in"}).status_code == 404
    assert client.get(f"/entities/{'0' * 32}/similar").status_code == 404


def test_the_command_line_learns_predicts_and_doubts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLEW_STORE_IDLE_SECONDS", "1")
    Path("people.tsv").write_text("\n".join(rows()) + "\n", "utf-8")
    store = ["--store", "embedded:graph"]
    assert run(["import", "people.tsv", *store]) == 0
    capsys.readouterr()
    assert run(["predict", "Person 1", "of_nation", *store]) == 1
    assert "run `clew learn`" in capsys.readouterr().err
    assert run(["learn", "--dimension", "32", "--epochs", "60", "--json", *store]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["facts"] == 320
    assert report["held_out"] == 16
    assert Path("graph/model/calibration.json").exists()
    assert run(["predict", "Person 1", "of_nation", "?", *store]) == 0
    first = capsys.readouterr().out.splitlines()
    assert first[0].startswith("predicted ")
    assert "Lotharingia" in first[0]
    assert "located_in" in first[1]
    assert run(["similar", "Person 8", "--limit", "3", *store]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert run(["suspicious", "--limit", "2", "--json", *store]) == 0
    assert len(json.loads(capsys.readouterr().out)["doubts"]) == 2
    Path("more.tsv").write_text("Person 200\tborn_in\tMetz\n", "utf-8")
    assert run(["import", "more.tsv", *store]) == 0
    assert run(["similar", "Person 8", *store]) == 0
    assert "clew learn --update" in capsys.readouterr().err
    assert run(["predict", "Person 200", "of_nation", *store]) == 0
    assert "Lotharingia" in capsys.readouterr().out.splitlines()[0]
    assert run(["similar", "Person 200", "--limit", "3", *store]) == 0
    told = capsys.readouterr()
    assert "placed by its name" in told.err
    assert all("Person" in line for line in told.out.splitlines())
    assert run(["learn", "--update", "--dimension", "32", *store]) == 0
    capsys.readouterr()
    assert run(["predict", "Person 200", "of_nation", *store]) == 0
    assert "Lotharingia" in capsys.readouterr().out.splitlines()[0]


@pytest.mark.parametrize("ends", [("?", "?"), ("Ada", "Bob")])
def test_one_end_is_asked_for(ends: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", ends[0], "knows", ends[1], "--store", "memory:"]) == 2
    assert "ask for one end" in capsys.readouterr().err


def test_neighbours_are_drawn_for_graph_encoders_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["learn", "--neighbours", "5", "--store", "memory:"]) == 2
    [told] = capsys.readouterr().err.splitlines()
    assert "neighbours are drawn for the graph encoders (rgcn" in told
    monkeypatch.setenv("CLEW_STORE_IDLE_SECONDS", "1")
    Path("people.tsv").write_text("\n".join(rows()) + "\n", "utf-8")
    store = ["--store", "embedded:graph"]
    assert run(["import", "people.tsv", *store]) == 0
    capsys.readouterr()
    few = ["--scorer", "rgcn", "--neighbours", "3", "--candidates", "50", "--dimension", "8", "--epochs", "1"]
    assert run(["learn", *few, "--json", *store]) == 0
    assert json.loads(capsys.readouterr().out)["epochs"] == 1
    about = json.loads(Path("graph/model/whole/checkpoint.json").read_text("utf-8"))
    assert (about["config"]["neighbours"], about["config"]["candidates"]) == (3, 50)


def test_an_empty_graph_cannot_be_learned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["learn", "--store", "memory:"]) == 1
    assert "no facts to learn from" in capsys.readouterr().err
