"""Feedback: a picture that was read wrongly, with the digit that the user says it shows."""

from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from numcnn.web.errors import ProblemError
from numcnn.web.gray_values import gray_values
from numcnn.web.settings import Limits


@final
@dataclass(frozen=True, eq=False)
class Feedback:
    """What the user sent.

    Attributes:
        frame: The picture, uint8 ``(height, width)``.
        label: The digit that it shows, 0 to 9.
    """

    frame: NDArray[np.uint8]
    label: int

    @classmethod
    def from_json(cls, value: Any, limits: Limits) -> Self:
        """Check parsed JSON and convert it.

        Raises:
            ProblemError: A field is missing, unknown or wrong, or the user did not agree.
        """
        if not isinstance(value, dict) or set(value) != {"pixels", "label", "agreed"}:
            raise ProblemError(422, 'give an object with "pixels", "label" and "agreed"')
        if value["agreed"] is not True:
            raise ProblemError(
                422, "agreed is not true; nothing is kept without the user's consent"
            )
        label = value["label"]
        if not isinstance(label, int) or isinstance(label, bool) or not 0 <= label <= 9:
            raise ProblemError(422, "label is no digit; give a whole number from 0 to 9")
        return cls(gray_values(value["pixels"], limits), label)


def openapi_request_body() -> dict[str, Any]:
    """Describe the request's body for OpenAPI."""
    gray = {"type": "integer", "minimum": 0, "maximum": 255}
    properties = {
        "pixels": {"type": "array", "items": gray, "minItems": 784, "maxItems": 784},
        "label": {"type": "integer", "minimum": 0, "maximum": 9},
        "agreed": {"const": True, "description": "That the user wants the picture to be kept."},
    }
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
