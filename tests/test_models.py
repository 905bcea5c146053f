"""What lies in models/ is small and whole, may be passed on, and holds no text that was learned from."""

import hashlib
from pathlib import Path

import pytest

from fusion.adapter import ABOUT, CARD, GRAPH, LORA, read_about

MODELS = Path(__file__).parents[1] / "models"
ADAPTERS = sorted(path.parent for path in MODELS.glob(f"*/{ABOUT}"))


def test_there_is_one_for_the_model_that_needs_no_download() -> None:
    assert [folder.name for folder in ADAPTERS] == ["gemma-3-270m"]


@pytest.mark.parametrize("folder", ADAPTERS, ids=lambda folder: folder.name)
def test_it_is_whole_and_small(folder: Path) -> None:
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {*files} == {ABOUT, CARD, GRAPH, LORA, "adapter_config.json", "GEMMA_TERMS.md"}  # no sample to replay
    about = read_about(folder)
    assert {name: hashlib.sha256(files[name]).hexdigest() for name in about.files} == about.files
    assert about.vector_width == 0  # else it would be of one graph
    assert about.trained.calibration is not None
    assert sum(map(len, files.values())) < 6e6
    assert "provided under and subject to the Gemma Terms of Use" in (MODELS / "README.md").read_text("utf-8")
