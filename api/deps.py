"""What a route needs, as types: a route's signature says what it uses."""

import base64
import binascii
from typing import Annotated

from fastapi import Depends, Query, Request

from api.assemble import Services
from api.errors import RequestError
from kg.store import GraphStore


def _services(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


def _store(services: Annotated[Services, Depends(_services)]) -> GraphStore:
    return services.store


def _cursor(
    cursor: Annotated[str, Query(description="`next` of the page before", max_length=20_000)] = "",
) -> str:
    try:
        return base64.urlsafe_b64decode(cursor).decode()
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise RequestError("cursor: not one that this service gave; take `next` of the page before") from error


def cursor_out(cursor: str | None) -> str | None:
    """A cursor as one word without characters that an address must escape."""
    return None if cursor is None else base64.urlsafe_b64encode(cursor.encode("utf-8", "surrogatepass")).decode()


ServicesDep = Annotated[Services, Depends(_services)]
StoreDep = Annotated[GraphStore, Depends(_store)]
CursorDep = Annotated[str, Depends(_cursor)]
Limit = Annotated[int, Query(ge=1, le=1000, description="At most so many")]
