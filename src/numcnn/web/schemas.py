"""The schemas: every JSON answer of the API as a pydantic model.

The same models describe the API (OpenAPI) and serialize its answers.
"""

import base64
from collections.abc import Mapping
from typing import Any, Self, final

import numpy as np
from fastapi.responses import JSONResponse
from numpy.typing import NDArray
from pydantic import BaseModel, Field


def json_response(
    answer: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Serialize an answer; optional fields that were never set are left out.

    The JSON is written by the standard library and not by pydantic, which writes floats in another
    form (``1e-5`` for ``1e-05``).
    """
    return JSONResponse(answer.model_dump(exclude_unset=True), status, headers)


@final
class DigitAnswer(BaseModel):
    """A digit."""

    digit: int = Field(ge=0, le=9)
    confidence: float = Field(description="How probable it is that this is right.")
    probabilities: list[float] = Field(description="Of each digit from 0 to 9; together 1.")
    box: list[int] = Field(description="x, y, width and height, in the picture's pixels.")
    index: int | None = Field(
        None, description="With ?frames=true: its place in reading order, for /activations."
    )
    frame: str | None = Field(
        None, description="With ?frames=true: the 28 x 28 gray values that the network saw, base64."
    )


@final
class RejectedAnswer(BaseModel):
    """Something that was not read."""

    box: list[int]
    reason: str = Field(examples=["not a digit"])
    index: int | None = None
    frame: str | None = None


@final
class SeparatorAnswer(BaseModel):
    """A dot or dash among digits."""

    symbol: str = Field(
        description="A dot also stands for a comma or an apostrophe.", examples=["."]
    )
    box: list[int]


@final
class LineAnswer(BaseModel):
    """Digits next to each other."""

    text: str = Field(examples=["4071"])
    digits: list[DigitAnswer]


@final
class ReadAnswer(BaseModel):
    """What is written in a picture, as ``numcnn read --json`` says it."""

    text: str = Field(description="A line each.", examples=["4071"])
    lines: list[LineAnswer]
    separators: list[SeparatorAnswer]
    rejected: list[RejectedAnswer]
    size: list[int] = Field(description="The picture's width and height.")
    digit: int | None = Field(description="The digit, if there is exactly one.")
    probability: float | None = Field(description="How probable that one digit is.")


@final
class Tensor(BaseModel):
    """An array: its shape, and its numbers in C order."""

    shape: list[int] = Field(examples=[[28, 28, 1]])
    float32: str = Field(description="The numbers as little-endian float32, in base64.")

    @classmethod
    def of(cls, array: NDArray[Any]) -> Self:
        """Encode an array of any shape; its numbers become float32."""
        content = np.ascontiguousarray(array, "<f4").tobytes()
        return cls(shape=list(array.shape), float32=base64.b64encode(content).decode("ascii"))


@final
class LayerOutput(BaseModel):
    """What a layer made of a picture."""

    name: str = Field(examples=["conv2d_1"])
    kind: str = Field(examples=["Conv2D"])
    output: Tensor


@final
class LayerWeights(BaseModel):
    """A layer's settings and numbers."""

    name: str = Field(examples=["conv2d_1"])
    kind: str = Field(examples=["Conv2D"])
    settings: dict[str, Any] = Field(examples=[{"filters": 24, "kernel_size": 5}])
    arrays: dict[str, Tensor] = Field(description="weight, bias, gamma, mean and so on.")


@final
class ActivationsAnswer(BaseModel):
    """What each layer made of one thing in a picture."""

    box: list[int]
    digit: int | None = Field(description="What it was read as; null if it was not.")
    reason: str | None = Field(description="Why it was not read; null if it was.")
    frame: str
    classes: list[str] = Field(description="What the last layer's numbers stand for.")
    layers: list[LayerOutput]


@final
class LayerSummary(BaseModel):
    """A layer as it appears in the summary of a model."""

    name: str = Field(examples=["conv2d_1"])
    kind: str = Field(examples=["Conv2D"])
    shape: list[int] = Field(
        description="The output's shape, without the batch axis.", examples=[[26, 26, 32]]
    )
    parameters: int


@final
class ModelAnswer(BaseModel):
    """A model."""

    name: str = Field(examples=["reader"])
    input_shape: list[int]
    classes: list[str]
    parameters: int
    layers: list[LayerSummary]
    card: dict[str, Any] = Field(description="How it came about.")


@final
class ModelsAnswer(BaseModel):
    """The models that read here."""

    models: list[ModelAnswer]


@final
class CollectedAnswer(BaseModel):
    """A picture that is kept."""

    label: int
    kept: int = Field(description="How many there are with it.")
