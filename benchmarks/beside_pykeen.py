"""Clew beside PyKEEN, on the same cores, in one run, ranked by the same code.

``python -m benchmarks.beside_pykeen fb15k-237`` times Clew's ComplEx and PyKEEN's until the dev facts are ranked with
an MRR of 0.34, dev facts being ranked after every epoch; either is given ``--minutes``.

``python -m benchmarks.beside_pykeen nations`` (or umls, kinship) trains several of PyKEEN's models, keeps for each the
epoch that ranks the dev facts best, and ranks the test facts. Each is one try with the same settings, not a search;
Clew's settings were chosen among a few on dev facts.

``--device cuda`` for a GPU. Rows are merged into results/link_prediction.json.
"""

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.link_prediction import NAME, SETTINGS, TITLES, Data, make_row, metrics, read, show
from benchmarks.rows import Row, merge_rows
from kg.embeddings.batches import Queries
from kg.embeddings.config import Epoch, TrainConfig
from kg.embeddings.evaluate import evaluate
from kg.embeddings.scorers import Scorer
from kg.embeddings.train import train

GOAL = 0.34  # the dev MRR that both are timed to
SMALL = ("nations", "umls", "kinship")
MODELS = ("ComplEx", "DistMult", "RotatE", "TuckER", "ConvE")
WIDTH, BATCH, RATE, EPOCHS, EVERY = 256, 256, 1e-2, 100, 5  # of each of them, trained by Adam
FIRST = 1e-3  # standard deviation of ComplEx's first numbers
TUCKER = 32  # numbers of a relation: with 256, its core alone has 17 million


def timed(device: str, minutes: float, command: str) -> list[Row]:
    """Minutes until either reaches the goal on FB15k-237."""
    data = read("fb15k-237")
    config = replace(SETTINGS["fb15k-237"], evaluate_every=1)
    split = f"{len(data.dev):,} dev facts"
    rows = []
    reached: dict[str, float] = {}
    threads = torch.get_num_threads()
    for system, run in (("Clew ComplEx", _clew), ("PyKEEN ComplEx", _pykeen)):
        history = run(data, config, device, minutes)
        first = next((seconds for seconds, found in history if found >= GOAL), None)
        about = {
            "data": "FB15k-237",
            "system": f"{system}, {config.dimension} numbers a vector, {threads} threads",
            "seeds": [config.seed],
            "seconds": round(history[-1][0], 1),
            "command": command,
        }
        best = max(found for _, found in history)
        rows.append(make_row(about, split, f"best MRR in at most {minutes:g} minutes", best, ""))
        rows.append(make_row(about, split, "an epoch, ranking of dev included", history[-1][0] / len(history), "s"))
        reached[system] = first if first is not None else float("inf")
        if first is not None:
            rows.append(make_row(about, split, f"time to MRR {GOAL}", first / 60, "minutes"))
    clew, pykeen = reached["Clew ComplEx"], reached["PyKEEN ComplEx"]
    if clew < float("inf"):
        what = f"PyKEEN's time to MRR {GOAL} over Clew's"
        about |= {"system": "Clew against PyKEEN", "seconds": 0.0}
        ratio = min(pykeen, minutes * 60) / clew
        rows.append(make_row(about, split, what if pykeen < float("inf") else f"{what}, at least", ratio, "×"))
    return rows


def _clew(data: Data, config: TrainConfig, device: str, minutes: float) -> list[tuple[float, float]]:
    seen: list[tuple[float, float]] = []

    def progress(epoch: Epoch) -> None:
        assert epoch.dev is not None
        seen.append((epoch.seconds, epoch.dev.mrr))
        show(epoch)
        if epoch.dev.mrr >= GOAL:
            raise StopIteration

    with contextlib.suppress(StopIteration):
        config = replace(config, minutes=minutes)
        train(data.graph, config, dev=data.dev, known=data.test, device=device, progress=progress)
    return seen


def _pykeen(data: Data, config: TrainConfig, device: str, minutes: float) -> list[tuple[float, float]]:
    """PyKEEN's ComplEx as near to these settings as it goes: all entities as candidates (LCWA, which also asks each
    query once), cross-entropy, inverse triples, Adagrad, the same rate, batch, dimension and first vectors. Its
    regulariser weighs whole tables at every batch, not the rows of facts; it is off, which it learned faster with.
    """
    first = partial(torch.nn.init.normal_, std=config.initial_scale)
    theirs = _Theirs(
        "ComplEx",
        data,
        seed=config.seed,
        device=device,
        embedding_dim=config.dimension // 2,
        entity_initializer=first,
        relation_initializer=first,
        regularizer=None,
    )
    optimizer = torch.optim.Adagrad(theirs.model.parameters(), lr=config.learning_rate)
    seen: list[tuple[float, float]] = []
    known = _known(data, data.dev, data.test)
    begun = time.perf_counter()
    for _ in theirs.epochs(optimizer, config.batch_size):
        found = evaluate(theirs, data.dev, known, device=device)
        seen.append((time.perf_counter() - begun, found.mrr))
        print(f"PyKEEN epoch {len(seen)}: {seen[-1][0]:.1f} s, dev MRR {found.mrr:.4f}", flush=True)
        if found.mrr >= GOAL or time.perf_counter() - begun > minutes * 60:
            break
    return seen


def compared(name: str, device: str, command: str) -> list[Row]:
    """What PyKEEN's models reach on a small graph."""
    data = read(name)
    known = _known(data, data.dev, data.test)
    rows: list[Row] = []
    for model in MODELS:
        theirs = _Theirs(model, data, seed=0, device=device, **_settings(model))
        optimizer = torch.optim.Adam(theirs.model.parameters(), lr=RATE)
        best, kept = 0.0, deepcopy(theirs.model.state_dict())
        begun = time.perf_counter()
        for epoch in theirs.epochs(optimizer, BATCH, every=EVERY):
            found = evaluate(theirs, data.dev, known, device=device).mrr
            if found > best:
                best, kept = found, deepcopy(theirs.model.state_dict())
            if epoch == EPOCHS:
                break
        theirs.model.load_state_dict(kept)
        about = {
            "data": TITLES[name],
            "system": f"PyKEEN {model}, {WIDTH} numbers a vector",
            "seeds": [0],
            "seconds": round(time.perf_counter() - begun, 1),
            "command": command,
        }
        found_test = evaluate(theirs, data.test, known, device=device)
        rows.append(make_row(about, f"dev, {len(data.dev):,} facts", "MRR", best, ""))
        rows += metrics(found_test, f"test, {len(data.test):,} facts", about)
        print(f"{TITLES[name]} · {about['system']}: dev {best:.4f}, test {found_test.mrr:.4f}", flush=True)
    return rows


def _settings(model: str) -> dict[str, Any]:
    """Vectors of the same length for each: complex ones have half as many numbers, of two parts each.

    ComplEx begins, by default, with numbers about 1: with this loss it learns next to nothing from there, so it begins
    near 0. Regularisers, a default of ComplEx and DistMult, are off for the same reason.
    """
    match model:
        case "ComplEx":
            first = partial(torch.nn.init.normal_, std=FIRST)
            return {
                "embedding_dim": WIDTH // 2,
                "entity_initializer": first,
                "relation_initializer": first,
                "regularizer": None,
            }
        case "DistMult":
            return {"embedding_dim": WIDTH, "regularizer": None}
        case "RotatE":
            return {"embedding_dim": WIDTH // 2}
        case "TuckER":
            return {"embedding_dim": WIDTH, "relation_dim": TUCKER}
        case _:
            return {"embedding_dim": WIDTH}


def _known(data: Data, *others: Tensor) -> Queries:
    return Queries(torch.cat((data.graph.triples, *others)), len(data.graph.relations))


class _Theirs(Scorer):
    """A model of PyKEEN's with inverse triples, trained by its own loop, to be ranked by the same code."""

    def __init__(self, name: str, data: Data, *, seed: int, device: str, **settings: Any) -> None:
        from pykeen.models import model_resolver
        from pykeen.triples import CoreTriplesFactory

        graph = data.graph
        super().__init__(len(graph.entities), len(graph.relations))
        self.factory = CoreTriplesFactory(
            graph.triples,
            num_entities=len(graph.entities),
            num_relations=len(graph.relations),
            create_inverse_triples=True,
        )
        self.model = model_resolver.make(
            name, triples_factory=self.factory, loss="crossentropy", random_seed=seed, **settings
        ).to(device)

    def epochs(self, optimizer: torch.optim.Optimizer, batch_size: int, *, every: int = 1) -> Iterator[int]:
        """Train without end; gives, every so many epochs, how many were done."""
        from pykeen.training import LCWATrainingLoop

        loop = LCWATrainingLoop(model=self.model, triples_factory=self.factory, optimizer=optimizer)
        epoch = 0
        while True:
            epoch += every
            loop.train(
                self.factory,
                num_epochs=epoch,
                batch_size=batch_size,
                use_tqdm=False,
                use_tqdm_batch=False,
                only_size_probing=False,
                continue_training=epoch > every,
            )
            yield epoch

    def forward(self, heads: Tensor, relations: Tensor) -> Tensor:
        scores = heads.new_empty((len(heads), self.num_entities), dtype=torch.float32)
        back = relations >= self.num_relations
        if bool((~back).any()):
            scores[~back] = self.model.predict_t(torch.stack((heads, relations), dim=1)[~back])
        if bool(back.any()):
            turned = torch.stack((relations - self.num_relations, heads), dim=1)
            scores[back] = self.model.predict_h(turned[back])
        return scores


def main() -> None:
    """Compare on one data set, and merge the rows into the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beside_pykeen", description=__doc__.partition("\n")[0])
    parser.add_argument("data", choices=["fb15k-237", *SMALL])
    parser.add_argument("--minutes", type=float, default=40.0, help="given to each, on fb15k-237")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    command = " ".join(("python -m benchmarks.beside_pykeen", *sys.argv[1:]))
    if options.data in SMALL:
        merge_rows(NAME, compared(options.data, options.device, command))
    else:
        merge_rows(NAME, timed(options.device, options.minutes, command))


if __name__ == "__main__":
    main()
