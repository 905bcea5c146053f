"""Entities, what is said of them, and what is near them."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from api import views
from api.deps import CursorDep, Limit, ServicesDep, StoreDep, cursor_out
from api.errors import RequestError
from api.problems import documented
from api.schemas import EntityDetail, EntityPage, SubgraphOut
from kg.facts import EntityId

router = APIRouter(
    prefix="/entities",
    tags=["entities"],
    responses=documented(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE),
)


@router.get("", summary="List or find entities")
def entities(
    services: ServicesDep,
    cursor: CursorDep,
    query: Annotated[str, Query(description="Name or words of it: the best matches, on one page")] = "",
    type: Annotated[str | None, Query(description="Only of this type, such as `Person`")] = None,
    limit: Limit = 100,
) -> EntityPage:
    """Entities by name, a page at a time; with `query`, the best matches."""
    if not query:
        page = views.entity_page(services.store, type=type, after=cursor, limit=limit)
        return page.model_copy(update={"next": cursor_out(page.next)})
    if cursor:
        raise RequestError("cursor: a search has one page; ask for more with limit, or leave query out")
    found = views.find_entities(services.store, services.question(query), type=type, limit=limit)
    return EntityPage(entities=[views.entity(one) for one in found])


@router.get("/{id}", summary="One entity", responses=documented(HTTPStatus.NOT_FOUND))
def entity(id: str, store: StoreDep, facts: Limit = 100, mentions: Limit = 20) -> EntityDetail:
    """An entity, where documents name it, and what they say of it."""
    return views.entity_detail(store, EntityId(id), facts=facts, mentions=mentions)


@router.get("/{id}/neighbourhood", summary="What is near an entity", responses=documented(HTTPStatus.NOT_FOUND))
def neighbourhood(
    id: str,
    store: StoreDep,
    hops: Annotated[int, Query(ge=1, le=3, description="How many facts away")] = 1,
    limit: Limit = 200,
) -> SubgraphOut:
    """The entities within so many facts, nearest first, and the facts that join them."""
    return views.neighbourhood(store, EntityId(id), hops=hops, limit=limit)
