"""An answer as it comes about, as server-sent events: what is known so far, then the answer, or an error.

    event: linked   what the question names
    event: given    what a language model reads; pieces before it are void
    event: piece    what it writes, which nothing has checked
    event: answer   the answer, as without a stream: the end
    event: error    a problem, as every error of this API: the end

A stream that ends otherwise was cut off, and has no answer. A comment now and then keeps the connection. Who goes away
stops the work.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Generator
from contextlib import closing
from threading import Event
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from api import problems, views
from kg.errors import GraphError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from fusion.answer import Answer
    from fusion.steps import Step

MEDIA_TYPE = "text/event-stream"
KEEP_ALIVE = 10.0  # seconds without an event, after which a comment is sent
LOG = logging.getLogger("clew")

_WORKING: set["asyncio.Task[None]"] = set()  # the loop itself holds no task


def wanted(accept: str) -> bool:
    """Whether an Accept header asks for events."""
    return any(part.partition(";")[0].strip().lower() == MEDIA_TYPE for part in accept.split(","))


def response(steps: "Generator[Step | Answer, None, None]", *, question: str, path: str) -> StreamingResponse:
    """The steps of answering a question as events; ``path`` is what was asked for."""
    headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}  # proxies are to pass each on at once
    return StreamingResponse(_sent(_events(steps, question, path)), media_type=MEDIA_TYPE, headers=headers)


def _events(steps: "Generator[Step | Answer, None, None]", question: str, path: str) -> Generator[str, None, None]:
    """Each step as an event; every error is the last."""
    try:
        with closing(steps):
            for step in steps:
                name, shape = views.step(question, step)
                yield _event(name, shape)
    except GraphError as error:
        yield _event("error", problems.failure(path, error))
    except Exception:
        LOG.exception("an error in Clew itself, in a stream")
        yield _event("error", problems.bug(path))


def _event(name: str, shape: "BaseModel") -> str:
    return f"event: {name}\ndata: {shape.model_dump_json()}\n\n"


async def _sent(events: Generator[str, None, None]) -> AsyncIterator[str]:
    """Events as a thread makes them, whatever time each takes and however slowly they are read."""
    loop, queue, gone = asyncio.get_running_loop(), asyncio.Queue[str | None](), Event()

    def work() -> None:
        try:
            with closing(events):
                for event in events:
                    if gone.is_set():
                        return
                    loop.call_soon_threadsafe(queue.put_nowait, event)
        finally:
            loop.call_soon_threadsafe(queue.put_nowait, None)

    task = asyncio.create_task(run_in_threadpool(work))
    _WORKING.add(task)
    task.add_done_callback(_WORKING.discard)
    try:
        while True:
            try:
                event = await asyncio.wait_for(queue.get(), KEEP_ALIVE)
            except TimeoutError:
                yield ": still at work\n\n"
                continue
            if event is None:
                return
            yield event
    finally:
        gone.set()
