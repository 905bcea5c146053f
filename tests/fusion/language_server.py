"""A server that speaks OpenAI's protocol and says what a test tells it to, in whatever way: well, slowly or wrongly."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Script:
    """What is answered, request by request (the last reply to all that follow), and what was asked."""

    replies: list[Reply]
    address: str = ""
    asked: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)


@contextmanager
def serving(*replies: Reply) -> Iterator[Script]:
    """A server on a free port of this machine."""
    script = Script(list(replies))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            script.asked.append((self.path, dict(self.headers.items()), json.loads(body or b"{}")))
            reply = script.replies.pop(0) if len(script.replies) > 1 else script.replies[0]
            try:
                reply(self)
            except ConnectionError:  # the client had enough
                self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    script.address = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def chunk(text: str | None, *, finish: str | None = None, chat: bool = True) -> bytes:
    """One event of an answer."""
    choice = {"delta": {"role": "assistant", "content": text}} if chat else {"text": text}
    event = {"object": "chunk", "choices": [{"index": 0, "finish_reason": finish, **choice}]}
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def says(*pieces: str, finish: str = "stop", chat: bool = True) -> Reply:
    """An answer as it should be."""
    events = [chunk(piece, chat=chat) for piece in pieces]
    return sends(b"".join([*events, chunk("", finish=finish, chat=chat), b"data: [DONE]\n\n"]))


def sends(body: bytes, *, kind: str = "text/event-stream; charset=utf-8", status: int = 200, **headers: str) -> Reply:
    """Exactly these bytes."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("content-type", kind)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def promises(body: bytes, *, length: int) -> Reply:
    """More bytes than are sent: the connection breaks off."""
    return sends(body, content_length=str(length))


def drips(piece: bytes, *, every: float) -> Reply:
    """The same bytes again and again, until the client has had enough."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        sends(b"")(handler)
        waiting = threading.Event()
        for _ in range(2000):
            handler.wfile.write(piece)
            waiting.wait(every)

    return reply


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    """Nothing at all."""
    handler.connection.shutdown(2)
