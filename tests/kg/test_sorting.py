"""Sorting through files gives what sorting in memory gives."""

import random

import pytest

from kg.sorting import sorted_rows


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 100])
def test_the_order(count: int) -> None:
    rows = [[f"{number:03}", ["列", None, 0.1], number] for number in range(count)]
    mixed = random.Random(1).sample(rows, count)
    assert list(sorted_rows(mixed, run=10)) == rows


def test_what_is_not_read_to_the_end_is_let_go() -> None:
    rows = sorted_rows([[str(number)] for number in range(100)], run=10)
    assert next(rows) == ["0"]
    rows.close()  # type: ignore[attr-defined]
