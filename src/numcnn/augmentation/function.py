"""An augmentation that is given as a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn.random_streams import Draw


@final
@dataclass(frozen=True)
class FunctionAugmentation:
    """Calls ``function(inputs, rng)`` for each batch of training inputs.

    Attributes:
        function: From float32 inputs ``(count, ...)`` and a generator, which is the only source of
            chance that it may use, to inputs of the same shape.
    """

    function: Callable[[NDArray[np.float32], np.random.Generator], NDArray[Any]]

    def __call__(self, images: NDArray[np.float32], draw: Draw) -> NDArray[np.float32]:
        """Change a batch.

        Raises:
            ValueError: The function gave something of another shape.
        """
        changed = np.asarray(self.function(images, draw.rng), np.float32)
        if changed.shape != images.shape:
            raise ValueError(
                f"augmentation {self.config()['function']} turned {images.shape} into "
                f"{changed.shape}; return as many inputs of the same shape"
            )
        return changed

    def config(self) -> dict[str, Any]:
        """The function's name: its code is not written down."""
        name = getattr(self.function, "__qualname__", type(self.function).__name__)
        return {"type": "FunctionAugmentation", "function": name}
