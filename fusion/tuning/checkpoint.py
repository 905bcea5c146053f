"""What a training run leaves on the disk, so that it can go on as if it had never ended.

A folder holds ``run.json`` and the two files of tensors that it names: the best parameters so far, and the last ones
with the state of their optimizer. The JSON is replaced last and in one step, so a run that is killed leaves the
checkpoint before.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fusion.errors import TuningError
from fusion.model import Base, FusedConfig
from fusion.tuning.config import Look, TuneConfig

FORMAT = 1
ABOUT = "run.json"
STEP = "step"  # a counter, which AdamW keeps on the CPU


@dataclass(frozen=True, slots=True)
class Run:
    """What is trained, on what, and how: a checkpoint of another run is not gone on with."""

    config: TuneConfig
    model: FusedConfig
    base: Base
    data: str
    dev: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come."""

    run: Run
    precision: str
    step: int
    history: tuple[Look, ...]
    best: int  # the step of the best look; 0: there was none
    waited: int  # looks since
    total: float  # loss of the examples since the last look
    examples: int  # and how many there were
    tokens: int
    seconds: float
    portion: int  # tokens read at once, after memory ran out
    stopped: str = ""
    format: int = FORMAT


_PROGRESS = TypeAdapter(Progress)


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A run as it stood after a step: parameters by name, those of the best look and the last, and their optimizer."""

    progress: Progress
    best: dict[str, Tensor]
    last: dict[str, Tensor]
    optimizer: dict[str, Tensor]


def save(folder: Path, found: Checkpoint) -> None:
    """Write a checkpoint; the one before stays until this one is whole.

    Raises:
        TuningError: the folder cannot be written.
    """
    names = f"best-{found.progress.best}.safetensors", f"last-{found.progress.step}.safetensors"
    state = {f"parameter/{name}": one for name, one in found.last.items()}
    state |= {f"optimizer/{name}": one for name, one in found.optimizer.items()}
    about = asdict(found.progress) | {"files": names}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, tensors in zip(names, (found.best, state), strict=True):
            part = folder / f"{name}.part"
            save_file({key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}, part)
            os.replace(part, folder / name)
        part = folder / f"{ABOUT}.part"
        part.write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", "utf-8")
        os.replace(part, folder / ABOUT)
        for path in folder.glob("*.safetensors"):
            if path.name not in names:
                path.unlink()
    except (OSError, SafetensorError) as error:
        raise TuningError(
            f"{folder}: the checkpoint could not be written ({error}); give a folder that can be."
        ) from error


def load(folder: Path, run: Run) -> Checkpoint | None:
    """The checkpoint in a folder; None where there is none.

    Raises:
        TuningError: it is damaged, or of another run.
    """
    try:
        about = json.loads((folder / ABOUT).read_bytes())
        best, last = (str(name) for name in about.pop("files"))
        progress = _PROGRESS.validate_python(about)
        if progress.format != FORMAT:
            raise ValueError(f"it has format {progress.format}, not {FORMAT}")
        _require(folder, progress.run, run)
        state = load_file(folder / last)
        return Checkpoint(progress, load_file(folder / best), _under("parameter/", state), _under("optimizer/", state))
    except FileNotFoundError as error:
        if (folder / ABOUT).exists():
            raise TuningError(f"{folder}: the checkpoint lacks {error.filename or error}; train anew.") from error
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise TuningError(
            f"{folder}: the checkpoint cannot be read ({first}); train anew, in another folder."
        ) from error


def optimizer_state(parameters: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimizer keeps, under "parameter//what"."""
    return {
        f"{name}//{what}": tensor
        for name, parameter in parameters.items()
        for what, tensor in optimizer.state[parameter].items()
    }


def restore_optimizer(
    parameters: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer, state: Mapping[str, Tensor]
) -> None:
    """Have an optimizer keep what `optimizer_state` found."""
    for key, tensor in state.items():
        name, _, what = key.rpartition("//")
        parameter = parameters[name]
        optimizer.state[parameter][what] = tensor.cpu() if what == STEP else tensor.to(parameter.device)


def _require(folder: Path, then: Run, now: Run) -> None:
    if then == now:
        return
    changed = [
        f"{part} {name} was {value!r}, now {other!r}"
        for part, left, right in (("training", then.config, now.config), ("model", then.model, now.model))
        for (name, value), other in zip(asdict(left).items(), asdict(right).values(), strict=True)
        if value != other
    ]
    for name, left, right in (
        ("the language model", then.base, now.base),
        ("the examples", then.data, now.data),
        ("the dev examples", then.dev, now.dev),
    ):
        if left != right:
            changed.append(f"{name} are others" if name.endswith("s") else f"{name} is another")
    raise TuningError(
        f"{folder}: holds the checkpoint of another run ({'; '.join(changed)}); give what it began with, or another "
        "folder."
    )


def _under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
