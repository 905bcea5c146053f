"""How well, and how fast, does a learned graph foretell facts that it was not shown?

``python -m benchmarks.link_prediction DATA`` learns the training facts of one data set (fb15k-237, wn18rr, codex-s,
umls, kinship, nations), keeps the epoch that ranks the dev facts best, and ranks the test facts once: filtered, both
sides, equal scores sharing their mean rank; as is usual, facts of all three parts are left out of the ranks of either.
The calibration error is that of the probabilities of each test query's first 20 candidates, by a curve fitted to dev.
Every setting in ``SETTINGS`` was chosen on dev facts alone; ``--dev
--set dimension=128`` tries another without looking at the test facts, and writes nothing.

``--scale`` measures memory and time as a made-up graph grows; with ``--facts 100000`` only at that size, with
``--scorer rgcn`` and ``--neighbours 10`` of a graph encoder. ``--device cuda`` takes the larger settings of
``ON_A_GPU``. Rows are merged into results/link_prediction.json.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from benchmarks.rows import Row, data_folder, merge_rows
from kg.embeddings.batches import Queries
from kg.embeddings.calibration import calibrate, error_on
from kg.embeddings.config import LAYERS, Epoch, TrainConfig
from kg.embeddings.evaluate import Metrics, evaluate
from kg.embeddings.memory import estimate
from kg.embeddings.models import builder, config_for
from kg.embeddings.scorers import Scorer
from kg.embeddings.train import train
from kg.facts import EntityId
from kg.tensors import GraphTensors

NAME = "link_prediction"
COMMAND = f"python -m benchmarks.{NAME}"
SETTINGS = {
    "fb15k-237": TrainConfig(
        dimension=256, epochs=40, answers=4, learning_rate=0.2, relation_weight=0.5, candidates=1500, minutes=19.0
    ),
    "wn18rr": TrainConfig(
        dimension=512, epochs=25, answers=4, learning_rate=0.2, regularisation=0.1, candidates=4000, minutes=30.0
    ),
    "codex-s": TrainConfig(dimension=512, epochs=100, answers=1, regularisation=0.01),
    "umls": TrainConfig(dimension=256, epochs=200, batch_size=100, answers=1, regularisation=0.01, patience=20),
    "kinship": TrainConfig(
        dimension=256, epochs=200, batch_size=100, answers=2, regularisation=0.03, relation_weight=0.25, patience=20
    ),
    "nations": TrainConfig(
        scorer="distmult",
        dimension=256,
        epochs=200,
        batch_size=100,
        answers=1,
        regularisation=0.003,
        relation_weight=0.25,
        patience=20,
    ),
}
ON_A_GPU: dict[str, dict[str, Any]] = {
    "fb15k-237": {"dimension": 2000, "epochs": 150, "candidates": 0, "relation_weight": 4.0, "patience": 10},
    "wn18rr": {"dimension": 2000, "epochs": 100, "candidates": 0, "batch_size": 100, "patience": 10},
    "codex-s": {"dimension": 2000},
}
TITLES = {
    "fb15k-237": "FB15k-237",
    "wn18rr": "WN18RR",
    "codex-s": "CoDEx-S",
    "umls": "UMLS",
    "kinship": "Kinship",
    "nations": "Nations",
}
SCALES = (10_000, 100_000, 1_000_000)
AT_SCALE = TrainConfig(dimension=128, epochs=1, batch_size=1000, candidates=4096)


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """A data set in its three parts."""

    graph: GraphTensors  # the training facts; entities of the other parts are among its entities
    dev: Tensor  # (k, 3)
    test: Tensor


def read(name: str) -> Data:
    """A data set from its files."""
    folder = data_folder()
    if name in ("fb15k-237", "wn18rr"):
        return _numbered(folder / "KGC" / {"fb15k-237": "FB15K237", "wn18rr": "WN18RR"}[name])
    if name == "codex-s":
        return _named(folder / "CoDEx" / "triples" / name)
    return _named(folder / "KGC" / "small" / {"umls": "UMLS"}.get(name, name.title()))


def _numbered(folder: Path) -> Data:
    """OpenKE's form: a count, then lines of head, tail and relation."""
    names = []
    for path in (folder / "entity2id.txt", folder / "relation2id.txt"):
        rows = [line.rsplit("\t", 1) for line in path.read_text("utf-8").splitlines()[1:]]
        names.append([name for name, number in sorted(rows, key=lambda row: int(row[1]))])
    parts = [
        torch.from_numpy(np.loadtxt(folder / f"{part}2id.txt", dtype=np.int64, skiprows=1))[:, [0, 2, 1]]
        for part in ("train", "valid", "test")
    ]
    return Data(_graph(parts[0], *names), parts[1], parts[2])


def _named(folder: Path) -> Data:
    """Lines of head, relation and tail."""
    parts = [
        [line.split("\t") for line in (folder / f"{part}.txt").read_text("utf-8").splitlines() if line]
        for part in ("train", "valid", "test")
    ]
    every = [row for part in parts for row in part]
    entities = sorted({end for head, _, tail in every for end in (head, tail)})
    relations = sorted({relation for _, relation, _ in every})
    entity = {name: place for place, name in enumerate(entities)}
    kind = {name: place for place, name in enumerate(relations)}
    rows = [torch.tensor([(entity[h], kind[r], entity[t]) for h, r, t in part]) for part in parts]
    return Data(_graph(rows[0], entities, relations), rows[1], rows[2])


def _graph(triples: Tensor, entities: Iterable[str], relations: Iterable[str]) -> GraphTensors:
    edges = triples[:, [0, 2]].T.contiguous()
    return GraphTensors(edges, triples[:, 1].contiguous(), tuple(map(EntityId, entities)), tuple(relations))


def measure(name: str, config: TrainConfig, *, device: str, command: str, test: bool) -> list[Row]:
    """Learn one data set, and rank its test facts (or, without ``test``, only its dev facts)."""
    data = read(name)
    trained = train(data.graph, config, dev=data.dev, known=data.test, device=device, progress=show)
    seconds = trained.history[-1].seconds
    assert trained.dev is not None
    title, system = TITLES[name], _system(config, trained.precision)
    about = {"data": title, "system": system, "seeds": [config.seed], "seconds": round(seconds, 1), "command": command}
    rows = metrics(trained.dev, f"dev, {len(data.dev):,} facts", about)
    if test:
        begun = time.perf_counter()
        known = torch.cat((data.graph.triples, data.dev, data.test))
        found = evaluate(trained.scorer, data.test, known, device=device)
        ranked = time.perf_counter() - begun
        split = f"test, {len(data.test):,} facts"
        off = _calibration_error(trained.scorer.cpu(), data)
        rows = rows[:1] + metrics(found, split, about)
        rows.append(make_row(about, split, "calibration error", off, ""))
        rows.append(make_row(about, split, "training", seconds / 60, "minutes"))
        rows.append(make_row(about, split, "epochs", len(trained.history), ""))
        rows.append(make_row(about | {"seconds": round(ranked, 2)}, split, "filtered ranking", ranked, "s"))
    return rows


def _calibration_error(scorer: Scorer, data: Data) -> float:
    """How far the probabilities of the first candidates of test facts are off, the curve being fitted to dev facts."""
    relations = len(data.graph.relations)
    calibration = calibrate(scorer, data.dev, Queries(torch.cat((data.graph.triples, data.test)), relations))
    return error_on(calibration, scorer, data.test, Queries(torch.cat((data.graph.triples, data.dev)), relations))


def metrics(found: Metrics, split: str, about: dict[str, Any]) -> list[Row]:
    """A row for each measure of ranks."""
    named = {"MRR": found.mrr, "Hits@1": found.hits1, "Hits@3": found.hits3, "Hits@10": found.hits10}
    return [make_row(about, split, measure, value, "") for measure, value in named.items()]


def make_row(about: dict[str, Any], split: str, measure: str, value: float, unit: str) -> Row:
    """A row of a run that ``about`` tells of."""
    return cast(Row, {**about, "split": split, "measure": measure, "value": round(value, 4), "unit": unit})


def _system(config: TrainConfig, precision: str) -> str:
    told = [f"Clew {config.scorer}", f"{config.dimension} numbers a vector", precision]
    if config.relation_weight:
        told.append("relation prediction")
    return ", ".join(told)


def show(epoch: Epoch) -> None:
    """Print how an epoch went."""
    found = f"dev MRR {epoch.dev.mrr:.4f}, Hits@10 {epoch.dev.hits10:.4f}" if epoch.dev else ""
    print(f"epoch {epoch.number}: {epoch.seconds:.1f} s, loss {epoch.loss:.4f} {found}", flush=True)


# -- growth -----------------------------------------------------------------------------------------------------------


def made_up(facts: int, *, seed: int = 0) -> GraphTensors:
    """A graph with a tenth as many entities as facts, and 100 relations; few entities and relations are in most."""
    generator = np.random.default_rng(seed)
    entities = facts // 10

    def skewed(count: int) -> np.ndarray:
        return (count * generator.random(facts) ** 2).astype(np.int64)

    triples = torch.from_numpy(np.stack((skewed(entities), skewed(100), skewed(entities)), axis=1))
    return _graph(triples, (f"e{place}" for place in range(entities)), (f"r{place}" for place in range(100)))


def scale(config: TrainConfig, *, sizes: Sequence[int], device: str, command: str) -> list[Row]:
    """Each size in a process of its own, since a process's memory only ever grows."""
    rows = []
    system = f"Clew {config.scorer}, {config.dimension} numbers a vector, {config.candidates:,} drawn candidates"
    if config.scorer in LAYERS:
        system += f", {config.neighbours or 'all'} neighbours"
    for facts in sizes:
        line = [sys.executable, "-m", f"benchmarks.{NAME}", "--one-of-scale", str(facts), "--device", device]
        line += ["--scorer", config.scorer, "--neighbours", str(config.neighbours)]
        told = json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        about = {
            "data": f"made-up graph, {facts:,} facts, {facts // 10:,} entities, 100 relations",
            "system": system,
            "seeds": [0],
            "seconds": round(told["seconds"], 2),
            "command": command,
        }
        rows.append(make_row(about, "all", "an epoch", told["seconds"], "s"))
        rows.append(make_row(about, "all", "memory taken by training", told["memory"] / 1e6, "MB"))
        rows.append(make_row(about, "all", "memory foretold", told["foretold"] / 1e6, "MB"))
    return rows


def _at_scale(scorer: str, neighbours: int) -> TrainConfig:
    """Graph encoders are given fewer candidates: each is made from its neighbours."""
    if scorer not in LAYERS:
        return replace(AT_SCALE, scorer=scorer, neighbours=neighbours)
    return config_for(scorer, dimension=64, epochs=1, batch_size=1000, candidates=1000, neighbours=neighbours)


def _one_of_scale(facts: int, config: TrainConfig, device: str) -> None:
    graph = made_up(facts)
    queries = Queries(graph.triples, len(graph.relations))
    sizes = {
        "num_entities": len(graph.entities),
        "num_relations": len(graph.relations),
        "num_queries": len(queries),
        "num_facts": len(queries.tails),
    }
    del queries
    build = builder(config.scorer)
    before = _memory(device)
    trained = train(graph, config, device=device, build=build)
    told = {
        "seconds": trained.history[-1].seconds,
        "memory": _memory(device) - before,
        "foretold": estimate(config, **sizes),
    }
    print(json.dumps(told))


def _memory(device: str) -> int:
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    status = Path("/proc/self/status").read_text("utf-8")  # getrusage begins with what the parent held
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


# ---------------------------------------------------------------------------------------------------------------------


def main() -> None:
    """Measure one thing, and merge its rows into the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", choices=SETTINGS)
    parser.add_argument("--dev", action="store_true", help="look at dev facts alone, write nothing")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="other settings, with --dev")
    parser.add_argument("--scale", action="store_true")
    parser.add_argument("--facts", type=int, nargs="+", default=SCALES, help="the sizes, with --scale")
    parser.add_argument("--scorer", default=AT_SCALE.scorer, help="with --scale")
    parser.add_argument("--neighbours", type=int, default=0, help="drawn for an entity and layer, with --scale")
    parser.add_argument("--one-of-scale", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    if options.set and not options.dev:
        parser.error("--set goes with --dev: what is reported is measured with the settings in the file")
    command = " ".join((COMMAND, *sys.argv[1:]))
    if options.one_of_scale:
        _one_of_scale(options.one_of_scale, _at_scale(options.scorer, options.neighbours), options.device)
        return
    if options.scale:
        config = _at_scale(options.scorer, options.neighbours)
        rows = scale(config, sizes=options.facts, device=options.device, command=command)
    elif options.data:
        config = SETTINGS[options.data]
        if options.device.startswith("cuda"):
            config = replace(config, **ON_A_GPU.get(options.data, {}))
        config = replace(config, **_changes(options.set))
        print(json.dumps(asdict(config)), flush=True)
        rows = measure(options.data, config, device=options.device, command=command, test=not options.dev)
    else:
        parser.error("name a data set, or give --scale")
    if options.dev:
        for row in rows:
            print(f"{row['split']} · {row['measure']}: {row['value']}")
    else:
        merge_rows(NAME, rows)


def _changes(given: Sequence[str]) -> dict[str, Any]:
    changes = {}
    for each in given:
        name, _, value = each.partition("=")
        changes[name] = type(getattr(TrainConfig(), name))(value)
    return changes


if __name__ == "__main__":
    main()
