"""`clew train`: from questions to an adapter that answers, and what stands in its way."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api import training
from api.app import create_app
from api.assemble import Services
from api.cli import run
from api.errors import Exit, InterruptedTrainingError, RequestError, exit_code
from api.settings import Settings
from fusion import adapter
from fusion.errors import OtherGraphError, TuningError
from fusion.planner.questions import Question
from fusion.tuning.examples import read
from kg.store import Learned
from tests.fusion import tiny_model
from tests.fusion.graphs import FILMS, graph

OPEN = {"question": "Which movies are the work of Shawn Levy?"}
SMALL = {"epochs": 2, "batch": 4, "rate": 1e-3, "seed": 3}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.write(tmp_path_factory.mktemp("model"), context=2048)


@pytest.fixture
def services(tiny: Path, tmp_path: Path) -> Iterator[Services]:
    made = Services(Settings(language_model=str(tiny), model=tmp_path / "model"), store=graph(FILMS))
    yield made
    made.close()


def test_an_adapter_is_trained_on_questions_of_the_graph_and_used(services: Services) -> None:
    told: list[str] = []
    given = [Question(0, "Who made Free Guy?", ("Shawn Levy",), "Free Guy", ())]
    wish = training.Wish(given, count=12, rank=2, tuning=SMALL)
    found = training.train(services, wish, tell=told.append)
    assert 4 < found.examples <= 12
    assert found.stopped in ("epochs", "patience")
    assert {"generated", "given"} <= found.made.keys()
    assert any(line.startswith("step ") and "tokens a second" in line for line in told)
    about = adapter.read_about(services.adapter_folder)
    assert (about.config.rank, about.trained.examples, about.trained.vectors) == (2, found.examples, "")
    reader = services.fused_reader
    assert reader is not None
    with TestClient(create_app(services)) as client:
        assert client.post("/explain", json=OPEN).json()["model"]["soft_tokens"] > 0

    more = training.train(services, training.Wish(given, count=8, extend=True, tuning=SMALL), tell=told.append)
    assert adapter.read_about(services.adapter_folder).trained.earlier == (about.trained.data,)
    assert more.examples <= 8
    assert services.fused_reader is not reader


def test_an_adapter_knows_whose_vectors_it_was_trained_on(services: Services) -> None:
    """By its examples: the graph may be learned again before they are."""
    store = services.store
    learned = Learned("graph-one", "2026-01-01T00:00:00Z", store.version(), 4, 0)
    store.write_learned(learned, ((one.id, (0.5,) * 4) for one in store.all_entities()))

    def interrupts(line: str) -> None:
        if line == "training":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(services, training.Wish(count=8, rank=2, tuning=SMALL), tell=interrupts)
    store.write_learned(replace(learned, model="graph-two"), ((one.id, (0.1,) * 4) for one in store.all_entities()))
    training.train(services, training.Wish(rank=2, resume=True, tuning=SMALL), tell=lambda line: None)
    assert adapter.read_about(services.adapter_folder).trained.vectors == "graph-one"
    with pytest.raises(OtherGraphError, match="learned model graph-one, and this graph holds those of graph-two"):
        training.train(services, training.Wish(count=8, extend=True, tuning=SMALL), tell=lambda line: None)


def test_what_was_interrupted_goes_on(services: Services) -> None:
    def interrupts(line: str) -> None:
        if line.startswith("step "):
            signal.raise_signal(signal.SIGINT)

    wish = training.Wish(count=8, rank=2, tuning=SMALL)
    with pytest.raises(InterruptedTrainingError, match="--resume") as raised:
        training.train(services, wish, tell=interrupts)
    assert exit_code(raised.value) == Exit.INTERRUPTED
    assert not (services.adapter_folder / adapter.ABOUT).exists()
    examples = services.adapter_folder.with_name("adapter.examples") / "examples.jsonl"
    before = read(examples).digest()
    other = training.Wish(rank=2, resume=True, tuning=SMALL | {"epochs": 3})
    with pytest.raises(TuningError, match="epochs was 2, now 3"):
        training.train(services, other, tell=lambda line: None)
    told: list[str] = []
    found = training.train(services, training.Wish(rank=2, resume=True, tuning=SMALL), tell=told.append)
    assert told[0] == "going on from the checkpoint"
    assert found.made == {}
    assert read(examples).digest() == before == adapter.read_about(services.adapter_folder).trained.data


def test_what_was_interrupted_while_examples_were_made_is_not_the_training_before(services: Services) -> None:
    training.train(services, training.Wish(count=8, rank=2, tuning=SMALL), tell=lambda line: None)

    def interrupts(line: str) -> None:
        if line.startswith("making"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(services, training.Wish(count=12, rank=2, tuning=SMALL), tell=interrupts)
    with pytest.raises(RequestError, match="no training has begun"):
        training.train(services, training.Wish(rank=2, resume=True, tuning=SMALL), tell=lambda line: None)


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (training.Wish(resume=True), "no training has begun"),
        (training.Wish(extend=True), "holds no adapter"),
        (training.Wish(generated=False), "nothing to learn from but generated ones"),
        (training.Wish(tuning={"rate": -1.0}), "rate is -1.0"),
    ],
)
def test_what_cannot_be_trained_is_refused(services: Services, wish: training.Wish, why: str) -> None:
    with pytest.raises(RequestError, match=why):
        training.train(services, wish, tell=lambda line: None)


def test_questions_that_make_no_example_are_refused(services: Services) -> None:
    wish = training.Wish([Question(0, "Is it?", ("yes",), "", ())], generated=False, tuning=SMALL)
    with pytest.raises(TuningError, match="None of the questions makes an example: dropped: answered by yes or no"):
        training.train(services, wish, tell=lambda line: None)


@pytest.mark.parametrize("model", ["none", "http://127.0.0.1:9/v1"])
def test_what_does_not_run_here_is_not_trained(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("CLEW_LANGUAGE_MODEL", model)
    monkeypatch.setenv("CLEW_MODEL", str(tmp_path))
    assert run(["train", "--store", "memory:"]) == Exit.USAGE
    assert f"CLEW_LANGUAGE_MODEL is {model}" in capsys.readouterr().err


def test_an_empty_graph_teaches_nothing(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("CLEW_LANGUAGE_MODEL", str(tiny))
    monkeypatch.setenv("CLEW_MODEL", str(tmp_path))
    assert run(["train", "--store", "memory:"]) == Exit.USAGE
    assert "the graph holds no facts" in capsys.readouterr().err
