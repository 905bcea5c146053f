"""Training a fused model: what an example costs, and a loop that can be cut short anywhere."""

import math
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from fusion.errors import OtherModelError, TuningError, TuningMemoryError
from fusion.model import FusedModel
from fusion.tuning import loop
from fusion.tuning.batches import collate, lines, portions, shuffled
from fusion.tuning.board import board
from fusion.tuning.config import Look, Tuned
from fusion.tuning.examples import Example, Examples
from fusion.tuning.loop import tune
from fusion.tuning.loss import losses
from fusion.tuning.stopping import on_interrupt
from tests.fusion.together import CONFIG, EXAMPLES, HELD, MODEL, fused
from tests.fusion.views import view


@pytest.fixture(scope="module")
def model(folder: Path) -> FusedModel:
    return fused(folder)


def cost(model: FusedModel, examples: Sequence[Example]) -> Tensor:
    views = [one.view for one in examples]
    return losses(model, lines(model.language, examples), views, dtype=torch.float32)


# -- the loss ---------------------------------------------------------------------------------------------------------


def test_it_is_what_transformers_says(model: FusedModel) -> None:
    """The same sequence with the whole vocabulary's logits at every position, all but the target masked."""
    one = EXAMPLES.examples[0]
    [line] = lines(model.language, [one])
    embed = model.language.module.get_input_embeddings()
    hard = embed(torch.tensor([*line.lead, *line.prompt, *line.target]))
    soft = model.encoder([one.view])[0]
    given = torch.cat((hard[: len(line.lead)], soft, hard[len(line.lead) :]))[None]
    labels = torch.full((1, given.shape[1]), -100)
    labels[0, -len(line.target) :] = torch.tensor(line.target)
    expected = model.language.module(inputs_embeds=given, labels=labels).loss
    found = cost(model, [one])
    torch.testing.assert_close(found[0], expected)
    slopes = [torch.autograd.grad(loss, list(model.trained().values())) for loss in (found[0], expected)]
    for ours, theirs in zip(*slopes, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


def test_it_is_what_answering_says(model: FusedModel) -> None:
    for one in EXAMPLES.examples[:4]:
        [likelihood] = model.language.score(one.prompt, [one.target], prefix=model.soft_tokens(one.view), ended=True)
        assert cost(model, [one]).item() == pytest.approx(-likelihood.mean, rel=1e-4)


def test_padding_changes_nothing(model: FusedModel) -> None:
    some = [*EXAMPLES.examples[:2], Example("Short:", view(9, candidates=0), "x")]
    assert len({line.length for line in lines(model.language, some)}) == 3
    together, alone = cost(model, some), torch.cat([cost(model, [one]) for one in some])
    torch.testing.assert_close(together, alone)


def test_the_head_is_multiplied_at_the_target_alone(model: FusedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0
    whole = model.language.head.logits

    def logits(states: Tensor, rows: Sequence[int] | None = None) -> Tensor:
        nonlocal seen
        seen += len(states)
        return whole(states, rows)

    monkeypatch.setattr(model.language.head, "logits", logits)
    with torch.no_grad():
        cost(model, EXAMPLES.examples)
    assert seen == sum(len(line.target) for line in lines(model.language, EXAMPLES.examples))


def test_a_long_target(model: FusedModel) -> None:
    """More tokens than the head is multiplied with at a time."""
    [found] = cost(model, [Example("Say it.", view(), " Paris is the capital of France;" * 6)])
    found.backward()
    assert math.isfinite(found.item())


def test_an_example_that_is_too_long(model: FusedModel) -> None:
    with pytest.raises(TuningError, match=r"Example 2 has \d+ tokens, and .* reads 256 at once"):
        lines(model.language, [EXAMPLES.examples[0], Example("word " * 200, view(), "x")])


# -- batches ----------------------------------------------------------------------------------------------------------


def test_an_epoch_has_each_example_once_with_others_of_like_length() -> None:
    lengths = [int(length) for length in np.random.default_rng(0).integers(10, 400, size=1003)]
    first, again, second = (list(shuffled(lengths, 16, seed=3, epoch=epoch)) for epoch in (0, 0, 1))
    assert first == again != second
    assert sorted(one for batch in first for one in batch) == list(range(1003))
    padded = sum(len(batch) * max(lengths[one] for one in batch) for batch in first)
    assert padded < 1.1 * sum(lengths)


def test_portions_keep_to_their_tokens() -> None:
    lengths = [5, 100, 7, 40, 40, 41]
    found = list(portions(range(6), lengths, 90))
    assert found == [[1], [5, 3], [4, 2], [0]] or sorted(one for some in found for one in some) == list(range(6))
    assert all(len(some) == 1 or len(some) * max(lengths[one] for one in some) <= 90 for some in found)


def test_soft_tokens_stand_after_the_beginning(model: FusedModel) -> None:
    [line] = lines(model.language, EXAMPLES.examples[:1])
    batch = collate([line])
    assert batch.ids[0, 0] == 1
    assert batch.soft_columns.tolist() == list(range(1, 1 + line.soft))
    assert batch.targets.tolist() == list(line.target)
    assert batch.columns.tolist() == list(range(line.length - len(line.target), line.length))


# -- the loop ---------------------------------------------------------------------------------------------------------


def state(model: FusedModel) -> dict[str, Tensor]:
    return {name: one.detach().clone() for name, one in model.trained().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def about(found: Tuned) -> list[tuple[object, ...]]:
    """All but the seconds."""
    return [(look.step, look.loss, look.dev, look.tokens) for look in found.history]


def test_the_same_seed_gives_the_same_bits(folder: Path) -> None:
    first, again = fused(folder), fused(folder)
    config = replace(CONFIG, epochs=2)
    found = [tune(one, EXAMPLES, config, dev=HELD) for one in (first, again)]
    assert same(state(first), state(again))
    assert about(found[0]) == about(found[1])
    other = fused(folder)
    tune(other, EXAMPLES, replace(config, seed=1), dev=HELD)
    assert not same(state(first), state(other))


@pytest.mark.parametrize("step", [1, 4, 5])
def test_a_run_cut_short_goes_on_bit_for_bit(step: int, folder: Path, tmp_path: Path) -> None:
    """Whether Ctrl-C comes before the first look, between two, or just after one."""
    whole = fused(folder)
    expected = tune(whole, EXAMPLES, CONFIG, dev=HELD)
    cut, count = fused(folder), 0

    def penalty() -> Tensor:  # is asked for once a step, and adds nothing
        nonlocal count
        count += 1
        if count == step:
            signal.raise_signal(signal.SIGINT)
        return next(iter(cut.trained().values())).sum() * 0

    with pytest.raises(KeyboardInterrupt):
        tune(cut, EXAMPLES, CONFIG, dev=HELD, folder=tmp_path, penalty=penalty)
    assert count == step
    resumed = fused(folder)
    found = tune(resumed, EXAMPLES, CONFIG, dev=HELD, folder=tmp_path, resume=True)
    assert same(state(resumed), state(whole))
    assert about(found) == about(expected)
    assert (found.best, found.dev, found.stopped) == (expected.best, expected.dev, expected.stopped)


def test_dropout_goes_on_bit_for_bit_too(folder: Path, tmp_path: Path) -> None:
    dropping = replace(MODEL, dropout=0.3)
    whole, parts = fused(folder, dropping), fused(folder, dropping)
    config = replace(CONFIG, epochs=2, measure_every=2)
    tune(whole, EXAMPLES, config)

    def stop(look: Look) -> None:
        if look.step == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        tune(parts, EXAMPLES, config, folder=tmp_path, progress=stop)
    resumed = fused(folder, dropping)
    tune(resumed, EXAMPLES, config, folder=tmp_path, resume=True)
    assert same(state(whole), state(resumed))


def test_a_run_that_never_came_to_a_look_goes_on_from_its_beginning(folder: Path, tmp_path: Path) -> None:
    """Nor is it mistaken for the run before, whose checkpoint lay there."""
    tune(fused(folder), EXAMPLES, replace(CONFIG, epochs=1), folder=tmp_path)

    class Killed(Exception):
        pass

    def kill() -> Tensor:
        raise Killed

    with pytest.raises(Killed):
        tune(fused(folder), EXAMPLES, CONFIG, dev=HELD, folder=tmp_path, penalty=kill)
    whole, resumed = fused(folder), fused(folder)
    expected = tune(whole, EXAMPLES, CONFIG, dev=HELD)
    assert about(tune(resumed, EXAMPLES, CONFIG, dev=HELD, folder=tmp_path, resume=True)) == about(expected)
    assert same(state(resumed), state(whole))


def test_a_finished_run_is_only_read(folder: Path, tmp_path: Path) -> None:
    first, again = fused(folder), fused(folder)
    expected = tune(first, EXAMPLES, CONFIG, dev=HELD, folder=tmp_path)
    assert tune(again, EXAMPLES, CONFIG, dev=HELD, folder=tmp_path, resume=True) == expected
    assert same(state(first), state(again))


def test_a_checkpoint_of_another_run(folder: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=1)
    tune(fused(folder), EXAMPLES, config, folder=tmp_path)
    fewer = Examples(EXAMPLES.encoder, EXAMPLES.examples[:-1])
    for examples, other, message in (
        (EXAMPLES, replace(config, rate=0.5), "training rate was 0.01, now 0.5"),
        (fewer, config, "the examples are others"),
    ):
        with pytest.raises(TuningError, match=message):
            tune(fused(folder), examples, other, folder=tmp_path, resume=True)
    (tmp_path / "run.json").write_text("{", "utf-8")
    with pytest.raises(TuningError, match="the checkpoint cannot be read"):
        tune(fused(folder), EXAMPLES, config, folder=tmp_path, resume=True)


def test_it_stops_when_dev_examples_get_no_better(folder: Path) -> None:
    """Those cost the more, the better the others are learned: they have other targets."""
    against = Examples(HELD.encoder, tuple(replace_target(one, "北京是中国的首都。") for one in EXAMPLES.examples))
    model = fused(folder)
    found = tune(model, EXAMPLES, replace(CONFIG, epochs=50, rate=0.05, patience=2), dev=against)
    assert found.stopped == "patience"
    measured = {look.step: look.dev for look in found.history}
    assert measured[found.best] == min(one for one in measured.values() if one is not None)
    assert [look.step for look in found.history][-3] == found.best
    assert found.dev == pytest.approx(measured[found.best], rel=0.02)  # but for its rounding


def replace_target(one: Example, target: str) -> Example:
    return Example(one.prompt, one.view, target)


@pytest.mark.parametrize("changed", [{"tokens": 1}, {"tokens": 100_000}, {"recompute": True}])
def test_portions_and_recomputing_change_nothing(changed: dict[str, int], folder: Path) -> None:
    one, other = fused(folder), fused(folder)
    config = replace(CONFIG, epochs=1)
    first = tune(one, EXAMPLES, config, dev=HELD)
    found = tune(other, EXAMPLES, replace(config, **changed), dev=HELD)  # type: ignore[arg-type]
    assert found.dev == pytest.approx(first.dev, rel=1e-3)
    assert [look.loss for look in found.history] == pytest.approx([look.loss for look in first.history], rel=1e-3)


def test_when_memory_runs_out_portions_become_smaller(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other, limit = fused(folder), fused(folder), 100
    config = replace(CONFIG, epochs=1, tokens=10_000)
    tune(one, EXAMPLES, config)
    whole = loop.losses

    def small(model: FusedModel, lines: Sequence[object], *args: object, **options: object) -> Tensor:
        if sum(line.length for line in lines) > limit:  # type: ignore[attr-defined]
            raise torch.OutOfMemoryError
        return whole(model, lines, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "losses", small)
    tune(other, EXAMPLES, config)
    for name, expected in state(one).items():
        torch.testing.assert_close(state(other)[name], expected, rtol=0.05, atol=0.02)
    limit = 0
    with pytest.raises(TuningMemoryError, match=r"No memory left for an example of \d+ tokens"):
        tune(fused(folder), EXAMPLES, config)


def test_a_processor_says_in_words_that_memory_ran_out() -> None:
    with pytest.raises(RuntimeError) as error:
        torch.empty(10**15)
    assert loop.is_out_of_memory(error.value)
    assert not loop.is_out_of_memory(RuntimeError("something else"))


def test_bfloat16_learns_nearly_the_same(folder: Path) -> None:
    one, other = fused(folder), fused(folder)
    first = tune(one, EXAMPLES, CONFIG, dev=HELD)
    found = tune(other, EXAMPLES, replace(CONFIG, precision="bfloat16"), dev=HELD)
    assert found.precision == "bfloat16"
    assert found.dev == pytest.approx(first.dev, rel=0.1)


def test_what_cannot_be_learned(folder: Path, model: FusedModel) -> None:
    with pytest.raises(TuningError, match="no examples"):
        tune(model, Examples(EXAMPLES.encoder, ()), CONFIG)
    with pytest.raises(OtherModelError, match="sentence encoder other, and the model reads"):
        tune(model, Examples("other", EXAMPLES.examples), CONFIG)
    with pytest.raises(TuningError, match="became infinite or no number in step"):
        tune(fused(folder), EXAMPLES, replace(CONFIG, rate=1e30, clip=1e30))


@pytest.mark.parametrize("setting", [{"epochs": 0}, {"warm_up": 2.0}, {"decay": -1.0}, {"precision": "int8"}])
def test_settings_that_cannot_be(setting: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        replace(CONFIG, **setting)  # type: ignore[arg-type]


def test_the_second_interrupt_ends_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with on_interrupt() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == before


def test_curves(folder: Path, tmp_path: Path) -> None:
    with board(tmp_path / "curves") as write:
        tune(fused(folder), EXAMPLES, replace(CONFIG, epochs=1), dev=HELD, write=write)
    [written] = (tmp_path / "curves").iterdir()
    content = written.read_bytes()
    for name in (b"loss/train", b"loss/dev", b"rate"):
        assert name in content
