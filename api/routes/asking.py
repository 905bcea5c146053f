"""Questions and searches."""

from http import HTTPStatus

from fastapi import APIRouter

from api import explaining, views
from api.deps import ServicesDep
from api.problems import documented
from api.schemas import AnswerOut, Question, SearchOut, SearchRequest

router = APIRouter(
    tags=["asking"], responses=documented(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
)


@router.post("/ask", summary="Answer a question from the graph")
def ask(body: Question, services: ServicesDep) -> AnswerOut:
    """Answer with paths and quotations, or abstain and say what was missing: both are a 200.

    Where a name may mean several things, it abstains with them as candidates; ask again with the topics that you mean.
    """
    topics = views.chosen(services.store, body.topics)
    return views.answer(services.answerer.ask(services.question(body.question), topics=topics, predict=body.predict))


@router.post("/explain", summary="Show how a question is answered")
def explain(body: Question, services: ServicesDep) -> explaining.ExplanationOut:
    """What it names, the plans from there and how probable each is, and the answer that is given."""
    topics = views.chosen(services.store, body.topics)
    return explaining.explain(services, services.question(body.question), topics=topics, predict=body.predict)


@router.post("/search", summary="Find passages")
def search(body: SearchRequest, services: ServicesDep) -> SearchOut:
    """Passages by words, meaning and graph, best first."""
    return views.search(services.answerer.search(services.question(body.text), limit=body.limit))
