"""Training a fused model on examples: the loop.

A step's gradient is the mean of its examples', whatever portions and processes they are dealt into. Draws depend on the
seed and the step alone, so a run that was cut short goes on bit for bit as it would have gone.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from fusion.errors import OtherModelError, TuningError, TuningMemoryError
from fusion.language.memory import is_out_of_memory
from fusion.model import FusedModel
from fusion.tuning import checkpoint
from fusion.tuning.batches import lines, portions, shuffled
from fusion.tuning.board import Write
from fusion.tuning.checkpoint import Checkpoint, Progress, Run
from fusion.tuning.config import ON_GPU, ON_PROCESSOR, Look, TuneConfig, Tuned
from fusion.tuning.examples import Examples
from fusion.tuning.loss import losses
from fusion.tuning.stopping import Stop, on_interrupt
from kg.embeddings.precision import resolve
from kg.embeddings.workers import ALONE, Workers

NOTHING = Examples("", ())


def silent(step: int, values: Mapping[str, float]) -> None:
    """Draws no curves."""


def tune(
    model: FusedModel,
    examples: Examples,
    config: TuneConfig,
    *,
    dev: Examples = NOTHING,
    folder: Path | None = None,
    resume: bool = False,
    penalty: Callable[[], Tensor] | None = None,
    write: Write = silent,
    progress: Callable[[Look], None] | None = None,
    workers: Workers = ALONE,
) -> Tuned:
    """Train a model; it ends with the parameters of the look at which ``dev`` cost least, or without one, the last.

    With ``folder``, a checkpoint is left before the first step, in place of any other there, after every look and at
    Ctrl-C, and ``resume`` goes on from it as if the run
    had never ended. ``penalty`` is added to the loss of every step. ``write`` draws curves (board.py).

    With ``workers``, each of these processes calls this with the same model and examples, and all come to the same; the
    main one alone writes and reports.

    Raises:
        TuningError: there is nothing to learn, an example is too long, the loss became infinite or no number, or the
            checkpoint is damaged or of another run.
        TuningMemoryError: there is no memory for even one example at a time.
        OtherModelError: the examples were made with another sentence encoder.
        LostProcessError: another of the processes has ended.
        KeyboardInterrupt: Ctrl-C, after the checkpoint was written.
    """
    if not examples.examples:
        raise TuningError("There are no examples to learn from.")
    for some in (examples, dev):
        if some.examples and some.encoder != model.sentence_encoder:
            raise OtherModelError(
                f"The examples were made with the sentence encoder {some.encoder}, and the model reads "
                f"{model.sentence_encoder}; make them anew."
            )
    run = _Run(model, examples, config, dev, folder=folder, penalty=penalty, write=write, workers=workers)
    run.begin(resume=resume)
    with on_interrupt() as stop:
        return run.go(stop, progress)


class _Run:
    """A training run under way."""

    def __init__(
        self,
        model: FusedModel,
        examples: Examples,
        config: TuneConfig,
        dev: Examples,
        *,
        folder: Path | None,
        penalty: Callable[[], Tensor] | None,
        write: Write,
        workers: Workers,
    ) -> None:
        self.model, self.config, self.folder, self.workers = model, config, folder, workers
        self.penalty, self.write = penalty, write
        self.examples, self.dev = examples.examples, dev.examples
        self.lines, self.dev_lines = (lines(model.language, some) for some in (self.examples, self.dev))
        self.lengths = [line.length for line in self.lines]
        self.about = Run(config, model.config, model.base, examples.digest(), dev.digest())
        self.parameters = model.trained()
        groups = (("lora/", config.rate), ("graph/", config.graph_rate))
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [one for name, one in self.parameters.items() if name.startswith(kind)], "highest": rate}
                for kind, rate in groups
            ],
            weight_decay=config.decay,
        )
        self.order: tuple[int, list[list[int]]] = -1, []  # an epoch, and its batches
        self.steps = math.ceil(len(self.examples) / config.batch)  # an epoch
        self.dtype = resolve(config.precision, str(model.language.module.device))
        self.kept: dict[str, Tensor] = {}
        self.step, self.best, self.waited, self.stopped = 0, 0, 0, ""
        self.total, self.seen, self.tokens = 0.0, 0, 0
        self.history: list[Look] = []
        self.spent = 0.0
        on_gpu = model.language.module.device.type == "cuda"
        self.portion = config.tokens or (ON_GPU if on_gpu else ON_PROCESSOR)

    def begin(self, *, resume: bool) -> None:
        """Have every process begin where the main one does."""
        folder = self.folder
        if resume and folder is None:
            raise ValueError("a run can be resumed from a folder only")
        found = None
        if resume and folder is not None:
            found = self.workers.main(lambda: checkpoint.load(folder, self.about))
        if found is None:
            self.dtype = self.workers.main(lambda: self.dtype)
            self.kept = {name: one.detach().clone() for name, one in self.parameters.items()}
            self._save()  # in place of another run's: whatever ends this one, it goes on from here
            return
        self.model.restore(found.last)
        checkpoint.restore_optimizer(self.parameters, self.optimizer, found.optimizer)
        self.kept = {name: tensor.to(self.model.language.module.device) for name, tensor in found.best.items()}
        then = found.progress
        self.dtype = getattr(torch, then.precision)
        self.step, self.best, self.waited, self.stopped = then.step, then.best, then.waited, then.stopped
        self.total, self.seen, self.tokens = then.total, then.examples, then.tokens
        self.history, self.portion, self.spent = list(then.history), then.portion, then.seconds

    def go(self, stop: Stop, progress: Callable[[Look], None] | None) -> Tuned:
        """Take steps until there is a reason to stop."""
        begun = time.perf_counter() - self.spent
        every = self.config.measure_every or self.steps
        last = self.config.epochs * self.steps
        self.model.train()
        self._recompute(self.config.recompute)
        try:
            while not self.stopped:
                self._step(self._batch())
                self.step += 1
                self.spent = time.perf_counter() - begun
                if self.step == last:
                    self.stopped = "epochs"
                if self.step % every == 0 or self.stopped:
                    self._look()
                    self._save()
                    if progress is not None and self.workers.is_main:
                        progress(self.history[-1])
                if self.workers.main(lambda: stop.asked) and not self.stopped:
                    self._save()
                    raise KeyboardInterrupt
        finally:
            self._recompute(False)
            self.model.train(False)
        self.model.restore(self.kept)
        self.model.round()
        dev = self._measure()
        return Tuned(tuple(self.history), self.best, self.stopped, dev, str(self.dtype).removeprefix("torch."))

    def _batch(self) -> list[int]:
        """The examples of the step that is next."""
        epoch, number = divmod(self.step, self.steps)
        if self.order[0] != epoch:
            self.order = epoch, list(shuffled(self.lengths, self.config.batch, seed=self.config.seed, epoch=epoch))
        return self.order[1][number]

    def _step(self, batch: Sequence[int]) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = group["highest"] * self._pace()
        mine = sorted(batch, key=lambda one: -self.lengths[one])[self.workers.rank :: self.workers.number]
        total = self._sum(self._gradients(mine, len(batch)))
        self.workers.sum_gradients(self.parameters.values())
        norm = torch.nn.utils.clip_grad_norm_(self.parameters.values(), self.config.clip).item()
        if not (math.isfinite(total) and math.isfinite(norm)):
            raise TuningError(
                f"The loss or its slope became infinite or no number in step {self.step + 1} (learning rates "
                f"{self.config.rate} and {self.config.graph_rate}); use smaller ones."
            )
        self.optimizer.step()
        self.total += total
        self.seen += len(batch)
        self.tokens += sum(self.lengths[one] for one in batch)

    def _gradients(self, mine: Sequence[int], count: int) -> float:
        """Add up the gradients of some of a batch's ``count`` examples; the sum of their losses."""
        while True:
            self.optimizer.zero_grad(set_to_none=True)
            total = 0.0
            try:
                with torch.random.fork_rng(devices=self._devices()):
                    torch.manual_seed((self.config.seed * 1_000_003 + self.step) * 1009 + self.workers.rank)
                    for portion in portions(mine, self.lengths, self.portion):
                        cost = self._losses(portion).sum()
                        (cost / count).backward()  # type: ignore[no-untyped-call]
                        total += float(cost.detach())
                    if self.penalty is not None and self.workers.is_main:
                        self.penalty().backward()  # type: ignore[no-untyped-call]
                return total
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                longest = max(self.lengths[one] for one in mine)
                if self.portion <= longest:
                    raise TuningMemoryError(
                        f"No memory left for an example of {longest} tokens; let it be recomputed, give shorter "
                        "prompts, or take a smaller model."
                    ) from error
                self.portion = max(longest, self.portion // 2)

    def _losses(self, portion: Sequence[int]) -> Tensor:
        views = [self.examples[one].view for one in portion]
        return losses(self.model, [self.lines[one] for one in portion], views, dtype=self.dtype)

    def _look(self) -> None:
        """See what the dev examples cost, and hold on to the parameters if none were better."""
        dev = self._measure()
        look = Look(self.step, self.total / max(1, self.seen), dev, self.spent, self.tokens)
        least = next((one.dev for one in self.history if one.step == self.best), None)
        self.history.append(look)
        self.total, self.seen = 0.0, 0
        if dev is None or least is None or dev < least:
            self.best, self.waited = self.step, 0
            self.kept = {name: one.detach().clone() for name, one in self.parameters.items()}
        else:
            self.waited += 1
            if self.waited >= self.config.patience:
                self.stopped = self.stopped or "patience"
        if self.workers.is_main:
            values = {"loss/train": look.loss, "rate": self._pace() * self.config.rate}
            values |= {} if dev is None else {"loss/dev": dev}
            values["tokens a second"] = self.tokens / max(self.spent, 1e-9)
            self.write(self.step, values)

    def _measure(self) -> float | None:
        """The mean loss of the dev examples, each process taking its share of them."""
        if not self.dev:
            return None
        training = self.model.encoder.training
        self.model.train(False)
        lengths = [line.length for line in self.dev_lines]
        mine = range(self.workers.rank, len(self.dev), self.workers.number)
        total = 0.0
        with torch.inference_mode():
            for portion in portions(mine, lengths, self.portion):
                views = [self.dev[one].view for one in portion]
                total += float(
                    losses(self.model, [self.dev_lines[one] for one in portion], views, dtype=self.dtype).sum()
                )
        self.model.train(training)
        return self._sum(total) / len(self.dev)

    def _sum(self, found: float) -> float:
        """What all processes found; it travels on the device on which they talk."""
        return self.workers.sum(torch.tensor(found, dtype=torch.float64, device=self.workers.device)).item()

    def _pace(self) -> float:
        """The share of the highest rates at this step: a rise, then half a cosine."""
        last = self.config.epochs * self.steps
        rise = math.ceil(self.config.warm_up * last)
        if self.step < rise:
            return (self.step + 1) / rise
        return 0.5 * (1 + math.cos(math.pi * (self.step - rise) / max(1, last - rise)))

    def _save(self) -> None:
        folder = self.folder
        if folder is None:
            return
        about = Progress(
            run=self.about,
            precision=str(self.dtype).removeprefix("torch."),
            step=self.step,
            history=tuple(self.history),
            best=self.best,
            waited=self.waited,
            total=self.total,
            examples=self.seen,
            tokens=self.tokens,
            seconds=self.spent,
            portion=self.portion,
            stopped=self.stopped,
        )
        state = checkpoint.optimizer_state(self.parameters, self.optimizer)
        found = Checkpoint(about, self.kept, {**self.parameters}, state)
        self.workers.main(lambda: checkpoint.save(folder, found))

    def _recompute(self, on: bool) -> None:
        if on:
            self.model.language.module.activation_checkpointing_enable()
        elif self.config.recompute:
            self.model.language.module.activation_checkpointing_disable()

    def _devices(self) -> list[torch.device]:
        device = self.model.language.module.device
        return [device] if device.type == "cuda" else []
