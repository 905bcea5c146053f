"""How benchmarks/fusion_continual.py trains, extends and measures: all of it on a tiny model."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import fusion_continual as benchmark
from benchmarks import rows
from benchmarks.fusion_continual import DEV, TAUGHT, TRAIN, VARIANTS, Bench, measure, some
from benchmarks.rows import Row
from fusion import adapter
from fusion.tuning import replay as sample
from fusion.tuning.config import TuneConfig
from fusion.tuning.examples import Example, Examples, read, write
from fusion.tuning.loop import tune
from tests.fusion import tiny_model
from tests.fusion.together import fused
from tests.fusion.views import view

GIVEN = (
    *("--examples", "16", "--questions", "4", "--replay", "1", "--elastic", "0.01", "--rank", "4"),
    *("--epochs", "8", "--batch", "4", "--rate", "2e-2", "--graph-rate", "5e-3"),
)
BEFORE = "trained on here"
PLAIN, REPLAY, ELASTIC, BOTH = (
    f"extended to there: {how}"
    for how in (
        "plainly",
        "replay, 1 for each new one",
        "elastic, λ = 0.01",
        "replay, 1 for each new one; elastic, λ = 0.01",
    )
)


def domain(prompt: str, target: str, start: int, count: int) -> Examples:
    views = (view(at, candidates=at % 3, learned=0) for at in range(start, start + count))
    return Examples("test", tuple(Example(f"{prompt} {at}", one, target) for at, one in enumerate(views, start)))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model.write(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two domains: what is to be said, and after which prompt."""
    folder = tmp_path_factory.mktemp("domains")
    for name, prompt, target in (("here", "Where?", " Paris [1]"), ("there", "Whither?", " Berlin [2]")):
        write(folder / name / TRAIN, domain(prompt, target, 0, 20))
        write(folder / name / DEV, domain(prompt, target, 50, 6))
    return folder / "here", folder / "there"


def command(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", [benchmark.NAME, *map(str, words)])
    benchmark.main()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Adapters that every test of the command shares: the first one trains them."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def found(
    folders: tuple[Path, Path], model: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[Row]:
    """The rows of the command."""
    monkeypatch.setattr(rows, "RESULTS", tmp_path / "results")
    command(monkeypatch, *folders, "--model", model, "--cache", cache, *GIVEN)
    found: list[Row] = json.loads((tmp_path / "results" / "fusion_continual.json").read_text("utf-8"))
    return found


def test_what_is_forgotten_and_what_is_kept(found: list[Row]) -> None:
    values = {(row["system"], row["split"], row["measure"]): row["value"] for row in found}
    here, there = "4 held-out examples of here", "4 held-out examples of there"
    assert [*values] == [
        (system, split, measure)
        for system in (BEFORE, PLAIN, REPLAY, ELASTIC, BOTH)
        for split, measure in (
            ("16 examples", "training"),
            (here, "right"),
            (here, "right but for numbers"),
            (here, "loss of the target"),
            (there, "right"),
            (there, "right but for numbers"),
            (there, "loss of the target"),
        )
    ]

    def both(system: str, measure: str) -> tuple[float, float]:
        return values[system, here, measure], values[system, there, measure]

    assert both(BEFORE, "right") == (100, 0)
    assert both(PLAIN, "right") == (0, 100)
    assert both(REPLAY, "right") == (100, 100)
    cost = {system: both(system, "loss of the target") for system in (BEFORE, PLAIN, REPLAY, ELASTIC, BOTH)}
    assert cost[BEFORE][0] < 1 < cost[BEFORE][1]
    assert cost[REPLAY][0] < 1 < cost[PLAIN][0]
    assert cost[ELASTIC][0] < cost[PLAIN][0] - 1  # less is forgotten
    assert max(cost[ELASTIC][1], cost[BOTH][1]) < cost[BEFORE][1] - 1  # and something is learned
    for row in found:
        assert (row["data"], row["seeds"]) == ("here, then there", [0])
        assert row["seconds"] > 0


def test_the_adapters_were_taught_one_after_the_other(found: list[Row], cache: Path) -> None:
    cards = {path.parent.name.rpartition("-")[0]: adapter.read_about(path).trained for path in cache.glob("*/adapter")}
    assert cards.keys() == {"here", *(f"here-there-{one}" for one in VARIANTS)}
    first = cards.pop("here")
    assert first.earlier == ()
    assert {one.earlier for one in cards.values()} == {(first.data,)}
    assert {one.data for one in cards.values()} != {first.data}
    assert {sample.load(path).seen for path in cache.glob("here-there-*/adapter")} == {32}


def test_the_same_command_trains_and_asks_nothing_anew(
    found: list[Row],
    folders: tuple[Path, Path],
    model: str,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def times() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in cache.rglob("*")}

    before = times()
    command(monkeypatch, *folders, "--model", model, "--cache", cache, *GIVEN)
    assert times() == before
    assert json.loads((tmp_path / "results" / "fusion_continual.json").read_text("utf-8")) == found
    command(monkeypatch, *folders, "--model", model, "--cache", cache, *GIVEN, "--no-write", "--questions", "3")
    new = {path.name for path in times().keys() - before.keys()}
    assert len(new) == 2
    assert all(name.startswith("measured-") for name in new)


def test_one_that_was_cut_short_goes_on(folders: tuple[Path, Path], model: str, tmp_path: Path) -> None:
    learned, config = read(folders[0] / TRAIN), TuneConfig(epochs=2, batch=8)
    bench = Bench(tmp_path, model=model, rank=2)
    folder = bench.train("here", learned, config)
    weights = (folder / "adapter" / adapter.LORA).read_bytes()
    (folder / TAUGHT).unlink()
    (folder / "adapter" / adapter.ABOUT).unlink()
    assert bench.train("here", learned, config) == folder
    assert (folder / "adapter" / adapter.LORA).read_bytes() == weights
    assert bench.train("here", learned, TuneConfig(epochs=1, batch=8)) != folder


def test_seeds_draw_examples_and_tell_how_they_differ(
    folders: tuple[Path, Path],
    model: str,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = (
        "--examples",
        "4",
        "--questions",
        "1",
        "--seeds",
        "2",
        "--variants",
        "plain",
        "--epochs",
        "1",
        "--no-write",
    )
    command(monkeypatch, *folders, "--model", model, "--cache", cache, *given)
    shown = capsys.readouterr().out
    assert shown.count("standard deviation over seeds") == 2 * 7
    assert "4 examples" in shown
    whole = read(folders[0] / TRAIN)
    drawn = [{one.prompt for one in some(whole, 4, seed=seed).examples} for seed in (0, 1)]
    assert [len(one) for one in drawn] == [4, 4]
    assert drawn[0] != drawn[1]
    assert some(whole, 40, seed=0) is some(whole, None, seed=0) is whole


def test_loss_is_that_of_training(model: str) -> None:
    fresh = fused(Path(model), learned=0)
    held = domain("Where?", " Paris [1]", 50, 3)
    tuned = tune(fresh, domain("Where?", " Paris [1]", 0, 4), TuneConfig(epochs=1, precision="float32"), dev=held)
    found = measure(fresh, held)
    assert found.right == 0
    assert found.loss == pytest.approx(tuned.dev, rel=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--variants", "plain,none"), "none: choose of plain, replay, elastic, both"),
        (("--epochs", "0"), "epochs is 0; it must be above 0"),
        (("--elastic", "0"), "--elastic is 0.0; it must be above 0"),
        (("--questions", "0"), "--questions is 0; it must be above 0"),
    ],
)
def test_what_cannot_be_asked_for(
    change: tuple[str, str],
    message: str,
    folders: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        command(monkeypatch, *folders, *change)
    assert message in capsys.readouterr().err


def test_folders_that_cannot_be_told_apart_or_read(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for second, message in ((folders[0], "both folders are named here"), (tmp_path, "train.safetensors: is missing")):
        with pytest.raises(SystemExit):
            command(monkeypatch, folders[0], second)
        assert message in capsys.readouterr().err
