"""The whole of a graph as one version has it, although others may write to it meanwhile."""

from collections.abc import Callable
from typing import TypeVar

from kg.errors import ChangingError
from kg.store import GraphStore

T = TypeVar("T")

ATTEMPTS = 3


def snapshot(store: GraphStore, read: Callable[[int], T | None]) -> T:
    """What ``read`` makes of a version of the graph; it gives None where it saw that the graph was changing.

    Raises:
        ChangingError: others kept writing to it while it was read.
        StoreError: the store failed.
    """
    for _ in range(ATTEMPTS):
        version = store.version()
        found = read(version)
        if found is not None and store.version() == version:
            return found
    raise ChangingError(
        f"The graph at {store.address} changed each of the {ATTEMPTS} times that it was read; "
        "try again when nothing is being written to it."
    )
