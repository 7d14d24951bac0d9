"""The answers of the API, as its description promises them."""

from typing import Any, final

from pydantic import BaseModel, Field

from numcnn.web.network import LayerOutput


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
class LineAnswer(BaseModel):
    """Digits next to each other."""

    text: str = Field(examples=["4071"])
    digits: list[DigitAnswer]


@final
class ReadAnswer(BaseModel):
    """What is written in a picture, as ``numcnn read --json`` says it."""

    text: str = Field(description="A line each.", examples=["4071"])
    lines: list[LineAnswer]
    rejected: list[RejectedAnswer]
    size: list[int] = Field(description="The picture's width and height.")
    digit: int | None = Field(description="The digit, if there is exactly one.")
    probability: float | None = Field(description="How probable that one digit is.")


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
class ModelAnswer(BaseModel):
    """A model."""

    name: str = Field(examples=["reader"])
    input_shape: list[int]
    classes: list[str]
    parameters: int
    layers: list[dict[str, Any]] = Field(description="Name, kind, output shape and parameters.")
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
