"""Documents: read, listed, deleted."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from api import views
from api.deps import CursorDep, Limit, ServicesDep, StoreDep, cursor_out
from api.problems import documented
from api.schemas import DeleteOut, DocumentIn, DocumentPage, IngestOut
from kg.facts import DocumentId

router = APIRouter(
    prefix="/documents",
    tags=["documents"],
    responses=documented(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE),
)


@router.post("", summary="Read a text", responses=documented(HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
def add(body: DocumentIn, services: ServicesDep) -> IngestOut:
    """Read a text into the graph. The same source again replaces what it said; the same text again changes nothing."""
    document = services.document(source=body.source, title=body.title, text=body.text)
    return views.ingest(services.ingestor.ingest(lambda: iter([document])))


@router.get("", summary="List documents")
def documents(
    store: StoreDep,
    cursor: CursorDep,
    prefix: Annotated[str, Query(description="Only sources that start so")] = "",
    limit: Limit = 100,
) -> DocumentPage:
    """Documents by source, a page at a time."""
    page = views.document_page(store, prefix=prefix, after=cursor, limit=limit)
    return page.model_copy(update={"next": cursor_out(page.next)})


@router.delete("/{id}", summary="Delete a document", responses=documented(HTTPStatus.NOT_FOUND))
def delete(id: str, services: ServicesDep) -> DeleteOut:
    """Leave the graph as if the document had never been read."""
    records = services.store.document_records([DocumentId(id)])
    reread = services.ingestor.delete([DocumentId(id)])
    return DeleteOut(deleted=[views.document(record) for record in records], reread=reread)
