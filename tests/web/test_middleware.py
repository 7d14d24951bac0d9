import asyncio
import json
import logging
from types import SimpleNamespace

import pytest
from starlette.responses import PlainTextResponse

from numcnn.web.metrics import Metrics
from numcnn.web.middleware import (
    HEADERS,
    AccessLogMiddleware,
    RequestLimitMiddleware,
    SecurityHeadersMiddleware,
    ShutdownMiddleware,
    client_address,
)
from numcnn.web.settings import Limits
from tests.web.asgi import call, scope


def run(app, request=None):
    return asyncio.run(call(app, request or scope()))


def counted(metrics, method, route, status):
    name = f'numcnn_requests_total{{method="{method}",route="{route}",status="{status}"}} 1.0'
    return name.encode() in metrics.exposition()


@pytest.mark.parametrize(
    ("path", "route", "counted_as"),
    [
        ("/api/v1/models/x", "/api/v1/models/{model}", "/api/v1/models/{model}"),
        ("/static/app.js", None, "/static"),
        ("/made-up-0815", None, "other"),
    ],
)
def test_a_request_is_logged_and_counted_by_its_route(caplog, path, route, counted_as):
    async def app(scope, receive, send):
        if route:
            scope["route"] = SimpleNamespace(path=route)
        await PlainTextResponse("x", 418)(scope, receive, send)

    caplog.set_level(logging.INFO, "numcnn.web.requests")
    metrics = Metrics()
    assert run(AccessLogMiddleware(app, metrics), scope(path))[0] == 418
    assert counted(metrics, "GET", counted_as, 418)
    assert caplog.messages[0].startswith(f"GET {counted_as} 418 ")


def test_a_made_up_method_is_not_counted_by_its_name():
    metrics = Metrics()
    run(AccessLogMiddleware(PlainTextResponse("x"), metrics), scope(method="BREW"))
    assert counted(metrics, "other", "other", 200)
    assert b"BREW" not in metrics.exposition()


def test_an_exception_passes_and_counts_as_500():
    async def app(scope, receive, send):
        raise ZeroDivisionError

    metrics = Metrics()
    with pytest.raises(ZeroDivisionError):
        run(AccessLogMiddleware(app, metrics))
    assert counted(metrics, "GET", "other", 500)


def test_security_headers_are_added_where_the_application_has_none():
    headers = run(SecurityHeadersMiddleware(PlainTextResponse("x")))[1]
    assert HEADERS.items() <= {name: headers[name.lower()] for name in HEADERS}.items()
    assert headers["cache-control"] == "no-store"
    own = {"Cache-Control": "no-cache", "X-Frame-Options": "SAMEORIGIN"}
    headers = run(SecurityHeadersMiddleware(PlainTextResponse("x", headers=own)))[1]
    assert (headers["cache-control"], headers["x-frame-options"]) == ("no-cache", "SAMEORIGIN")


def test_a_request_that_is_cancelled_is_answered_with_503():
    async def app(scope, receive, send):
        raise asyncio.CancelledError

    status, headers, body = run(ShutdownMiddleware(app))
    assert (status, headers["retry-after"], headers["connection"]) == (503, "5", "close")
    assert json.loads(body)["detail"].startswith("the server ends")


def test_a_response_that_has_begun_is_not_answered_twice():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise asyncio.CancelledError

    assert run(ShutdownMiddleware(app))[0] == 200


def test_requests_beyond_the_limit_are_refused_until_one_is_done():
    async def main():
        done = asyncio.Event()

        async def app(scope, receive, send):
            await done.wait()
            await PlainTextResponse("x")(scope, receive, send)

        limited = RequestLimitMiddleware(app, Limits(max_requests=4, max_client_share=0.5))
        waiting = [asyncio.ensure_future(call(limited, scope())) for _ in range(2)]
        await asyncio.sleep(0)
        status, headers, body = await call(limited, scope())
        assert (status, headers["retry-after"], headers["connection"]) == (503, "1", "close")
        assert json.loads(body)["detail"].startswith("too many requests")
        # Another client has a share of its own.
        other = asyncio.ensure_future(call(limited, scope(client="10.0.0.2")))
        await asyncio.sleep(0)
        assert not other.done()
        done.set()
        assert [(await each)[0] for each in (*waiting, other)] == [200] * 3
        assert (await call(limited, scope()))[0] == 200

    asyncio.run(main())


@pytest.mark.parametrize(
    "middleware",
    [
        lambda app: AccessLogMiddleware(app, Metrics()),
        SecurityHeadersMiddleware,
        ShutdownMiddleware,
        lambda app: RequestLimitMiddleware(app, Limits()),
    ],
)
def test_what_is_no_request_passes_unchanged(middleware):
    passed = []

    async def app(*arguments):
        passed.append(arguments)

    arguments = ({"type": "lifespan"}, object(), object())
    asyncio.run(middleware(app)(*arguments))
    assert passed == [arguments]


def test_a_client_is_its_address_without_the_port():
    assert client_address({"client": ("10.0.0.1", 5)}) == "10.0.0.1"
    assert client_address({"client": None}) is None
