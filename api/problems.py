"""One shape for every error that leaves the API: ``application/problem+json`` (RFC 9457)."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.errors import BusyError, RequestError, UnknownEntityError
from fusion.errors import (
    AdapterError,
    BusyModelError,
    LanguageModelError,
    LanguageServerError,
    NothingLearnedError,
    PlannerError,
    PromptTooLongError,
    TuningError,
)
from kg.decode import one_line
from kg.embeddings.errors import LearningError, NotLearnedError
from kg.errors import (
    GraphError,
    InputError,
    StoreAccessError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
    UnknownDocumentError,
)

MEDIA_TYPE = "application/problem+json"
LONGEST = 200  # characters of a path to a value
LOG = logging.getLogger("clew")


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(description="Path to the value, such as `body.question`", examples=["body.question"])
    message: str = Field(examples=["Field required"])


class Problem(BaseModel):
    """What every error looks like."""

    type: str = Field(default="about:blank", description="Always `about:blank`: the status says what kind it is")
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="One line: what happened and what to do", examples=["no entity 0f3a…"])
    instance: str = Field(description="The path that was asked for", examples=["/entities/0f3a"])
    errors: list[Fault] = Field(default=[], description="What is wrong with the request, value by value")


_STATUS: tuple[tuple[type[GraphError], HTTPStatus], ...] = (
    (UnknownDocumentError, HTTPStatus.NOT_FOUND),
    (UnknownEntityError, HTTPStatus.NOT_FOUND),
    (NotLearnedError, HTTPStatus.NOT_FOUND),
    (LearningError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NothingLearnedError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (PlannerError, HTTPStatus.SERVICE_UNAVAILABLE),
    (PromptTooLongError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (LanguageServerError, HTTPStatus.BAD_GATEWAY),
    (BusyModelError, HTTPStatus.SERVICE_UNAVAILABLE),
    (LanguageModelError, HTTPStatus.SERVICE_UNAVAILABLE),
    (AdapterError, HTTPStatus.SERVICE_UNAVAILABLE),
    (TuningError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (BusyError, HTTPStatus.CONFLICT),
    (RequestError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (InputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (StoreFullError, HTTPStatus.INSUFFICIENT_STORAGE),
    (StoreUnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (StoreAccessError, HTTPStatus.SERVICE_UNAVAILABLE),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE),
)


_UNREAD = "There was an error parsing the body"  # as FastAPI says of bytes that are no text
_UNROUTED = {
    int(HTTPStatus.NOT_FOUND): "nothing is here; /openapi.json lists what there is",
    int(HTTPStatus.METHOD_NOT_ALLOWED): "this method is not for this path; /openapi.json lists what is",
}


def problem(path: str, status: int, detail: str, *, faults: Sequence[Fault] = ()) -> Problem:
    """An error in the shape that all have."""
    phrase = HTTPStatus(status).phrase
    return Problem(title=phrase, status=status, detail=detail or phrase, instance=path, errors=list(faults))


def failure(path: str, error: GraphError) -> Problem:
    """An error of Clew's own kinds; one that is not the request's is logged, too."""
    status = next((s for kind, s in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        LOG.error("%s: %s", path, error)
    return problem(path, status, str(error))


def bug(path: str) -> Problem:
    """An error in Clew itself, of which nothing leaves the house."""
    return problem(path, HTTPStatus.INTERNAL_SERVER_ERROR, "an error in Clew itself; the log says more")


def response(path: str, status: int, detail: str, *, faults: Sequence[Fault] = ()) -> JSONResponse:
    """An error as problem+json."""
    return _response(problem(path, status, detail, faults=faults))


def _response(found: Problem) -> JSONResponse:
    return JSONResponse(found.model_dump(), status_code=found.status, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make the app answer every error in this shape, and describe it so."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(GraphError, _graph)
    app.add_exception_handler(Exception, _bug)
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        described = describe()
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        described["components"]["schemas"].update({**schema.pop("$defs"), "Problem": schema})
        return described

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way of extending its description


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The entry of OpenAPI's ``responses`` for errors of these kinds."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        int(status): {"description": status.phrase, "content": {MEDIA_TYPE: {"schema": schema}}} for status in statuses
    }


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = _UNROUTED.get(error.status_code) if error.detail == HTTPStatus(error.status_code).phrase else None
    if error.detail == _UNREAD:
        detail = "the body is not UTF-8; send JSON in UTF-8"
    answer = response(request.url.path, error.status_code, detail or str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


async def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # The values themselves are left out: they may be long, secret, or not even encodable.
    faults = [_fault(one) for one in error.errors()]
    detail = "; ".join(f"{fault.where}: {fault.message}" for fault in faults[:3])
    return response(request.url.path, HTTPStatus.UNPROCESSABLE_ENTITY, detail, faults=faults)


def _fault(error: Mapping[str, Any]) -> Fault:
    # A name may be anything where there is no such field.
    where = one_line(".".join(map(str, error["loc"])).encode(errors="backslashreplace").decode())[:LONGEST]
    said = str(error["msg"])
    if error["type"] == "extra_forbidden":
        said = "there is no such field; /openapi.json lists what there is"
    elif error["type"] == "json_invalid":
        where, said = "body", f"is not JSON ({error['ctx']['error']}, at character {error['loc'][-1]})"
    elif where == "body" and error["type"] != "missing":
        said = "is not a JSON object; send one, with content-type: application/json"
    return Fault(where=where, message=said)


async def _graph(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, GraphError)
    answer = _response(failure(request.url.path, error))
    if isinstance(error, BusyModelError):
        answer.headers["retry-after"] = str(ceil(error.after))
    return answer


async def _bug(request: Request, error: Exception) -> JSONResponse:
    return _response(bug(request.url.path))  # the server logs the traceback
