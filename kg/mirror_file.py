"""A mirror of the graph in a file: a program that asks one question need not read the whole store for it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from kg.facts import EntityId
from kg.mirror import Mirror, mirror
from kg.store import GraphStore

FORMAT = "clew-mirror-1"


def kept_mirror(store: GraphStore, path: Path, *, notify: Callable[[str], None]) -> Mirror:
    """The whole graph of a store: from the file if it has the graph as it is now, else read anew and kept there.

    ``notify`` is told, in one line, if it cannot be kept; nothing but time is lost by that.

    Raises:
        StoreError: the store failed, or others kept writing to it while it was read.
    """
    about = _about(store)
    found = _load(path, about)
    if found is None:
        found = mirror(store)
        if _about(store) == about:
            _save(found, path, about, notify)
    return found


def _about(store: GraphStore) -> dict[str, object]:
    """What two states of a graph do not share; a graph that was begun anew may come to an old version again."""
    counts = store.counts()
    return {
        "format": FORMAT,
        "address": store.address,
        "version": store.version(),
        "entities": counts.entities,
        "facts": counts.facts_by_relation,
    }


def _save(found: Mirror, path: Path, about: dict[str, object], notify: Callable[[str], None]) -> None:
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "triples": found.numbered.astype(np.int32),
        "entities": np.frombuffer("\n".join(found.entities).encode(), np.uint8),
    }
    metadata = {"about": json.dumps(about, sort_keys=True), "relations": json.dumps(found.relations)}
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(arrays, part, metadata=metadata)
        part.replace(path)
    except (OSError, SafetensorError) as error:
        notify(f"{path} could not be written ({error}); the graph will be read again for the next question")


def _load(path: Path, about: dict[str, object]) -> Mirror | None:
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            if metadata.get("about") != json.dumps(about, sort_keys=True):
                return None
            triples, entities = file.get_tensor("triples"), file.get_tensor("entities").tobytes().decode()
        ids = [EntityId(id) for id in entities.split("\n")] if entities else []
        version = about["version"]
        assert isinstance(version, int)
        return Mirror(triples.astype(np.int64), ids, json.loads(metadata["relations"]), version=version)
    except (OSError, ValueError, KeyError, SafetensorError):  # not there yet, or damaged
        return None
