"""An index of names in a file: a program that asks one question need not read all names for it."""

import json
from collections.abc import Callable
from pathlib import Path

from kg import graph_file
from kg.name_changes import caught_up
from kg.name_index import NameIndex, name_index
from kg.store import GraphStore

FORMAT = "clew-names-2"


def kept_name_index(store: GraphStore, path: Path, *, most: int, notify: Callable[[str], None]) -> NameIndex | None:
    """The names of the whole graph: from the file, and what changed since; else read anew. The file then has them, too.

    None where they would have to be read of more than so many entities. ``notify`` is told, in one line, if they cannot
    be kept.

    Raises:
        StoreError: the store failed, or others kept writing to it while it was read.
    """
    held = _load(path, store.address)
    found = None if held is None else caught_up(held, store)
    if found is None and store.counts().entities <= most:
        found = name_index(store)
    if found is not None and (held is None or held.version != found.version):
        kept = graph_file.Kept(found.version, found.arrays, {"types": json.dumps(found.types, ensure_ascii=False)})
        graph_file.write(path, kept, format=FORMAT, address=store.address, notify=notify)
    return found


def _load(path: Path, address: str) -> NameIndex | None:
    kept = graph_file.read(path, format=FORMAT, address=address)
    try:
        return (
            None if kept is None else NameIndex(kept.arrays, json.loads(kept.metadata["types"]), version=kept.version)
        )
    except (KeyError, ValueError):  # damaged
        return None
