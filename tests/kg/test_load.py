"""Many readings are written in order, in transactions that grow while the store is busy."""

import threading
from collections.abc import Iterator, Sequence

import pytest

from kg.errors import StoreFullError
from kg.load import LEAST, MOST, load
from kg.memory_store import MemoryStore
from kg.store import Reading
from tests.kg.test_export import reading

ROWS = 200  # of each reading: as many chunks as facts


class Slow(MemoryStore):
    """A store that keeps nothing, and whose writes wait until they are told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.sizes: list[int] = []

    def write(self, readings_: Sequence[Reading]) -> None:
        self.sizes.append(len(readings_))
        self.go.wait(10)


def readings(count: int) -> Iterator[Reading]:
    for number in range(count):
        yield reading(f"{number:05}.txt", *((f"a{number} {i}", "r", f"b{i}") for i in range(ROWS // 2)))


def test_everything_is_written_and_told_in_order() -> None:
    store, told = MemoryStore(), list[str]()
    load(store, readings(50), written=lambda done: told.extend(one.document.source for one in done))
    assert told == [f"{number:05}.txt" for number in range(50)]
    assert [record.source for record in store.documents()] == told
    assert store.counts().facts == 50 * ROWS // 2


def test_nothing_to_write_is_no_transaction() -> None:
    store = Slow()
    load(store, [])
    assert store.sizes == []


def test_transactions_grow_while_the_store_is_busy() -> None:
    store = Slow()

    def prepared() -> Iterator[Reading]:
        for number, one in enumerate(readings((LEAST + MOST) // ROWS)):
            if number == (LEAST + MOST) // ROWS - 1:
                store.go.set()
            yield one

    load(store, prepared())
    assert store.sizes == [LEAST // ROWS, MOST // ROWS]


def test_a_failure_stops_the_loading_behind_it() -> None:
    class Full(MemoryStore):
        def write(self, readings_: Sequence[Reading]) -> None:
            raise StoreFullError("memory: is full")

    told: list[Reading] = []
    with pytest.raises(StoreFullError, match="is full"):
        load(Full(), readings(100), written=told.extend)
    assert told == []
