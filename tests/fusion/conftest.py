"""What tests of answering share: a tiny language model, the sentence encoder, and the films.

Torch is imported by the fixtures that need it: most tests of answering load none.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kg.memory_store import MemoryStore
from nlp.embed import MiniLM
from tests.fusion.graphs import FILMS, graph

if TYPE_CHECKING:
    from fusion.language.causal import HuggingFaceModel


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a tiny language model, which reads 256 tokens; nothing is written there."""
    from tests.fusion import tiny_model

    return tiny_model.write(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def wide_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those of one that reads 2,048."""
    from tests.fusion import tiny_model

    return tiny_model.write(tmp_path_factory.mktemp("model"), context=2048)


@pytest.fixture(scope="module")
def model(wide_folder: Path) -> "HuggingFaceModel":
    """A tiny language model, whose weights are random."""
    from fusion.language import open_model
    from fusion.language.causal import HuggingFaceModel

    found = open_model(str(wide_folder), device="cpu")
    assert isinstance(found, HuggingFaceModel)
    return found


@pytest.fixture(scope="module")
def embedder() -> MiniLM:
    """The sentence encoder."""
    return MiniLM(threads=1)


@pytest.fixture(scope="module")
def store(embedder: MiniLM) -> MemoryStore:
    """The films, with vectors."""
    return graph(FILMS, embedder=embedder)
