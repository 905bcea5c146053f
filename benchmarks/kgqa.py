"""How often is the first answer right, where questions walk several facts of a graph?

``python -m benchmarks.kgqa pq-2h`` (or pq-3h, pql-2h, pql-3h) splits the questions at random, 8:1:1, five times over,
trains a planner on the first part from questions and answers alone (the gold paths are not looked at), keeps the epoch
that is best on the second, and answers the third.

``python -m benchmarks.kgqa metaqa`` trains one planner for all hops on some of the published dev questions, and answers
the published test questions, on the 95.6 % of the graph that could be had, and those of one hop as machine translation
there and back paraphrased them (ntm), of which it has seen none. ``--questions N`` answers so many of each.

With ``--paraphrased`` it is also trained on published dev questions that were paraphrased, as published systems are on
the paraphrased training questions: its row of paraphrased test questions is to be read beside theirs.

With ``--mixed`` it is also trained on questions made from the graph, as `clew learn --questions FILE` does.

With ``--zero-shot`` the planner sees no human question: it is trained on questions made from the graph alone
(fusion/planner/wording.py), those of another draw choose the epoch, and it answers the same test questions.

The topic of a question is given, as in the published figures. Every answer's path is looked up among the facts of the
graph: the share of triples that exist is a row. ``--seeds N`` for fewer splits, ``--no-write`` only prints.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import SupportsFloat

import numpy as np

from benchmarks.rows import Row, data_folder, merge_rows
from fusion.fitting import Epoch
from fusion.planner.labels import stems
from fusion.planner.learning import enough, mixed
from fusion.planner.model import TOPIC, Asked, Planner, row_texts
from fusion.planner.search import candidates, plans
from fusion.planner.training import Example, PlannerConfig, train_planner
from fusion.planner.wording import examples as worded_examples
from fusion.planner.wording import generate
from kg import ontology
from kg.facts import EntityId
from kg.mirror import Mirror
from nlp.embed import MiniLM, TokenEmbedder

NAME = "kgqa"
PATHS = {  # questions, facts, hops, title
    "pq-2h": ("PQ-2H.txt", "2H-kb.txt", 2, "PathQuestion PQ-2H"),
    "pq-3h": ("PQ-3H.txt", "3H-kb.txt", 3, "PathQuestion PQ-3H"),
    "pql-2h": ("PQL-2H.txt", "PQL2-KB.txt", 2, "PathQuestion PQL-2H"),
    "pql-3h": ("PQL-3H.txt", "PQL3-KB.txt", 3, "PathQuestion PQL-3H"),
}
CONFIG = PlannerConfig(epochs=12)
WORDED = PlannerConfig(epochs=6)  # more only fits the templates better
METAQA = PlannerConfig(epochs=4)
METAQA_TRAIN, METAQA_DEV = 4000, 300  # of the published dev questions of each hop
SYSTEM, ZERO_SHOT = "Clew planner", "Clew planner, generated questions only"
MIXED = "Clew planner, generated questions too"
PARAPHRASED = "Clew planner, trained on paraphrased questions too"
MIXED_IN = 3000  # questions that are made, beside human ones
GENERATED_DEV = 300


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its topic marked, and the names of its answers."""

    text: str  # the topic stands as TOPIC
    topic: str
    answers: frozenset[str]


def path_questions(folder: Path, questions: str, facts: str) -> tuple[Mirror, list[Question]]:
    """One of the PathQuestion sets; questions whose topic the graph or the text lacks are wrong from the start."""
    rows = [line.split("\t") for line in (folder / facts).read_text("utf-8").splitlines() if line.strip()]
    graph = Mirror.of((EntityId(s), r, EntityId(o)) for s, r, o in rows)
    found = []
    for line in (folder / questions).read_text("utf-8").splitlines():
        text, answer, path = line.split("\t")
        names = _answers(answer)
        topic = path.split("#")[0]
        found.append(Question(text.replace(topic, TOPIC, 1), topic, frozenset(names)))
    return graph, found


def _answers(text: str) -> set[str]:
    """The names of "first(first/second/)", which may have brackets of their own."""
    whole = text.removesuffix(")").removesuffix("/")
    for place, character in enumerate(whole):
        names = whole[place + 1 :].split("/")
        if character == "(" and whole[:place] in names:
            return set(names)
    raise ValueError(f"{text!r} is not an answer with all answers in brackets")


def metaqa(folder: Path, hop: int, split: str, *, words: str = "vanilla") -> list[Question]:
    """The published questions of a hop; of one hop, in other ``words``, too: ntm."""
    found = []
    for line in (folder / f"{hop}-hop" / words / f"qa_{split}.txt").read_text("utf-8").splitlines():
        text, answers = line.split("\t")
        before, _, rest = text.partition("[")
        topic, _, after = rest.partition("]")
        found.append(Question(f"{before}{TOPIC}{after}", topic, frozenset(answers.split("|"))))
    return found


def examples(graph: Mirror, questions: Sequence[Question], encoder: TokenEmbedder) -> list[Example]:
    """Questions as places of a graph; an unknown topic leads nowhere."""
    return [
        Example(
            Asked.of(question.text, tokens),
            tuple(graph.places[EntityId(name)] for name in [question.topic] if name in graph.places),
            frozenset(graph.places[EntityId(name)] for name in question.answers if name in graph.places),
            words=stems(question.text),
        )
        for question, tokens in zip(questions, encoder.tokens([q.text for q in questions]), strict=True)
    ]


def zero_shot(graph: Mirror, texts: np.ndarray, encoder: MiniLM, config: PlannerConfig, *, count: int) -> Planner:
    """A planner that was trained on generated questions alone."""
    found = generate(
        graph, ontology.default(), count=count + GENERATED_DEV, hops=config.hops, seed=config.seed, languages=("en",)
    )
    made = list(found.questions)
    random.Random(config.seed).shuffle(made)
    print(f"{len(made):,} questions generated, {found.ambiguous:,} ambiguous ones dropped", flush=True)
    dev, train = (worded_examples(graph, part, encoder.tokens) for part in (made[:GENERATED_DEV], made[GENERATED_DEV:]))
    return train_planner(graph, train, texts, config, encoder=encoder.name, dev=dev, progress=show)


@dataclass(frozen=True, slots=True)
class Score:
    """What answering some questions came to."""

    hits1: float
    f1: float  # of the best plan's answers
    there: float  # share of the triples of answers' paths that are facts of the graph
    milliseconds: tuple[float, float]  # median and 95th percentile, the question being encoded already


def answer(
    planner: Planner, graph: Mirror, texts: np.ndarray, asked: Sequence[Example], wanted: Sequence[int]
) -> Score:
    """Answer questions; ``wanted`` says how many answers each has, those that the graph lacks included."""
    facts = set(graph.triples())
    rows = planner.rows(graph.relations, texts)
    hits, f1, triples, there = 0, 0.0, 0, 0
    times = []
    for example, count in zip(asked, wanted, strict=True):
        begun = time.perf_counter()
        topics = list(example.topics)
        found = candidates(plans(planner, graph, rows, planner.read(example.asked), topics), topics) if topics else []
        times.append((time.perf_counter() - begun) * 1e3)
        if not found:
            continue
        hits += found[0].place in example.answers
        first = [each for each in found if each.plan is found[0].plan]
        f1 += 2 * sum(each.place in example.answers for each in first) / (len(first) + count)
        for each in first:
            path = graph.trace(each.plan.fronts, each.place)
            triples += len(path)
            there += sum(fact in facts for fact in path)
    total = len(asked)
    return Score(hits / total, f1 / total, there / max(1, triples), (_percentile(times, 50), _percentile(times, 95)))


def on_paths(name: str, seeds: int, command: str, *, system: str) -> list[Row]:
    """Five random splits of a PathQuestion set; without human questions, only those of the test part are looked at."""
    questions_file, facts_file, hops, title = PATHS[name]
    folder = data_folder() / "PathQuestion"
    graph, questions = path_questions(folder, questions_file, facts_file)
    encoder = MiniLM()
    texts = encoder.encode(row_texts(graph.relations))
    asked = examples(graph, questions, encoder)
    scores, seconds = [], 0.0
    for seed in range(seeds):
        order = list(range(len(asked)))
        random.Random(seed).shuffle(order)
        first, second = int(0.8 * len(order)), int(0.9 * len(order))
        train, dev, test = ([asked[at] for at in part] for part in (order[:first], order[first:second], order[second:]))
        begun = time.perf_counter()
        config = replace(CONFIG if system == SYSTEM else WORDED, hops=hops, seed=seed)
        if system == ZERO_SHOT:
            planner = zero_shot(graph, texts, encoder, config, count=enough(len(graph.relations)))
        else:
            if system == MIXED:
                made = generate(graph, ontology.default(), count=MIXED_IN, hops=hops, seed=seed, languages=("en",))
                train = mixed(train, worded_examples(graph, made.questions, encoder.tokens))
            planner = train_planner(graph, train, texts, config, encoder=encoder.name, dev=dev, progress=show)
        seconds += time.perf_counter() - begun
        wanted = [len(questions[at].answers) for at in order[second:]]
        scores.append(answer(planner, graph, texts, test, wanted))
        print(f"{title}, seed {seed}: Hits@1 {scores[-1].hits1:.4f}, F1 {scores[-1].f1:.4f}", flush=True)
    split = f"random 8:1:1, {len(order) - second} test questions, {seeds} seeds"
    return rows_of(title, split, system, scores, seconds / seeds, list(range(seeds)), command)


def on_metaqa(limit: int | None, command: str, *, system: str) -> list[Row]:
    """One planner for questions of one, two and three hops."""
    folder = data_folder() / "MetaQA"
    lines = (folder / "kb_recovered.txt").read_text("utf-8").splitlines()
    graph = Mirror.of((EntityId(s), r, EntityId(o)) for s, r, o in (line.split("|") for line in lines))
    encoder = MiniLM()
    texts = encoder.encode(row_texts(graph.relations))
    begun = time.perf_counter()
    if system == ZERO_SHOT:
        planner = zero_shot(graph, texts, encoder, METAQA, count=3 * METAQA_TRAIN)
    else:
        planner = _of_metaqa(graph, texts, encoder, system=system)
    seconds = time.perf_counter() - begun
    rows: list[Row] = []
    for hop, words, title in ((1, "vanilla", ""), (2, "vanilla", ""), (3, "vanilla", ""), (1, "ntm", " paraphrased")):
        questions = metaqa(folder, hop, "test", words=words)[:limit]
        score = answer(planner, graph, texts, examples(graph, questions, encoder), [len(q.answers) for q in questions])
        split = f"{hop}-hop{title}, {len(questions):,} test questions"
        rows += rows_of("MetaQA, kb_recovered.txt", split, system, [score], seconds, [METAQA.seed], command)
    return rows


def _of_metaqa(graph: Mirror, texts: np.ndarray, encoder: MiniLM, *, system: str) -> Planner:
    """A planner that was trained on some of the published dev questions, and on what else its system is trained on."""
    folder = data_folder() / "MetaQA"
    train: list[Example] = []
    dev: list[Example] = []
    begun = time.perf_counter()
    parts = [(1, "vanilla"), (2, "vanilla"), (3, "vanilla"), *([(1, "ntm")] if system == PARAPHRASED else [])]
    for hop, words in parts:
        drawn = metaqa(folder, hop, "dev", words=words)  # in the order of those that they paraphrase: drawn alike
        random.Random(0).shuffle(drawn)
        asked = examples(graph, drawn[: METAQA_TRAIN + METAQA_DEV], encoder)
        train += [example for example in asked[:METAQA_TRAIN] if example.topics]
        dev += [example for example in asked[METAQA_TRAIN:] if example.topics]
    if system == MIXED:
        made = generate(graph, ontology.default(), count=MIXED_IN, hops=METAQA.hops, seed=0, languages=("en",))
        train += worded_examples(graph, made.questions, encoder.tokens)
    print(f"{len(train)} questions encoded in {time.perf_counter() - begun:.0f} s", flush=True)
    return train_planner(graph, train, texts, METAQA, encoder=encoder.name, dev=dev, progress=show)


def rows_of(
    data: str, split: str, system: str, scores: Sequence[Score], seconds: float, seeds: list[int], command: str
) -> list[Row]:
    """A row a measure, the means over the seeds."""
    measures: dict[str, tuple[SupportsFloat, str]] = {
        "Hits@1": (100 * np.mean([score.hits1 for score in scores]), "%"),
        "Hits@1, standard deviation over seeds": (100 * np.std([score.hits1 for score in scores]), "%"),
        "F1": (100 * np.mean([score.f1 for score in scores]), "%"),
        "triples of answers that are facts": (100 * np.mean([score.there for score in scores]), "%"),
        "planning and walking p50": (np.mean([score.milliseconds[0] for score in scores]), "ms"),
        "planning and walking p95": (np.mean([score.milliseconds[1] for score in scores]), "ms"),
        "training": (seconds / 60, "minutes"),
    }
    if len(scores) == 1:
        del measures["Hits@1, standard deviation over seeds"]
    return [
        Row(
            data=data,
            split=split,
            system=system,
            measure=measure,
            value=round(float(value), 3),
            unit=unit,
            seeds=seeds,
            seconds=round(seconds, 1),
            command=command,
        )
        for measure, (value, unit) in measures.items()
    ]


def show(epoch: Epoch) -> None:
    """Print how an epoch went."""
    hits = "" if epoch.hits1 is None else f", dev Hits@1 {epoch.hits1:.4f}"
    print(f"epoch {epoch.number}: {epoch.seconds:.0f} s, loss {epoch.loss:.4f}{hits}", flush=True)


def _percentile(times: Sequence[float], percent: int) -> float:
    return float(np.percentile(times, percent))


def main() -> None:
    """Measure one data set, and merge its rows into the file."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{NAME}", description=__doc__.partition("\n")[0])
    parser.add_argument("data", choices=[*PATHS, "metaqa"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--questions", type=int, help="of each hop of MetaQA")
    parser.add_argument("--zero-shot", action="store_true", help="train on generated questions only")
    parser.add_argument("--mixed", action="store_true", help="train on generated questions, too")
    parser.add_argument("--paraphrased", action="store_true", help="train on paraphrased questions of MetaQA, too")
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args()
    if options.zero_shot + options.mixed + options.paraphrased > 1:
        parser.error("give one of --zero-shot, --mixed and --paraphrased")
    if options.paraphrased and options.data != "metaqa":
        parser.error("--paraphrased is for metaqa")
    system = ZERO_SHOT if options.zero_shot else MIXED if options.mixed else SYSTEM
    command = " ".join((f"python -m benchmarks.{NAME}", *sys.argv[1:]))
    if options.data == "metaqa":
        rows = on_metaqa(options.questions, command, system=PARAPHRASED if options.paraphrased else system)
    else:
        rows = on_paths(options.data, options.seeds, command, system=system)
    if options.no_write:
        for row in rows:
            print(f"{row['data']} · {row['split']} · {row['measure']}: {row['value']} {row['unit']}")
    else:
        merge_rows(NAME, rows)


if __name__ == "__main__":
    main()
