"""What was made of a graph, as arrays in a file: good as long as the graph is the one that it was made of."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from kg.store import GraphStore

Arrays = Mapping[str, npt.NDArray[np.generic]]


def state(store: GraphStore, *, format: str) -> dict[str, object]:
    """What two states of a graph do not share; a graph that was begun anew may come to an old version again.

    Raises:
        StoreError: the store failed.
    """
    counts = store.counts()
    return {
        "format": format,
        "address": store.address,
        "version": store.version(),
        "entities": counts.entities,
        "facts": counts.facts_by_relation,
    }


def write(
    path: Path,
    arrays: Arrays,
    metadata: Mapping[str, str],
    about: Mapping[str, object],
    *,
    notify: Callable[[str], None],
) -> None:
    """Keep arrays of a graph in this state; ``notify`` is told, in one line, if that cannot be done."""
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(dict(arrays), part, metadata={**metadata, "about": json.dumps(about, sort_keys=True)})
        part.replace(path)
    except (OSError, SafetensorError) as error:
        notify(f"{path} could not be written ({error}); the graph will be read again for the next question")


def read(path: Path, about: Mapping[str, object]) -> tuple[Arrays, dict[str, str]] | None:
    """The arrays and what was written beside them; None where the file is of another state, not there, or damaged."""
    try:
        with safe_open(path, framework="np") as file:
            metadata: dict[str, str] = file.metadata() or {}
            if metadata.get("about") != json.dumps(about, sort_keys=True):
                return None
            return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118  # it is no mapping
    except (OSError, ValueError, SafetensorError):
        return None
