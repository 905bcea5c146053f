"""Does a planner that was trained on generated questions alone answer Chinese ones?

``python -m benchmarks.chinese`` makes questions from the bundled medical graph (examples/medical-zh), in Chinese and
English, trains a planner on four fifths of their wordings, and asks it the others in Chinese, and the 61 questions of
benchmarks/data/medical_zh.jsonl, which a person wrote before any was tried. A second planner is trained without the
vectors of characters, with nothing but what the English encoder makes of Chinese. The topic of a question is given.
``--seeds N`` for more draws, ``--no-write`` only prints.
"""

import argparse
import json
import sys
import time
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.kgqa import Score, answer, rows_of, show
from benchmarks.rows import Row, merge_rows
from fusion.planner.learning import make_questions
from fusion.planner.model import Asked, masked, row_texts
from fusion.planner.training import Example, PlannerConfig, train_planner
from fusion.planner.wording import examples, plain
from kg import ontology
from kg.facts import EntityId
from kg.mirror import Mirror
from nlp.embed import MiniLM

NAME = "chinese"
ROOT = Path(__file__).parent
TRIPLES = ROOT.parent / "examples" / "medical-zh" / "triples.tsv"
QUESTIONS = ROOT / "data" / "medical_zh.jsonl"
DATA = "examples/medical-zh, 294 triples"
SYSTEMS = {
    "Clew planner, generated questions only": True,
    "Clew planner, generated questions only, without vectors of characters": False,
}
HELD_OUT = 5  # every fifth wording
EPOCHS = 4


def graph() -> tuple[Mirror, dict[EntityId, str]]:
    """The bundled graph, and the type of each entity."""
    lines = [line.split("\t") for line in TRIPLES.read_text("utf-8").splitlines()[1:]]
    types = {EntityId(name): type for s, s_type, _, o, o_type in lines for name, type in ((s, s_type), (o, o_type))}
    return Mirror.of((EntityId(s), r, EntityId(o)) for s, _, r, o, _ in lines), types


def by_hand(facts: Mirror, encoder: MiniLM) -> list[Example]:
    """The questions that a person wrote."""
    rows = [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]
    starts = [row["question"].index(row["topic"]) for row in rows]
    texts = [masked(row["question"], at, at + len(row["topic"])) for row, at in zip(rows, starts, strict=True)]
    return [
        Example(
            Asked.of(text, pieces),
            (facts.places[EntityId(row["topic"])],),
            frozenset(facts.places[EntityId(name)] for name in row["answers"]),
        )
        for row, text, pieces in zip(rows, texts, encoder.tokens(texts), strict=True)
    ]


def heard(asked: Sequence[Example], *, characters: bool) -> list[Example]:
    """Questions with or without their Chinese characters."""
    if characters:
        return list(asked)
    return [replace(one, asked=replace(one.asked, grams=np.zeros_like(one.asked.grams))) for one in asked]


def measure(seeds: int, command: str) -> list[Row]:
    """Train and ask, once a system and seed."""
    facts, types = graph()
    encoder = MiniLM()
    texts = encoder.encode(row_texts(facts.relations))
    hand = by_hand(facts, encoder)
    scores: dict[tuple[str, str], list[Score]] = {}
    seconds = dict.fromkeys(SYSTEMS, 0.0)
    for seed in range(seeds):
        made = make_questions(facts, ontology.default(), types, hops=3, seed=seed).questions
        out = [zlib.crc32(plain(each.text).encode()) % HELD_OUT == 0 for each in made]
        learned = examples(facts, [each for each, held in zip(made, out, strict=True) if not held], encoder.tokens)
        kept = [each for each, held in zip(made, out, strict=True) if held and each.language == "zh"]
        parts = {
            f"{len(hand)} questions by hand": hand,
            "held-out wordings in Chinese": examples(facts, kept, encoder.tokens),
        }
        for system, characters in SYSTEMS.items():
            begun = time.perf_counter()
            train = heard(learned, characters=characters)
            config = PlannerConfig(epochs=EPOCHS, seed=seed)
            planner = train_planner(facts, train, texts, config, encoder=encoder.name, progress=show)
            seconds[system] += time.perf_counter() - begun
            for split, part in parts.items():
                asked = heard(part, characters=characters)
                found = answer(planner, facts, texts, asked, [len(one.answers) for one in asked])
                scores.setdefault((system, split), []).append(found)
                print(f"{system}, {split}, seed {seed}: Hits@1 {found.hits1:.4f}", flush=True)
    return [
        row
        for (system, split), found in scores.items()
        for row in rows_of(DATA, split, system, found, seconds[system] / seeds, list(range(seeds)), command)
    ]


def main() -> None:
    """Measure, and merge the rows into the file."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{NAME}", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args()
    rows = measure(options.seeds, " ".join((f"python -m benchmarks.{NAME}", *sys.argv[1:])))
    if options.no_write:
        for row in rows:
            print(f"{row['system']} · {row['split']} · {row['measure']}: {row['value']} {row['unit']}")
    else:
        merge_rows(NAME, rows)


if __name__ == "__main__":
    main()
