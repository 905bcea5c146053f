"""Questions and searches."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from api import explaining, streaming, views
from api.deps import ServicesDep
from api.problems import documented
from api.schemas import AnswerOut, Explain, Question, SearchOut, SearchRequest

router = APIRouter(
    tags=["asking"], responses=documented(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
)


@router.post(
    "/ask",
    summary="Answer a question from the graph",
    response_model=AnswerOut,
    responses={
        int(HTTPStatus.OK): {
            "description": "The answer; or, where the request accepts `text/event-stream`, what leads to it, then it.",
            "content": {streaming.MEDIA_TYPE: {"schema": {"type": "string"}}},
        }
    },
)
def ask(body: Question, services: ServicesDep, request: Request) -> AnswerOut | Response:
    """Answer with paths and quotations, or abstain and say what was missing: both are a 200.

    Where a name may mean several things, it abstains with them as candidates; ask again with the topics that you mean.

    With `Accept: text/event-stream` it streams: `linked`, `given` and `piece` events (none of them an answer), then
    `answer` or `error`.
    """
    topics, question = views.chosen(services.store, body.topics), services.question(body.question)
    if streaming.wanted(request.headers.get("accept", "")):
        steps = services.answerer.stream(question, topics=topics, predict=body.predict)
        return streaming.response(steps, question=question, path=request.url.path)
    return views.answer(services.answerer.ask(question, topics=topics, predict=body.predict))


@router.post("/explain", summary="Show how a question is answered")
def explain(body: Explain, services: ServicesDep) -> explaining.ExplanationOut:
    """What it names, the plans from there and how probable each is, and the answer that is given.

    Where a language model was asked, what it read, what it said, and how each claim of it was checked.
    """
    topics, question = views.chosen(services.store, body.topics), services.question(body.question)
    return explaining.explain(services, question, topics=topics, predict=body.predict, influence=body.influence)


@router.post("/search", summary="Find passages")
def search(body: SearchRequest, services: ServicesDep) -> SearchOut:
    """Passages by words, meaning and graph, best first."""
    return views.search(services.answerer.search(services.question(body.text), limit=body.limit))
