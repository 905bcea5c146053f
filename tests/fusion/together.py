"""A training that test_tuned.py runs in this process, and in two that a launcher starts.

``python -m tests.fusion.together MODEL FOLDER`` leaves what each process came to in FOLDER/RANK.pt.
"""

import sys
from pathlib import Path
from typing import Any

import torch

from fusion.language import open_model
from fusion.language.causal import HuggingFaceModel
from fusion.model import FusedConfig, FusedModel
from fusion.tuning.config import TuneConfig
from fusion.tuning.examples import Example, Examples
from fusion.tuning.loop import tune
from kg.embeddings.workers import ALONE, Workers, join
from tests.fusion.views import LEARNED, TEXT, view

ENCODER = "test"
MODEL = FusedConfig(rank=4, alpha=8, width=16, layers=2)
CONFIG = TuneConfig(epochs=3, batch=5, tokens=200, rate=1e-2, graph_rate=5e-3, precision="float32")


def made(start: int, count: int) -> Examples:
    """Examples of different lengths, and graphs of different sizes."""
    texts = ("Who directed the film?", "糖尿病有什么症状？", "Paris is the capital of France. What is Paris?")
    return Examples(
        ENCODER,
        tuple(
            Example(
                f"{texts[one % 3]} {one}",
                view(one, candidates=one % 4),
                (" Johan Earl [1]", "Paris", "多饮 [2][3]; none")[one % 3],
            )
            for one in range(start, start + count)
        ),
    )


EXAMPLES, HELD = made(0, 11), made(50, 4)  # the last batch of an epoch has one example: one process has nothing to do


def fused(folder: Path, config: FusedConfig = MODEL, *, learned: int = LEARNED) -> FusedModel:
    """A new model."""
    language = open_model(str(folder), device="cpu")
    assert isinstance(language, HuggingFaceModel)
    return FusedModel(language, config, encoder=ENCODER, text_width=TEXT, vector_width=learned)


def trained(model_folder: Path, folder: Path | None = None, workers: Workers = ALONE) -> dict[str, Any]:
    """What a training comes to."""
    model = fused(model_folder)
    found = tune(model, EXAMPLES, CONFIG, dev=HELD, folder=folder, workers=workers)
    return {
        "parameters": {name: one.detach().clone() for name, one in model.trained().items()},
        "looks": [(look.step, look.loss, look.dev) for look in found.history],
        "written": folder is not None and folder.exists(),
    }


if __name__ == "__main__":
    place, (model_folder, folder) = join("cpu"), map(Path, sys.argv[1:])
    torch.save(trained(model_folder, folder / f"of-{place.rank}", place), folder / f"{place.rank}.pt")
