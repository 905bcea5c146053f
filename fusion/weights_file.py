"""Weights of a small model in one file, with what describes them: written whole, or not at all."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import save_file

from fusion.errors import PlannerError


def write(
    path: Path, weights: Mapping[str, npt.NDArray[np.float32]], about: Mapping[str, object], *, what: str
) -> None:
    """Write weights; ``what`` they are is said in the error.

    Raises:
        PlannerError: they cannot be written.
    """
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(dict(weights), part, metadata={"about": json.dumps(about, ensure_ascii=False)})
        part.replace(path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):  # what the disk had no room for need not be there
            part.unlink()
        raise PlannerError(
            f"The {what} could not be written to {path} ({error}); give a folder that can be written to."
        ) from error


def check_encoder(trained: str, given: str, *, what: str) -> None:
    """Whether a model reads with the sentence encoder that it was trained on.

    Raises:
        PlannerError: it was trained on the vectors of another one.
    """
    if trained != given:
        raise PlannerError(
            f"The {what} was trained with the encoder {trained}, and this one is {given}; train it anew with "
            "`clew learn --questions`."
        )
