"""A mirror of the graph in a file: a program that asks one question need not read the whole store for it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kg import graph_file
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
    about = graph_file.state(store, format=FORMAT)
    found = _load(path, about)
    if found is None:
        found = mirror(store)
        if graph_file.state(store, format=FORMAT) == about:
            arrays: graph_file.Arrays = {
                "triples": found.numbered.astype(np.int32),
                "entities": np.frombuffer("\n".join(found.entities).encode(), np.uint8),
            }
            graph_file.write(path, arrays, {"relations": json.dumps(found.relations)}, about, notify=notify)
    return found


def _load(path: Path, about: dict[str, object]) -> Mirror | None:
    kept = graph_file.read(path, about)
    if kept is None:
        return None
    arrays, metadata = kept
    try:
        triples, entities = arrays["triples"], arrays["entities"].tobytes().decode()
        relations = json.loads(metadata["relations"])
    except (KeyError, ValueError):  # damaged
        return None
    version = about["version"]
    assert isinstance(version, int)
    ids = [EntityId(id) for id in entities.split("\n")] if entities else []
    return Mirror(triples.astype(np.int64), ids, relations, version=version)
