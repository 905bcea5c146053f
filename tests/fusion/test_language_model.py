"""A causal model in this process: equal to what transformers computes, whatever is cached, batched or restricted."""

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from tokenizers import AddedToken
from torch import Tensor

from fusion.errors import LanguageModelError, LanguageModelMemoryError, PromptTooLongError
from fusion.language import CausalModel, Options, TextModel, open_model
from fusion.language import loading as loading_module
from fusion.language.causal import HuggingFaceModel
from fusion.language.protocol import Generation
from fusion.language.stopping import StopText
from nlp.weights import WeightsError
from tests.fusion import tiny_model

PROMPT = "北京: who directed the film Forbidden Ground?"
CONTINUATIONS = (" Johan Earl", " Paris", "s", " Beijing is the capital of China.", "糖尿病")


@pytest.fixture(scope="module")
def model(folder: Path) -> HuggingFaceModel:
    found = open_model(str(folder), device="cpu")
    assert isinstance(found, HuggingFaceModel)
    return found


@torch.inference_mode()
def reference(model: HuggingFaceModel, prompt: str, tokens: Sequence[int]) -> Tensor:
    """What transformers says of each of the tokens after a prompt: log-probabilities, (s, v)."""
    ids = model.tokenizer(prompt).input_ids
    logits = model.module(input_ids=torch.tensor([[*ids, *tokens]])).logits[0].float()
    return logits[len(ids) - 1 : -1].log_softmax(dim=-1)


def test_it_is_what_the_protocols_ask_for(model: HuggingFaceModel) -> None:
    causal: CausalModel = model
    text: TextModel = model
    assert causal.width == tiny_model.WIDTH
    assert causal.context == tiny_model.CONTEXT
    assert causal.ends == {2}
    assert text.name


def test_tokens_say_where_they_stand(model: HuggingFaceModel) -> None:
    text = "Paris is 北京。"
    tokens = model.tokenize(text)
    assert model.tokenizer.decode(tokens.ids) == text
    assert tokens.spans[0][0] == 0
    assert tokens.spans[-1][1] == len(text)
    assert "Paris" in {text[start:end] for start, end in tokens.spans}


def test_a_mark_within_a_text_is_plain_text(model: HuggingFaceModel) -> None:
    ids = model.tokenize("<bos>Paris<eos>").ids
    assert not {0, 1, 2} & set(ids)
    assert model.tokenizer.decode(ids) == "<bos>Paris<eos>"


def test_an_added_token_is_no_part_of_a_text_though_it_is_not_declared_a_mark() -> None:
    tokenizer = tiny_model.tokenizer()
    tokenizer.add_tokens([AddedToken("<start_of_image>", normalized=False), AddedToken("\n\n", normalized=False)])
    model = HuggingFaceModel(tiny_model.module(len(tokenizer)), tokenizer, name="tiny")
    mark, lines = tokenizer.convert_tokens_to_ids(["<start_of_image>", "\n\n"])
    text = "Paris <start_of_image> is\n\nthe capital"
    ids = model.tokenize(text).ids
    assert mark not in ids
    assert lines in ids  # what is no mark is still one token
    assert tokenizer.decode(ids) == text
    assert (model.vocabulary.text(mark), model.vocabulary.text(lines)) == (b"", b"\n\n")


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_likelihoods_equal_those_of_transformers(model: HuggingFaceModel, batch: int) -> None:
    for ended in (False, True):
        scored = model.score(PROMPT, CONTINUATIONS, ended=ended, batch=batch)
        for text, likelihood in zip(CONTINUATIONS, scored, strict=True):
            tokens = [*model.tokenize(text).ids, *([2] if ended else [])]
            expected = reference(model, PROMPT, tokens)[range(len(tokens)), tokens]
            torch.testing.assert_close(torch.tensor(likelihood.tokens), expected, atol=1e-4, rtol=1e-4)
            assert likelihood.total == pytest.approx(float(expected.sum()), abs=1e-3)
            assert likelihood.mean == pytest.approx(float(expected.mean()), abs=1e-3)


def test_nothing_to_score(model: HuggingFaceModel) -> None:
    assert model.score(PROMPT, []) == []
    with pytest.raises(ValueError, match="empty"):
        model.score(PROMPT, ["a", ""])


def test_the_likeliest_tokens_are_those_of_transformers(model: HuggingFaceModel) -> None:
    found = model.generate(PROMPT, options=Options(max_tokens=24))
    ids = torch.tensor([model.tokenizer(PROMPT).input_ids])
    expected = model.module.generate(input_ids=ids, max_new_tokens=24, do_sample=False)[0, ids.shape[1] :].tolist()
    written = [*found.tokens, *([2] if found.ended else [])]
    assert written == expected
    assert len(set(written)) > 3  # not one token again and again, which would show little
    likelihoods = reference(model, PROMPT, written)[range(len(written)), written]
    assert found.log_likelihood == pytest.approx(float(likelihoods.sum()), abs=1e-3)


def test_pieces_join_to_the_text(model: HuggingFaceModel) -> None:
    for seed in range(5):
        options = Options(max_tokens=30, temperature=1.5, seed=seed)
        found = model.generate(PROMPT, options=options)
        assert "".join(model.stream(PROMPT, options=options)) == found.text
        assert model.tokenizer.decode(found.tokens, skip_special_tokens=True).startswith(found.text.rstrip("\ufffd"))


def test_a_character_of_several_tokens_is_never_shown_in_part(model: HuggingFaceModel) -> None:
    wanted = model.tokenize("鑫 is 鑫").ids  # no text that made the tokenizer has it: three tokens, a byte each
    pieces = list(model.stream(PROMPT, allowed=lambda tokens: wanted[len(tokens) : len(tokens) + 1]))
    assert "".join(pieces) == "鑫 is 鑫"
    assert "鑫" in pieces


def test_samples_differ_by_seed_alone(model: HuggingFaceModel) -> None:
    texts = [model.generate(PROMPT, options=Options(max_tokens=12, temperature=2.0, seed=seed)) for seed in (1, 1, 2)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_a_tiny_nucleus_is_the_likeliest_token(model: HuggingFaceModel) -> None:
    greedy = model.generate(PROMPT, options=Options(max_tokens=8))
    assert model.generate(PROMPT, options=Options(max_tokens=8, temperature=5.0, top_p=1e-6)).tokens == greedy.tokens


def test_a_text_ends_before_a_stop(model: HuggingFaceModel) -> None:
    whole = model.generate(PROMPT, options=Options(max_tokens=24)).text
    stop = whole[len(whole) // 2 :][:3]
    found = model.generate(PROMPT, options=Options(max_tokens=24, stop=(stop,)))
    assert found.text == whole[: whole.index(stop)]
    assert found.ended


@pytest.mark.parametrize(
    ("pieces", "stops", "text", "met"),
    [
        (["abc", "de"], [], "abcde", False),
        (["ab", "cd", "e"], ["cde"], "ab", True),
        (["ab", "cd", "x"], ["cde"], "abcdx", False),
        (["a\n", "\nb"], ["\n\n", "b"], "a", True),
        (["xaa", "ab"], ["aab"], "xa", True),
        (["a", "b"], ["bc"], "ab", False),
    ],
)
def test_stops_are_found_across_pieces(pieces: list[str], stops: list[str], text: str, met: bool) -> None:
    stop = StopText(stops)
    shown = ""
    for piece in pieces:
        shown += stop.add(piece)
        if stop.met:
            break
    assert (shown + stop.rest(), stop.met) == (text, met)


def trie(model: HuggingFaceModel, texts: Sequence[str]) -> "dict[tuple[int, ...], set[int]]":
    """What may follow each beginning of the texts; their end, after the whole of one."""
    steps: dict[tuple[int, ...], set[int]] = {}
    for text in texts:
        ids = (*model.tokenize(text).ids, 2)
        for length, token in enumerate(ids):
            steps.setdefault(ids[:length], set()).add(token)
    return steps


def test_only_what_is_allowed_is_written(model: HuggingFaceModel) -> None:
    names = (" Johan Earl", " Johan", " Paris", " Sydney, Australia")
    steps = trie(model, names)
    for seed in range(8):
        options = Options(temperature=3.0, seed=seed)
        found = model.generate(PROMPT, options=options, allowed=lambda tokens: sorted(steps[tuple(tokens)]))
        assert found.text in names
        assert found.ended


def test_restricted_likelihoods_are_those_of_the_allowed_tokens(model: HuggingFaceModel) -> None:
    allowed = [5, 300, 17, 40]
    found = model.generate(PROMPT, options=Options(max_tokens=6), allowed=lambda tokens: allowed)
    total = 0.0
    for step, token in enumerate(found.tokens):
        among = reference(model, PROMPT, [*found.tokens[:step], 0])[-1][allowed].log_softmax(dim=0)
        assert token == allowed[int(among.argmax())]
        total += float(among.max())
    assert found.log_likelihood == pytest.approx(total, abs=1e-3)


@pytest.mark.parametrize("allowed", [None, [5, 300, 17, 40]])
def test_a_token_below_its_threshold_begins_no_text(model: HuggingFaceModel, allowed: list[int] | None) -> None:
    def write(*thresholds: tuple[int, float]) -> Generation:
        options = Options(max_tokens=3, thresholds=thresholds)
        return model.generate(PROMPT, options=options, allowed=lambda tokens: allowed)

    first = write().tokens[0]
    likeliest = reference(model, PROMPT, [0])[-1].log_softmax(dim=0)
    if allowed is not None:
        likeliest = likeliest[allowed].log_softmax(dim=0)
    probability = float(likeliest.exp().max())
    assert write((first, probability - 1e-4)).tokens[0] == first
    other = write((first, probability + 1e-4))
    assert other.tokens[0] != first
    second = float(likeliest.topk(2).values[1])
    assert other.log_likelihood is not None
    assert other.log_likelihood <= second + 1e-3  # among all that were allowed, this one too
    assert write(*((token, 1.0) for token in allowed or ())).tokens[0] == first  # there is nothing else to begin with


def test_nothing_allowed_is_an_empty_text(model: HuggingFaceModel) -> None:
    found = model.generate(PROMPT, allowed=lambda tokens: [])
    assert (found.text, found.tokens, found.ended, found.log_likelihood) == ("", (), True, 0.0)
    assert [beam.text for beam in model.search(PROMPT, beams=3, max_tokens=4, allowed=lambda tokens: [])] == [""]


def test_beams_find_the_likeliest_of_all_texts(model: HuggingFaceModel) -> None:
    """Wide enough, the search sees every text of up to three tokens; so its order must be theirs."""
    letters = [5, 300, 40]

    def allowed(tokens: Sequence[int]) -> list[int]:
        return [*letters, 2] if len(tokens) < 3 else [2]

    found = model.search(PROMPT, beams=100, max_tokens=4, allowed=allowed)
    every = [text for length in range(4) for text in itertools.product(letters, repeat=length)]
    expected = {}
    for text in every:
        likelihoods = reference(model, PROMPT, [*text, 2])
        total = 0.0
        for step, token in enumerate((*text, 2)):
            choices = allowed(text[:step])
            total += float(likelihoods[step][choices].log_softmax(dim=0)[choices.index(token)])
        expected[text] = total
    assert [beam.tokens for beam in found] == sorted(expected, key=lambda text: -expected[text])
    for beam in found:
        assert beam.ended
        assert beam.log_likelihood == pytest.approx(expected[beam.tokens], abs=1e-3)
    best = model.search(PROMPT, beams=2, max_tokens=4, allowed=allowed)
    assert best[0].log_likelihood >= best[1].log_likelihood


def test_one_beam_writes_what_greedy_writes(model: HuggingFaceModel) -> None:
    greedy = model.generate(PROMPT, options=Options(max_tokens=10))
    (beam,) = model.search(PROMPT, beams=1, max_tokens=10)
    assert beam.tokens == greedy.tokens
    assert beam.log_likelihood == pytest.approx(greedy.log_likelihood, abs=1e-3)


def test_soft_tokens_that_are_hard_ones_change_nothing(model: HuggingFaceModel) -> None:
    hard = "Paris is the capital of France; "
    with torch.inference_mode():
        prefix = model.module.get_input_embeddings()(torch.tensor(model.tokenize(hard).ids))
    options = Options(max_tokens=12)
    assert model.generate(PROMPT, options=options, prefix=prefix).tokens == (
        model.generate(hard + PROMPT, options=options).tokens
    )
    soft = model.score(PROMPT, CONTINUATIONS, prefix=prefix)
    for one, other in zip(soft, model.score(hard + PROMPT, CONTINUATIONS), strict=True):
        assert one.tokens == pytest.approx(other.tokens, abs=1e-3)
    changed = model.score(PROMPT, CONTINUATIONS, prefix=torch.randn(3, model.width))
    assert changed[0].total != pytest.approx(soft[0].total, abs=1e-3)


def test_a_prompt_that_does_not_fit_is_one_clear_line(model: HuggingFaceModel) -> None:
    with pytest.raises(PromptTooLongError, match=rf"takes {tiny_model.CONTEXT} in all") as caught:
        model.generate("Paris " * 600)
    assert "\n" not in str(caught.value)
    room = tiny_model.CONTEXT - len(model.tokenizer("Paris").input_ids)
    assert model.generate("Paris", options=Options(max_tokens=room))
    with pytest.raises(PromptTooLongError):
        model.generate("Paris", options=Options(max_tokens=room), prefix=torch.zeros(1, model.width))


def test_without_memory_the_batch_shrinks_and_then_it_says_so(
    model: HuggingFaceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = model.score(PROMPT, CONTINUATIONS)
    whole, sizes, most = model.read, list[int](), 2

    def read(run: object, tokens: Sequence[Sequence[int]]) -> Tensor:
        sizes.append(len(tokens))
        if len(tokens) > most:
            raise torch.OutOfMemoryError
        return whole(run, tokens)  # type: ignore[arg-type]

    monkeypatch.setattr(model, "read", read)
    for one, other in zip(model.score(PROMPT, CONTINUATIONS), expected, strict=True):
        assert one.tokens == pytest.approx(other.tokens, abs=1e-3)
    assert max(sizes) > most
    most = 0
    with pytest.raises(LanguageModelMemoryError, match="no memory left"):
        model.score(PROMPT, CONTINUATIONS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_tokens": 0},
        {"temperature": -1.0},
        {"top_p": 0.0},
        {"top_p": 1.5},
        {"stop": ("",)},
        {"thresholds": ((5, 2.0),)},
    ],
)
def test_options_that_mean_nothing_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        dataclasses.replace(Options(), **wrong)  # type: ignore[arg-type]


def test_bfloat16_ranks_as_float32_does(model: HuggingFaceModel, folder: Path) -> None:
    half = open_model(str(folder), precision="bfloat16", device="cpu")
    assert isinstance(half, HuggingFaceModel)
    assert half.module.dtype == torch.bfloat16
    totals = [[one.total for one in each.score(PROMPT, CONTINUATIONS)] for each in (model, half)]
    assert totals[1] == pytest.approx(totals[0], rel=0.05)


def test_a_head_of_another_kind_is_refused() -> None:
    module = tiny_model.module(400)
    forward = module.lm_head.forward
    module.lm_head.forward = lambda states: forward(states) * 2  # type: ignore[method-assign]
    with pytest.raises(LanguageModelError, match="in a way that Clew does not know"):
        HuggingFaceModel(module, tiny_model.tokenizer(), name="another")


def test_what_cannot_be_opened_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(LanguageModelError, match="is no folder"):
        open_model(str(tmp_path / "none"))
    with pytest.raises(WeightsError, match="not in the Hugging Face cache"):
        open_model("hub:nobody/no-such-model")
    for files in ({}, {"config.json": "{"}, {"config.json": '{"model_type": "none-such"}'}):
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        with pytest.raises(LanguageModelError, match="cannot be loaded") as caught:
            open_model(str(tmp_path))
        assert "\n" not in str(caught.value)


def test_fewer_bits_without_torchao_say_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading_module, "find_spec", lambda name: None)
    with pytest.raises(LanguageModelError, match="pip install torchao"):
        open_model(str(folder), precision="int8")
    with pytest.raises(LanguageModelError, match="int4 needs a GPU"):
        open_model(str(folder), precision="int4", device="cpu")
    with pytest.raises(ValueError, match="int2"):
        open_model(str(folder), precision="int2")
