"""The shell around every request: security headers, a line in the log, the metrics."""

import asyncio
import logging
import time
from typing import final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from numcnn.web.errors import Problem
from numcnn.web.metrics import Metrics
from numcnn.web.places import Places
from numcnn.web.settings import Limits

HEADERS = {
    # Everything the page needs is here; pictures may also come from memory.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_BUSY = Problem(
    503,
    "too many requests at once; try again soon",
    {"Retry-After": "1", "Connection": "close"},
).response()
_ENDING = Problem(
    503, "the server ends; try again soon", {"Retry-After": "5", "Connection": "close"}
).response()
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_log = logging.getLogger("numcnn.web.requests")


@final
class Shell:
    """ASGI middleware; what is inside is the application."""

    def __init__(self, app: ASGIApp, metrics: Metrics, limits: Limits) -> None:
        """Take the application."""
        self._app, self._metrics = app, metrics
        self._in_hand = Places(limits.in_hand, limits.share)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back with more headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 0
        client = client_of(scope)

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        app = self._app if self._in_hand.have(client) else _BUSY
        self._in_hand.take(client)
        try:
            await app(scope, receive, send_on)
        except asyncio.CancelledError:
            # uvicorn cancels what is still in hand when its time to end is over.
            if not status:
                await _ENDING(scope, receive, send_on)
        finally:
            self._in_hand.leave(client)
            seconds = time.perf_counter() - start
            # The route and not the path: anybody can think up paths, and each would be counted.
            static = "/static" if scope["path"].startswith("/static/") else "other"
            route = getattr(scope.get("route"), "path", static)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.request(method, route, status or 500, seconds)
            _log.info("%s %s %d %.1f ms", method, route, status or 500, seconds * 1000)


def client_of(scope: Scope) -> str | None:
    """Say whose a request is: its address, which behind a proxy is the proxy's."""
    client = scope.get("client")
    return client[0] if client else None
