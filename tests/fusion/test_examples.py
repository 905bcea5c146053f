"""Files of examples, and the sample of them that an adapter keeps."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from fusion.context import GraphView
from fusion.errors import ExamplesError, OtherModelError
from fusion.tuning import replay as sample
from fusion.tuning.examples import FORMAT, Example, Examples, read, write
from fusion.tuning.replay import Replay
from tests.fusion.views import TEXT, view

EXAMPLES = Examples(
    "encoder 1",
    (
        Example("Who?\nAnswer:", view(0), " Johan Earl [1]"),
        Example("谁？", view(1, entities=3, facts=0, relations=1, candidates=0), "none"),
        Example("Who?", replace(view(2), scores=np.full((2, 3), -np.inf, np.float32)), ' "in 1912" (3)'),
    ),
    "model 1",
)


def same(one: Examples, other: Examples) -> bool:
    def parts(example: Example) -> tuple[object, ...]:
        arrays = [getattr(example.view, field.name) for field in fields(GraphView)]
        return example.prompt, example.target, [(array.shape, array.dtype, array.tobytes()) for array in arrays]

    about = (one.encoder, one.vectors) == (other.encoder, other.vectors)
    return about and list(map(parts, one.examples)) == list(map(parts, other.examples))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(tmp_path / "some.jsonl", EXAMPLES)
    return tmp_path / "some.jsonl"


def test_what_was_written_is_read(path: Path) -> None:
    found = read(path)
    assert same(found, EXAMPLES)
    assert found.digest() == EXAMPLES.digest()
    assert len(path.read_text("utf-8").splitlines()) == 3


def test_a_graph_that_nothing_learned(tmp_path: Path) -> None:
    plain = Examples("e", tuple(Example("Who?", view(seed, learned=0), "none") for seed in range(2)))
    write(tmp_path / "plain.jsonl", plain)
    assert same(read(tmp_path / "plain.jsonl"), plain)


def test_the_same_text_is_kept_once(tmp_path: Path) -> None:
    many = Examples("e", tuple(Example(f"Who {n}?", view(0, learned=0), "none") for n in range(50)))
    write(tmp_path / "many.jsonl", many)
    assert load_file(tmp_path / "many.safetensors")["texts"].shape == (9, TEXT)
    assert (tmp_path / "many.safetensors").stat().st_size < 30_000


def test_digests_tell_examples_apart() -> None:
    one, other, last = EXAMPLES.examples
    changed = replace(one.view, topics=one.view.topics + 1)
    for examples in ((other, one, last), (one, other), (Example(one.prompt, changed, one.target), other, last)):
        assert Examples("encoder 1", examples).digest() != EXAMPLES.digest()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: is no example"),
        ("", "line 2: is no example"),
        ('{"prompt": "Who?", "target": "x"}', "line 2: is no example .view Field required"),
        ('{"prompt": "", "target": "x", "view": 0}', "line 2: is no example .prompt"),
        ('{"prompt": "Who?", "target": 3, "view": 0}', "line 2: is no example .target"),
        ('{"prompt": "Who?", "target": "x", "view": 0, "label": 1}', "line 2: is no example .label"),
        ('{"prompt": "Who?", "target": "x", "view": -1}', "line 2: is no example .view"),
        ('{"prompt": "Who?", "target": "x", "view": 3}', "line 2: its view is malformed .there is no view 3, but 3 of"),
    ],
)
def test_a_malformed_line_is_told_by_its_number(line: str, message: str, path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([lines[0], line, lines[2]]), "utf-8")
    broken(path)  # written by another program, say, which knows of no digest
    with pytest.raises(ExamplesError, match=message) as error:
        read(path)
    assert "\n" not in str(error.value)


def broken(path: Path, **changed: Any) -> None:
    """The views with other arrays in place of some; without those that are None."""
    tensors = load_file(path.with_suffix(".safetensors")) | changed
    kept = {name: np.ascontiguousarray(array) for name, array in tensors.items() if array is not None}
    save_file(kept, path.with_suffix(".safetensors"), {"format": FORMAT, "encoder": "encoder 1"})


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("objects", "line 1: its view is malformed .objects points beyond the 6"),
        ("candidates", "line 1: its view is malformed .candidates points beyond the 6"),
        ("rows", "line 1: its view is malformed .rows points beyond the 3"),
        ("names", "line 1: its view is malformed .names points beyond"),
        ("scores", "line 1: its view is malformed .scores are no"),
        ("topics", "line 1: its view is malformed .topics are no finite"),
        ("texts", "is damaged .texts is no table of finite numbers"),
        ("ends", "is damaged .a view ends before it begins"),
    ],
)
def test_views_that_cannot_be(part: str, message: str, path: Path) -> None:
    array = load_file(path.with_suffix(".safetensors"))[part]
    array.flat[0] = 99 if part in ("objects", "candidates", "rows", "names", "ends") else np.nan
    broken(path, **{part: array})
    with pytest.raises(ExamplesError, match=message):
        read(path)


def test_lines_and_views_that_do_not_belong_together(path: Path, tmp_path: Path) -> None:
    one, other, last = EXAMPLES.examples
    write(tmp_path / "other.jsonl", Examples("encoder 1", (other, one, last)))
    path.with_suffix(".safetensors").write_bytes((tmp_path / "other.safetensors").read_bytes())  # it ended in between
    with pytest.raises(ExamplesError, match=r"some\.jsonl: its lines are not those that some\.safetensors was written"):
        read(path)


def test_files_that_are_no_examples(path: Path, tmp_path: Path) -> None:
    broken(path, scores=None)
    with pytest.raises(ExamplesError, match=r"is damaged .scores missing or too many"):
        read(path)
    save_file({"x": np.zeros(1)}, path.with_suffix(".safetensors"))
    with pytest.raises(ExamplesError, match="holds None, not 'clew-examples-1'"):
        read(path)
    path.with_suffix(".safetensors").write_bytes(b"no tensors")
    with pytest.raises(ExamplesError, match="cannot be read"):
        read(path)
    path.with_suffix(".safetensors").unlink()
    with pytest.raises(ExamplesError, match=r"some\.safetensors: is missing"):
        read(path)
    write(path, Examples("e", ()))
    with pytest.raises(ExamplesError, match="holds no examples"):
        read(path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ExamplesError, match="could not be written"):
        write(tmp_path / "file" / "x.jsonl", EXAMPLES)


# -- the sample -------------------------------------------------------------------------------------------------------


def numbered(start: int, end: int) -> Examples:
    return Examples("e", tuple(Example(str(number), view(), "none") for number in range(start, end)))


def prompts(replay: Replay) -> list[str]:
    return [one.prompt for one in replay.kept.examples]


def test_parts_leave_the_sample_that_all_at_once_do() -> None:
    empty = Replay(Examples("", ()), size=10)
    at_once = empty.add(numbered(0, 95))
    in_parts = empty.add(numbered(0, 4)).add(numbered(4, 60)).add(numbered(60, 95))
    assert prompts(at_once) == prompts(in_parts)
    assert (at_once.seen, len(prompts(at_once))) == (95, 10)


def test_each_example_is_as_likely_to_be_kept() -> None:
    counts = np.zeros(40)
    for seed in range(400):
        for prompt in prompts(Replay(Examples("", ()), size=10, seed=seed).add(numbered(0, 40))):
            counts[int(prompt)] += 1
    assert counts.sum() == 4000
    assert abs(counts - 100).max() < 5 * (400 * 0.25 * 0.75) ** 0.5


def test_a_sample_is_kept_beside_an_adapter(tmp_path: Path) -> None:
    replay = Replay(Examples("", ()), size=10, seed=4).add(numbered(0, 30))
    sample.save(tmp_path, replay)
    found = sample.load(tmp_path)
    assert same(found.kept, replay.kept)
    assert prompts(found.add(numbered(30, 60))) == prompts(replay.add(numbered(30, 60)))
    (tmp_path / "replay.json").write_text(json.dumps({"size": 10, "seen": 5, "seed": 4}), "utf-8")
    with pytest.raises(ExamplesError, match=r"holds 10 examples, and replay\.json says otherwise"):
        sample.load(tmp_path)
    (tmp_path / "replay.json").write_text("{}", "utf-8")
    with pytest.raises(ExamplesError, match="is damaged"):
        sample.load(tmp_path)
    (tmp_path / "replay.json").unlink()
    with pytest.raises(ExamplesError, match="cannot be read"):
        sample.load(tmp_path)


def test_a_sample_of_another_encoder() -> None:
    with pytest.raises(OtherModelError, match="encoder e, and these with other"):
        Replay(Examples("", ())).add(numbered(0, 3)).add(Examples("other", numbered(3, 5).examples))
