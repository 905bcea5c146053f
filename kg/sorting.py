"""Sorting more rows than fit in memory: sorted runs in temporary files, merged."""

import heapq
import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import IO, Any

RUN = 50_000  # rows held in memory at a time


def sorted_rows(rows: Iterable[list[Any]], *, run: int = RUN) -> Iterator[list[Any]]:
    """The rows by their first field, a string that differs from row to row; fields are what JSON can hold."""
    iterator = iter(rows)
    with ExitStack() as files:
        runs: list[Iterator[list[Any]]] = []
        while True:
            part = sorted(islice(iterator, run), key=_first)
            if len(part) < run:
                runs.append(iter(part))
                break
            file = files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
            file.writelines(json.dumps(row) + "\n" for row in part)
            file.seek(0)
            runs.append(_read(file))
        yield from heapq.merge(*runs, key=_first)


def _read(file: IO[str]) -> Iterator[list[Any]]:
    return (json.loads(line) for line in file)


def _first(row: list[Any]) -> str:
    return str(row[0])
