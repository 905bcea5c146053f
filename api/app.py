"""The HTTP service: ``create_app`` makes it, ``clew serve`` runs it."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api import problems
from api.assemble import Services
from api.guards import BodyLimit, KnownHosts
from api.routes import asking, documents, entities, learning, service

DESCRIPTION = """
Every answer comes with its thread: the facts and paths of the graph, and the exact characters of the sources.
Every error is `application/problem+json` (RFC 9457).
"""


def create_app(services: Services, *, hosts: Collection[str] | None = None) -> FastAPI:
    """The service over these services; whoever made them closes them. With ``hosts``, it goes by no other name."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services.warm()  # so that the first question need not wait for models
        yield

    app = FastAPIOffline(  # its pages of documentation bring their scripts along
        title="Clew",
        summary="Knowledge-graph reasoning that people can trust",
        description=DESCRIPTION,
        version=version("clew"),
        lifespan=lifespan,
    )
    app.state.services = services
    app.add_middleware(BodyLimit, limit=services.settings.max_body_bytes)
    if hosts is not None:
        app.add_middleware(KnownHosts, hosts=hosts)
    problems.install(app)
    for router in (asking.router, documents.router, entities.router, learning.router, service.router):
        app.include_router(router)
    return app
