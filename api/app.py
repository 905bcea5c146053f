"""The HTTP service: ``create_app`` makes it, ``clew serve`` runs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.assemble import Services
from api.routes import asking, documents, entities, service

DESCRIPTION = """
Every answer comes with its thread: the facts and paths of the graph, and the exact characters of the sources.
Every error is `application/problem+json` (RFC 9457).
"""


def create_app(services: Services) -> FastAPI:
    """The service over these services; whoever made them closes them."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services.warm()  # so that the first question need not wait for models
        yield

    app = FastAPI(
        title="Clew",
        summary="Knowledge-graph reasoning that people can trust",
        description=DESCRIPTION,
        version=version("clew"),
        lifespan=lifespan,
    )
    app.state.services = services
    app.add_middleware(BodyLimit, limit=services.settings.max_body_bytes)
    problems.install(app)
    for router in (asking.router, documents.router, entities.router, service.router):
        app.include_router(router)
    return app


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
