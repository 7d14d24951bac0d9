"""The routes of the API, version 1: read a picture, inspect the network, send feedback."""

import base64
from collections.abc import Callable
from typing import Annotated, final

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from numpy.typing import NDArray

from numcnn.handwriting.reader import PictureError, Reader, Reading
from numcnn.handwriting.vision import PictureTooLargeError, UnknownPictureError
from numcnn.web import feedback, inspection, request_body, schemas
from numcnn.web.concurrency import ConcurrencyLimiter
from numcnn.web.errors import ProblemError, openapi_responses
from numcnn.web.feedback_store import FeedbackStore
from numcnn.web.metrics import Metrics
from numcnn.web.middleware import client_address, host_name, is_machine
from numcnn.web.schemas import json_response
from numcnn.web.settings import Settings

_PICTURE_ERRORS = openapi_responses(400, 408, 413, 415, 422, 429, 503)


@final
class Service:
    """What the routes share."""

    def __init__(
        self, reader: Reader, name: str, settings: Settings, feedback_store: FeedbackStore | None
    ) -> None:
        """Create the parts that count and limit requests.

        Args:
            reader: The reader.
            name: The name of its model, for ``/models``.
            settings: The limits on requests, and the names that the server is asked by.
            feedback_store: Where pictures that were read wrongly are kept; None to keep none.
        """
        limits = settings.limits
        self.reader, self.name, self.settings, self.limits = reader, name, settings, limits
        self.feedback_store = feedback_store
        self.metrics = Metrics()
        self.body_reader = request_body.RequestBodyReader(limits)
        self.limiter = ConcurrencyLimiter(limits, self.metrics)

    async def read(self, request: Request, answer: Callable[[Reading], Response]) -> Response:
        """Receive a picture, read it and create the response, the last two on a thread.

        Raises:
            ProblemError: The body is no picture, or a limit is exceeded.
        """
        client = client_address(request.scope)
        async with self.body_reader.receive(request, client) as body:
            return await self.limiter.run(lambda: answer(self._read(body)), client)

    def _read(self, body: request_body.RequestBody) -> Reading:
        picture = body.picture(self.limits)
        try:
            reading = self.reader.read(
                picture,
                max_bytes=self.limits.max_body_bytes,
                max_pixels=self.limits.max_pixels,
                max_seconds=self.limits.request_timeout,
            )
        except PictureError as error:
            if isinstance(error, PictureTooLargeError):
                status = 413
            else:
                status = 415 if isinstance(error, UnknownPictureError) else 422
            raise ProblemError(status, error.reason) from error
        for finding in reading.findings:
            self.metrics.count_finding("rejected" if finding.rejection else str(finding.digit))
        return reading


def router(service: Service) -> APIRouter:
    """Create the routes."""
    api = APIRouter(prefix="/api/v1", tags=["reader"])

    @api.post(
        "/read",
        response_model=schemas.ReadAnswer,
        responses=_PICTURE_ERRORS,
        openapi_extra=request_body.openapi_request_body(),
    )
    async def read(
        request: Request,
        frames: Annotated[
            bool, Query(description="Also say what the network saw of each thing.")
        ] = False,
    ) -> Response:
        """Read the digits that are written in a picture."""
        return await service.read(request, lambda found: _read_answer(found, frames))

    @api.post(
        "/activations",
        response_model=schemas.ActivationsAnswer,
        responses=_PICTURE_ERRORS,
        openapi_extra=request_body.openapi_request_body(),
    )
    async def activations(
        request: Request,
        index: Annotated[
            int,
            Query(ge=0, le=100_000, description="Which thing, in reading order, counted from 0."),
        ] = 0,
    ) -> Response:
        """Say what each layer of the network makes of one thing in a picture."""
        return await service.read(request, lambda found: _activations(service.reader, found, index))

    @api.get("/models", response_model=schemas.ModelsAnswer)
    async def models() -> Response:
        """Say which network reads here."""
        return json_response(
            schemas.ModelsAnswer(models=[inspection.describe(service.reader, service.name)])
        )

    @api.get(
        "/models/{model}/layers/{layer}",
        response_model=schemas.LayerWeights,
        responses=openapi_responses(404, 422),
    )
    async def layer(model: str, layer: str) -> Response:
        """Say what a layer computes with: its settings, weights and statistics."""
        found = None
        if model == service.name:
            found = inspection.layer_weights(service.reader.model_file.model, layer)
        if found is None:
            raise ProblemError(404, "there is no such layer; /api/v1/models names model and layers")
        # The weights never change while the process runs, but the next one may serve another model.
        return json_response(found, headers={"Cache-Control": "no-cache"})

    @api.post(
        "/collection",
        status_code=201,
        response_model=schemas.CollectedAnswer,
        responses=openapi_responses(400, 403, 404, 408, 413, 415, 422, 429, 503),
        openapi_extra=feedback.openapi_request_body(),
    )
    async def collect(request: Request) -> Response:
        """Keep a picture that was read wrongly, with the digit that it shows."""
        store = service.feedback_store
        if store is None:
            raise ProblemError(404, "nothing is kept here; start numcnn serve with --collect DIR")
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise ProblemError(403, "only the page of this server may ask for that")
        host = host_name(request.headers.get("host", ""))
        if not (is_machine(host) or host in service.settings.allowed_hosts):
            # A page elsewhere can have its own name pointed at this machine (DNS rebinding).
            raise ProblemError(403, f"start numcnn serve with --allowed-host {host} to allow that")
        client = client_address(request.scope)
        async with service.body_reader.receive(request, client, only_json=True) as body:

            def keep() -> schemas.CollectedAnswer:
                received = feedback.Feedback.from_json(body.json(), service.limits)
                count = store.add(received.frame, received.label)
                return schemas.CollectedAnswer(label=received.label, kept=count)

            return json_response(await service.limiter.run(keep, client), 201)

    return api


def _read_answer(reading: Reading, frames: bool) -> Response:
    digits = reading.digits
    answer = schemas.ReadAnswer(
        **reading.as_dict(),
        size=list(reading.size),
        digit=digits[0].digit if len(digits) == 1 else None,
        probability=digits[0].confidence if len(digits) == 1 else None,
    )
    if frames:
        # Both lists are in the order of `Reading.findings`.
        read = iter([digit for line in answer.lines for digit in line.digits])
        rejected = iter(answer.rejected)
        found: schemas.DigitAnswer | schemas.RejectedAnswer
        for index, finding in enumerate(reading.findings):
            found = next(rejected) if finding.rejection else next(read)
            found.index, found.frame = index, _base64(finding.frame)
    return json_response(answer)


def _activations(reader: Reader, reading: Reading, index: int) -> Response:
    if index >= len(reading.findings):
        things = f"{len(reading.findings)} things were found in the picture"
        raise ProblemError(422, f"index is {index}, and {things}; counted from 0")
    finding, file = reading.findings[index], reader.model_file
    return json_response(
        schemas.ActivationsAnswer(
            box=list(finding.box),
            digit=finding.digit,
            reason=finding.rejection or None,
            frame=_base64(finding.frame),
            classes=list(file.classes),
            layers=inspection.layer_outputs(file.model, finding.frame),
        )
    )


def _base64(frame: NDArray[np.uint8]) -> str:
    return base64.b64encode(frame.tobytes()).decode("ascii")
