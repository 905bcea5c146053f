"""Work that takes minutes, beside the requests that ask for it and look after it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock, Thread
from typing import Generic, Literal, TypeVar

from api.errors import BusyError
from kg.errors import GraphError

T = TypeVar("T")
Tell = Callable[[str], None]  # is told, a line at a time, how the work goes on

PATIENCE = 5.0  # seconds; whoever stops a service may end it by force after ten
LOG = logging.getLogger("clew")


@dataclass(frozen=True, slots=True)
class Progress(Generic[T]):
    """How far the work is."""

    state: Literal["none", "running", "done", "failed"] = "none"
    line: str = ""  # the last that it told, or why it failed
    found: T | None = None  # what it came to, once it is done


class _StoppedError(Exception):
    """The work was told to stop."""


class Job(Generic[T]):
    """One piece of work at a time, on a thread of its own. Safe to use from several threads."""

    def __init__(self, *, patience: float = PATIENCE) -> None:
        """``stop`` waits for the end of the work so long, in seconds."""
        self._patience = patience
        self._lock = Lock()
        self._progress: Progress[T] = Progress()
        self._thread: Thread | None = None
        self._stopping = False

    @property
    def progress(self) -> Progress[T]:
        """How far the last work is."""
        with self._lock:
            return self._progress

    def start(self, work: Callable[[Tell], T]) -> None:
        """Begin some work; it ends where it next tells something after ``stop``.

        Raises:
            BusyError: other work is under way.
        """
        with self._lock:
            if self._progress.state == "running":
                raise BusyError("this service is learning already; ask again when that is done")
            self._progress = Progress("running")
            # A second Ctrl-C need not wait for it: so it does not hold up the end of the program.
            self._thread = Thread(target=self._run, args=(work,), name="clew-job", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the work that is under way, and wait a while for its end: what tells nothing for long is left behind."""
        with self._lock:
            self._stopping = True
            thread = self._thread
        if thread is not None:
            thread.join(self._patience)
            if thread.is_alive():
                LOG.warning(
                    "the learning that is under way is left unfinished: it did not stop in %g s", self._patience
                )

    def _run(self, work: Callable[[Tell], T]) -> None:
        try:
            found = work(self._tell)
        except _StoppedError:
            self._end(Progress("failed", "the service was stopped"))
        except GraphError as error:
            self._end(Progress("failed", str(error)))
        except Exception:
            LOG.exception("an error in Clew itself, while learning")
            self._end(Progress("failed", "an error in Clew itself; the log says more"))
        else:
            self._end(replace(self.progress, state="done", found=found))

    def _tell(self, line: str) -> None:
        with self._lock:
            if self._stopping:
                raise _StoppedError
            self._progress = Progress("running", line)

    def _end(self, progress: Progress[T]) -> None:
        with self._lock:
            self._progress = progress
