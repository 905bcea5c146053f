"""Going on from an adapter: what was learned before is kept, and the command does it all."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fusion import adapter
from fusion.errors import TuningError
from fusion.language import open_model
from fusion.language.causal import HuggingFaceModel
from fusion.model import FusedConfig, FusedModel
from fusion.scoring import WEIGHTS, Told
from fusion.tuning import replay as sample
from fusion.tuning.command import Task, train, unseen
from fusion.tuning.examples import Example, Examples, write
from fusion.tuning.extending import FREE, REPLAY, Remembering, elastic, extend
from fusion.tuning.loop import tune
from fusion.tuning.replay import Replay
from scripts import train_fusion
from tests.fusion import tiny_model
from tests.fusion.together import CONFIG, EXAMPLES, HELD, fused
from tests.fusion.views import TEXT, view

NOTHING = Replay(Examples("", ()))
OTHER = Told("A · in · C", 0.1, 0.1, 0.1)
PLACES = ("Paris", "Berlin", "Beijing", "Sydney")


def domain(prompt: str, relation: int, count: int, seed: int) -> Examples:
    """Questions that one relation of a graph answers: another domain has another prompt and another relation."""
    draw = np.random.default_rng(seed)
    names, relations = (np.random.default_rng(0).normal(size=(n, TEXT)).astype(np.float32) / TEXT**0.5 for n in (5, 2))
    found = []
    for _ in range(count):
        places = draw.permutation(4)[:2]
        graph = replace(
            view(learned=0, entities=5, candidates=4),
            names=names,
            relations=relations,
            subjects=np.array([4, 4]),
            rows=np.array([0, 1]),
            objects=places,
            scores=np.full((4, 3), math.log(0.25), np.float32),
        )
        found.append(Example(prompt, graph, f" {PLACES[places[relation]]} [1]"))
    return Examples("test", tuple(found))


def accuracy(model: FusedModel, some: Examples) -> float:
    texts = [f" {place} [1]" for place in PLACES]
    right = 0
    for one in some.examples:
        scored = model.language.score(one.prompt, texts, prefix=model.soft_tokens(one.view), ended=True)
        right += texts[int(np.argmax([likelihood.total for likelihood in scored]))] == one.target
    return right / len(some.examples)


@pytest.fixture(scope="module")
def first(folder: Path) -> dict[str, torch.Tensor]:
    """The parameters of a model that has learned one domain."""
    model = fused(folder, FusedConfig(rank=8, width=32, layers=2), learned=0)
    tune(model, domain("Where?", 0, 160, 1), replace(CONFIG, epochs=10, batch=8, tokens=4096))
    assert accuracy(model, domain("Where?", 0, 24, 2)) > 0.9
    return {name: one.detach().clone() for name, one in model.trained().items()}


@pytest.mark.parametrize(
    ("remembering", "least", "most"),
    [(FREE, 0.0, 0.6), (REPLAY, 0.75, 1.0)],
    ids=["nothing", "replay"],
)
def test_the_first_domain_after_the_second(
    remembering: Remembering, least: float, most: float, folder: Path, first: dict[str, torch.Tensor]
) -> None:
    model = fused(folder, FusedConfig(rank=8, width=32, layers=2), learned=0)
    model.restore(first)
    replay = replace(NOTHING, size=64).add(domain("Where?", 0, 160, 1))
    new = domain("Whither, 北京?", 1, 128, 3)
    extend(model, replay, new, replace(CONFIG, epochs=10, batch=8, tokens=4096), remembering=remembering)
    assert accuracy(model, domain("Whither, 北京?", 1, 24, 4)) > 0.6  # of four candidates
    assert least <= accuracy(model, domain("Where?", 0, 24, 2)) <= most


def test_elastic_weights_pull_back_to_where_they_began(folder: Path) -> None:
    model = fused(folder)
    penalty = elastic(model, EXAMPLES, strength=2.0)
    assert penalty().item() == 0
    with torch.no_grad():
        for parameter in model.trained().values():
            parameter.add_(1)
    moved = sum(parameter.numel() for parameter in model.trained().values())
    assert penalty().item() == pytest.approx(moved, rel=1e-3)  # weights are 1 in the mean
    slopes = torch.autograd.grad(penalty(), list(model.trained().values()))
    assert all(bool((slope >= 0).all()) for slope in slopes)


def test_nothing_kept_is_nothing_remembered(folder: Path) -> None:
    with pytest.raises(TuningError, match="Nothing was kept"):
        extend(fused(folder), NOTHING, EXAMPLES, CONFIG)
    tuned, after = extend(fused(folder), NOTHING, EXAMPLES, replace(CONFIG, epochs=1), remembering=FREE)
    assert tuned.stopped == "epochs"
    assert after.seen == len(EXAMPLES.examples)


@pytest.mark.parametrize(("before", "after"), [(0, 4), (4, 0)], ids=["learned since", "no longer learned"])
def test_a_graph_that_was_learned_since_or_is_no_longer(before: int, after: int, folder: Path, tmp_path: Path) -> None:
    """Views kept have vectors and new ones none, or the other way round: the model reads what it was built for."""

    def graphs(width: int) -> Examples:
        views = (view(at, learned=width) for at in range(4))
        return Examples("test", tuple(Example(f"Who? {width}", one, " Johan Earl [1]") for one in views))

    model = fused(folder, learned=before)
    _, after_both = extend(model, NOTHING.add(graphs(before)), graphs(after), replace(CONFIG, epochs=1))
    sample.save(tmp_path, after_both)
    assert {one.view.vectors.shape for one in sample.load(tmp_path).kept.examples} == {(6, before)}
    assert model.soft_tokens(view(learned=after)).shape == (2, 32)


@pytest.mark.parametrize("setting", [{"replayed": -1.0}, {"elastic": -1.0}])
def test_settings_that_cannot_be(setting: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        Remembering(**setting)


# -- the command ------------------------------------------------------------------------------------------------------


def command(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["train_fusion", *map(str, words)])
    return train_fusion.main()


def test_the_command_trains_and_extends(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "some.jsonl", EXAMPLES)
    write(tmp_path / "held.jsonl", HELD)
    options = ("--model", folder, "--epochs", "2", "--batch", "5", "--dev", tmp_path / "held.jsonl")
    board = ("--board", tmp_path / "curves")
    assert command(monkeypatch, tmp_path / "some.jsonl", tmp_path / "one", *options, *board) == 0
    shown = capsys.readouterr().err
    assert shown.count("step") == 2
    assert "dev" in shown
    assert list((tmp_path / "curves").iterdir())
    first = adapter.read_about(tmp_path / "one").trained
    assert first.examples == 11
    assert first.metrics["dev loss"] > 0
    assert sample.load(tmp_path / "one").seen == 11
    further = (tmp_path / "held.jsonl", tmp_path / "two", "--extend", tmp_path / "one", "--elastic", "1")
    assert command(monkeypatch, *further, "--model", folder, "--epochs", "1") == 0
    second = adapter.read_about(tmp_path / "two").trained
    assert second.earlier == (first.data,)
    assert sample.load(tmp_path / "two").seen == 15
    language = open_model(str(folder), device="cpu")
    assert isinstance(language, HuggingFaceModel)
    assert adapter.load(tmp_path / "two", language, encoder="test").soft_tokens(view()).shape == (2, 32)


def test_the_command_trains_without_soft_tokens(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "some.jsonl", EXAMPLES)
    options = ("--model", folder, "--epochs", "1", "--batch", "5")
    for name, more in (("with", ()), ("without", ("--no-soft-tokens",))):
        assert command(monkeypatch, tmp_path / "some.jsonl", tmp_path / name, *options, *more) == 0
    one, other = (adapter.read_about(tmp_path / name).trained for name in ("with", "without"))
    assert (one.soft_tokens, other.soft_tokens) == (True, False)
    assert (one.data, one.examples, one.seed) == (other.data, other.examples, other.seed)  # the same budget
    assert any(len(example.view.candidates) for example in sample.load(tmp_path / "with").kept.examples)
    assert not any(len(example.view.candidates) for example in sample.load(tmp_path / "without").kept.examples)
    assert [one.prompt for one in unseen(EXAMPLES).examples] == [one.prompt for one in EXAMPLES.examples]
    capsys.readouterr()
    further = (tmp_path / "some.jsonl", tmp_path / "more", "--extend", tmp_path / "without", *options)
    assert command(monkeypatch, *further) != 0
    assert "soft tokens are to be trained where it has none" in capsys.readouterr().err


def test_scores_of_chains_are_calibrated_on_what_is_held_out(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where plans are right two times of three, the adapter knows it, and says so."""
    held = [
        replace(one, question=f"Who made film {at}?", chains=(Told("A · by · B", 0.6, 0.6, 0.6, at % 3 > 0), OTHER))
        for at, one in enumerate(domain("Who?", 0, 24, 5).examples)
    ]
    write(tmp_path / "some.jsonl", domain("Who?", 0, 8, 6))
    write(tmp_path / "held.jsonl", Examples("test", tuple(held)))
    given = (tmp_path / "some.jsonl", tmp_path / "one", "--dev", tmp_path / "held.jsonl", "--epochs", "1")
    assert command(monkeypatch, *given, "--model", folder, "--rank", "2") == 0
    found = adapter.read_about(tmp_path / "one").trained.calibration
    assert found is not None
    assert (found.questions, len(found.weights)) == (24, WEIGHTS)
    assert 0 < found.error < 0.3
    assert f"24 questions, calibration error {found.error:.3f}" in capsys.readouterr().err
    told = f"calibrated on 24 questions held out, expected calibration error {found.error:.3f}"
    assert told in (tmp_path / "one" / adapter.CARD).read_text("utf-8")

    write(tmp_path / "held.jsonl", Examples("test", tuple(held[:19])))
    assert command(monkeypatch, *given, "--model", folder, "--rank", "2") == 0
    assert adapter.read_about(tmp_path / "one").trained.calibration is None
    assert "not calibrated" in (tmp_path / "one" / adapter.CARD).read_text("utf-8")


@pytest.fixture(scope="module")
def of_graph_one(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter trained on learned vectors of graph-one."""
    where = tmp_path_factory.mktemp("graph-one")
    write(where / "some.jsonl", replace(EXAMPLES, vectors="graph-one"))
    task = Task(where / "some.jsonl", where / "adapter", model=str(folder), rank=2)
    train(task, replace(CONFIG, epochs=1))
    assert adapter.read_about(where / "adapter").trained.vectors == "graph-one"
    return where / "adapter"


@pytest.mark.parametrize(
    ("examples", "why"),
    [
        (
            replace(EXAMPLES, vectors="graph-two"),
            "vectors of the learned model graph-one, and this graph holds those of graph-two",
        ),
        (replace(EXAMPLES, encoder="another"), "with the sentence encoder test, and this one is another"),
        (
            replace(EXAMPLES, examples=tuple(replace(one, view=view(learned=7)) for one in EXAMPLES.examples)),
            "on learned vectors of 4 numbers, and those of this graph have 7",
        ),
    ],
    ids=["graph", "encoder", "width"],
)
def test_an_adapter_is_not_extended_by_what_does_not_fit(
    examples: Examples,
    why: str,
    of_graph_one: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before its language model is opened: there is none at this address."""
    write(tmp_path / "some.jsonl", examples)
    further = (tmp_path / "some.jsonl", tmp_path / "two", "--extend", of_graph_one, "--model", tmp_path / "nowhere")
    assert command(monkeypatch, *further) == 4
    error = capsys.readouterr().err
    assert error.startswith(f"clew: {of_graph_one}: the adapter was trained")
    assert why in error
    assert error.count("\n") == 1
    assert not (tmp_path / "two").exists()


def test_an_adapter_is_not_extended_on_another_language_model(
    of_graph_one: Path,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path / "some.jsonl", EXAMPLES)
    other = tiny_model.write(tmp_path / "other", seed=8)
    further = (tmp_path / "some.jsonl", tmp_path / "two", "--extend", of_graph_one, "--model", other)
    assert command(monkeypatch, *further) == 4
    error = capsys.readouterr().err
    assert f"was trained for {folder} (digest " in error
    assert f"and this is {other} (digest " in error
    assert not (tmp_path / "two").exists()


def test_what_vectors_are_of_is_kept_where_it_is_not_known(of_graph_one: Path, folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "some.jsonl", EXAMPLES)
    task = Task(tmp_path / "some.jsonl", tmp_path / "two", model=str(folder), earlier=of_graph_one)
    train(task, replace(CONFIG, epochs=1))
    assert adapter.read_about(tmp_path / "two").trained.vectors == "graph-one"


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (("--epochs", "0"), 2, "epochs is 0; it must be above 0"),
        (("--extend", "nowhere"), 4, "nowhere: holds no adapter"),
        (("--model", "http://localhost:1"), 2, "is a server, which cannot be trained"),
        (("--device", "tpu"), 2, "device must be cpu or cuda"),
    ],
)
def test_the_command_says_what_is_wrong_in_one_line(
    change: tuple[str, str],
    code: int,
    message: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path / "some.jsonl", EXAMPLES)
    given = (tmp_path / "some.jsonl", tmp_path / "one", "--model", folder, *change)
    assert command(monkeypatch, *given) == code
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("clew: ")
    assert error.count("\n") == 1
