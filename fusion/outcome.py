"""Work that tells of its steps: a generator that yields them, and returns what it comes to."""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


def outcome(steps: Generator[object, None, T]) -> T:
    """What the work comes to, for those who do not ask for its steps."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: T = end.value
            return found
