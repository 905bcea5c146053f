"""What is cut short: an ingestion run again gives the graph of an undisturbed run; learning leaves what there was."""

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Clew

PASSAGES = Path(__file__).parents[2] / "examples" / "films" / "passages.jsonl"
KILLS = 6
INGEST = ("ingest", "passages.jsonl")


@pytest.mark.slow
def test_killed_at_any_moment_and_run_again_it_comes_to_the_same_graph(clew: Clew) -> None:
    rows = PASSAGES.read_text("utf-8").splitlines(keepends=True)[:60]
    (clew.folder / "passages.jsonl").write_text("".join(rows), "utf-8")
    begun = time.monotonic()
    clew.out(*INGEST, "--store", "embedded:whole")
    lasted = time.monotonic() - begun
    whole = clew.out("export", "--store", "embedded:whole")
    assert json.loads(clew.out("stats", "--json", "--store", "embedded:whole"))["documents"] == len(rows)

    # Moments from the whole run, drawn anew each time and told on failure; the later part is when it writes.
    moments = sorted(random.uniform(0.1, 1.0) * lasted for _ in range(KILLS))
    killed = 0
    for moment in moments:
        process = clew.start(*INGEST, "--store", "embedded:killed")
        time.sleep(moment)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            killed += 1
        process.communicate(timeout=60)
        held = json.loads(clew.out("stats", "--json", "--store", "embedded:killed"))
        assert 0 <= held["documents"] <= len(rows)
    assert killed, moments
    clew.out(*INGEST, "--store", "embedded:killed")
    assert clew.out("export", "--store", "embedded:killed") == whole, f"killed after {moments} seconds"


@pytest.mark.slow
def test_learning_from_questions_that_is_interrupted_leaves_what_was_learned(clew: Clew) -> None:
    facts = [f"Film {n}\tdirected_by\tMaker {n % 5}\n" for n in range(20)]
    (clew.folder / "films.tsv").write_text("".join(facts), "utf-8")
    clew.out("import", "films.tsv")
    clew.out("learn", "--questions", "--no-reasoner", "--epochs", "1")
    planner = clew.folder / ".clew" / "graph" / "model" / "planner.safetensors"
    kept = planner.read_bytes()
    process = clew.start("learn", "--questions", "--epochs", "4000", "--seed", "1")
    assert process.stderr is not None
    while not (line := process.stderr.readline()).startswith(b"epoch 1:"):
        assert line, "it ended before it learned"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told.splitlines()[-1] == b"clew: nothing was done"
    assert planner.read_bytes() == kept
