"""The body: a picture out of a request, whichever way a client sends it.

Three ways: the file itself, a form with a file in it, or JSON with gray values.
"""

import asyncio
import json
import math
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
from numcnn.web.errors import Problem
from numcnn.web.places import Places
from numcnn.web.settings import Limits

Picture = bytes | NDArray[np.uint8]

_FILES = ("application/octet-stream", "image/*")
_MOST_PARTS = 100  # of a form
_MOST_LISTS = 1_000_000  # in JSON: more rows than pictures have, and less than 100 MB


def description() -> dict[str, Any]:
    """Describe the body for OpenAPI."""
    row = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 255}}
    # The smallest picture that is taken; a flat list must also have a whole number as its root.
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
                    "schema": {"anyOf": [json_schema, pixels]},
                    "example": example,
                },
                "multipart/form-data": {"schema": form},
                **{kind: {"schema": file} for kind in _FILES},
            },
        }
    }


@final
@dataclass(frozen=True)
class Body:
    """A request's body, as it arrived.

    Attributes:
        kind: The media type, in lower case and without parameters.
        content_type: The same with parameters.
        content: The bytes.
    """

    kind: str
    content_type: str
    content: bytes

    def picture(self, limits: Limits) -> Picture:
        """Take the picture out. This computes, so it is for a thread and not for the event loop.

        Returns:
            A file's content, which may be no picture at all; or gray values ``(height, width)``.

        Raises:
            Problem: The body is not what it says.
        """
        if self.kind == "application/json":
            return _pixels(self.json(), limits)
        if self.kind == "multipart/form-data":
            return _file_in_form(self.content_type, self.content)
        return self.content

    def json(self) -> Any:
        """Take JSON out.

        Raises:
            Problem: It is none.
        """
        # Empty lists and objects take 30 times as much memory as their text.
        if self.content.count(b"[") + self.content.count(b"{") > _MOST_LISTS:
            raise Problem(422, f"there are more than {_MOST_LISTS} lists; give rows of pixels")
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise Problem(422, "the body is no JSON") from error


@final
class Bodies:
    """Receives bodies, and holds only so much of them at the same time."""

    def __init__(self, limits: Limits) -> None:
        """Take the limits."""
        self._limits = limits
        self._held = Places(limits.bodies_bytes, limits.share)

    @asynccontextmanager
    async def take(
        self, request: Request, client: str | None, *, only_json: bool = False
    ) -> AsyncIterator[Body]:
        """Receive a request's body; it counts as held until the block ends.

        Args:
            request: The request.
            client: Whose it is.
            only_json: Whether nothing but JSON will do.

        Raises:
            Problem: The body is too large, too slow, or of an unknown kind, or too much is held.
        """
        content_type = request.headers.get("content-type", "")
        kind = content_type.partition(";")[0].strip().lower()
        _check_kind(kind, only_json)
        content = bytearray()
        try:
            await self._receive(request, client, content)
            yield Body(kind, content_type, bytes(content))
        finally:
            self._held.leave(client, len(content))

    async def _receive(self, request: Request, client: str | None, content: bytearray) -> None:
        """Read a body, and stop as soon as it is clear that it goes beyond a limit."""
        most = self._limits.body_bytes
        too_large = Problem(
            413,
            f"the body is larger than {most / 1e6:g} MB; make the picture smaller",
            {"Connection": "close"},
        )
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > most:
            raise too_large
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                async for part in request.stream():
                    if not self._held.have(client, len(part)):
                        raise Problem(
                            503,
                            "too many large pictures at once; try again soon",
                            {"Retry-After": "1", "Connection": "close"},
                        )
                    self._held.take(client, len(part))
                    content += part
                    if len(content) > most:
                        raise too_large
        except TimeoutError as error:
            raise Problem(
                408,
                f"the body did not arrive within {self._limits.body_seconds:g} seconds",
                {"Connection": "close"},
            ) from error
        except ClientDisconnect as error:
            raise Problem(400, "the client hung up") from error
        if not content:
            raise Problem(422, "the body is empty; send a picture")


def _check_kind(kind: str, only_json: bool) -> None:
    if only_json and kind != "application/json":
        raise Problem(415, "send application/json", {"Accept": "application/json"})
    known = ("application/json", "application/octet-stream", "multipart/form-data")
    if kind not in known and not kind.startswith("image/"):
        raise Problem(
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
        if parts > _MOST_PARTS:
            raise Problem(422, f"the form has more than {_MOST_PARTS} parts; send one file")

    headers = {"Content-Type": content_type.encode()}
    # In memory, whatever its size: there may be no folder for temporary files.
    config = {"MAX_MEMORY_FILE_SIZE": len(content)}
    try:
        parser = create_form_parser(headers, count, count, config=config)
        parser.write(content)
        parser.finalize()
        found = [_all_of(file) for file in files[:1]]
    except (FormParserError, ValueError) as error:
        raise Problem(422, "the body is no form that can be read") from error
    finally:
        for file in files:
            file.close()
    if not found:
        raise Problem(422, "the form has no file; add one, in any field")
    if not found[0]:
        raise Problem(422, "the file in the form is empty; send a picture")
    return found[0]


def _all_of(file: File) -> bytes:
    file.file_object.seek(0)
    content: bytes = file.file_object.read()
    return content


def _pixels(found: Any, limits: Limits) -> NDArray[np.uint8]:
    if isinstance(found, Mapping):
        if set(found) != {"pixels"}:
            raise Problem(422, 'give an object with "pixels" and nothing else, or a list')
        found = found["pixels"]
    return gray_values(found, limits)


def gray_values(found: Any, limits: Limits) -> NDArray[np.uint8]:
    """Turn a list of gray values, flat or in rows, into an array ``(height, width)``.

    Raises:
        Problem: They are not gray values, or no picture of them can be made.
    """
    if not isinstance(found, list) or not found:
        raise Problem(422, "pixels is no list; give rows of gray values, or one flat list")
    if isinstance(found[0], list):
        width = len(found[0])
        if not all(isinstance(row, list) and len(row) == width for row in found):
            raise Problem(422, "pixels has rows of different lengths; make them equal")
        height, flat = len(found), [value for row in found for value in row]
    else:
        height = width = math.isqrt(len(found))
        flat = found
        if height * width != len(flat):
            raise Problem(
                422,
                f"pixels has {len(flat)} values, which make no square; give rows, or 784 values "
                "for 28 x 28",
            )
    if min(height, width) < MIN_SIDE:
        raise Problem(422, f"{width} x {height} pixels are too few; give at least 8 a side")
    if height * width > limits.pixels:
        raise Problem(413, f"{width} x {height} pixels are too many")
    whole = (int, float)  # 255.0 is as whole as 255, and some clients' only number
    for place, value in enumerate(flat):
        is_number = isinstance(value, whole) and not isinstance(value, bool)
        if not is_number or value != value // 1 or not 0 <= value <= 255:
            told = repr(value) if is_number else f"a {type(value).__name__}"
            raise Problem(
                422, f"pixels: value {place} is {told[:40]}; give whole numbers from 0 to 255"
            )
    return np.array(flat, np.uint8).reshape(height, width)


def _example() -> list[list[int]]:
    """Draw a 1, for those who try the API out."""
    return [[0 if 2 <= y < 14 and 7 <= x < 9 else 255 for x in range(16)] for y in range(16)]
