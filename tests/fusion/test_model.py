"""The fused model: soft tokens of a graph, LoRA in a language model, and the folder that holds both."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from torch import Tensor

from fusion.adapter import ABOUT, GRAPH, LORA, Trained, load, read_about, save
from fusion.errors import AdapterError, OtherModelError
from fusion.language import open_model
from fusion.language.causal import HuggingFaceModel
from fusion.model import FusedConfig, FusedModel
from tests.fusion import tiny_model
from tests.fusion.views import LEARNED, TEXT, view

CONFIG = FusedConfig(rank=4, alpha=8, width=16, layers=3)
PROMPT = "Who directed the film Forbidden Ground?"
ENCODER = "test-encoder"


def language(folder: Path) -> HuggingFaceModel:
    found = open_model(str(folder), device="cpu")
    assert isinstance(found, HuggingFaceModel)
    return found


def fused(folder: Path, config: FusedConfig = CONFIG) -> FusedModel:
    return FusedModel(language(folder), config, encoder=ENCODER, text_width=TEXT, vector_width=LEARNED)


@torch.no_grad()
def shaken(model: FusedModel) -> FusedModel:
    """As after training: no part is what it began as."""
    generator = torch.Generator().manual_seed(3)
    for parameter in model.trained().values():
        parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model


@pytest.fixture(scope="module")
def model(folder: Path) -> FusedModel:
    return shaken(fused(folder))


def of_view(model: FusedModel, **changed: object) -> Tensor:
    return model.soft_tokens(replace(view(), **changed))  # type: ignore[arg-type]


# -- soft tokens ------------------------------------------------------------------------------------------------------


def test_one_soft_token_a_candidate(model: FusedModel) -> None:
    for candidates in (0, 1, 5):
        tokens = model.soft_tokens(view(candidates=candidates))
        assert tokens.shape == (candidates, tiny_model.WIDTH)
        assert bool(torch.isfinite(tokens).all())
        assert model.language.generate(PROMPT, prefix=tokens).text


def test_untrained_ones_are_as_long_as_embeddings(folder: Path) -> None:
    model = fused(folder)
    embeddings = model.language.module.get_input_embeddings()(torch.arange(300)).norm(dim=1)
    lengths = model.soft_tokens(view(candidates=5)).norm(dim=1)
    assert torch.allclose(lengths, embeddings.median(), rtol=0.1)


def test_views_beside_each_other_are_as_alone(model: FusedModel) -> None:
    views = [view(1), view(2, entities=9, facts=20, candidates=4), view(3, facts=0), view(4, relations=7)]
    with torch.inference_mode():
        together = model.encoder(views)
    for one, tokens in zip(views, together, strict=True):
        torch.testing.assert_close(model.soft_tokens(one), tokens)


def test_the_order_of_entities_and_facts_says_nothing(model: FusedModel) -> None:
    one, order = view(), np.random.default_rng(1).permutation(6)
    place = np.argsort(order)
    facts = np.random.default_rng(2).permutation(9)
    other = replace(
        one,
        names=one.names[order],
        vectors=one.vectors[order],
        topics=one.topics[order],
        subjects=place[one.subjects][facts],
        rows=one.rows[facts],
        objects=place[one.objects][facts],
        candidates=place[one.candidates],
    )
    torch.testing.assert_close(model.soft_tokens(one), model.soft_tokens(other))


@pytest.mark.parametrize("part", ["names", "vectors", "topics", "relations", "scores"])
def test_each_part_of_a_view_is_heard(part: str, model: FusedModel) -> None:
    changed = getattr(view(), part)[::-1].copy()
    assert not torch.allclose(of_view(model), of_view(model, **{part: changed}), rtol=1e-3)


def test_the_direction_of_facts_is_heard(model: FusedModel) -> None:
    one = view()
    assert not torch.allclose(of_view(model), of_view(model, subjects=one.objects, objects=one.subjects), rtol=1e-3)


def test_what_was_never_proposed_is_no_harm(model: FusedModel) -> None:
    scores = np.full((2, 3), -np.inf, np.float32)
    assert bool(torch.isfinite(of_view(model, scores=scores)).all())


def test_vectors_that_nothing_learned_are_zeros(model: FusedModel) -> None:
    none, zeros = np.zeros((6, 0), np.float32), np.zeros((6, LEARNED), np.float32)
    assert torch.equal(of_view(model, vectors=none), of_view(model, vectors=zeros))


def test_a_view_of_another_width(model: FusedModel) -> None:
    with pytest.raises(OtherModelError, match="sentence vectors of 12 numbers, and these have 5; train it anew"):
        of_view(model, names=np.zeros((6, 5), np.float32))
    with pytest.raises(OtherModelError, match="learned vectors of 4 numbers, and these have 5"):
        of_view(model, vectors=np.zeros((6, 5), np.float32))


# -- LoRA -------------------------------------------------------------------------------------------------------------


def test_untrained_lora_changes_nothing(folder: Path) -> None:
    text = " Johan Earl directed it."
    assert fused(folder).language.score(PROMPT, [text]) == language(folder).score(PROMPT, [text])


@pytest.mark.parametrize("changed", [{}, {"rslora": True}, {"dora": True}, {"targets": ("q_proj", "v_proj")}])
def test_only_what_is_asked_for_is_trained(changed: dict[str, bool], folder: Path) -> None:
    model = fused(folder, replace(CONFIG, **changed))  # type: ignore[arg-type]
    lora = [name for name in model.trained() if name.startswith("lora/")]
    a_layer = 3 if "dora" in changed else 2
    assert len(lora) == 2 * a_layer * (2 if "targets" in changed else 7)
    assert all(parameter.requires_grad for parameter in model.trained().values())
    frozen = [one for name, one in model.language.module.named_parameters() if "lora" not in name]
    assert not any(parameter.requires_grad for parameter in frozen)


def test_layers_that_are_not_there(folder: Path) -> None:
    with pytest.raises(AdapterError, match="has no layers named query"):
        fused(folder, replace(CONFIG, targets=("query",)))


def test_a_model_carries_one_adapter(model: FusedModel) -> None:
    with pytest.raises(AdapterError, match="carries an adapter already"):
        FusedModel(model.language, CONFIG, encoder=ENCODER, text_width=TEXT)


@pytest.mark.parametrize("setting", [{"rank": 0}, {"layers": -1}, {"dropout": 1.0}])
def test_settings_that_cannot_be(setting: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        replace(CONFIG, **setting)  # type: ignore[arg-type]


# -- the folder -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[{}, {"dora": True}], ids=["lora", "dora"])
def saved(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> tuple[FusedModel, Path]:
    model = shaken(fused(folder, replace(CONFIG, **request.param)))
    save(model, tmp_path / "adapter", Trained("abc", 12, 5, {"dev loss": 0.25}))
    return model, tmp_path / "adapter"


def test_what_was_saved_is_loaded(saved: tuple[FusedModel, Path], folder: Path) -> None:
    model, kept = saved
    again = load(kept, language(folder), encoder=ENCODER, vector_width=LEARNED)
    tokens = model.soft_tokens(view())
    assert torch.equal(again.soft_tokens(view()), tokens)
    options = {"prefix": tokens, "continuations": [" Johan Earl"], "prompt": PROMPT}
    assert again.language.score(**options) == model.language.score(**options)  # type: ignore[arg-type]
    assert again.config == model.config
    merged = load(kept, language(folder), encoder=ENCODER, vector_width=LEARNED, merge=True)
    [expected], [found] = (one.language.score(**options) for one in (model, merged))  # type: ignore[arg-type]
    assert found.tokens == pytest.approx(expected.tokens, abs=1e-4)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # in peft
def test_peft_reads_it_too(saved: tuple[FusedModel, Path], folder: Path) -> None:
    model, kept = saved
    other = PeftModel.from_pretrained(language(folder).module, str(kept))
    ids = torch.arange(3, 20)[None]
    with torch.inference_mode():
        torch.testing.assert_close(other(input_ids=ids).logits, model.language.module(input_ids=ids).logits)


def test_it_tells_what_it_is(saved: tuple[FusedModel, Path]) -> None:
    about = read_about(saved[1])
    assert about.trained == Trained("abc", 12, 5, {"dev loss": 0.25})
    assert (about.encoder, about.text_width, about.vector_width) == (ENCODER, TEXT, LEARNED)
    card = (saved[1] / "README.md").read_text("utf-8")
    for part in (about.base.name, about.base.digest, ENCODER, "dev loss: 0.25", "12 examples", "rank 4"):
        assert part in card
    assert sum(file.stat().st_size for file in saved[1].iterdir()) < 100_000


def test_another_language_model(saved: tuple[FusedModel, Path], folder: Path) -> None:
    other = language(folder)
    with torch.no_grad():
        other.module.get_input_embeddings().weight[0] += 1
    with pytest.raises(OtherModelError, match=r"trained for .* \(digest \w+\), and this is .* \(digest \w+\)") as error:
        load(saved[1], other, encoder=ENCODER)
    assert "\n" not in str(error.value)


def test_a_lower_precision_is_the_same_model(saved: tuple[FusedModel, Path], folder: Path) -> None:
    lower = open_model(str(folder), device="cpu", precision="bfloat16")
    assert isinstance(lower, HuggingFaceModel)
    model = load(saved[1], lower, encoder=ENCODER)
    assert {parameter.dtype for parameter in model.trained().values()} == {torch.float32}
    prefix = model.soft_tokens(view())
    assert model.language.score(PROMPT, [" Johan Earl"], prefix=prefix)[0].total == pytest.approx(
        saved[0].language.score(PROMPT, [" Johan Earl"], prefix=prefix)[0].total, rel=0.05
    )


def test_another_encoder_or_width(saved: tuple[FusedModel, Path], folder: Path) -> None:
    with pytest.raises(OtherModelError, match="sentence encoder test-encoder, and this one is other"):
        load(saved[1], language(folder), encoder="other")
    with pytest.raises(OtherModelError, match="learned vectors of 4 numbers, and those of this graph have 9"):
        load(saved[1], language(folder), encoder=ENCODER, vector_width=9)


@pytest.mark.parametrize("name", [ABOUT, LORA, GRAPH])
def test_a_missing_file(name: str, saved: tuple[FusedModel, Path], folder: Path) -> None:
    (saved[1] / name).unlink()
    with pytest.raises(AdapterError, match=rf"{name}.*is missing"):
        load(saved[1], language(folder), encoder=ENCODER)


@pytest.mark.parametrize("name", [LORA, GRAPH])
def test_a_damaged_file(name: str, saved: tuple[FusedModel, Path], folder: Path) -> None:
    content = bytearray((saved[1] / name).read_bytes())
    content[-1] ^= 1
    (saved[1] / name).write_bytes(content)
    with pytest.raises(AdapterError, match=rf"{name}: is not the file that adapter.json describes"):
        load(saved[1], language(folder), encoder=ENCODER)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("{", ""), "is damaged"),
        (('"format": 1', '"format": 9'), "has format 9, and this version of Clew reads format 1"),
        (('"rank": 4', '"rank": 0'), r"is damaged \(config"),
        (('"rank": 4', '"rank": 2'), "has the shape"),
        (('"width": 32', '"width": 64'), "embeddings have 64 numbers, and those of .* have 32"),
    ],
)
def test_a_damaged_description(
    change: tuple[str, str], message: str, saved: tuple[FusedModel, Path], folder: Path
) -> None:
    path = saved[1] / ABOUT
    text = path.read_text("utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change, 1), "utf-8")
    with pytest.raises(AdapterError, match=message) as error:
        load(saved[1], language(folder), encoder=ENCODER)
    assert re.search(r"train|open", str(error.value))


def test_a_folder_that_cannot_be_written(model: FusedModel, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AdapterError, match="could not be written"):
        save(model, tmp_path / "file", Trained())


def test_the_description_is_plain_json(saved: tuple[FusedModel, Path]) -> None:
    assert json.loads((saved[1] / ABOUT).read_text("utf-8"))["format"] == 1
