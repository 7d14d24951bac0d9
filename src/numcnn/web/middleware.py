"""The middleware: access log and metrics, security headers, shutdown, and a limit on requests."""

import asyncio
import ipaddress
import logging
import re
import time
from collections.abc import Sequence
from typing import final

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from numcnn.web.client_shares import ClientShares
from numcnn.web.errors import ProblemError
from numcnn.web.metrics import Metrics
from numcnn.web.settings import Limits, Settings, is_root_path

HEADERS = {
    # The page loads nothing from other hosts; it also shows pictures from memory.
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
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_log = logging.getLogger("numcnn.web.requests")


def add_middleware(app: ASGIApp, metrics: Metrics, settings: Settings) -> ASGIApp:
    """Wrap an application in all of the middleware; the first to see a request is the log."""
    app = HeadMiddleware(app)
    app = PrefixMiddleware(app, settings.root_path)
    app = RequestLimitMiddleware(app, settings.limits)
    app = ShutdownMiddleware(app)
    if settings.allowed_hosts:
        app = AllowedHostMiddleware(app, settings.allowed_hosts)
    app = SecurityHeadersMiddleware(app, settings)
    if settings.allowed_origins:
        app = CORSMiddleware(
            app,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["Content-Type"],
            max_age=600,
        )
    return AccessLogMiddleware(app, metrics)


@final
class AccessLogMiddleware:
    """Logs and counts each request by its route, status and duration."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wrap an application."""
        self.app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and log it when it is answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_noting_status)
        finally:
            seconds = time.perf_counter() - start
            # The route and not the path, of which anybody can make up any number.
            static = "/static" if scope["path"].startswith("/static/") else "other"
            route = getattr(scope.get("route"), "path", static)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.observe_request(method, route, status, seconds)
            _log.info("%s %s %d %.1f ms", method, route, status, seconds * 1000)


@final
class SecurityHeadersMiddleware:
    """Adds the security headers to each response, and forbids to cache it if it does not say."""

    def __init__(self, app: ASGIApp, settings: Settings | None = None) -> None:
        """Wrap an application."""
        settings = settings or Settings()
        self.app = app
        self._headers = dict(HEADERS)
        if settings.allowed_embedders:
            policy, none = self._headers["Content-Security-Policy"], "frame-ancestors 'none'"
            embedders = " ".join(("'self'", *settings.allowed_embedders))
            self._headers["Content-Security-Policy"] = policy.replace(
                none, f"frame-ancestors {embedders}"
            )
            # It knows no list of origins; browsers that know the policy do without it.
            del self._headers["X-Frame-Options"]
        if settings.allowed_origins:
            self._headers["Cross-Origin-Resource-Policy"] = "cross-origin"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its response back with more headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                # Files have an ETag: the browser asks whether they are still the same.
                is_file = "etag" in headers
                headers.setdefault("Cache-Control", "no-cache" if is_file else "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers)


@final
class HeadMiddleware:
    """Answers HEAD as GET without the body."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its response back without the body."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # The same scope, since the log looks for the route in it.
        scope["method"] = "GET"
        try:
            await self.app(scope, receive, send_without_body)
        finally:
            scope["method"] = "HEAD"


@final
class PrefixMiddleware:
    """Says where a proxy shows the application, for addresses in the API's description."""

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        """Wrap an application."""
        self.app, self._root_path = app, root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with the path that was given, or that the proxy says."""
        if scope["type"] == "http" and not scope.get("root_path"):
            told = Headers(scope=scope).get("x-forwarded-prefix", "").rstrip("/")
            prefix = self._root_path or (told if is_root_path(told) else "")
            if prefix:
                scope["root_path"] = prefix
        await self.app(scope, receive, send)


@final
class AllowedHostMiddleware:
    """Refuses requests under another name than the server's own."""

    _RESPONSE = ProblemError(
        400, "this server is not asked by that name; start it with --allowed-host NAME"
    ).response()

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        """Wrap an application."""
        self.app, self._hosts = app, {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        is_http = scope["type"] == "http"
        if is_http and host_name(Headers(scope=scope).get("host", "")) not in self._hosts:
            await self._RESPONSE(scope, receive, send)
            return
        await self.app(scope, receive, send)


def host_name(host: str) -> str:
    """The name in a ``Host`` header, without the port, in small letters."""
    name = re.sub(r":\d*$", "", host) if not host.endswith("]") else host
    return name.lower()


def is_machine(name: str) -> bool:
    """Whether a host's name is an address, or this machine's own: nobody can point it elsewhere."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    return True


@final
class ShutdownMiddleware:
    """Answers what is not done when the server shuts down with 503."""

    _RESPONSE = ProblemError(
        503, "the server ends; try again soon", {"Retry-After": "5", "Connection": "close"}
    ).response()

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; if it is cancelled before it is answered, answer it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_answered = False

        async def send_noting_start(message: Message) -> None:
            nonlocal is_answered
            is_answered = is_answered or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_noting_start)
        except asyncio.CancelledError:
            # uvicorn cancels the requests in progress when the time to shut down is over.
            if not is_answered:
                await self._RESPONSE(scope, receive, send)


@final
class RequestLimitMiddleware:
    """Limits how many requests are in progress, in total and of one client; 503 beyond."""

    _RESPONSE = ProblemError(
        503,
        "too many requests at once; try again soon",
        {"Retry-After": "1", "Connection": "close"},
    ).response()

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        """Wrap an application."""
        self.app = app
        self._requests = ClientShares(limits.max_requests, limits.max_client_share)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer that there are too many."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client = client_address(scope)
        app = self.app if self._requests.allows(client) else self._RESPONSE
        self._requests.acquire(client)
        try:
            await app(scope, receive, send)
        finally:
            self._requests.release(client)


def client_address(scope: Scope) -> str | None:
    """Return the address of a request's client, which behind a proxy is the proxy's."""
    client = scope.get("client")
    return client[0] if client else None
