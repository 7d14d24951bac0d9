"""The problem: every error of the API in one form, that of RFC 9457.

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
class Problem(Exception):  # noqa: N818 (an answer, as the standard calls it)
    """An error that is told to the client."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        """Say what is wrong.

        Args:
            status: The response's status.
            detail: What is wrong and what to do, in one line.
            headers: Further headers, such as ``Retry-After``.
        """
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})

    def response(self) -> Response:
        """Return it as a response."""
        problem = ProblemDetails(
            type="about:blank", title=_title(self.status), status=self.status, detail=self.detail
        )
        return JSONResponse(problem.model_dump(), self.status, self.headers, MEDIA_TYPE)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe problems for OpenAPI."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {
        status: {"description": _title(status), "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Let an application answer all its errors as problems."""
    app.add_exception_handler(Problem, _of_ours)
    app.add_exception_handler(HTTPException, _of_the_framework)
    app.add_exception_handler(RequestValidationError, _of_the_input)
    app.add_exception_handler(MemoryError, _of_memory)
    app.add_exception_handler(Exception, _unforeseen)


def _title(status: int) -> str:
    # Some names changed with RFC 9110, which not every version of Python knows.
    titles = {413: "Content Too Large", 422: "Unprocessable Content"}
    return titles.get(status) or HTTPStatus(status).phrase


async def _of_ours(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _of_the_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = {
        404: "there is nothing at this address; the API is described at /api/v1/openapi.json",
        405: f"{request.method} is not possible here; see the header Allow",
    }
    detail = said.get(error.status_code, str(error.detail))
    return Problem(error.status_code, detail, error.headers).response()


async def _of_the_input(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("query", "path", "body"))
    return Problem(422, f"{place}: {first['msg']}").response()


async def _of_memory(_request: Request, _error: Exception) -> Response:
    detail = "not enough memory; make the picture smaller, or try again later"
    return Problem(503, detail, {"Retry-After": "5"}).response()


async def _unforeseen(_request: Request, error: Exception) -> Response:
    # The client is told nothing of the inside; the log is told all of it by the server.
    _log.error("unforeseen: %s", type(error).__name__)
    return Problem(500, "something went wrong here; it is not the request's fault").response()
