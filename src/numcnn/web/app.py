"""The application: API, page, and what those need who run it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from numpy.typing import NDArray
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.types import ASGIApp

from numcnn import __version__
from numcnn.handwriting.reader import Reader, shipped_model
from numcnn.web import errors
from numcnn.web.api import Service, router
from numcnn.web.collection import Collection
from numcnn.web.middleware import Shell
from numcnn.web.settings import Settings

STATIC = Path(__file__).parent / "static"


def create_app(settings: Settings | None = None) -> ASGIApp:
    """Make the application, as any ASGI server can run it.

    Args:
        settings: How it runs; the shipped model and the usual limits if None.

    Raises:
        FileNotFoundError: There is no such model file.
        ValueError: It is damaged, or for something else than digits.
        OSError: The folder to collect in cannot be made.
    """
    settings = settings or Settings()
    path = settings.model or shipped_model()
    collection = None
    if settings.collect is not None:
        collection = Collection(settings.collect, settings.limits.collected)
    service = Service(Reader(path), path.stem, settings.limits, collection)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # The first picture takes longest, so nobody is to wait for it.
        await service.gate.run(lambda: service.reader.read(_first_picture()))
        app.state.is_ready = True
        yield
        app.state.is_ready = False
        service.gate.close()

    app = FastAPI(
        title="numcnn",
        version=__version__,
        description="Reads handwritten digits.",
        openapi_url="/api/v1/openapi.json",
        # Their pages load scripts from other hosts.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.is_ready = False
    errors.install(app)
    app.include_router(router(service))
    page = (STATIC / "index.html").read_text("utf-8")
    page = page.replace("{collecting}", "yes" if collection else "no")

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def index() -> Response:
        return HTMLResponse(page, headers={"Cache-Control": "no-cache"})

    @app.get("/healthz", tags=["running"], response_class=PlainTextResponse)
    async def health() -> Response:
        """Say that the process lives."""
        return PlainTextResponse("ok\n")

    @app.get(
        "/readyz",
        tags=["running"],
        response_class=PlainTextResponse,
        responses=errors.responses(503),
    )
    async def readiness() -> Response:
        """Say whether pictures can be read now: the model is loaded, and the line is not full."""
        if not app.state.is_ready or service.gate.is_full:
            raise errors.Problem(503, "busy", {"Retry-After": "1"})
        return PlainTextResponse("ok\n")

    @app.get("/metrics", tags=["running"], response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Count requests, digits and seconds, for Prometheus."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return Shell(app, service.metrics, settings.limits)


def _first_picture() -> NDArray[np.uint8]:
    """A stroke on paper."""
    pixels = np.full((240, 360), 255, np.uint8)
    pixels[40:200, 170:190] = 0
    return pixels


def _described(app: FastAPI) -> dict[str, object]:
    """Describe the API; of the framework's own error, which no route gives, nothing is said."""
    if not app.openapi_schema:
        found = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        schemas = found["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemas["ProblemDetails"] = errors.ProblemDetails.model_json_schema()
        for operations in found["paths"].values():
            for operation in operations.values():
                # The framework describes its own form of this error where a route has parameters.
                if "422" in operation["responses"]:
                    operation["responses"]["422"] = errors.responses(422)[422]
        app.openapi_schema = found
    return app.openapi_schema
