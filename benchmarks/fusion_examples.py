"""Examples to train a fused model on, from the train parts of question sets and from their graphs.

``python -m benchmarks.fusion_examples FOLDER --sets pq-2h,metaqa-1,2wiki`` writes ``FOLDER/train.jsonl`` and
``FOLDER/dev.jsonl``, ``--count`` examples of each set, for ``scripts/train_fusion.py``. Given questions are those of a
set's train part that its planner has not learned from: one is trained on every other question for this, so that it is
as sure of the others as of a stranger's. A set without a train part gives questions made of its graph and passages
alone. Of no set is a test question looked at. What became of all questions is printed.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.fusion import Ground, given
from benchmarks.question_sets import SETS
from fusion.language import open_model
from fusion.language.causal import HuggingFaceModel
from fusion.speaking import LocalSpeaker
from fusion.tuning.curriculum import Curriculum, Made, Wanted
from fusion.tuning.examples import Example, Examples, write
from nlp.weights import cache_folder

DEV = 0.05  # of the examples


def made_of(name: str, speaker: LocalSpeaker, wanted: Wanted, cache: Path) -> tuple[Made, str]:
    """The examples of a set, and the sentence encoder of their vectors."""
    found = SETS[name](name)
    ground = Ground(replace(found, train=found.train[::2]), cache / name / "planner-of-half")
    services = ground.services
    try:
        curriculum = Curriculum(
            services.store, speaker, ground.answerer, ontology=services.ontology, embedder=services.embedder
        )
        wanted = replace(wanted, hops=found.hops)
        return curriculum.make(wanted, given(found.train[1::2]), stage=lambda line: _say(f"{name}: {line}")), (
            services.embedder.name
        )
    finally:
        services.close()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Make the examples of some sets, and write them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", required=True)
    parser.add_argument("--count", type=int, default=2000, help="examples of each set")
    parser.add_argument("--seed", type=int, default=Wanted().seed)
    parser.add_argument("--model", default="", help="address of the language model, whose tokens prompts are cut by")
    parser.add_argument("--cache", type=Path, default=cache_folder() / "fusion-benchmark")
    options = parser.parse_args()
    names = options.sets.split(",")
    if unknown := sorted({*names} - {*SETS}):
        parser.error(f"{', '.join(unknown)}: choose of {', '.join(SETS)}")
    model = open_model(options.model, notify=_say)
    if not isinstance(model, HuggingFaceModel):
        parser.error("give a model that runs in this process")
    train: list[Example] = []
    dev: list[Example] = []
    encoder = ""
    wanted = Wanted(options.count, languages=("en",), seed=options.seed)
    for name in names:
        made, encoder = made_of(name, LocalSpeaker(model), wanted, options.cache)
        for part, more in zip((train, dev), made.split(DEV), strict=True):
            part += more
        for line in made.told:
            print(f"{name} · {line}")
    for part, file in ((train, "train"), (dev, "dev")):
        write(options.folder / f"{file}.jsonl", Examples(encoder, tuple(part)))
    print(f"{len(train):,} examples to learn from and {len(dev):,} to measure by, in {options.folder}")


if __name__ == "__main__":
    main()
