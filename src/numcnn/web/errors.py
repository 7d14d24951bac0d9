"""Errors: each is answered with problem details (RFC 9457).

M. Nottingham, E. Wilde and S. Dalal, "Problem Details for HTTP APIs", RFC 9457, 2023.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("numcnn.web")


@final
class ProblemDetails(BaseModel):
    """What is wrong, as RFC 9457 says it."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Content Too Large"])
    status: int = Field(examples=[413])
    detail: str = Field(examples=["the body is larger than 16 MB; make the picture smaller"])


@final
class ProblemError(Exception):
    """An error that the client is told of, as problem details."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        """Describe the error.

        Args:
            status: The status code of the response.
            detail: What is wrong and what to do about it, in one line.
            headers: Further headers of the response, such as ``Retry-After``.
        """
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})

    def response(self) -> Response:
        """Return the response."""
        problem = ProblemDetails(
            type="about:blank", title=_title(self.status), status=self.status, detail=self.detail
        )
        return JSONResponse(problem.model_dump(), self.status, self.headers, MEDIA_TYPE)


def openapi_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problem details of these status codes for OpenAPI."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {
        status: {"description": _title(status), "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def add_exception_handlers(app: FastAPI) -> None:
    """Make an application answer every error with problem details."""
    app.add_exception_handler(ProblemError, _handle_problem)
    app.add_exception_handler(HTTPException, _handle_http_exception)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(MemoryError, _handle_memory_error)
    app.add_exception_handler(Exception, _handle_unexpected)


def _title(status: int) -> str:
    # RFC 9110 renamed some status codes; not every version of Python knows the new names.
    titles = {413: "Content Too Large", 422: "Unprocessable Content"}
    return titles.get(status) or HTTPStatus(status).phrase


async def _handle_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return error.response()


async def _handle_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    details = {
        404: "there is nothing at this address; the API is described at /api/v1/openapi.json",
        405: f"{request.method} is not possible here; see the header Allow",
    }
    detail = details.get(error.status_code, str(error.detail))
    return ProblemError(error.status_code, detail, error.headers).response()


async def _handle_validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("query", "path", "body"))
    return ProblemError(422, f"{place}: {first['msg']}").response()


async def _handle_memory_error(_request: Request, _error: Exception) -> Response:
    detail = "not enough memory; make the picture smaller, or try again later"
    return ProblemError(503, detail, {"Retry-After": "5"}).response()


async def _handle_unexpected(_request: Request, error: Exception) -> Response:
    # The response tells nothing about the inside; the server logs the traceback.
    _log.error("unexpected error: %s", type(error).__name__)
    return ProblemError(500, "something went wrong here; it is not the request's fault").response()
