"""Who uses what only one at a time can use, and how many may wait for it: each that waits holds a thread."""

from threading import Lock, get_ident
from types import TracebackType

from fusion.errors import BusyModelError, LanguageModelError

WAITING = 16  # at a time
AFTER = 5.0  # seconds after which one that was turned away may try again


class Turns:
    """A lock for which no more than so many threads wait. It may be given back by another thread than took it."""

    def __init__(self, *, waiting: int = WAITING) -> None:
        """``waiting`` threads at the most wait; who comes then is turned away."""
        if waiting < 0:
            raise ValueError(f"waiting must be 0 or more, not {waiting}")
        self._most, self._waiting, self._owner = waiting, 0, 0
        self._turn, self._counted = Lock(), Lock()

    def __enter__(self) -> None:
        """Wait for one's turn.

        Raises:
            BusyModelError: so many wait already.
            LanguageModelError: this thread has its turn already, and would wait for itself.
        """
        if not self._turn.acquire(blocking=False):
            with self._counted:
                if self._owner == get_ident():
                    raise LanguageModelError(
                        "The language model was asked anew in the thread that still reads an answer of it; "
                        "read that to its end, or close it, first."
                    )
                if self._waiting >= self._most:
                    raise BusyModelError(
                        f"The language model answers another question and {self._waiting} wait for it; "
                        "ask again in some seconds.",
                        after=AFTER,
                    )
                self._waiting += 1
            try:
                self._turn.acquire()
            finally:
                with self._counted:
                    self._waiting -= 1
        self._owner = get_ident()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it to the next."""
        self._owner = 0
        self._turn.release()
