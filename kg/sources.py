"""Files as sources: what they are called in the graph, and what keeps them from being read, in words."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from kg.decode import one_line
from kg.errors import InputError

_KINDS = {
    stat.S_IFDIR: "a folder; name the file",
    stat.S_IFIFO: "a pipe; send what comes out of it to standard input (-), or to a file",
    stat.S_IFSOCK: "a socket, not a file; leave it out",
    stat.S_IFCHR: "a device, not a file; leave it out",
    stat.S_IFBLK: "a device, not a file; leave it out",
}
_ERRORS = {
    errno.ENOENT: "does not exist; check the path",
    errno.ENOTDIR: "does not exist; check the path",
    errno.EACCES: "may not be read; allow it with chmod +r",
    errno.EPERM: "may not be read; allow it with chmod +r",
    errno.ELOOP: "is a symbolic link that leads back to itself; remove it",
    errno.ENAMETOOLONG: "has a name longer than the system allows; rename it",
}


def source_of(path: Path) -> str:
    """The path as it was given, its parts joined by "/"; bytes of a name that are not UTF-8 are written as \\xNN.

    A "#" in it is written as %23, for a "#" parts a file from its row.
    """
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace").replace("#", "%23")


def check(path: Path) -> os.stat_result:
    """What the system knows of a path.

    Raises:
        InputError: it does not exist, or may not be looked at.
    """
    try:
        return path.stat()
    except OSError as error:
        raise refusal(path, error) from error
    except ValueError as error:  # a NUL in the path
        raise InputError(f"{one_line(source_of(path))}: cannot be the name of a file; check the path") from error


def open_file(path: Path) -> BinaryIO:
    """A regular file, open for reading.

    Raises:
        InputError: it is none, or may not be read.
    """
    if kind := _KINDS.get(stat.S_IFMT(check(path).st_mode)):
        raise InputError(f"{one_line(source_of(path))}: is {kind}")
    try:
        return path.open("rb")
    except OSError as error:
        raise refusal(path, error) from error


def refusal(path: Path, error: OSError) -> InputError:
    """The system's refusal of a path, in words."""
    why = _ERRORS.get(error.errno or 0, f"cannot be read ({error.strerror or error}); see to it and try again")
    if error.errno == errno.ENOENT and path.is_symlink():
        why = "is a symbolic link to something that does not exist; remove it"
    return InputError(f"{one_line(source_of(path))}: {why}")
