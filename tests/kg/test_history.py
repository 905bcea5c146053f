"""What the last writes changed, as text and back; nothing is told of what is not known whole."""

from kg.facts import EntityId
from kg.history import KEPT, History, later
from kg.store import Changes

ANN, BO = EntityId("a" * 32), EntityId("b" * 32)
CAME = Changes(frozenset({ANN}), frozenset({(ANN, 'kennt "\n', BO)}))
WENT = Changes(frozenset({BO}))


def test_it_tells_what_changed_since_each_version_that_it_knows() -> None:
    history = History(5).then(9, CAME).then(12, WENT).then(13, Changes())
    assert history.version == 13
    assert history.since(5) == Changes(frozenset({ANN, BO}), CAME.facts)
    assert history.since(9) == WENT
    assert history.since(12) == history.since(13) == Changes()
    assert [history.since(version) for version in (0, 6, 11, 14)] == [None] * 4
    assert History.of(history.text(), version=13) == history


def test_a_write_that_it_was_not_told_of_leaves_nothing_known() -> None:
    text = History(5).then(9, CAME).text()
    assert History.of(text, version=10) == History(10)
    assert History.of(None, version=10) == History(10)


def test_it_keeps_the_last_writes_in_the_room_that_there_is() -> None:
    history = History(0)
    went = Changes(frozenset(EntityId(f"{number:032}") for number in range(20)))
    for version in range(1, 200):
        history = history.then(version, went)
    assert KEPT / 2 < len(history.text()) < 2 * KEPT
    oldest = history.writes[0][0]
    assert history.since(oldest) == went
    assert history.since(oldest - 1) is None


def test_no_two_versions_after_one_are_the_same() -> None:
    found = {later(7) for _ in range(100)}
    assert len(found) == 100
    assert min(found) > 7
