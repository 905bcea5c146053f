"""Two processes train as one does, and neither waits for the other in vain."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from api.assemble import Services
from api.settings import Settings
from kg.embeddings.batches import Queries
from kg.embeddings.checkpoint import load
from kg.embeddings.errors import SettingError
from kg.embeddings.workers import ALONE, Workers, join
from kg.triples import TripleFile
from tests.kg.embeddings import together
from tests.kg.embeddings.graphs import random_graph

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent

Results = dict[str, Any]


def launch(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a launcher to its end; it hears nothing of our settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLEW_")}
    environment = kept | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes left."""
    folder = tmp_path_factory.mktemp("together")
    command = BIN / "torchrun", "--standalone", "--nproc-per-node=2", "-m", "tests.kg.embeddings.together", folder
    done = launch(*command)
    assert (folder / "1.pt").exists(), done.stderr
    assert done.returncode != 0  # the last training loses a process
    return folder


@pytest.fixture(scope="module")
def pair(folder: Path) -> tuple[Results, Results]:
    """What each of two processes came to."""
    return torch.load(folder / "0.pt"), torch.load(folder / "1.pt")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What one process comes to."""
    return together.agreeing(ALONE, tmp_path_factory.mktemp("alone"))


@pytest.mark.slow
@pytest.mark.parametrize("training", ["whole", "drawn", "encoded"])
def test_two_processes_learn_what_one_does(training: str, pair: tuple[Results, Results], alone: Results) -> None:
    found, expected = pair[0][training], alone[training]
    torch.testing.assert_close(found["vectors"], expected["vectors"], rtol=1e-3, atol=1e-5)
    assert found["losses"] == pytest.approx(expected["losses"], rel=1e-4)
    assert found["mrr"] == pytest.approx(expected["mrr"], abs=0.02)  # two that are nearly level may change places
    assert found["mrr"][-1] > (0.3 if training != "encoded" else 0)


def test_both_know_the_same(pair: tuple[Results, Results]) -> None:
    for training in ("whole", "drawn", "encoded", "resumed", "timed", "few"):
        main, other = (dict(found[training]) for found in pair)
        assert torch.equal(main.pop("vectors"), other.pop("vectors"))
        assert main == other, training


def test_a_batch_may_have_too_few_queries_for_all() -> None:
    """The trainings compared above have such a batch: one process has nothing to do in it."""
    places, _ = Queries(together.GRAPH.triples, 3).rows(together.CONFIG.answers)
    assert len(places) % together.CONFIG.batch_size == 1


def test_they_stop_at_one_time(pair: tuple[Results, Results]) -> None:
    assert pair[0]["timed"]["stopped"] == pair[1]["timed"]["stopped"] == "minutes"


def test_only_the_main_process_writes(folder: Path) -> None:
    assert load(folder / "of-0" / "whole").stopped == "epochs"
    assert not (folder / "of-1").exists()


def test_they_go_on_from_a_checkpoint(pair: tuple[Results, Results]) -> None:
    """The other process has none: it is told."""
    assert torch.equal(pair[1]["resumed"]["vectors"], pair[1]["whole"]["vectors"])


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ("diverged", "DivergedError: The loss became infinite or no number in epoch 1"),
        ("unmeasured", "DivergedError: The model scores some facts as infinite"),
        ("small", "TooLargeError: Learning 31 entities"),
    ],
)
def test_what_goes_wrong_in_one_ends_both(training: str, message: str, pair: tuple[Results, Results]) -> None:
    assert pair[0][training] == pair[1][training]
    assert pair[0][training].startswith(message)


def test_a_process_that_vanishes_is_missed(folder: Path) -> None:
    assert (folder / "lost").read_text("utf-8").startswith("LostProcessError: Another process")


# -- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """An embedded graph that this process has open too."""
    rows = [f"Person {n}\tborn_in\tCity {n % 5}\nPerson {n}\tknows\tPerson {n * 7 % 150}\n" for n in range(150)]
    (tmp_path / "people.tsv").write_text("".join(rows), "utf-8")
    services = Services(Settings(store=f"embedded:{tmp_path / 'graph'}", store_idle_seconds=1))
    services.ingestor.import_file(TripleFile(tmp_path / "people.tsv").__iter__)
    yield services
    services.close()


@pytest.mark.slow
def test_the_command_learns_an_embedded_graph(services: Services) -> None:
    settings = ("--store", services.settings.store, "--dimension", "16", "--epochs", "3", "--json")
    launcher = (BIN / "accelerate", "launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0")
    done = launch(*launcher, "-m", "api", "learn", *settings)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)  # printed once
    learned = services.store.learned()
    assert shown["learned"]["model"] == learned.model
    assert learned.entities == 155
    assert done.stderr.count("epoch 1:") == 1
    kept = load(services.model_folder / "whole")
    entity = kept.entities[0]
    [vector] = services.store.entity_vectors([entity]).values()
    assert vector == pytest.approx(kept.model["entities.weight"][0].tolist())


# -- alone ------------------------------------------------------------------------------------------------------------


def test_alone_nothing_is_loaded() -> None:
    code = (
        "import sys; from kg.embeddings.workers import join; w = join('cpu'); "
        "print(w.number, w.is_main, 'accelerate' in sys.modules)"
    )
    kept = {name: value for name, value in os.environ.items() if name != "WORLD_SIZE"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=kept, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "True", "False"]


def test_parts_make_up_the_batch() -> None:
    [batch] = Queries(random_graph().triples, 3).shuffled(1000, limit=32, seed=0, epoch=1)
    facts = set()
    for rank in range(3):
        part = Workers(rank=rank, number=3).part(batch)
        assert bool((part.rows.diff() >= 0).all())
        rows = zip(part.heads[part.rows].tolist(), part.relations[part.rows].tolist(), part.tails.tolist(), strict=True)
        found = set(rows)
        assert not facts & found
        facts |= found
    rows = batch.rows
    whole = zip(batch.heads[rows].tolist(), batch.relations[rows].tolist(), batch.tails.tolist(), strict=True)
    assert facts == set(whole)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_device_that_is_not_there(processes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", processes)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SettingError, match="no GPU"):
        join("cuda")
    with pytest.raises(SettingError, match="must be cpu or cuda, not 'abacus'"):
        join("abacus")
