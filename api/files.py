"""Files that a command writes, and what tells whether one was written."""

import os
from collections.abc import Iterable
from pathlib import Path

from kg.errors import InputError


def written(path: Path) -> tuple[int, int] | None:
    """What tells a file from one that was written later; None where there is none."""
    try:
        stat = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return stat.st_mtime_ns, stat.st_size


def write(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file whole or not at all: under a passing name beside it, then renamed.

    Raises:
        InputError: the file cannot be written.
    """
    passing = path.with_name(f".{path.name}.part")
    try:
        if path.exists() and not path.is_file():  # a pipe or a device is written to, not replaced
            with path.open("wb") as stream:
                stream.writelines(parts)
            return
        try:
            with passing.open("wb") as stream:
                stream.writelines(parts)
            os.replace(passing, path)
        finally:
            passing.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); choose another file or free some space"
        ) from error
