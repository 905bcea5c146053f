import pytest

from fusion.answer import Answer
from fusion.evaluate import is_right, normalise
from kg.facts import Entity


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("June 23, 1880", "23 June 1880"),
        ("The Golden Calf", "golden calf"),
        ("Marilù Parolini", "Marilu Parolini"),
        ("Weston-super-Mare, Somerset", "weston super mare somerset"),
        ("1917年7月27日", "1917年7月27日"),
    ],
)
def test_what_is_written_otherwise_but_the_same(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Montreal", "Montreal, Quebec"),
        ("23 June 1880", "24 June 1880"),
        ("1880", "23 June 1880"),
        ("born on 23 June 1880", "23 June 1880"),
        ("微软", "微软公司"),
    ],
)
def test_what_is_not_the_same(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


def test_a_text_of_articles_keeps_them() -> None:
    assert normalise("The A") == "the a"


def test_an_answer_is_right_by_its_text_an_entity_or_an_alias() -> None:
    entity = Entity("Place", "Porto", aliases=("Oporto",))
    answer = Answer("Where?", "Porto", entities=(entity,))
    assert is_right(answer, ["porto"])
    assert is_right(answer, ["Lisbon", "Oporto"])
    assert not is_right(answer, ["Lisbon"])


def test_an_abstention_is_wrong_whatever_it_holds() -> None:
    assert not is_right(Answer("Where?", "Porto", abstained=True), ["Porto"])


def test_no_answer_does_not_equal_an_empty_gold() -> None:
    assert not is_right(Answer("Where?", ""), [""])
