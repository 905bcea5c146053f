"""Arithmetic on vectors, and what makes one fit to be kept or searched for."""

import math
from collections.abc import Iterable, Iterator, Sequence

from kg.facts import EntityId


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of the angle between two vectors; 0 where one of them is zero."""
    norms = math.hypot(*one) * math.hypot(*other)
    return math.fsum(a * b for a, b in zip(one, other, strict=True)) / norms if norms else 0.0


def checked(
    vectors: Iterable[tuple[EntityId, Sequence[float]]], *, dimensions: int
) -> Iterator[tuple[EntityId, tuple[float, ...]]]:
    """The vectors, one by one as they are asked for, each found fit to be kept.

    Raises:
        ValueError: one has another number of dimensions, or a value that is not finite.
    """
    for id, values in vectors:
        vector = tuple(map(float, values))
        if len(vector) != dimensions:
            raise ValueError(f"the vector of entity {id} has {len(vector)} dimensions, not {dimensions}")
        if not math.isfinite(math.fsum(vector)):
            raise ValueError(f"the vector of entity {id} has a value that is not finite")
        yield id, vector


def has_direction(vector: Sequence[float], *, dimensions: int) -> bool:
    """Whether anything can be near this vector: nothing is near a zero vector.

    Raises:
        ValueError: it has another number of dimensions.
    """
    if len(vector) != dimensions:
        raise ValueError(f"the vector has {len(vector)} dimensions; the learned ones have {dimensions}")
    return any(vector)
