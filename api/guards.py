"""What a request must pass before any route sees it."""

from collections.abc import Collection
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems


class BodyLimit:
    """Refuses bodies that are longer than allowed, by their declared length or, without one, as they arrive.

    FastAPI's own ``max_body_size`` answers in plain text where a route was not reached; every error has one shape.
    """

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._detail = f"the body has more than {limit} bytes; send less, or raise CLEW_MAX_BODY_BYTES"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._limit:
            refusal = problems.response(scope["path"], HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._detail)
            await refusal(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._detail)
            return message

        await self._app(scope, counted, send)


class KnownHosts:
    """Refuses requests for other host names than these, so that a web page whose name was made to point at loopback
    (DNS rebinding) cannot speak to a service that trusts whoever reaches it.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            host = Headers(scope=scope).get("host", "")
            name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
            if name.lower() not in self._hosts:
                detail = (
                    f"this service answers as {', '.join(sorted(self._hosts))} only; --host makes it listen elsewhere"
                )
                refusal = problems.response(scope["path"], HTTPStatus.MISDIRECTED_REQUEST, detail)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
