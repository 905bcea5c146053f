"""The driver of the graph databases, imported without pandas and numpy.

It looks for both so as to take their values as parameters, which Clew never gives it; loading them would take most of
the second that a command such as `clew stats` has.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_NOT_NEEDED = ("numpy", "pandas")


@contextmanager
def _as_if_missing(names: tuple[str, ...]) -> Iterator[None]:
    """Make importing these fail, unless they are loaded already."""
    hidden = [name for name in names if name not in sys.modules]
    try:
        for name in hidden:
            sys.modules[name] = None  # type: ignore[assignment]  # what the import system takes for "not there"
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with _as_if_missing(_NOT_NEEDED):
    import neo4j
    from neo4j import exceptions

__all__ = ["exceptions", "neo4j"]
