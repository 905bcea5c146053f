"""Which language model is asked: by the settings, by what is there, and never one that does not fit."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import checks, explaining, fusing
from api.app import create_app
from api.assemble import Services
from api.cli import run
from api.commands.explaining import _tree
from api.display import Display
from api.display import plain as plain_text
from api.fusing import ABOUT, Chosen, calibrated, choose, open_fused
from api.settings import Settings
from fusion import adapter
from fusion.adapter import Trained
from fusion.answerer import Answerer
from fusion.errors import LanguageModelError
from fusion.language import open_model
from fusion.language.causal import HuggingFaceModel
from fusion.model import FusedConfig, FusedModel
from fusion.paths import Facts
from fusion.reader import Asked
from fusion.reasoner.model import Calibration
from fusion.trace import Choice
from kg.memory_store import MemoryStore
from kg.store import Learned
from nlp.embed import MiniLM
from tests.api.conftest import documents
from tests.fusion import tiny_model
from tests.fusion.language_server import Reply, says, sends, serving

OPEN = {"question": "Which movies are the work of Marjane Satrapi?"}
GEMMA = ""


@pytest.mark.parametrize(
    ("setting", "own", "shipped", "chosen"),
    [
        ("", False, False, None),
        ("none", True, True, None),
        ("gemma", False, False, Chosen(GEMMA)),
        ("gemma", False, True, Chosen(GEMMA, Path("shipped/gemma"))),
        ("gemma", True, True, Chosen(GEMMA, Path("own"))),
        ("", True, True, Chosen(None, Path("own"))),
        ("", False, True, Chosen(GEMMA, Path("shipped/gemma"))),
        ("some/folder", False, True, Chosen("some/folder")),
        ("some/folder", True, False, Chosen("some/folder", Path("own"))),
        ("hub:one/model", False, False, Chosen("hub:one/model")),
        ("http://localhost:1/v1", True, True, Chosen("http://localhost:1/v1")),
    ],
)
def test_the_setting_chooses_and_without_it_what_is_there(
    setting: str,
    own: bool,
    shipped: bool,
    chosen: Chosen | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for there, folder in ((own, Path("own")), (shipped, Path("shipped/gemma"))):
        folder.mkdir(parents=True)
        if there:
            (folder / ABOUT).write_text("{}")
    assert choose(setting, Path("own"), shipped=Path("shipped")) == chosen


def test_an_adapter_is_told_by_the_file_that_it_has() -> None:
    assert ABOUT == adapter.ABOUT


# -- adapters -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.write(tmp_path_factory.mktemp("model"), context=2048)


def trained(
    tiny: Path,
    folder: Path,
    *,
    encoder: str = "",
    vector_width: int = 0,
    vectors: str = "",
    calibration: Calibration | None = None,
) -> Path:
    """An adapter for the tiny model, whose soft tokens are as they begin."""
    language = open_model(str(tiny), device="cpu")
    assert isinstance(language, HuggingFaceModel)
    name = encoder or MiniLM().name
    made = FusedModel(language, FusedConfig(rank=2), encoder=name, text_width=384, vector_width=vector_width)
    adapter.save(made, folder, Trained(vectors=vectors, calibration=calibration))
    return folder


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    store = MemoryStore()
    Services(Settings(language_model="none"), store=store).ingestor.ingest(documents)
    made = Services(Settings(model=tmp_path / "model"), store=store)
    yield made
    made.close()


def test_an_adapter_opens_its_own_language_model(services: Services, tiny: Path) -> None:
    assert services.fused_reader is None
    trained(tiny, services.adapter_folder)
    reader = services.fused_reader
    assert reader is not None
    assert reader is services.fused_reader
    assert reader.speaker.name == str(tiny)
    with TestClient(create_app(services)) as client:
        found = client.post("/explain", json=OPEN).json()
    assert found["answer"]["reason"]
    about = services.adapter_folder / ABOUT
    about.write_text(about.read_text() + "\n")  # it was trained anew
    assert services.fused_reader is not reader


def test_an_adapter_brings_its_calibration_along(services: Services, tiny: Path) -> None:
    """With one, a chain that is surely the answer's answers; the adapter without it lets the model speak."""
    folder = trained(tiny, services.adapter_folder)
    with TestClient(create_app(services)) as client:
        assert "chain of facts" not in client.post("/ask", json=OPEN).json()["reason"]
        certain = Calibration((0.0, 0.0, 0.0, 0.0, 0.0, 50.0, 10.0), 0.0, 10)
        trained(tiny, folder, calibration=certain)
        found = client.post("/explain", json=OPEN).json()
        assert "its chain of facts was the likeliest" in found["answer"]["reason"]
        trained(tiny, folder, calibration=replace(certain, weights=(1.0,)))
        refused = client.post("/ask", json=OPEN)
        assert (refused.status_code, "is damaged" in refused.json()["detail"]) == (503, True)


CALIBRATION = Calibration((0.0,) * 7, 0.0, 10)


@pytest.mark.parametrize("calibration", [None, CALIBRATION], ids=["not calibrated", "calibrated"])
def test_a_model_that_would_not_be_believed_is_not_opened(
    services: Services, tiny: Path, calibration: Calibration | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where an unsure reading of the graph stands, only a probability could go before it."""
    choose = Answerer._choose

    def unsure(answerer: Answerer, asked: Asked, facts: Facts) -> Choice:
        return replace(choose(answerer, asked, facts), unsure=True)

    opened: list[Path] = []

    def counted(chosen: Chosen, *given: Any, **options: Any) -> Any:
        opened.append(services.adapter_folder)
        return open_fused(chosen, *given, **options)

    monkeypatch.setattr(Answerer, "_choose", unsure)
    monkeypatch.setattr(fusing, "open_fused", counted)
    trained(tiny, services.adapter_folder, calibration=calibration)
    answer = services.answerer.ask("Who directed Radioactive?")
    assert answer.text == "Marjane Satrapi"
    assert len(opened) == (calibration is not None)
    services.answerer.ask(OPEN["question"])  # nothing stands: whatever it says is better than nothing
    assert len(opened) == 1


def test_a_card_tells_whether_there_are_probabilities(tiny: Path, tmp_path: Path) -> None:
    plain, certain = trained(tiny, tmp_path / "plain"), trained(tiny, tmp_path / "more", calibration=CALIBRATION)
    assert not calibrated(None)
    assert not calibrated(Chosen("http://localhost:1/v1"))
    assert not calibrated(Chosen(GEMMA))
    assert not calibrated(Chosen(None, plain))
    assert calibrated(Chosen(None, certain))
    (plain / ABOUT).write_text("{}")
    assert calibrated(Chosen(None, plain))  # opening it says what is wrong
    assert calibrated(Chosen(None, tmp_path / "nowhere"))


def test_a_setting_goes_before_an_adapter(services: Services, tiny: Path, tmp_path: Path) -> None:
    trained(tiny, services.adapter_folder)
    silent = Services(Settings(model=tmp_path / "model", language_model="none"), store=services.store)
    assert silent.fused_reader is None


def test_an_adapter_for_another_model_is_refused_with_the_difference(
    services: Services, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(tiny, services.adapter_folder)
    other = tiny_model.write(tmp_path / "other", context=2048, seed=8)
    settings = Settings(model=tmp_path / "model", language_model=str(other))
    refused = TestClient(create_app(Services(settings, store=services.store))).post("/ask", json=OPEN)
    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    detail = refused.json()["detail"]
    assert str(tiny) in detail
    assert str(other) in detail
    assert detail.count("digest") == 2

    monkeypatch.setenv("CLEW_LANGUAGE_MODEL", str(other))
    monkeypatch.setenv("CLEW_MODEL", str(tmp_path / "model"))
    assert run(["ask", "Which movies are the work of Marjane Satrapi?", "--store", "memory:"]) == 4
    [told] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("clew: ")]
    assert told.partition("clew: ")[2] == detail


def test_what_cannot_be_opened_is_not_tried_at_each_question(
    services: Services, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = 0

    def counted(*given: Any, **options: Any) -> Any:
        nonlocal opened
        opened += 1
        return open_fused(*given, **options)

    monkeypatch.setattr(fusing, "open_fused", counted)
    other = tiny_model.write(tmp_path / "other", context=2048)
    kept = (other / "tokenizer.json").read_bytes()
    (other / "tokenizer.json").write_bytes(b"{}")
    settings = Settings(model=tmp_path / "model", language_model=str(other))
    damaged = Services(settings, store=services.store)
    for _ in range(3):
        with pytest.raises(LanguageModelError):
            damaged.fused_reader  # noqa: B018
    assert opened == 1
    (other / "tokenizer.json").write_bytes(kept)
    assert damaged.fused_reader is not None
    assert opened == 2


def test_an_adapter_for_another_encoder_leaves_the_graph_to_answer(
    services: Services, tiny: Path, tmp_path: Path
) -> None:
    """The model is not even loaded, the service starts, and it is told once."""
    trained(tiny, services.adapter_folder, encoder="another")
    told: list[str] = []
    settings = Settings(model=tmp_path / "model", language_model=str(tmp_path / "no such model"))
    with TestClient(create_app(Services(settings, store=services.store, notify=told.append))) as client:
        for _ in range(2):
            assert client.post("/ask", json=OPEN).status_code == 200
    [line] = [line for line in told if "sentence encoder another" in line]
    assert line.endswith("Until then the graph alone answers.")


def test_an_adapter_of_other_learned_vectors_is_not_used(services: Services, tiny: Path) -> None:
    trained(tiny, services.adapter_folder, vector_width=4, vectors="graph-one")
    client = TestClient(create_app(services))
    assert client.post("/ask", json=OPEN).status_code == 200  # nothing was learned: it does without
    store = services.store
    learned = Learned("graph-one", "2026-01-01T00:00:00Z", store.version(), 4, 0)
    ids = [one.id for one in store.all_entities()]
    for found, used in ((learned, True), (replace(learned, model="graph-two"), False), (learned, True)):
        store.write_learned(found, ((id, (0.5,) * 4) for id in ids))
        assert (client.post("/explain", json=OPEN).json()["model"] is not None) == used
        assert client.post("/ask", json=OPEN).status_code == 200


def test_a_damaged_adapter_is_refused(services: Services, tiny: Path) -> None:
    folder = trained(tiny, services.adapter_folder)
    (folder / "graph.safetensors").write_bytes(b"")
    refused = TestClient(create_app(services)).post("/ask", json=OPEN)
    assert refused.status_code == 503
    assert "copy the whole folder again" in refused.json()["detail"]


def test_the_doctor_says_which_model_would_be_asked(services: Services, tiny: Path, tmp_path: Path) -> None:
    def told(setting: str) -> str:
        settings = Settings(model=tmp_path / "model", language_model=setting)
        found = {one.name: one for one in checks.run(Services(settings, store=services.store), thorough=False)}
        assert found["language model"].ok
        return found["language model"].detail

    assert told("").startswith("none is asked")
    assert told("gemma") == "Gemma 3 270M"
    assert told("hub:one/model") == "hub:one/model"
    trained(tiny, services.adapter_folder)
    assert told("") == f"the one that the adapter in {services.adapter_folder} was trained for"
    assert told("gemma") == f"Gemma 3 270M, with the adapter in {services.adapter_folder}"
    assert told("none").startswith("none is asked")


# -- what is explained --------------------------------------------------------------------------------------------


def test_what_the_model_read_and_said_is_explained(services: Services, tiny: Path) -> None:
    trained(tiny, services.adapter_folder)
    with TestClient(create_app(services)) as client:
        plain = client.post("/explain", json=OPEN).json()
        found = client.post("/explain", json=OPEN | {"influence": True}).json()
        assert client.post("/explain", json={"question": "Who directed Radioactive?"}).json()["model"] is None
        assert client.post("/ask", json=OPEN | {"influence": True}).status_code == 422
    model = found["model"]
    assert plain["model"] == model | {"influences": []}
    assert plain["answer"] == found["answer"]
    assert (model["name"], model["soft_tokens"] > 0, model["said"] != "") == (str(tiny), True, True)
    assert 0 < len(model["influences"]) <= 12
    assert {one["kind"] for one in model["influences"]} == {"fact", "passage", "soft token"}
    assert all(one["text"] for one in model["influences"])
    for claim in model["claims"]:
        assert claim["note"]
        if found["by"] == "model":
            assert claim["kept"] == (claim["note"] in found["answer"]["checked"])

    stream = io.StringIO()
    _tree(Display(colour=False, stream=stream), explaining.ExplanationOut.model_validate(found))
    told = stream.getvalue()
    assert f"said: {plain_text(model['said'])} (confidence" in told
    assert f"of {model['facts'] + model['passages'] + model['soft_tokens']} parts tried" in told
    assert told.count("  soft token ") >= 1


@pytest.mark.parametrize(
    ("reply", "said", "line"),
    [
        (says('{"claims": []}'), "none", "said: none ("),
        (sends(b"{}", kind="application/json", status=404), "", "said nothing, because: http"),
        (says("Well…"), "", "said nothing, because: http"),
        (says('{"claims": [{"name": "Nobody", "facts": [1]}]}'), "", "said nothing, because: 1 of its 1 claims"),
    ],
)
def test_none_is_told_from_nothing(services: Services, tmp_path: Path, reply: Reply, said: str, line: str) -> None:
    with serving(reply) as script:
        settings = Settings(model=tmp_path / "model", language_model=script.address, language_model_name="m")
        asked = Services(settings, store=services.store)
        found = explaining.explain(asked, OPEN["question"])
        asked.close()
    assert found.model is not None
    assert found.model.said == said
    assert found.model.reason
    stream = io.StringIO()
    _tree(Display(colour=False, stream=stream), found)
    assert f"    {line}" in stream.getvalue()
    assert plain_text(found.model.reason) in stream.getvalue()


def test_who_need_not_wait_is_told_when_to_ask_again(services: Services, tiny: Path, tmp_path: Path) -> None:
    settings = Settings(model=tmp_path / "model", language_model=str(tiny), language_model_waiting=0)
    asked = Services(settings, store=services.store)
    reader = asked.fused_reader
    assert reader is not None
    with TestClient(create_app(asked)) as client, reader.turn:
        refused = client.post("/ask", json=OPEN)
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "5"
    assert "ask again" in refused.json()["detail"]


# -- what is loaded -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", ["", "none", "http://127.0.0.1:9/v1"])
def test_answering_loads_no_torch_unless_a_model_runs_here(setting: str, tmp_path: Path) -> None:
    code = (
        "import json, pathlib, sys\n"
        "from api import fusing\n"
        "from api.cli import run\n"
        "fusing.SHIPPED = pathlib.Path('nowhere')\n"
        f"code = run(['ask', {OPEN['question']!r}, '--json', '--store', 'memory:'])\n"
        "print(json.dumps([code, [m for m in ('torch', 'transformers', 'spacy') if m in sys.modules]]))"
    )
    environment = {"PATH": "", "HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "CLEW_MODEL": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env=environment | ({"CLEW_LANGUAGE_MODEL": setting} if setting else {}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]
