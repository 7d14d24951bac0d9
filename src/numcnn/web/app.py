"""The application: the API, the page, and the routes for health checks and metrics."""

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
from numcnn.web.feedback_store import FeedbackStore
from numcnn.web.middleware import add_middleware
from numcnn.web.settings import Settings

STATIC = Path(__file__).parent / "static"


def create_app(settings: Settings | None = None) -> ASGIApp:
    """Create the application, which any ASGI server can run.

    Args:
        settings: The settings; None for the shipped model and the default limits.

    Raises:
        FileNotFoundError: There is no such model file.
        ValueError: The model file is damaged, or its model does not read digits.
        OSError: The folder ``settings.collect`` cannot be created.
    """
    settings = settings or Settings()
    path = settings.model or shipped_model()
    feedback_store = None
    if settings.collect is not None:
        feedback_store = FeedbackStore(settings.collect, settings.limits.max_feedback)
    # Without a model of its own, the reader brings the network for lines as well.
    reader = Reader(settings.model)
    service = Service(reader, path.stem, settings, feedback_store)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # The first picture takes longest, so one is read before any client sends one.
        await service.limiter.run(lambda: service.reader.read(_warm_up_picture()))
        app.state.is_ready = True
        yield
        app.state.is_ready = False
        service.limiter.close()

    app = FastAPI(
        title="numcnn",
        version=__version__,
        description="Reads handwritten digits.",
        openapi_url="/api/v1/openapi.json",
        # FastAPI's pages of documentation load scripts from other hosts.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.is_ready = False
    errors.add_exception_handlers(app)
    app.include_router(router(service))
    page = (STATIC / "index.html").read_text("utf-8")
    page = page.replace("{collecting}", "yes" if feedback_store else "no")

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
        responses=errors.openapi_responses(503),
    )
    async def readiness() -> Response:
        """Say whether pictures can be read now: the model is loaded, and the line is not full."""
        if not app.state.is_ready or service.limiter.is_full:
            raise errors.ProblemError(503, "busy", {"Retry-After": "1"})
        return PlainTextResponse("ok\n")

    @app.get("/metrics", tags=["running"], response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Count requests, digits and seconds, for Prometheus."""
        return Response(service.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return add_middleware(app, service.metrics, settings)


def _warm_up_picture() -> NDArray[np.uint8]:
    """Draw a black stroke on white, uint8 ``(240, 360)``."""
    pixels = np.full((240, 360), 255, np.uint8)
    pixels[40:200, 170:190] = 0
    return pixels


def _openapi(app: FastAPI) -> dict[str, object]:
    """Describe the API, with problem details in place of FastAPI's own form of errors."""
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
                # FastAPI adds its own form of this error to each route with parameters.
                if "422" in operation["responses"]:
                    operation["responses"]["422"] = errors.openapi_responses(422)[422]
        app.openapi_schema = found
    return app.openapi_schema
