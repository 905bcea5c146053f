"""How well are facts of entities found that training never saw: from the graph around them, and from their texts alone?

``python -m benchmarks.inductive`` takes all facts of WN18RR, draws 10 % of the entities for the test and 5 % for dev,
and trains on the facts that touch none of them. Then it asks for facts of test entities, both ends of each, among all
entities. The asked fact is left out of the graph, every other one is there for the inductive encoder to walk, and other
right answers are left out of the ranking. The text scorer knows the text of every entity (names and definitions
through MiniLM) and nothing of the graph beside its training facts. "Both" adds the two scores; the weight between them
is chosen on dev, as are the steps at which training ends.

WN18RR holds many facts twice, once in each direction (derivationally related form). So all is measured again with every
fact between the two entities left out, not the asked one alone.

``--data FB15k-237`` does the same there, with a smaller encoder: each step walks most of the graph.
``--facts N`` asks for so many test facts, ``--seed N`` draws other entities, ``--threads N`` works on so many cores,
``--no-write`` only prints.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.rows import Row, data_folder, write_rows
from kg.embeddings.evaluate import ranks
from kg.embeddings.inductive import NBFNet
from kg.embeddings.inductive_training import InductiveConfig, fit_inductive, leave_one_out_ranks
from kg.embeddings.loop import Schedule
from kg.embeddings.text import TextConfig, TextScorer, fit_text, text_features
from kg.embeddings.walks import Links
from nlp.embed import MiniLM

FOLDERS = {"WN18RR": "WN18RR", "FB15k-237": "FB15K237"}
TEST, DEV = 0.10, 0.05  # of the entities
DEV_FACTS = 300
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5)  # of the text scores in the sum of both
ALONE, APART = "the fact left out", "all facts between the two left out"

INDUCTIVE = {
    "WN18RR": InductiveConfig(batch=64, schedule=Schedule(steps=1000, rate=5e-3, every=250, patience=2)),
    "FB15k-237": InductiveConfig(
        dimension=16, layers=2, batch=16, schedule=Schedule(steps=1500, rate=5e-3, every=150, patience=3)
    ),
}
TEXT = TextConfig(hidden=512, candidates=2048, schedule=Schedule(steps=1500, rate=1e-3, every=250, patience=2))


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Facts, texts, and which entities are held out."""

    triples: Tensor  # (m, 3)
    texts: tuple[str, ...]
    num_relations: int
    held: dict[str, Tensor]  # (n,) bool, by split

    def links(self, *, without: tuple[str, ...] = ()) -> Links:
        """The graph without the facts of these splits' entities."""
        left = ~self._touches(*without)
        return Links.of(self.triples[left], num_entities=len(self.texts), num_relations=self.num_relations)

    def asked(self, split: str, limit: int, seed: int) -> Tensor:
        """Facts of the split's entities; of dev, those that touch no test entity.

        Shapes:
            returns (k, 3)
        """
        right = self._touches(split) if split == "test" else self._touches(split) & ~self._touches("test")
        found = self.triples[right]
        return found[torch.randperm(len(found), generator=torch.Generator().manual_seed(seed))[:limit]]

    def _touches(self, *splits: str) -> Tensor:
        touched = torch.zeros(len(self.triples), dtype=torch.bool)
        for split in splits:
            touched |= self.held[split][self.triples[:, 0]] | self.held[split][self.triples[:, 2]]
        return touched


def load(name: str, *, seed: int) -> Data:
    """The data set with entities drawn for dev and test."""
    folder = data_folder() / "KGC"
    rows: list[list[int]] = []
    for part in ("train", "valid", "test"):
        lines = (folder / FOLDERS[name] / f"{part}2id.txt").read_text("utf-8").splitlines()[1:]
        rows += [[int(number) for number in line.split()] for line in lines]
    head, tail, relation = torch.tensor(rows).T  # the files have the relation last
    ids = [line.split("\t") for line in (folder / FOLDERS[name] / "entity2id.txt").read_text("utf-8").splitlines()[1:]]
    names = [id for id, place in sorted(ids, key=lambda row: int(row[1]))]
    lines = (folder / "text" / name / "entity2text.txt").read_text("utf-8").splitlines()
    texts = dict(line.split("\t", 1) for line in lines)
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed))
    ends = {"test": round(TEST * len(names)), "dev": round((TEST + DEV) * len(names))}
    held = {}
    for split, start in (("test", 0), ("dev", ends["test"])):
        held[split] = torch.zeros(len(names), dtype=torch.bool)
        held[split][order[start : ends[split]]] = True
    return Data(
        torch.stack([head, relation, tail], dim=1),
        tuple(texts[id] for id in names),
        int(relation.max()) + 1,
        held,
    )


def mean_reciprocal(found: Tensor) -> float:
    return found.double().reciprocal().mean().item()


def train_text(data: Data, features: Tensor, config: TextConfig) -> TextScorer:
    """The text scorer at its best on facts of dev entities."""
    seen, asked = data.links(without=("test", "dev")), data.asked("dev", DEV_FACTS, 0)

    def dev(model: TextScorer) -> float:
        return mean_reciprocal(ranks(model, asked, data.triples))

    model, learned = fit_text(seen, features, config, dev=dev, progress=progress("text", config.schedule))
    print(f"text: dev MRR {learned.best:.3f} at step {learned.best_step}", file=sys.stderr)
    return model


def train_inductive(data: Data, config: InductiveConfig) -> NBFNet:
    """The inductive encoder at its best on facts of dev entities, asked for in both ways."""
    seen, around = data.links(without=("test", "dev")), data.links(without=("test",))
    asked = data.asked("dev", DEV_FACTS, 0)

    def dev(model: NBFNet) -> float:
        there = model.on(around)
        return sum(mean_reciprocal(leave_one_out_ranks(there, asked, apart=apart)) for apart in (False, True)) / 2

    model, learned = fit_inductive(seen, config, dev=dev, progress=progress("inductive", config.schedule))
    print(f"inductive: dev MRR {learned.best:.3f} at step {learned.best_step}", file=sys.stderr)
    return model


def progress(name: str, schedule: Schedule) -> Callable[[int, float], None]:
    """Says now and then how training goes."""
    started = time.perf_counter()

    def say(step: int, loss: float) -> None:
        if step % schedule.every == 0:
            print(f"{name}: step {step}, loss {loss:.3f}, {time.perf_counter() - started:.0f} s", file=sys.stderr)

    return say


@torch.inference_mode()
def best_weight(model: NBFNet, text: TextScorer, asked: Tensor) -> float:
    """The weight of the text scores whose sum with the encoder's ranks facts of dev entities best."""
    qualities = {
        weight: sum(
            mean_reciprocal(leave_one_out_ranks(model, asked, apart=apart, extra=weighted(text, weight)))
            for apart in (False, True)
        )
        for weight in WEIGHTS
    }
    return max(qualities, key=lambda weight: qualities[weight])


def weighted(text: TextScorer, weight: float) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda heads, relations: weight * text(heads, relations)


def measures(data: Data, asked: Tensor, found: Tensor, way: str) -> dict[str, float]:
    """What ranks come to: over both ends, and apart by whether the unseen entity is in the question or is the answer.

    Where both ends are unseen, a rank counts on both sides.
    """
    unseen = data.held["test"]
    answer_unseen = torch.cat([unseen[asked[:, 2]], unseen[asked[:, 0]]])
    question_unseen = torch.cat([unseen[asked[:, 0]], unseen[asked[:, 2]]])
    return {
        f"MRR, {way}": mean_reciprocal(found),
        f"Hits@10, {way}": (found <= 10).double().mean().item(),
        f"MRR, the answer unseen, {way}": mean_reciprocal(found[answer_unseen]),
        f"MRR, the question's entity unseen, {way}": mean_reciprocal(found[question_unseen]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inductive", description=__doc__.partition("\n")[0])
    parser.add_argument("--data", choices=sorted(FOLDERS), default="WN18RR")
    parser.add_argument("--facts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args()
    started = time.perf_counter()
    if options.threads:
        torch.set_num_threads(options.threads)
    data = load(options.data, seed=options.seed)
    features = text_features(data.texts, MiniLM(threads=options.threads).encode)
    encoded = time.perf_counter() - started
    print(f"{len(data.texts)} texts encoded in {encoded:.0f} s", file=sys.stderr)

    started = time.perf_counter()
    text = train_text(data, features, TEXT)
    text_seconds = encoded + time.perf_counter() - started
    started = time.perf_counter()
    model = train_inductive(data, INDUCTIVE[options.data])
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    weight = best_weight(model.on(data.links(without=("test",))), text, data.asked("dev", DEV_FACTS, 0))
    both_seconds = text_seconds + seconds + time.perf_counter() - started
    print(f"both: weight {weight}", file=sys.stderr)

    asked, there = data.asked("test", options.facts, options.seed), model.on(data.links())
    by_text = ranks(text, asked, data.triples)
    of_text = measures(data, asked, by_text, ALONE) | measures(data, asked, by_text, APART)
    results: list[tuple[str, float, dict[str, float]]] = [
        ("text alone", text_seconds, of_text)  # it walks no graph, so it makes no difference what is left out
    ]
    for system, taken, extra in (("inductive encoder", seconds, None), ("both", both_seconds, weighted(text, weight))):
        found: dict[str, float] = {}
        for way in (ALONE, APART):
            found |= measures(data, asked, leave_one_out_ranks(there, asked, apart=way == APART, extra=extra), way)
        results.append((system, taken, found))
    rows = [
        Row(
            data=options.data,
            split=f"{TEST:.0%} of entities unseen, {len(asked)} facts",
            system=system,
            measure=measure,
            value=round(value, 4),
            unit="",
            seeds=[options.seed],
            seconds=round(taken, 1),
            command=" ".join(["python -m benchmarks.inductive", *sys.argv[1:]]),
        )
        for system, taken, found in results
        for measure, value in found.items()
    ]
    if options.no_write:
        for row in rows:
            print(f"{row['data']} · {row['system']} · {row['measure']}: {row['value']} ({row['seconds']} s)")
    else:
        write_rows("inductive", rows)


if __name__ == "__main__":
    main()
