"""Several processes that train one model together, as `accelerate launch` or `torchrun` starts them.

Each process holds the whole graph and the whole model. Of every batch it takes its part of the queries; gradients are
summed before the step, so all of them take the step that one process would have taken. What can only be decided once
(what the disk holds, what was measured, when to stop) the main process decides, and tells the others. Whatever goes
wrong with that is told too, so that nobody waits for an answer that never comes.
"""

import atexit
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, distributed, nn

from kg.embeddings.batches import Batch
from kg.embeddings.errors import LostProcessError, SettingError
from kg.errors import GraphError

T = TypeVar("T")

PATIENCE = timedelta(hours=6)  # the main process may have a large graph to read; one that ended is noticed at once


@dataclass(frozen=True, slots=True)
class Workers:
    """The processes of a training, as one of them sees them; a process alone does what it would have done anyway."""

    device: str = "cpu"  # on which this process computes
    rank: int = 0
    number: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes and prints."""
        return self.rank == 0

    @property
    def sharing(self) -> int:
        """How many processes share the memory of this device."""
        return 1 if self.device.startswith("cuda") else self.number

    def part(self, batch: Batch) -> Batch:
        """This process's queries of a batch, with their answers; there may be none."""
        if self.number == 1:
            return batch
        mine = batch.rows % self.number == self.rank
        dealt = slice(self.rank, None, self.number)
        return Batch(batch.heads[dealt], batch.relations[dealt], batch.rows[mine] // self.number, batch.tails[mine])

    @torch.no_grad()
    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Make each gradient the sum of what all processes found.

        A sparse gradient must have the same rows in all of them, in the same order: then only its values travel.
        """
        if self.number == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)  # others may have found one, and count on an answer
            gradient = parameter.grad
            self._add_up(gradient._values() if gradient.is_sparse else gradient)

    def sum(self, found: Tensor) -> Tensor:
        """The sum of what all processes found."""
        if self.number == 1:
            return found
        total = found.detach().clone()
        self._add_up(total)
        return total

    def main(self, work: Callable[[], T]) -> T:
        """Have the main process do this, and tell all what it found, or raise in all of them what it raised."""
        if self.number == 1:
            return work()
        told: list[Any] = [_attempt(work) if self.is_main else None]
        with _answered():
            distributed.broadcast_object_list(told, src=0)
        outcome: _Outcome[T] = told[0]
        return outcome.open()

    def every(self, work: Callable[[], T]) -> list[T]:
        """Have each process do this, and tell all what each found, or raise in all what the first one raised."""
        if self.number == 1:
            return [work()]
        told: list[Any] = [None] * self.number
        with _answered():
            distributed.all_gather_object(told, _attempt(work))
        outcomes: list[_Outcome[T]] = told
        return [outcome.open() for outcome in outcomes]

    def tensors(self, held: dict[str, Tensor]) -> dict[str, Tensor]:
        """The tensors that the main process holds, in every process."""
        if self.number == 1:
            return held
        kinds = self.main(lambda: {name: (tensor.shape, tensor.dtype) for name, tensor in held.items()})
        found = {}
        for name, (shape, dtype) in kinds.items():
            if self.is_main:
                found[name] = held[name].detach().to(self.device).contiguous()
            else:
                found[name] = torch.empty(shape, dtype=dtype, device=self.device)
            with _answered():
                distributed.broadcast(found[name], src=0)
        return found

    def _add_up(self, tensor: Tensor) -> None:
        with _answered():
            distributed.all_reduce(tensor)


ALONE = Workers()


def join(device: str) -> Workers:
    """The processes that this one was started with; without a launcher, this one alone.

    Each computes on a GPU of its own with "cuda".

    Raises:
        SettingError: there is no such device, or no GPU for this process.
    """
    cuda = device.partition(":")[0] == "cuda"
    if not cuda and device != "cpu":
        raise SettingError(f"device must be cpu or cuda, not {device!r}")
    if cuda and not torch.cuda.is_available():
        raise SettingError("device cuda: PyTorch finds no GPU here; give another device, cpu")
    if int(os.environ.get("WORLD_SIZE") or 1) == 1:
        return Workers(device)
    from accelerate import PartialState

    state = PartialState(cpu=not cuda, timeout=PATIENCE)
    atexit.register(state.destroy_process_group)
    if cuda and state.local_process_index >= torch.cuda.device_count():
        raise SettingError(
            f"more processes were started than this machine has GPUs ({torch.cuda.device_count()}); start one for each"
        )
    return Workers(str(state.device) if cuda else device, state.process_index, state.num_processes)


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[T]):
    found: T | None
    error: GraphError | ValueError | None = None

    def open(self) -> T:
        if self.error is not None:
            raise self.error
        return self.found  # type: ignore[return-value]  # there is no error, so it was found


def _attempt(work: Callable[[], T]) -> _Outcome[T]:
    try:
        return _Outcome(work())
    except (GraphError, ValueError) as error:
        return _Outcome(None, error)


@contextmanager
def _answered() -> Iterator[None]:
    """Map what a broken connection raises.

    Raises:
        LostProcessError: another process has ended.
    """
    try:
        yield
    except RuntimeError as error:  # the one kind that torch raises
        raise LostProcessError(
            "Another process of this training has ended; if it could, it has said why. The same command goes on from "
            "the last checkpoint."
        ) from error
