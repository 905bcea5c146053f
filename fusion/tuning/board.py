"""Curves for TensorBoard, where `tensorboardX` is installed to write them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from fusion.errors import TuningError

Write = Callable[[int, Mapping[str, float]], None]  # the step, and the values by name


@contextmanager
def board(folder: Path | None) -> Iterator[Write]:
    """What writes curves into a folder; without one, nothing is written.

    Raises:
        TuningError: what writes them is not installed, or the folder cannot be written.
    """
    if folder is None:
        yield lambda step, values: None
        return
    if find_spec("tensorboardX") is None:
        raise TuningError("TensorBoard's curves need tensorboardX; run `pip install tensorboardX`, or leave them out.")
    from tensorboardX import SummaryWriter

    try:
        writer = SummaryWriter(str(folder))
    except OSError as error:
        raise TuningError(
            f"{folder}: cannot be written ({error.strerror or error}); give a folder that can."
        ) from error

    def write(step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)
        writer.flush()

    try:
        yield write
    finally:
        writer.close()
