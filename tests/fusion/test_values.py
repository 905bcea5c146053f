"""Dates and numbers as values: what is read, what is compared, and what is left undecided."""

from fractions import Fraction

import pytest

from fusion.operators.values import Bound, Value, read_date, read_number


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("1968", (1968, 1, 1), (1968, 12, 31)),
        ("July 1968", (1968, 7, 1), (1968, 7, 31)),
        ("23 July 1968", (1968, 7, 23), (1968, 7, 23)),
        ("1968年7月23日", (1968, 7, 23), (1968, 7, 23)),
        ("公元前221年", (-221, 1, 1), (-221, 12, 31)),
        ("44 BC", (-44, 1, 1), (-44, 12, 31)),
    ],
)
def test_a_date_is_all_that_it_may_be(name: str, low: tuple[int, ...], high: tuple[int, ...]) -> None:
    assert read_date(name) == Value("date", tuple(map(Fraction, low)), tuple(map(Fraction, high)))


@pytest.mark.parametrize(
    ("name", "kind", "number"),
    [
        ("1,234", "", 1234),
        ("95 min", "seconds", 5700),
        ("1 h 35 min", "seconds", 5700),
        ("2小时5分钟", "seconds", 7500),
        ("¥20亿", "¥", 2_000_000_000),
        ("$1.5 million", "$", 1_500_000),
        ("$5 USD", "$", 5),
        ("300万人", "", 3_000_000),
        ("180 cm", "metres", Fraction(9, 5)),
    ],
)
def test_a_number_is_read_with_its_unit(name: str, kind: str, number: Fraction) -> None:
    assert read_number(name) == Value(kind, (Fraction(number),), (Fraction(number),))


@pytest.mark.parametrize(
    "name", ["Free Guy", "about 5", "8.2/10", "famous", "3 May 2021 film", "", "1 h 3 kg", "1990-95", "$5m"]
)
def test_what_is_no_value_is_not_read(name: str) -> None:
    assert read_date(name) is None
    assert read_number(name) is None


@pytest.mark.parametrize(
    ("one", "other", "before"),
    [
        ("1967", "3 May 1968", True),
        ("3 May 1968", "1967", False),
        ("1968", "3 May 1968", None),
        ("1968", "1968", None),
        ("3 May 1968", "3 May 1968", None),
    ],
)
def test_only_what_is_precise_enough_decides(one: str, other: str, before: bool | None) -> None:
    first, second = read_date(one), read_date(other)
    assert first is not None
    assert second is not None
    assert first.precedes(second) is before


@pytest.mark.parametrize(
    ("bound", "kept"),
    [("after", [None, True]), ("since", [True, True]), ("before", [False, False]), ("in", [True, False])],
)
def test_limits_leave_open_what_is_not_said(bound: Bound, kept: list[bool | None]) -> None:
    year, day = read_date("1968"), read_date("3 May 1968")
    later, number = read_date("1969"), read_number("95 min")
    assert year is not None
    assert day is not None
    assert later is not None
    assert number is not None
    limit = year if bound != "after" else day
    assert [(year if bound == "after" else day).keeps(bound, limit), later.keeps(bound, limit)] == kept
    assert number.keeps(bound, limit) is None
    assert number.precedes(year) is None
