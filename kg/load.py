"""Many readings into a store: grouped into transactions, and written while the next ones are being prepared."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from kg.store import GraphStore, Reading

# Rows (chunks, occurrences and facts) of a transaction. Where writing is slower than preparing, as it is for imported
# triples, transactions grow to the greater number: each commit costs much the same however much it holds.
LEAST = 4_000
MOST = 16_000


def load(
    store: GraphStore,
    readings: Iterable[Reading],
    *,
    written: Callable[[Sequence[Reading]], None] = lambda readings: None,
) -> None:
    """Write readings in order; ``written`` is told of each transaction that is done.

    One thread writes while the caller's prepares at most one transaction ahead, so memory stays flat.

    Raises:
        StoreError: the store failed; the transactions told of are written, those behind them are not.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="clew-writer") as writer:
        pending: tuple[Future[None], list[Reading]] | None = None

        def settle() -> None:
            if pending is not None:
                pending[0].result()
                written(pending[1])

        group: list[Reading] = []
        rows = 0
        for reading in readings:
            group.append(reading)
            rows += len(reading.chunks) + len(reading.occurrences) + len(reading.facts)
            free = pending is None or pending[0].done()
            if rows >= (LEAST if free else MOST):
                settle()
                pending, group, rows = (writer.submit(store.write, group), group), [], 0
        settle()
        if group:
            store.write(group)
            written(group)
