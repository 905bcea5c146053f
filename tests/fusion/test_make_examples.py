"""Examples of a person's graph, by the command."""

import argparse
from pathlib import Path

import pytest

from api.assemble import Services
from api.settings import Settings
from fusion.tuning.examples import read
from scripts.make_examples import make
from tests.fusion import tiny_model
from tests.fusion.graphs import FILMS, graph


def test_examples_of_a_graph(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tiny_model.write(tmp_path / "model", context=2048)
    questions = tmp_path / "questions.txt"
    questions.write_text("Who is the wife of [Shawn Levy]?\tSerena Levy\nno tab\n", "utf-8")
    settings = Settings(store="memory:", language_model=str(model), model=tmp_path / "learned")
    services = Services(settings, store=graph(FILMS))
    train, dev = tmp_path / "train.jsonl", tmp_path / "dev.jsonl"
    try:
        make(argparse.Namespace(examples=train, dev=dev, questions=questions, count=50, seed=1), services)
    finally:
        services.close()
    out = capsys.readouterr()
    assert "given: 1 made: facts" in out.out
    assert "line 2 has no tab" in out.err
    learned, measured = read(train), read(dev)
    assert learned.encoder == measured.encoder == services.embedder.name
    assert f"{len(learned.examples)} examples in {train}" in out.out
    assert all(one.prompt.endswith("\nAnswer:") for one in learned.examples)


def test_the_script_is_short() -> None:
    assert len(Path(make.__code__.co_filename).read_text("utf-8").splitlines()) <= 60
