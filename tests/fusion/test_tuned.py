"""What training comes to: the graph alone tells the answer, and several processes learn what one does."""

import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fusion.model import FusedConfig
from fusion.tuning.config import TuneConfig
from fusion.tuning.examples import Example, Examples
from fusion.tuning.loop import tune
from tests.fusion import together
from tests.fusion.together import fused
from tests.fusion.views import TEXT, view

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def test_it_says_what_the_graph_alone_tells(folder: Path) -> None:
    """Every prompt is the same; which candidate the topic leads to by the one relation that counts differs."""
    places = ("Paris", "Berlin", "Beijing", "Sydney")
    draw = np.random.default_rng(0)
    names, relations = (draw.normal(size=(rows, TEXT)).astype(np.float32) / TEXT**0.5 for rows in (5, 3))

    def example() -> Example:
        order = draw.permutation(4)
        graph = replace(
            view(learned=0, entities=5, candidates=4),
            names=names,
            relations=relations,
            subjects=np.array([4, 4, 4, 4]),
            rows=np.array([0, 1, 2, 1]),  # by relation 0 to the answer, by others elsewhere
            objects=order,
            scores=np.full((4, 3), math.log(0.25), np.float32),
        )
        return Example("Where?", graph, f" {places[order[0]]} [1]")

    train, test = (Examples("test", tuple(example() for _ in range(count))) for count in (160, 24))
    model = fused(folder, FusedConfig(rank=8, width=32, layers=2), learned=0)
    tune(model, train, TuneConfig(epochs=10, batch=8, rate=1e-2, graph_rate=5e-3, precision="float32"))
    texts = [f" {place} [1]" for place in places]

    def best(one: Example, graph: Example) -> bool:
        scored = model.language.score(one.prompt, texts, prefix=model.soft_tokens(graph.view), ended=True)
        return texts[int(np.argmax([likelihood.total for likelihood in scored]))] == one.target

    right = [best(one, one) for one in test.examples]
    assert np.mean(right) > 0.9
    others = [*test.examples[1:], test.examples[0]]
    wrong = [best(one, other) for one, other in zip(test.examples, others, strict=True)]
    assert np.mean(wrong) < 0.6  # another's graph gives another's answer
    written = model.language.generate("Where?", prefix=model.soft_tokens(test.examples[0].view))
    assert written.text == test.examples[0].target
    assert written.ended


@pytest.mark.slow
def test_two_processes_learn_what_one_does(folder: Path, tmp_path: Path) -> None:
    launcher = (BIN / "accelerate", "launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0")
    command = (*launcher, "-m", "tests.fusion.together", folder, tmp_path)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLEW_")}
    environment = kept | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    alone = together.trained(folder)
    assert first["looks"] == second["looks"]
    assert first["written"]
    assert not second["written"]
    for name, tensor in alone["parameters"].items():
        assert torch.equal(first["parameters"][name], second["parameters"][name])
        torch.testing.assert_close(first["parameters"][name], tensor, rtol=0.05, atol=0.02)
    for one, other in zip(first["looks"], alone["looks"], strict=True):
        assert one == pytest.approx(other, rel=1e-3)
