"""What was made of a graph, as arrays in a file that tells which version of which graph they were made of."""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

Arrays = Mapping[str, npt.NDArray[np.generic]]


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What a file holds."""

    version: int  # of the graph
    arrays: Arrays
    metadata: Mapping[str, str]


def write(path: Path, kept: Kept, *, format: str, address: str, notify: Callable[[str], None]) -> None:
    """Keep what was made of the graph at an address; ``notify`` is told, in one line, if that cannot be done."""
    part = path.with_suffix(f".{os.getpid()}-{get_ident()}.part")  # others may be writing the same now
    about = {"format": format, "address": address, "version": str(kept.version)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(dict(kept.arrays), part, metadata={**kept.metadata, "about": json.dumps(about)})
        part.replace(path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):  # what the disk had no room for need not be there
            part.unlink()
        notify(f"{path} could not be written ({error}); the next question will take as long as this one")


def read(path: Path, *, format: str, address: str) -> Kept | None:
    """What a file holds; None where it is of another format or graph, not there, or damaged."""
    try:
        with safe_open(path, framework="np") as file:
            metadata: dict[str, str] = file.metadata() or {}
            about = json.loads(metadata.pop("about", "{}"))
            if (about.get("format"), about.get("address")) != (format, address):
                return None
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no mapping
            return Kept(int(about["version"]), arrays, metadata)
    except (OSError, KeyError, ValueError, SafetensorError):
        return None
