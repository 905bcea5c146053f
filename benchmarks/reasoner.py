"""How often is the first answer right by plans, by the graph neural reasoner, and by both, where facts may be missing?

``python -m benchmarks.reasoner pq-2h`` (or another PathQuestion set, or metaqa) trains both on the questions of
benchmarks/kgqa.py, calibrates them together on its dev questions, and answers its test questions by plans alone, by the
reasoner alone, and by both. ``--facts 0.5`` drops half of the facts at random first, for training and answering alike;
the answers stay those of the whole graph. ``--train N`` learns from N of MetaQA's dev questions of each hop, and
``--questions N`` answers N test questions of each hop. ``--no-write`` only prints.

``metaqa --refused`` asks instead how probable plans must be among the relations that like entities have, not to follow
others for want of those that are asked for (MEANT in fusion/planned.py): of dev questions that were not trained on and
are planned right, the share whose plan is that probable, beside the share of the same questions that would still be
answered by a plan when the facts of its first step, or of its last, are taken from the graph. With ``--generated`` the
planner is trained on questions made from the graph alone. It only prints.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.kgqa import CONFIG, METAQA, METAQA_DEV, PATHS, examples, metaqa, path_questions, show, zero_shot
from benchmarks.rows import Row, data_folder, give_rows
from fusion.fitting import Epoch
from fusion.planner.model import Planner, row_texts
from fusion.planner.search import Plan, answers, likely, merged, plans
from fusion.planner.training import Example, train_planner
from fusion.reasoner.fusing import Seen, calibration_error, fuse, given
from fusion.reasoner.learning import Look, learn_reasoner
from fusion.reasoner.model import Calibration
from fusion.thought import SURE
from kg.facts import EntityId, Triple
from kg.mirror import Mirror
from nlp.embed import MiniLM

NAME = "reasoner"
REFUSED = 150  # dev questions of each kind that are asked with and without their facts
THRESHOLDS = (1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
SYSTEMS = ("plans", "reasoner", "plans and reasoner")


@dataclass(frozen=True, slots=True)
class Asked:
    """Test questions, and how many answers each has, those that the graph lacks included."""

    split: str
    questions: Sequence[Example]
    wanted: Sequence[int]


def halved(triples: Sequence[tuple[str, str, str]], share: float) -> Mirror:
    """A share of the facts, drawn at random, among all of the entities."""
    entities = list(dict.fromkeys(EntityId(end) for subject, _, object in triples for end in (subject, object)))
    kept = sorted(random.Random(0).sample(list(triples), int(share * len(triples)))) if share < 1 else triples
    return Mirror.of(((EntityId(s), r, EntityId(o)) for s, r, o in kept), entities=entities)


def answered(seen: Seen, calibration: Calibration) -> dict[str, list[tuple[int, float]]]:
    """What each system answers to a question: places, and probabilities where it has them."""
    fused = fuse(calibration, seen)
    planned = sorted(fused, key=lambda one: -one.planned)
    best = next((one.plan for one in planned if one.plan is not None), None)
    reasoned = sorted(fused, key=lambda one: -one.reasoned)
    near = [one for one in reasoned if one.reasoned and one.reasoned >= 0.5 * reasoned[0].reasoned]
    return {
        "plans": [(one.place, one.planned) for one in planned if one.plan is best and best is not None],
        "reasoner": [(one.place, one.reasoned) for one in near],
        "plans and reasoner": [(one.place, one.probability) for one in given(fused, best)],
    }


def measure(
    graph: Mirror, train: list[Example], dev: list[Example], asked: Sequence[Asked], data: str, hops: int, command: str
) -> list[Row]:
    """Train both, and answer."""
    encoder = MiniLM()
    texts = encoder.encode(row_texts(graph.relations))
    config = replace(METAQA if len(asked) > 1 else CONFIG, hops=hops)
    begun = time.perf_counter()
    planner = train_planner(graph, train, texts, config, encoder=encoder.name, dev=dev, progress=show)
    learned = learn_reasoner(planner, graph, train, dev, texts, progress=tell)
    seconds = time.perf_counter() - begun
    if learned is None or learned.reasoner.calibration is None:
        raise SystemExit("there are too few dev questions to calibrate by")
    look, rows = Look(planner, learned.reasoner, graph, texts), []
    for part in asked:
        found = [answered(look(example), learned.reasoner.calibration) for example in part.questions]
        for system in SYSTEMS:
            firsts = [one[system][:1] for one in found]
            right = [bool(one) and one[0][0] in q.answers for one, q in zip(firsts, part.questions, strict=True)]
            f1 = [
                2 * len({place for place, _ in one[system]} & q.answers) / max(1, len(one[system]) + count)
                for one, q, count in zip(found, part.questions, part.wanted, strict=True)
            ]
            measures = {"Hits@1": 100 * float(np.mean(right)), "F1": 100 * float(np.mean(f1))}
            if system == SYSTEMS[-1]:
                chances = np.array([one[0][1] if one else 0.0 for one in firsts])
                measures["calibration error"] = 100 * calibration_error(chances, np.array(right, float))
            rows += [
                Row(
                    data=data,
                    split=part.split,
                    system=system,
                    measure=name,
                    value=round(float(value), 3),
                    unit="%",
                    seeds=[0],
                    seconds=round(seconds, 1),
                    command=command,
                )
                for name, value in measures.items()
            ]
    return rows


def on_paths(name: str, share: float, command: str) -> list[Row]:
    """The split of benchmarks/kgqa.py that has seed 0."""
    questions_file, facts_file, hops, title = PATHS[name]
    whole, questions = path_questions(data_folder() / "PathQuestion", questions_file, facts_file)
    graph = halved(list(whole.triples()), share)
    asked = examples(graph, questions, MiniLM())
    order = list(range(len(asked)))
    random.Random(0).shuffle(order)
    first, second = int(0.8 * len(order)), int(0.9 * len(order))
    train, dev, test = ([asked[at] for at in part] for part in (order[:first], order[first:second], order[second:]))
    split = f"random 8:1:1, {len(test)} test questions, {share:.0%} of the facts"
    part = Asked(split, test, [len(questions[at].answers) for at in order[second:]])
    return measure(graph, train, dev, [part], title, hops, command)


def on_metaqa(share: float, each: int, limit: int | None, command: str) -> list[Row]:
    """Questions of one, two and three hops together."""
    folder, encoder = data_folder() / "MetaQA", MiniLM()
    lines = (folder / "kb_recovered.txt").read_text("utf-8").splitlines()
    graph = halved([tuple(line.split("|")) for line in lines], share)  # type: ignore[misc]  # three parts a line
    train: list[Example] = []
    dev: list[Example] = []
    asked = []
    for hop in (1, 2, 3):
        drawn = metaqa(folder, hop, "dev")
        random.Random(0).shuffle(drawn)
        placed = examples(graph, drawn[: each + METAQA_DEV], encoder)
        train += [example for example in placed[:each] if example.topics]
        dev += [example for example in placed[each:] if example.topics]
        test = metaqa(folder, hop, "test")[:limit]
        split = f"{hop}-hop, {len(test):,} test questions, {share:.0%} of the facts"
        asked.append(Asked(split, examples(graph, test, encoder), [len(question.answers) for question in test]))
    return measure(graph, train, dev, asked, "MetaQA, kb_recovered.txt", METAQA.hops, command)


def refused(each: int, *, generated: bool) -> None:
    """Print, for each threshold, how many right plans pass, and how many that stand for others."""
    folder, encoder = data_folder() / "MetaQA", MiniLM()
    lines = (folder / "kb_recovered.txt").read_text("utf-8").splitlines()
    graph = halved([tuple(line.split("|")) for line in lines], 1)  # type: ignore[misc]  # three parts a line
    texts = encoder.encode(row_texts(graph.relations))
    train: list[Example] = []
    dev: list[Example] = []
    asked: dict[str, list[Example]] = {}
    for hop, words in ((1, "vanilla"), (2, "vanilla"), (3, "vanilla"), (1, "ntm")):
        drawn = metaqa(folder, hop, "dev", words=words)
        random.Random(0).shuffle(drawn)
        placed = [example for example in examples(graph, drawn[: each + 2 * REFUSED], encoder) if example.topics]
        asked[f"{hop}-hop {words}"] = placed[-REFUSED:]
        if words == "vanilla":
            train += placed[:each]
            dev += placed[each : each + REFUSED]
    config = replace(METAQA, batch=16)
    if generated:
        planner = zero_shot(graph, texts, encoder, config, count=3 * each)
    else:
        planner = train_planner(graph, train, texts, config, encoder=encoder.name, dev=dev, progress=show)
    print(f"threshold: {', '.join(map(str, THRESHOLDS))}")
    for split, questions in asked.items():
        planned = [_planned(planner, graph, texts, example) for example in questions]
        right = [
            (example, best)
            for example, (best, _) in zip(questions, planned, strict=True)
            if best is not None and {*answers(best, example.topics)} == example.answers
        ]
        kept = [passing for (best, passing) in planned if best is not None and any(best is one for _, one in right)]
        print(f"{split}, {len(right)} questions, all facts: {_shares(kept)}", flush=True)
        for step, name in ((0, "first"), (-1, "last")):
            gone = {fact for _, best in right for fact in _walked(graph, best, step)}
            rest = Mirror.of((fact for fact in graph.triples() if fact not in gone), entities=graph.entities)
            order = encoder.encode(row_texts(rest.relations))
            found = [_planned(planner, rest, order, example)[1] for example, _ in right]
            print(f"{split}, {len(right)} questions, without those of the {name} step: {_shares(found)}", flush=True)


def _planned(planner: Planner, graph: Mirror, texts: np.ndarray, asked: Example) -> tuple[Plan | None, float]:
    """The best plan, and how probable it is among what like entities have; 0 where it is not sure anyway."""
    rows, read, topics = planner.rows(graph.relations, texts), planner.read(asked.asked), list(asked.topics)
    found = merged(plans(planner, graph, rows, read, topics), topics)
    if not found:
        return None, 0.0
    if np.exp(found[0].log_probability) < SURE:
        return found[0], 0.0
    return found[0], likely(graph, found[0], topics[0])


def _walked(graph: Mirror, plan: Plan, step: int) -> set[Triple]:
    """The facts of one step of a plan."""
    row, front = plan.rows[step], plan.fronts[:-1][step]
    owner, rows, ends = graph.edges_from(front.reached)
    chosen = rows == row
    relation, forward = graph.named(row)
    pairs = zip(front.reached[owner[chosen]].tolist(), ends[chosen].tolist(), strict=True)
    return {
        (graph.entities[here if forward else to], relation, graph.entities[to if forward else here])
        for here, to in pairs
    }


def _shares(found: Sequence[float]) -> str:
    return ", ".join(f"{np.mean([one >= least for one in found]):.3f}" for least in THRESHOLDS)


def tell(epoch: Epoch) -> None:
    """Print how an epoch of the reasoner went."""
    hits = "" if epoch.hits1 is None else f", dev Hits@1 {epoch.hits1:.4f}"
    print(f"reasoner, epoch {epoch.number}: {epoch.seconds:.0f} s, loss {epoch.loss:.4f}{hits}", flush=True)


def main() -> None:
    """Measure one data set, and merge its rows into the file."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{NAME}", description=__doc__.partition("\n")[0])
    parser.add_argument("data", choices=[*PATHS, "metaqa"])
    parser.add_argument("--facts", type=float, default=1.0, help="the share of the graph's facts that are kept")
    parser.add_argument("--train", type=int, default=2000, help="of each hop of MetaQA")
    parser.add_argument("--questions", type=int, help="of each hop of MetaQA")
    parser.add_argument("--refused", action="store_true", help="where the facts that are asked for are taken away")
    parser.add_argument("--generated", action="store_true", help="with --refused: train on generated questions only")
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args()
    command = " ".join((f"python -m benchmarks.{NAME}", *sys.argv[1:]))
    if options.refused:
        if options.data != "metaqa":
            parser.error("--refused is for metaqa")
        refused(options.train, generated=options.generated)
        return
    if options.data == "metaqa":
        rows = on_metaqa(options.facts, options.train, options.questions, command)
    else:
        rows = on_paths(options.data, options.facts, command)
    give_rows(NAME, rows, write=not options.no_write)


if __name__ == "__main__":
    main()
