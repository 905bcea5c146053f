"""A mirror of the graph in a file: a program that asks one question need not read the whole store for it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kg import graph_file
from kg.facts import EntityId
from kg.mirror import Mirror, mirror
from kg.mirror_changes import caught_up
from kg.store import GraphStore

FORMAT = "clew-mirror-2"


def kept_mirror(store: GraphStore, path: Path, *, notify: Callable[[str], None]) -> Mirror:
    """The whole graph of a store: from the file, and what changed since; else read anew. The file then has it, too.

    ``notify`` is told, in one line, if it cannot be kept; nothing but time is lost by that.

    Raises:
        StoreError: the store failed, or others kept writing to it while it was read.
    """
    held = _load(path, store.address)
    found = None if held is None else caught_up(held, store)
    if found is None:
        found = mirror(store)
    if held is None or held.version != found.version:
        arrays: graph_file.Arrays = {
            "triples": found.numbered.astype(np.int32),
            "entities": np.frombuffer("\n".join(found.entities).encode(), np.uint8),
        }
        kept = graph_file.Kept(found.version, arrays, {"relations": json.dumps(found.relations)})
        graph_file.write(path, kept, format=FORMAT, address=store.address, notify=notify)
    return found


def _load(path: Path, address: str) -> Mirror | None:
    kept = graph_file.read(path, format=FORMAT, address=address)
    if kept is None:
        return None
    try:
        triples, entities = kept.arrays["triples"], kept.arrays["entities"].tobytes().decode()
        relations = json.loads(kept.metadata["relations"])
    except (KeyError, ValueError):  # damaged
        return None
    ids = [EntityId(id) for id in entities.split("\n")] if entities else []
    return Mirror(triples.astype(np.int64), ids, relations, version=kept.version)
