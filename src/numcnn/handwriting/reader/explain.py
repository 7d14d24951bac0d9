"""The explanation: what the network saw of each thing in a picture, and what decided."""

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numcnn.handwriting.reader.reading import Digit, Rejected
from numcnn.handwriting.vision import Picture
from numcnn.nn import Context, Sequential

_COPIES, _NOISE, _REACH = 24, 20.0, 0.7  # images, gray levels, pixels


@final
@dataclass(frozen=True, eq=False)
class Seen:
    """One thing in a picture, as the network saw it.

    Attributes:
        answer: What it was read as, or why it was not.
        frame: In MNIST's frame, uint8 ``(28, 28)``.
        probabilities: Of the digits, of several, of none, ``(12,)``.
        model: The network.
    """

    answer: Digit | Rejected
    frame: NDArray[np.uint8]
    probabilities: NDArray[np.float64]
    model: Sequential

    @cached_property
    def evidence(self) -> NDArray[np.float64]:
        """See `evidence`, ``(28, 28)``; computed when it is first asked for."""
        return evidence(self.model, self.frame)


@final
@dataclass(frozen=True, eq=False)
class Explanation:
    """What the network saw in a picture.

    Attributes:
        picture: The picture; boxes are on its original, see `Picture.to_original`.
        seen: Everything in reading order.
    """

    picture: Picture
    seen: tuple[Seen, ...]


def evidence(model: Sequential, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Find where ink speaks for a network's answer, and where for its second best.

    The gradient of the difference of the two highest logits by the image: what a little more ink
    would do. Gradients of networks flicker from pixel to pixel, so it is averaged over copies of
    the image with noise, and smoothed. D. Smilkov, N. Thorat, B. Kim, F. Viegas and M. Wattenberg,
    "SmoothGrad: removing noise by adding noise", 2017.

    Args:
        model: The network, for images of ``(height, width, 1)``.
        image: uint8 ``(height, width)``.

    Returns:
        Above 0 where ink speaks for the answer, below 0 where for the second; ``(height, width)``.
    """
    rng = np.random.default_rng(0)
    copies = image[np.newaxis, ..., np.newaxis] + _NOISE * rng.normal(
        size=(_COPIES, *image.shape, 1)
    )
    first, second = np.argsort(-model.outputs(image[np.newaxis, ..., np.newaxis])[0])[:2]
    ctx = Context(training=False, differentiable=True)
    outputs = model.forward(copies, ctx)
    dy = np.zeros_like(outputs)
    dy[:, first], dy[:, second] = 1, -1
    gradient = model.backward(dy, ctx).mean(axis=0, dtype=np.float64)[..., 0]
    smooth: NDArray[np.float64] = ndimage.gaussian_filter(gradient, _REACH)
    return smooth
