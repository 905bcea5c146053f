"""What was made of a graph, as arrays in a file that tells which version of which graph they were made of."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

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
    part = path.with_suffix(".part")
    about = {"format": format, "address": address, "version": str(kept.version)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(dict(kept.arrays), part, metadata={**kept.metadata, "about": json.dumps(about)})
        part.replace(path)
    except (OSError, SafetensorError) as error:
        notify(f"{path} could not be written ({error}); the graph will be read again for the next question")


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
