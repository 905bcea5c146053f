"""Examples → tokens, and tokens → batches of like length.

    [bos] [soft …] [prompt …] [target …] [end] [padding …]
                            └─ learned ──────┘

What pads stands behind all else. A causal model lets no token see those behind it, so padding changes nothing, and
neither a mask nor other positions are needed.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fusion.errors import TuningError
from fusion.language.causal import HuggingFaceModel
from fusion.tuning.examples import Example

POOL = 16  # batches that are drawn at once, and then sorted by length


@dataclass(frozen=True, slots=True)
class Line:
    """An example as its tokens: the mark of the beginning, the prompt, the target with the mark of its end."""

    lead: tuple[int, ...]
    prompt: tuple[int, ...]
    target: tuple[int, ...]
    soft: int  # soft tokens, which stand after the lead

    @property
    def length(self) -> int:
        """How many tokens are read; the mark of the end is only foretold."""
        return len(self.lead) + self.soft + len(self.prompt) + len(self.target) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Lines side by side.

    Shapes: ids (b, s), 0 where soft tokens stand or nothing; soft_rows, soft_columns (Σ soft,), where they stand;
    rows, columns (k,), the positions from which the targets (k,) are foretold
    """

    ids: Tensor
    soft_rows: Tensor
    soft_columns: Tensor
    rows: Tensor
    columns: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same on another device."""
        parts = self.ids, self.soft_rows, self.soft_columns, self.rows, self.columns, self.targets
        return Batch(*(part.to(device) for part in parts))


def lines(language: HuggingFaceModel, examples: Sequence[Example]) -> list[Line]:
    """The tokens of examples.

    Raises:
        TuningError: one of them does not fit into the model's context.
    """
    lead, end = tuple(language.tokenizer("").input_ids), min(language.ends)
    found = []
    for number, one in enumerate(examples, 1):
        prompt, target = language.tokenize(one.prompt).ids, language.tokenize(one.target).ids
        line = Line(lead, prompt, (*target, end), len(one.view.candidates))
        if line.length > language.context:
            raise TuningError(
                f"Example {number} has {line.length} tokens, and {language.name} reads {language.context} at once; "
                "leave it out, or give its prompt less text."
            )
        found.append(line)
    return found


def collate(chosen: Sequence[Line]) -> Batch:
    """Put lines side by side."""
    ids = torch.zeros(len(chosen), max(line.length for line in chosen), dtype=torch.long)
    soft: list[tuple[int, int]] = []
    told: list[tuple[int, int]] = []
    targets: list[int] = []
    for row, line in enumerate(chosen):
        start = len(line.lead)
        hard = (*line.prompt, *line.target[:-1])
        ids[row, :start] = torch.tensor(line.lead, dtype=torch.long)
        ids[row, start + line.soft : line.length] = torch.tensor(hard, dtype=torch.long)
        soft += ((row, column) for column in range(start, start + line.soft))
        told += ((row, column) for column in range(line.length - len(line.target), line.length))
        targets += line.target
    places, positions = (torch.tensor(found, dtype=torch.long).reshape(-1, 2) for found in (soft, told))
    return Batch(ids, places[:, 0], places[:, 1], positions[:, 0], positions[:, 1], torch.tensor(targets))


def shuffled(lengths: Sequence[int], size: int, *, seed: int, epoch: int) -> Iterator[list[int]]:
    """Each example once, in batches of like length, in an order of this epoch's own."""
    draw = random.Random(seed * 1_000_003 + epoch)
    order = list(range(len(lengths)))
    draw.shuffle(order)
    found: list[list[int]] = []
    for start in range(0, len(order), size * POOL):
        pool = sorted(order[start : start + size * POOL], key=lambda one: lengths[one])
        found += (pool[at : at + size] for at in range(0, len(pool), size))
    draw.shuffle(found)
    yield from found


def portions(batch: Sequence[int], lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """A batch in portions of so many tokens at most, padding included, or of one example."""
    portion: list[int] = []
    for one in sorted(batch, key=lambda one: -lengths[one]):
        if portion and (len(portion) + 1) * lengths[portion[0]] > tokens:
            yield portion
            portion = []
        portion.append(one)
    if portion:
        yield portion
