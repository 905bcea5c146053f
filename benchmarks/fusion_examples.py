"""Examples to train a fused model on, from the train parts of question sets and from their graphs.

``python -m benchmarks.fusion_examples FOLDER --sets pq-2h:200,metaqa-1:300,redocred`` writes ``FOLDER/train.jsonl`` and
``FOLDER/dev.jsonl``, so many examples of each set, or ``--count``, for ``scripts/train_fusion.py``. Those of each set
are kept in a folder of its own: a set for which there is one is not made anew, however many are asked for.

Given questions are those of a set's train part that its planner has not learned from: one is trained on every other
question for this, so that it is as sure of the others as of a stranger's. A set without a train part gives questions
made of its graph and passages alone. No test question is learned from, and no question made of the graph that asks what
one of them asks: one about a thing that the test question names, with one of its answers. What became of all questions
is printed.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.fusion import Ground, given
from benchmarks.question_sets import SETS, supporting
from fusion.evaluate import Question, normalise
from fusion.language import open_model
from fusion.language.causal import HuggingFaceModel
from fusion.speaking import LocalSpeaker
from fusion.tuning.curriculum import Curriculum, Made, Posed, Wanted
from fusion.tuning.examples import Example, Examples, read, write
from kg.facts import ChunkId, name_key
from kg.store import GraphStore
from nlp.weights import cache_folder

DEV = 0.05  # of the examples
PARTS = ("train.jsonl", "dev.jsonl")
TOLD = "told.txt"  # what became of a set's questions


def made_of(name: str, speaker: LocalSpeaker, wanted: Wanted, cache: Path) -> tuple[Made, str]:
    """The examples of a set, and the sentence encoder of their vectors."""
    found = SETS[name](name)
    ground = Ground(replace(found, train=found.train[::2]), cache / name / "planner-of-half")
    services = ground.services
    try:
        curriculum = Curriculum(
            services.store, speaker, ground.answerer, ontology=services.ontology, embedder=services.embedder
        )
        asked = found.train[1::2]
        by_title = supporting(services.store, asked)
        sources = {
            one.text: chunks
            for one in asked
            if (chunks := frozenset[ChunkId]().union(*(by_title.get(title, ()) for title in one.supporting)))
        }
        made = curriculum.make(
            replace(wanted, hops=found.hops), given(asked), sources=sources, stage=lambda line: _say(f"{name}: {line}")
        )
        return apart(made, found.test, services.store), services.embedder.name
    finally:
        services.close()


def apart(made: Made, test: Sequence[Question], store: GraphStore) -> Made:
    """Examples without those of questions made of the graph that ask what a test question asks; these are counted."""
    asked: defaultdict[str, list[str]] = defaultdict(list)  # answer → the test questions that it answers
    for one in test:
        for gold in one.gold:
            asked[normalise(gold)].append(f" {name_key(one.topic)} {name_key(one.text)} ")
    entities = {one.id: one for one in store.entities({id for posed in made.posed for id in posed.topics})}

    def is_asked(posed: Posed) -> bool:
        topics = [entities[id] for id in posed.topics if id in entities]
        names = [f" {name_key(name)} " for topic in topics for name in (topic.name, *topic.aliases) if name_key(name)]
        return any(name in text for gold in posed.gold for text in asked.get(normalise(gold), ()) for name in names)

    counts = {kind: Counter(found) for kind, found in made.counts.items()}
    kept: list[tuple[Example, Posed, str]] = []
    for example, posed, kind in zip(made.examples, made.posed, made.kinds, strict=True):
        if kind != "given" and is_asked(posed):
            counts[kind]["made and left out: a test question asks the same"] += 1
        else:
            kept.append((example, posed, kind))
    examples, left, kinds = zip(*kept, strict=True) if kept else ((), (), ())
    return Made(tuple(examples), tuple(left), tuple(kinds), counts)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Make the examples of some sets, and write them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", required=True)
    parser.add_argument("--count", type=int, default=2000, help="examples of a set for which no number is given")
    parser.add_argument("--seed", type=int, default=Wanted().seed)
    parser.add_argument("--model", default="", help="address of the language model, whose tokens prompts are cut by")
    parser.add_argument("--cache", type=Path, default=cache_folder() / "fusion-benchmark")
    options = parser.parse_args()
    counts = {}
    for part in options.sets.split(","):
        name, _, count = part.partition(":")
        if name not in SETS or not (count or "1").isdecimal() or int(count or options.count) < 1:
            parser.error(f"{part}: give NAME or NAME:COUNT, with a NAME of {', '.join(SETS)}")
        counts[name] = int(count or options.count)
    model = open_model(options.model, notify=_say)
    if not isinstance(model, HuggingFaceModel):
        parser.error("give a model that runs in this process")
    for name, count in counts.items():
        if not (options.folder / name / TOLD).exists():
            wanted = Wanted(count, languages=("en",), seed=options.seed)
            _write(options.folder / name, *made_of(name, LocalSpeaker(model), wanted, options.cache))
    both: list[int] = []
    for part in PARTS:
        found = [read(options.folder / name / part) for name in counts]
        [encoder] = {one.encoder for one in found}
        whole = Examples(encoder, tuple(example for one in found for example in one.examples))
        write(options.folder / part, whole)
        both.append(len(whole.examples))
    for name in counts:
        for line in (options.folder / name / TOLD).read_text("utf-8").splitlines():
            print(f"{name} · {line}")
    print(f"{both[0]:,} examples to learn from and {both[1]:,} to measure by, in {options.folder}")


def _write(folder: Path, made: Made, encoder: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part, examples in zip(PARTS, made.split(DEV), strict=True):
        write(folder / part, Examples(encoder, examples))
    (folder / TOLD).write_text("".join(f"{line}\n" for line in made.told), "utf-8")  # the last one: all is there


if __name__ == "__main__":
    main()
