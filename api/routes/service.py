"""The service itself: how much it holds, and whether it is well."""

from http import HTTPStatus
from importlib.metadata import version

from fastapi import APIRouter

from api import views
from api.deps import StoreDep
from api.problems import documented
from api.schemas import Health, Stats

router = APIRouter(tags=["service"], responses=documented(HTTPStatus.SERVICE_UNAVAILABLE))


@router.get("/stats", summary="How much the graph holds")
def stats(store: StoreDep) -> Stats:
    """Counts of documents, entities and facts, by type and by relation."""
    return views.stats(store)


@router.get("/health", summary="Whether the service and its store answer")
def health(store: StoreDep) -> Health:
    """200 when the store answers, a 503 problem when it does not."""
    store.version()
    return Health(status="ok", store=store.address, version=version("clew"))
