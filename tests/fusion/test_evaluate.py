import pytest

from fusion.answer import Answer
from fusion.evaluate import Abstention, exact_match, is_right, normalise, recall, rouge_l, token_f1
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


@pytest.mark.parametrize(
    ("found", "gold", "exact", "f1"),
    [
        ("The Red Balloon!", "red balloon", True, 1.0),
        ("Montreal, Quebec", "Montreal", False, 2 / 3),
        ("no", "No.", True, 1.0),
        ("no doubt", "no", False, 0.0),
        ("Ann Lee", "Bo Diddley", False, 0.0),
        ("多饮，多尿。", "多饮多尿", True, 1.0),
        ("多饮", "多饮多尿", False, 2 / 3),
        ("", "Ann", False, 0.0),
    ],
)
def test_the_official_measures(found: str, gold: str, exact: bool, f1: float) -> None:
    assert exact_match(found, gold) == exact
    assert token_f1(found, gold) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("found", "gold", "f1"),
    [
        ("the cat sat on the mat", "the cat is on the mat", 5 / 6),
        ("mat the on sat cat the", "the cat sat on the mat", 1 / 2),
        ("Grade-4 gliomas", "grade 4 gliomas.", 1.0),
        ("糖尿病有症状", "糖尿病没有症状", 12 / 13),
        ("", "a", 0.0),
    ],
)
def test_rouge_l(found: str, gold: str, f1: float) -> None:
    assert rouge_l(found, gold) == pytest.approx(f1)


def test_recall() -> None:
    assert recall(["a", "b", "c"], ["a", "d"]) == 0.5
    assert recall([], []) == 1.0


def test_abstention() -> None:
    asked = [(True, True)] * 6 + [(True, False)] * 2 + [(False, True)] * 4 + [(False, False)] * 9
    found = Abstention.of(asked)
    assert (found.precision, found.recall) == (0.75, 0.6)
    assert found.f1 == pytest.approx(2 / 3)
    assert Abstention.of([(False, False)]) == Abstention(0.0, 0.0, 0.0)
