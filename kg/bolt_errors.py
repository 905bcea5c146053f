"""What the driver and the servers raise, mapped once to the errors of the graph."""

import errno
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kg.driver import exceptions as foreign
from kg.errors import InputError, StoreAccessError, StoreError, StoreFullError, StoreUnavailableError

_FULL = re.compile(
    "no space left|disk quota|not enough space|disk is full|out of memory|OutOfMemory|java heap space|MemoryPool|"
    "memory pool limit|MemoryLimit",
    re.IGNORECASE,
)


@contextmanager
def mapped(address: str, *, crowded: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Raise what goes wrong inside as a kind of ``StoreError`` that names the address.

    ``crowded`` tells whether the disk is full, for a server that refuses without saying why.

    Raises:
        StoreUnavailableError: nothing answers there.
        StoreAccessError: it refuses the user or the password.
        StoreFullError: it has no room left.
        StoreError: it answers with another error.
        InputError: a text holds what the database cannot keep.
    """
    try:
        yield
    except (foreign.AuthError, foreign.Forbidden) as error:
        raise StoreAccessError(
            f"{address}: the store refuses this user or password; set CLEW_STORE_USER and CLEW_STORE_PASSWORD"
        ) from error
    except (foreign.ServiceUnavailable, foreign.SessionExpired) as error:
        raise StoreUnavailableError(
            f"{address}: no graph database answers there; start it, or give another --store"
        ) from error
    except (foreign.Neo4jError, foreign.DriverError) as error:
        raise full(address) if crowded() else _other(address, error) from error
    except UnicodeEncodeError as error:
        raise InputError(
            f"{address}: a text holds half of a character ({error.object[error.start]!a}), which no store keeps; "
            "mend the file it came from"
        ) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise full(address) from error
        raise StoreUnavailableError(f"{address}: the connection broke ({error}); is the database running?") from error


def full(address: str) -> StoreFullError:
    """The error of a store without room."""
    return StoreFullError(
        f"{address}: the store has no disk space or memory left; free some and run the same command again"
    )


def _other(address: str, error: Exception) -> StoreError:
    said = str(error)
    if _FULL.search(said):
        return full(address)
    if isinstance(error, foreign.Neo4jError) and error.message:
        said = error.message
    return StoreError(f"{address}: the database refused ({first_line(said)}); run with --debug to see all of it")


def first_line(text: str) -> str:
    """The first line of a message, cut to a readable length."""
    line = text.strip().split("\n", 1)[0]
    return line if len(line) <= 300 else line[:297] + "…"
