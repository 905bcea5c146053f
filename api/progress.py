"""A progress bar on standard error, where somebody sees it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nlp.ingest import Progress


@contextmanager
def progress(what: str) -> "Iterator[Progress]":
    """Something to tell how many of how many are done; silent unless standard error is a terminal."""
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (bars.TextColumn(what), bars.BarColumn(), bars.MofNCompleteColumn(), bars.TimeRemainingColumn())
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None)  # a bar without a total pulses

        yield tell


def _silent(done: int, total: int) -> None:
    pass
