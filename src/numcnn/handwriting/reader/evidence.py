"""Where in an image ink speaks for a network's answer, and where against it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numcnn.nn import Context, Sequential

_COPIES, _NOISE, _BLUR = 24, 20.0, 0.7  # images; standard deviations in gray levels and in pixels


def evidence(model: Sequential, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Compute where ink speaks for a network's answer, and where for its second best.

    The gradient of the difference of the two highest logits by the image: what a little more ink
    would do. Gradients of networks vary from pixel to pixel, so it is averaged over copies of
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
    smooth: NDArray[np.float64] = ndimage.gaussian_filter(gradient, _BLUR)
    return smooth
