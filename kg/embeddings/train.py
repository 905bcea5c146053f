"""Learn a graph: fit a scorer to its facts, watch held-out ones, stop when they get no better."""

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from kg.embeddings import memory
from kg.embeddings.batches import Queries
from kg.embeddings.checkpoint import ABOUT, Checkpoint, carry_over, load, save
from kg.embeddings.config import Epoch, TrainConfig
from kg.embeddings.errors import CheckpointError, DivergedError, NothingToLearnError, SettingError
from kg.embeddings.evaluate import Metrics, ranks, summary
from kg.embeddings.objective import Objective
from kg.embeddings.optimizers import optimizer_for, restore_state, state_of
from kg.embeddings.precision import resolve
from kg.embeddings.scorers import SCORERS, Factorised, Scorer
from kg.embeddings.workers import ALONE, Workers
from kg.tensors import GraphTensors

LOOK = 50  # batches between looks at the loss, each of which makes a GPU wait

Build = Callable[[GraphTensors, TrainConfig], Scorer]
State = dict[str, Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A scorer that has learned a graph."""

    scorer: Scorer  # of the best epoch, ready to score
    config: TrainConfig
    precision: str  # of matrix products
    history: tuple[Epoch, ...]
    best: int  # its epoch, from 1
    stopped: str  # "epochs", "patience", "minutes" or "diverged"
    carried: int = 0  # entities whose vectors were taken over from an older graph

    @property
    def dev(self) -> Metrics | None:
        """What the best epoch reached on the held-out facts."""
        return self.history[self.best - 1].dev


def train(
    graph: GraphTensors,
    config: TrainConfig,
    *,
    dev: Tensor | None = None,
    known: Tensor | None = None,
    device: str = "cpu",
    folder: Path | None = None,
    resume: bool = False,
    start: Checkpoint | None = None,
    build: Build | None = None,
    progress: Callable[[Epoch], None] | None = None,
    free: int | None = None,
    workers: Workers = ALONE,
) -> Trained:
    """Fit a scorer to the facts of a graph.

    ``dev`` holds facts (k, 3) that the graph lacks; the model of the epoch that ranks them best is kept. Without them
    it is the last one. ``known`` holds facts (k, 3) that are neither learned nor asked for, but are no mistakes either.
    With ``folder``, a checkpoint is written after every measurement, and ``resume`` goes on from
    it as if the run had never ended. ``start`` gives vectors learned of an older version of the graph. ``build`` makes
    a scorer that is none of ``SCORERS``. ``free`` stands in for the bytes of memory that are left.

    With ``workers``, each of these processes calls this with the same graph and settings, and all return the same;
    what ``folder``, ``start`` and ``resume`` bring counts in the main one, which alone writes and reports progress.

    Raises:
        NothingToLearnError: the graph holds no facts.
        TooLargeError: it would not fit.
        DivergedError: the loss was infinite or no number before anything was learned. Later, the last good model is
            returned, ``stopped`` being "diverged".
        OtherGraphError, CheckpointError: what is in ``folder`` cannot be gone on with.
        LostProcessError: another of the processes has ended.
        SettingError: the configuration names no scorer, or a dimension that this scorer cannot have.
    """
    run = _Run(
        graph, config, dev=dev, known=known, device=device, folder=folder, build=build, free=free, workers=workers
    )
    run.begin(resume=resume, start=start)
    return run.go(progress)


class _Run:
    """A training run under way."""

    def __init__(
        self,
        graph: GraphTensors,
        config: TrainConfig,
        *,
        dev: Tensor | None,
        known: Tensor | None,
        device: str,
        folder: Path | None,
        build: Build | None,
        free: int | None,
        workers: Workers,
    ) -> None:
        if not len(graph.edge_type):
            raise NothingToLearnError("The graph holds no facts to learn from; ingest documents or import facts first.")
        self.graph, self.config, self.device, self.folder = graph, config, device, folder
        self.workers = workers
        triples = graph.triples
        queries = Queries(triples, len(graph.relations))
        sharing, size = workers.sharing, len(graph.entities)
        workers.every(lambda: memory.check(config, queries, size, device=device, free=free, sharing=sharing))
        self.queries = queries.to(device)
        self.dev = dev.to(device) if dev is not None and len(dev) else None
        if self.dev is not None:
            parts = [part.to(device) for part in (triples, self.dev, known) if part is not None]
            self.known = Queries(torch.cat(parts), len(graph.relations))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.scorer = (build or _build)(graph, config).to(device)
        if config.relation_weight and isinstance(self.scorer, Factorised) and not self.scorer.inner_product:
            raise SettingError(f"relation_weight must be 0 for {config.scorer}, which compares by distance")
        self.optimizer = optimizer_for(self.scorer, config, device)
        self.dtype = resolve(config.precision, device)
        self.history: list[Epoch] = []
        self.best, self.waited, self.carried = 0, 0, 0
        self.kept: State = {}
        self.digest = graph.digest if folder is not None else ""

    def begin(self, *, resume: bool, start: Checkpoint | None) -> None:
        """Have every process begin where the main one does."""

        def begin() -> tuple[torch.dtype, list[Epoch], int, int, int]:
            if resume:
                self.restore()
            elif start is not None:
                self.carry(start)
            return self.dtype, self.history, self.best, self.waited, self.carried

        self.dtype, self.history, self.best, self.waited, self.carried = self.workers.main(begin)
        if self.workers.number == 1:
            return
        self.scorer.load_state_dict(self.workers.tensors(self.scorer.state_dict()))
        state = self.workers.tensors(state_of(self.scorer, self.optimizer))
        restore_state(self.scorer, self.optimizer, state)
        self.kept = self.workers.tensors(self.kept)

    def go(self, progress: Callable[[Epoch], None] | None) -> Trained:
        """Run epochs until there is a reason to stop."""
        entities = len(self.graph.entities)
        objective = Objective(self.queries, self.config, entities, dtype=self.dtype, workers=self.workers)
        spent = self.history[-1].seconds if self.history else 0.0
        begun = time.perf_counter() - spent
        stopped = self._reason(spent)
        while not stopped:
            number = len(self.history) + 1
            try:
                loss = self._epoch(objective, number)
                elapsed = self._elapsed(begun)
                stopped = self._reason(elapsed, done=number)
                measured = bool(stopped) or number % self.config.evaluate_every == 0
                found = self._measure() if measured else None
            except DivergedError:
                if not self.kept:
                    raise
                stopped = "diverged"
                break
            elapsed = self._elapsed(begun)
            self.history.append(Epoch(number, loss, elapsed, found))
            if measured:
                self._keep(found)
                stopped = stopped or self._reason(elapsed)
                self._save(stopped)
            if progress is not None and self.workers.is_main:
                progress(self.history[-1])
        self.scorer.load_state_dict(self.kept)
        self.scorer.eval()
        return Trained(
            self.scorer, self.config, self._precision, tuple(self.history), self.best, stopped, carried=self.carried
        )

    def restore(self) -> None:
        """Take up the run in the folder, where there is one."""
        folder = self.folder
        if folder is None:
            raise ValueError("a run can be resumed from a folder only")
        if not (folder / ABOUT).exists():
            return
        found = load(folder)
        found.require(self.graph, folder=folder)
        found.require_config(self.config, folder=folder)
        if found.dev_digest != self._dev_digest:
            raise CheckpointError(
                f"The run in {folder} was measured on other held-out facts; give those, or train anew."
            )
        self.dtype = getattr(torch, found.precision)
        self.history, self.best, self.waited = list(found.history), found.best, found.waited
        self.scorer.load_state_dict(found.last)
        restore_state(self.scorer, self.optimizer, found.optimizer)
        self.kept = {key: tensor.to(self.device) for key, tensor in found.model.items()}

    def carry(self, start: Checkpoint) -> None:
        """Begin with the best vectors of an older version of the graph, and with what its optimizer knew of them."""
        entities, relations = (start.entities, self.graph.entities), (start.relations, self.graph.relations)
        state = self.scorer.state_dict()  # shares memory with the scorer
        with torch.no_grad():
            self.carried = carry_over(start.model, state, entities=entities, relations=relations)
        if start.config.optimizer == self.config.optimizer:
            known = state_of(self.scorer, self.optimizer)
            carry_over(start.optimizer, known, entities=entities, relations=relations)

    def _elapsed(self, begun: float) -> float:
        """Seconds since then, by the clock of the main process: all are to stop after the same epoch."""
        return self.workers.main(lambda: time.perf_counter() - begun)

    def _reason(self, elapsed: float, *, done: int | None = None) -> str:
        """Why there should be no further epoch."""
        done = len(self.history) if done is None else done
        if done >= self.config.epochs:
            return "epochs"
        if self.dev is not None and self.waited >= self.config.patience:
            return "patience"
        if self.config.minutes and done and elapsed * (1 + 1 / done) > self.config.minutes * 60:
            return "minutes"
        return ""

    def _epoch(self, objective: Objective, number: int) -> float:
        """One pass over the facts; returns the mean loss of a fact."""
        self.scorer.train()
        objective.begin(number)
        total = torch.zeros((), device=self.device)
        batches = self.queries.shuffled(
            self.config.batch_size, limit=self.config.answers, seed=self.config.seed, epoch=number
        )
        chance = torch.random.fork_rng(devices=[self.device] if self.device.startswith("cuda") else [])
        unchecked = torch.sparse.check_sparse_tensor_invariants(enable=False)  # type: ignore[no-untyped-call]
        with chance, unchecked:  # sparse gradients are whole by construction
            torch.manual_seed(self.config.seed * 1_000_003 + number)  # for scorers that drop out
            for place, batch in enumerate(batches):
                self.optimizer.zero_grad(set_to_none=True)
                loss = objective(self.scorer, batch)
                loss.backward()  # type: ignore[no-untyped-call]
                self.workers.sum_gradients(self.scorer.parameters())
                self.optimizer.step()
                total += loss.detach()
                if place % LOOK == 0:
                    self._checked(total, number)
        return self._checked(total, number) / objective.batches

    def _checked(self, part: Tensor, number: int) -> float:
        """The loss that all processes have summed up."""
        total = self.workers.sum(part).item()
        if not math.isfinite(total):
            raise DivergedError(
                f"The loss became infinite or no number in epoch {number} "
                f"(learning rate {self.config.learning_rate}); use a smaller learning rate."
            )
        return total

    def _measure(self) -> Metrics | None:
        """Rank the held-out facts, each process its share of them."""
        if self.dev is None:
            return None
        share = self.dev[self.workers.rank :: self.workers.number]
        found = self.workers.every(lambda: ranks(self.scorer, share, self.known, device=self.device).cpu())
        return self.workers.main(lambda: summary(torch.cat(found)))

    def _keep(self, found: Metrics | None) -> None:
        """Hold on to this epoch's model if none was better."""
        so_far = self.history[self.best - 1].dev if self.best else None
        if found is None or so_far is None or found.mrr > so_far.mrr:
            self.best, self.waited = len(self.history), 0
            self.kept = {key: tensor.detach().clone() for key, tensor in self.scorer.state_dict().items()}
        else:
            self.waited += 1

    def _save(self, stopped: str) -> None:
        folder = self.folder
        if folder is None:
            return
        checkpoint = Checkpoint(
            config=self.config,
            entities=self.graph.entities,
            relations=self.graph.relations,
            facts=len(self.graph.edge_type),
            digest=self.digest,
            dev_digest=self._dev_digest,
            precision=self._precision,
            history=tuple(self.history),
            best=self.best,
            waited=self.waited,
            model=self.kept,
            last=self.scorer.state_dict(),
            optimizer=state_of(self.scorer, self.optimizer),
            version=self.graph.version,
            stopped=stopped,
        )
        self.workers.main(lambda: save(folder, checkpoint))

    @property
    def _precision(self) -> str:
        return str(self.dtype).removeprefix("torch.")

    @property
    def _dev_digest(self) -> str:
        """Tells held-out facts apart; their order does not count."""
        if self.dev is None:
            return ""
        rows = torch.unique(self.dev.cpu(), dim=0).contiguous()
        return hashlib.blake2b(rows.numpy().tobytes(), digest_size=16).hexdigest()


def _build(graph: GraphTensors, config: TrainConfig) -> Scorer:
    if config.scorer not in SCORERS:
        raise SettingError(f"scorer must be one of {', '.join(SCORERS)}, not {config.scorer!r}")
    return SCORERS[config.scorer](
        len(graph.entities), len(graph.relations), dimension=config.dimension, initial_scale=config.initial_scale
    )
