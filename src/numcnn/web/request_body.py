"""The request body: a picture in one of three forms.

A client sends the picture file itself, a form with a file in it, or JSON with gray values.
"""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from fastapi import Request
from numpy.typing import NDArray
from python_multipart import create_form_parser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import File
from starlette.requests import ClientDisconnect

from numcnn.handwriting.vision.picture import MIN_SIDE
from numcnn.web.client_shares import ClientShares
from numcnn.web.errors import ProblemError
from numcnn.web.gray_values import gray_values
from numcnn.web.settings import Limits

Picture = bytes | NDArray[np.uint8]

_FILE_TYPES = ("application/octet-stream", "image/*")
_MAX_FORM_PARTS = 100
_MAX_JSON_LISTS = 1_000_000  # more than any picture has rows, and less than 100 MB once parsed


@final
@dataclass(frozen=True)
class RequestBody:
    """A request's body as it was received.

    Attributes:
        media_type: The media type, in lower case and without parameters.
        content_type: The header ``Content-Type`` with its parameters.
        content: The bytes.
    """

    media_type: str
    content_type: str
    content: bytes

    def picture(self, limits: Limits) -> Picture:
        """Extract the picture. Parsing takes time: call this on a thread, not on the event loop.

        Returns:
            The content of a file, which has not been checked to be a picture; or gray values,
            uint8 ``(height, width)``.

        Raises:
            ProblemError: The body is not what its content type says.
        """
        if self.media_type == "application/json":
            return _picture_in_json(self.json(), limits)
        if self.media_type == "multipart/form-data":
            return _file_in_form(self.content_type, self.content)
        return self.content

    def json(self) -> Any:
        """Parse the body as JSON.

        Raises:
            ProblemError: It is not valid JSON, or has too many lists and objects.
        """
        # Empty lists and objects take 30 times as much memory as their text.
        if self.content.count(b"[") + self.content.count(b"{") > _MAX_JSON_LISTS:
            raise ProblemError(
                422, f"there are more than {_MAX_JSON_LISTS} lists; give rows of pixels"
            )
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise ProblemError(422, "the body is no JSON") from error


@final
class RequestBodyReader:
    """Receives request bodies, and limits how many bytes of them are in memory in total."""

    def __init__(self, limits: Limits) -> None:
        """Start with no body in memory."""
        self._limits = limits
        self._bytes = ClientShares(limits.max_total_body_bytes, limits.max_client_share)

    @asynccontextmanager
    async def receive(
        self, request: Request, client: str | None, *, only_json: bool = False
    ) -> AsyncIterator[RequestBody]:
        """Receive a request's body; its bytes count as in memory until the block ends.

        Args:
            request: The request.
            client: The client's address, for its share of the memory.
            only_json: Whether only JSON is accepted.

        Raises:
            ProblemError: The body is too large (413), too slow (408), empty (422) or of an
                unsupported type (415), the client disconnected (400), or too many bytes are in
                memory (503).
        """
        content_type = request.headers.get("content-type", "")
        media_type = content_type.partition(";")[0].strip().lower()
        _check_media_type(media_type, only_json)
        content = bytearray()
        try:
            await self._receive(request, client, content)
            yield RequestBody(media_type, content_type, bytes(content))
        finally:
            self._bytes.release(client, len(content))

    async def _receive(self, request: Request, client: str | None, content: bytearray) -> None:
        """Append what arrives to ``content``, and stop as soon as it exceeds a limit."""
        limit, timeout = self._limits.max_body_bytes, self._limits.body_timeout
        too_large = ProblemError(
            413,
            f"the body is larger than {limit / 1e6:g} MB; make the picture smaller",
            {"Connection": "close"},
        )
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            raise too_large
        try:
            async with asyncio.timeout(timeout):
                async for chunk in request.stream():
                    if not self._bytes.allows(client, len(chunk)):
                        raise ProblemError(
                            503,
                            "too many large pictures at once; try again soon",
                            {"Retry-After": "1", "Connection": "close"},
                        )
                    self._bytes.acquire(client, len(chunk))
                    content += chunk
                    if len(content) > limit:
                        raise too_large
        except TimeoutError as error:
            raise ProblemError(
                408,
                f"the body did not arrive within {timeout:g} seconds",
                {"Connection": "close"},
            ) from error
        except ClientDisconnect as error:
            raise ProblemError(400, "the client hung up") from error
        if not content:
            raise ProblemError(422, "the body is empty; send a picture")


def openapi_request_body() -> dict[str, Any]:
    """Describe the request body for OpenAPI."""
    row = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 255}}
    # The smallest picture that is accepted; the length of a flat list must also be a square.
    flat = {**row, "minItems": MIN_SIDE**2}
    rows = {"type": "array", "items": {**row, "minItems": MIN_SIDE}, "minItems": MIN_SIDE}
    pixels = {
        "oneOf": [flat, rows],
        "description": "Gray values from 0 to 255, black on white or white on black: rows of equal "
        "length, or one flat list of a square picture's rows, such as 784 values for 28 x 28; at "
        "least 8 x 8.",
    }
    json_schema = {
        "type": "object",
        "properties": {"pixels": pixels},
        "required": ["pixels"],
        "additionalProperties": False,
    }
    data_url = {
        "type": "object",
        "properties": {
            "image": {
                "type": "string",
                "description": "A picture file as a data URL, as a canvas gives it.",
            }
        },
        "required": ["image"],
        "additionalProperties": False,
    }
    file = {"type": "string", "format": "binary"}
    form = {
        "type": "object",
        "properties": {"file": {**file, "description": "PNG, JPEG, WebP, BMP, GIF, TIFF or PPM."}},
        "required": ["file"],
    }
    example = {"pixels": _example()}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"anyOf": [json_schema, data_url, pixels]},
                    "example": example,
                },
                "multipart/form-data": {"schema": form},
                **{media_type: {"schema": file} for media_type in _FILE_TYPES},
            },
        }
    }


def _check_media_type(media_type: str, only_json: bool) -> None:
    if only_json and media_type != "application/json":
        raise ProblemError(415, "send application/json", {"Accept": "application/json"})
    # A picture's own first bytes say what it is, if the client does not.
    known = ("", "application/json", "application/octet-stream", "multipart/form-data")
    if media_type not in known and not media_type.startswith("image/"):
        raise ProblemError(
            415,
            "the content type is not one that is read here; send a picture file as image/png, "
            "image/jpeg and so on, a form as multipart/form-data, or gray values as "
            "application/json",
            {"Accept": "application/json, multipart/form-data, application/octet-stream, image/*"},
        )


def _file_in_form(content_type: str, content: bytes) -> bytes:
    files: list[File] = []
    parts = 0

    def count(part: object) -> None:
        nonlocal parts
        parts += 1
        if isinstance(part, File):
            files.append(part)
        if parts > _MAX_FORM_PARTS:
            raise ProblemError(
                422, f"the form has more than {_MAX_FORM_PARTS} parts; send one file"
            )

    headers = {"Content-Type": content_type.encode()}
    # Files of any size stay in memory: there may be no folder for temporary files.
    config = {"MAX_MEMORY_FILE_SIZE": len(content)}
    try:
        parser = create_form_parser(headers, count, count, config=config)
        parser.write(content)
        parser.finalize()
        found = [_content_of(file) for file in files[:1]]
    except (FormParserError, ValueError) as error:
        raise ProblemError(422, "the body is no form that can be read") from error
    finally:
        for file in files:
            file.close()
    if not found:
        raise ProblemError(422, "the form has no file; add one, in any field")
    if len(files) > 1:
        raise ProblemError(422, f"the form has {len(files)} files; send one a request")
    if not found[0]:
        raise ProblemError(422, "the file in the form is empty; send a picture")
    return found[0]


def _content_of(file: File) -> bytes:
    file.file_object.seek(0)
    content: bytes = file.file_object.read()
    return content


def _picture_in_json(value: Any, limits: Limits) -> Picture:
    if isinstance(value, Mapping) and set(value) == {"image"}:
        return _data_url(value["image"])
    if isinstance(value, Mapping):
        if set(value) != {"pixels"}:
            raise ProblemError(
                422, 'give an object with "pixels" or "image" and nothing else, or a list'
            )
        value = value["pixels"]
    return gray_values(value, limits)


def _data_url(value: Any) -> bytes:
    """The content of a ``data:`` URL, as a canvas's ``toDataURL`` gives it; or base64 by itself."""
    head, _, content = value.rpartition(",") if isinstance(value, str) else ("", "", "")
    if not content or (head and not re.fullmatch(r"data:image/[\w.+-]+;base64", head)):
        raise ProblemError(422, "image is no data URL; give data:image/png;base64,...")
    try:
        return base64.b64decode(content, validate=True)
    except ValueError as error:
        raise ProblemError(422, "image is no valid base64; give a data URL") from error


def _example() -> list[list[int]]:
    """Draw a 1, as an example in the API's description."""
    return [[0 if 2 <= y < 14 and 7 <= x < 9 else 255 for x in range(16)] for y in range(16)]
