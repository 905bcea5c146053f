"""What a learned graph is good for."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api import learning, planning
from api.deps import ServicesDep, StoreDep
from api.problems import documented
from kg.facts import EntityId

router = APIRouter(
    tags=["learning"],
    responses=documented(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE),
)

Limit = Annotated[int, Query(ge=1, le=100, description="At most so many")]


@router.post(
    "/learn/questions",
    summary="Learn how to answer questions",
    status_code=HTTPStatus.ACCEPTED,
    responses=documented(HTTPStatus.CONFLICT),
)
def learn_questions(body: planning.LearnIn, services: ServicesDep) -> planning.TrainingOut:
    """Begin to train a planner on your questions and on questions made from the graph: minutes, while others ask.

    `GET /learn/questions` says how far it is; questions are answered with the new planner once it is done.
    """
    planning.start(services, body)
    return planning.training(services)


@router.get("/learn/questions", summary="How far learning is")
def learning_questions(services: ServicesDep) -> planning.TrainingOut:
    """Whether a planner is being trained here, and what the last training came to."""
    return planning.training(services)


@router.get("/learned", summary="The learned model")
def learned(store: StoreDep) -> learning.LearnedOut:
    """The model whose vectors the graph holds, and whether the graph has changed since."""
    return learning.learned_out(learning.learned(store), store)


@router.get("/entities/{id}/similar", summary="Entities like one")
def similar(id: str, services: ServicesDep, limit: Limit = 10) -> learning.SimilarOut:
    """Entities like one, by the company they keep in the graph (by its name, if it is new), the most alike first."""
    return learning.similar(services, EntityId(id), limit=limit)


@router.get("/entities/{id}/predictions", summary="What the model expects of an entity")
def predictions(
    id: str,
    services: ServicesDep,
    relation: Annotated[str, Query(description="A relation of the graph, such as `directed_by`")],
    role: Annotated[Literal["subject", "object"], Query(description="What the entity is in the fact")] = "subject",
    limit: Limit = 10,
) -> learning.PredictionsOut:
    """What the graph does not hold but the model expects, with its probability and what speaks for it. Not facts."""
    model = services.learned_graph
    ends = {"subject": None, "object": None, role: EntityId(id)}
    found = model.predict(relation, subject=ends["subject"], object=ends["object"], limit=limit)
    return learning.predictions(services.store, found, stale=model.stale)


@router.get("/suspicious", summary="Facts to look at")
def suspicious(services: ServicesDep, limit: Limit = 20) -> learning.DoubtsOut:
    """The facts that the model would not have expected, the strangest first."""
    model = services.learned_graph
    return learning.doubts(services.store, model.suspicious(limit=limit), stale=model.stale)
