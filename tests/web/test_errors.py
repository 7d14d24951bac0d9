import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from numcnn.web.errors import ProblemError, add_exception_handlers, openapi_responses


@pytest.fixture
def failing():
    """An application whose routes fail, each in its own way."""
    app = FastAPI()
    add_exception_handlers(app)
    errors = {
        "problem": ProblemError(429, "too many", {"Retry-After": "1"}),
        "memory": MemoryError(),
        "unexpected": ZeroDivisionError("a secret"),
    }

    @app.get("/{name}")
    def fail(name: str, count: int = 0) -> None:
        raise errors[name]

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("method", "path", "status", "title", "detail"),
    [
        ("GET", "/problem", 429, "Too Many Requests", "too many"),
        ("GET", "/memory", 503, "Service Unavailable", "not enough memory"),
        ("GET", "/unexpected", 500, "Internal Server Error", "something went wrong here"),
        ("GET", "/problem?count=x", 422, "Unprocessable Content", "count: "),
        ("GET", "/no/such/path", 404, "Not Found", "there is nothing at this address"),
        ("PUT", "/problem", 405, "Method Not Allowed", "PUT is not possible here"),
    ],
)
def test_every_error_is_answered_with_problem_details(failing, method, path, status, title, detail):
    response = failing.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    found = response.json()
    assert found.pop("detail").startswith(detail)
    assert found == {"type": "about:blank", "title": title, "status": status}
    assert "secret" not in response.text


def test_headers_are_passed_on(failing):
    assert failing.get("/problem").headers["retry-after"] == "1"
    assert failing.put("/problem").headers["allow"] == "GET"
    assert failing.get("/memory").headers["retry-after"] == "5"


def test_the_fields_are_in_the_order_of_the_standard():
    content = ProblemError(413, "too large").response().body
    assert list(json.loads(content)) == ["type", "title", "status", "detail"]
    assert json.loads(content)["title"] == "Content Too Large"


def test_the_description_refers_to_the_schema_of_problem_details():
    described = openapi_responses(404, 422)
    assert list(described) == [404, 422]
    schema = described[422]["content"]["application/problem+json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/ProblemDetails"}
