"""What does an adapter forget of what it was taught first, when it is extended to another domain?

``python -m benchmarks.fusion_continual FIRST SECOND`` takes two folders of examples, ``train.jsonl`` and ``dev.jsonl``
as benchmarks/fusion_examples.py writes them, trains an adapter on the first, and extends it to the second:

=======  ==========================================================================================
plain    on the examples of the second domain alone
replay   with examples of the sample that is kept of the first among them, ``--replay`` for each
elastic  with the parameters held to what they were, as firmly as ``--elastic`` says
both     with either
=======  ==========================================================================================

The adapter before and those after are asked for the dev examples of both domains. No training looks at these, nor is
anything chosen by them: each takes all its epochs. *Right* is the share of which the model, writing freely, the
likeliest token at each step, writes the target to the letter and ends there; *right but for numbers*, of which it names
what the target names, by whatever facts and passages. *Loss* is the mean of the examples', each the mean negative
log-likelihood of its target's tokens, the mark of the end included.

Adapters lie under ``--cache``, in a folder for what each was taught and how. The same command trains none of them anew,
and goes on with one that was cut short; what was measured is kept beside each, for this state of the code.
"""

import argparse
import hashlib
import json
import random
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.rows import Row, give_rows
from fusion import adapter
from fusion.language import open_model
from fusion.language.causal import HuggingFaceModel
from fusion.language.protocol import Options
from fusion.model import FusedConfig, FusedModel
from fusion.tuning import examples as files
from fusion.tuning.command import Task, train
from fusion.tuning.config import Look, TuneConfig
from fusion.tuning.examples import Example, Examples
from fusion.tuning.extending import FREE, REPLAY, Remembering
from kg.errors import GraphError
from nlp.weights import cache_folder

NAME = "fusion_continual"
ROOT = Path(__file__).parents[1]
TRAIN, DEV = "train.jsonl", "dev.jsonl"
TAUGHT = "taught.json"  # beside an adapter: what it was taught and how, and the seconds; written when all else is
# λ. The pull adds up over all parameters, so an adapter of 2.5 million needs a smaller one than a tiny model's.
ELASTIC = 0.01
SPARE = 8  # tokens that may be written beyond those of the target, before it is known to be another text
VARIANTS = ("plain", "replay", "elastic", "both")

_NUMBERS = re.compile(r" ?(?:\[\d+\]|\(\d+\))")


@dataclass(frozen=True, slots=True)
class Domain:
    """Examples to learn from, and others to measure by."""

    name: str
    train: Examples
    held: Examples


@dataclass(frozen=True, slots=True)
class Measured:
    """How a model does on held-out examples."""

    right: float  # a share
    named: float  # of which it is right but for the numbers of facts and passages
    loss: float
    seconds: float


@dataclass(frozen=True, slots=True)
class State:
    """A trained adapter: the seconds that training it took, and how it does on each domain, by its name."""

    seconds: float
    measured: Mapping[str, Measured]


class Bench:
    """Trains adapters and measures them; what is there already is read."""

    def __init__(self, cache: Path, *, model: str = "", device: str = "cpu", rank: int = FusedConfig().rank) -> None:
        self._cache, self._model, self._device, self._rank = cache, model, device, rank
        self._code = _code()

    def train(
        self,
        name: str,
        examples: Examples,
        config: TuneConfig,
        *,
        earlier: Path | None = None,
        remembering: Remembering = FREE,
    ) -> Path:
        """The folder of an adapter that was trained on examples, or extended to them.

        Raises:
            TuningError: they cannot be learned from, or there is no memory.
            AdapterError: the adapter to extend does not fit, or the new one cannot be written.
            LanguageModelError, WeightsError: the language model cannot be loaded.
        """
        taught = {
            "examples": examples.digest(),
            "config": asdict(config),
            "model": self._model,
            "rank": self._rank,
            "earlier": earlier and earlier.name,
            "remembering": asdict(remembering),
        }
        folder = self._cache / f"{name}-{_digest(json.dumps(taught))}"
        if (folder / TAUGHT).exists():
            return folder
        file = folder / TRAIN
        files.write(file, examples)
        task = Task(
            file,
            folder / "adapter",
            earlier=earlier and earlier / "adapter",
            replay=remembering.replayed,
            elastic=remembering.elastic,
            model=self._model,
            device=self._device,
            rank=self._rank,
            resume=True,
        )
        begun = time.perf_counter()
        tuned = train(task, config, progress=lambda look: _tell(folder.name, look))
        seconds = max(time.perf_counter() - begun, tuned.history[-1].seconds)  # the latter with those before a break
        _write(folder / TAUGHT, taught | {"seconds": round(seconds, 1)})
        return folder

    def state(self, folder: Path, domains: Sequence[Domain]) -> State:
        """How the adapter in a folder does on domains.

        Raises:
            AdapterError: it cannot be read.
            LanguageModelError, WeightsError: the language model cannot be loaded, or has no memory for an example.
        """
        kept = {
            one.name: folder / f"measured-{one.name}-{_digest(self._code + one.held.digest())}.json" for one in domains
        }
        missing = [one for one in domains if not kept[one.name].exists()]
        model = self._opened(folder / "adapter") if missing else None
        for one in missing:
            assert model is not None
            _write(kept[one.name], asdict(measure(model, one.held)))
            _say(f"{folder.name}: measured on {len(one.held.examples)} examples of {one.name}")
        found = {name: Measured(**json.loads(path.read_text("utf-8"))) for name, path in kept.items()}
        return State(json.loads((folder / TAUGHT).read_text("utf-8"))["seconds"], found)

    def _opened(self, folder: Path) -> FusedModel:
        """The adapter, as it answers."""
        language = open_model(self._model, device=self._device)
        assert isinstance(language, HuggingFaceModel)  # it was trained
        return adapter.load(folder, language, encoder=adapter.read_about(folder).encoder, merge=True)


def measure(model: FusedModel, held: Examples) -> Measured:
    """How a model does on examples.

    Raises:
        LanguageModelMemoryError: there is no memory for one of them.
    """
    begun = time.perf_counter()
    found = [_asked(model, one) for one in held.examples]
    right, named, loss = np.mean(found, axis=0).tolist()
    return Measured(right, named, loss, time.perf_counter() - begun)


def _asked(model: FusedModel, one: Example) -> tuple[bool, bool, float]:
    """Whether the target is what the model writes, whether it is so but for numbers, and what it costs."""
    prefix = model.soft_tokens(one.view) if len(one.view.candidates) else None
    options = Options(max_tokens=len(model.language.tokenize(one.target).ids) + SPARE, stop=("\n",))
    written = model.language.generate(one.prompt, options=options, prefix=prefix)
    [likelihood] = model.language.score(one.prompt, [one.target], prefix=prefix, ended=True)
    texts = [written.text.strip(), one.target.strip()]
    right, named = (written.ended and text == target for text, target in (texts, map(_bare, texts)))
    return right, named, -likelihood.mean


def _bare(text: str) -> str:
    """A target without the numbers of facts and passages."""
    return _NUMBERS.sub("", text)


def read(folder: Path, *, held: int | None = None) -> Domain:
    """A domain of a folder, and so many examples of it to measure by, drawn once.

    Raises:
        ExamplesError: one of its files is missing or malformed.
    """
    train, dev = (files.read(folder / name) for name in (TRAIN, DEV))
    return Domain(folder.resolve().name, train, some(dev, held, seed=0))


def some(found: Examples, most: int | None, *, seed: int) -> Examples:
    """So many examples, drawn, or all."""
    if most is None or most >= len(found.examples):
        return found
    return replace(found, examples=tuple(random.Random(seed).sample(found.examples, most)))


def remembered(replayed: float, elastic: float) -> dict[str, Remembering]:
    """How each variant keeps what was taught first."""
    return {
        "plain": FREE,
        "replay": Remembering(replayed),
        "elastic": Remembering(0, elastic),
        "both": Remembering(replayed, elastic),
    }


def run(
    bench: Bench,
    first: Domain,
    second: Domain,
    ways: Mapping[str, Remembering],
    config: TuneConfig,
    *,
    examples: int | None = None,
) -> dict[str, State]:
    """The adapter before and those after, by the name of their system, for one seed; raises as `Bench` does."""
    learned, new = (some(one.train, examples, seed=config.seed) for one in (first, second))
    before = bench.train(first.name, learned, config)
    found = {f"trained on {first.name}": bench.state(before, (first, second))}
    for variant, remembering in ways.items():
        name = f"{first.name}-{second.name}-{variant}"
        after = bench.train(name, new, config, earlier=before, remembering=remembering)
        found[_system(second.name, remembering)] = bench.state(after, (first, second))
    return found


def rows_of(
    states: Mapping[int, Mapping[str, State]], first: Domain, second: Domain, examples: int | None, command: str
) -> Iterator[Row]:
    """A row a system, domain and measure; the mean over seeds, and how they differ where there are several."""
    data, seeds = f"{first.name}, then {second.name}", list(states)
    for number, system in enumerate(states[seeds[0]]):
        found = [states[seed][system] for seed in seeds]
        learned = len(some((second if number else first).train, examples, seed=0).examples)
        taken = [one.seconds / 60 for one in found]
        parts = [(f"{learned} examples", "training", "minutes", taken, 60 * sum(taken))]
        for domain in (first, second):
            measured = [one.measured[domain.name] for one in found]
            split = f"{len(domain.held.examples)} held-out examples of {domain.name}"
            seconds = sum(one.seconds for one in measured)
            parts.append((split, "right", "%", [100 * one.right for one in measured], seconds))
            parts.append((split, "right but for numbers", "%", [100 * one.named for one in measured], seconds))
            parts.append((split, "loss of the target", "", [one.loss for one in measured], seconds))
        for split, measure, unit, values, seconds in parts:
            told = {measure: np.mean(values)}
            if len(seeds) > 1:
                told[f"{measure}, standard deviation over seeds"] = np.std(values)
            for name, value in told.items():
                yield Row(
                    data=data, split=split, system=system, measure=name, value=round(float(value), 3), unit=unit,
                    seeds=seeds, seconds=round(seconds, 1), command=command,
                )  # fmt: skip


def _system(name: str, remembering: Remembering) -> str:
    replay = f"replay, {remembering.replayed:g} for each new one" if remembering.replayed else ""
    elastic = f"elastic, λ = {remembering.elastic:g}" if remembering.elastic else ""
    return f"extended to {name}: {'; '.join(filter(None, (replay, elastic))) or 'plainly'}"


def _code() -> str:
    """A digest of the code that answers, and of this."""
    found = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted((ROOT / "fusion").rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _write(path: Path, content: Mapping[str, object]) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    part.replace(path)


def _tell(name: str, look: Look) -> None:
    speed = look.tokens / max(look.seconds, 1e-9)
    _say(f"{name}: step {look.step}, loss {look.loss:.4f}, {look.seconds:.0f} s, {speed:.0f} tokens/s")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Train and measure, and merge the rows into the file."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{NAME}", description=__doc__.partition("\n")[0])
    parser.add_argument("first", type=Path, help="folder of the domain that comes first")
    parser.add_argument("second", type=Path, help="folder of the domain that the adapter is extended to")
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--examples", type=int, help="learned from of each domain; else all")
    parser.add_argument("--questions", type=int, help="held-out examples of each domain that are asked; else all")
    parser.add_argument("--seeds", type=int, default=1, help="how many, from 0")
    parser.add_argument("--replay", type=float, default=REPLAY.replayed, help="examples of before for each new one")
    parser.add_argument("--elastic", type=float, default=ELASTIC, help="λ")
    parser.add_argument("--model", default="", help="address of the language model; without it, Gemma 3 270M")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--rank", type=int, default=FusedConfig().rank)
    parser.add_argument("--cache", type=Path, default=cache_folder() / "fusion-continual")
    parser.add_argument("--no-write", action="store_true")
    for name in ("epochs", "batch"):
        parser.add_argument(f"--{name}", type=int, default=getattr(TuneConfig(), name))
    for name in ("rate", "graph_rate"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=getattr(TuneConfig(), name))
    options = parser.parse_args()
    variants = options.variants.split(",")
    if unknown := sorted({*variants} - {*VARIANTS}):
        parser.error(f"{', '.join(unknown)}: choose of {', '.join(VARIANTS)}")
    for name in ("examples", "questions", "seeds", "replay", "elastic"):
        if (value := getattr(options, name)) is not None and value <= 0:
            parser.error(f"--{name} is {value}; it must be above 0")
    try:
        config = TuneConfig(**{name: getattr(options, name) for name in ("epochs", "batch", "rate", "graph_rate")})
        ways = {one: way for one, way in remembered(options.replay, options.elastic).items() if one in variants}
        first, second = (read(folder, held=options.questions) for folder in (options.first, options.second))
        if first.name == second.name:
            parser.error(f"both folders are named {first.name}; rows could not tell them apart")
        bench = Bench(options.cache, model=options.model, device=options.device, rank=options.rank)
        states = {
            seed: run(bench, first, second, ways, replace(config, seed=seed), examples=options.examples)
            for seed in range(options.seeds)
        }
    except (GraphError, ValueError) as error:
        parser.error(str(error))
    command = " ".join((f"python -m benchmarks.{NAME}", *sys.argv[1:]))
    rows = list(rows_of(states, first, second, options.examples, command))
    give_rows(NAME, rows, write=not options.no_write)


if __name__ == "__main__":
    main()
