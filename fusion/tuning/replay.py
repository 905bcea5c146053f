"""A fair sample of all that an adapter was ever trained on, kept beside it: so many examples, whatever came.

Each example that was ever seen is equally likely to be among them (reservoir sampling: Vitter 1985,
https://doi.org/10.1145/3147.3165). The draw for an example depends on the seed and its number alone, so examples that
come in several parts leave the same sample as all of them at once.
"""

import random
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from fusion.errors import ExamplesError, OtherModelError
from fusion.tuning import examples as files
from fusion.tuning.examples import Examples

COUNTS, SAMPLE = "replay.json", "replay.jsonl"
SIZE = 500


@dataclass(frozen=True, slots=True)
class _Counts:
    size: int
    seen: int
    seed: int


_COUNTS = TypeAdapter(_Counts)


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """Examples kept of those that were seen."""

    kept: Examples
    seen: int = 0
    size: int = SIZE
    seed: int = 0

    def add(self, new: Examples) -> "Replay":
        """The sample after these were seen too.

        Raises:
            OtherModelError: they were made with another sentence encoder.
        """
        if self.kept.examples and self.kept.encoder != new.encoder:
            raise OtherModelError(
                f"The examples kept were made with the sentence encoder {self.kept.encoder}, and these with "
                f"{new.encoder}; make them anew."
            )
        kept = list(self.kept.examples)
        for number, one in enumerate(new.examples, self.seen):
            place = random.Random(f"{self.seed} {number}").randrange(number + 1)
            if len(kept) < self.size:
                kept.append(one)
            elif place < self.size:
                kept[place] = one
        return Replay(Examples(new.encoder, tuple(kept)), self.seen + len(new.examples), self.size, self.seed)


def save(folder: Path, replay: Replay) -> None:
    """Write a sample beside an adapter.

    Raises:
        ExamplesError: it cannot be written.
    """
    files.write(folder / SAMPLE, replay.kept)
    try:
        content = _COUNTS.dump_json(_Counts(replay.size, replay.seen, replay.seed), indent=1)
        (folder / COUNTS).write_bytes(content + b"\n")
    except OSError as error:
        raise ExamplesError(f"{folder / COUNTS}: could not be written ({error.strerror or error}).") from error


def load(folder: Path) -> Replay:
    """The sample beside an adapter.

    Raises:
        ExamplesError: it is missing or damaged.
    """
    try:
        counts = _COUNTS.validate_json((folder / COUNTS).read_bytes())
    except OSError as error:
        raise ExamplesError(f"{folder / COUNTS}: cannot be read ({error.strerror or error}).") from error
    except ValidationError as error:
        raise ExamplesError(f"{folder / COUNTS}: is damaged; delete it, or train the adapter anew.") from error
    kept = files.read(folder / SAMPLE)
    if len(kept.examples) != min(counts.size, counts.seen):
        raise ExamplesError(f"{folder / SAMPLE}: holds {len(kept.examples)} examples, and {COUNTS} says otherwise.")
    return Replay(kept, counts.seen, counts.size, counts.seed)
