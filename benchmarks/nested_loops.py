"""A training step as textbooks write it: loops over images, filters, rows and columns.

    python benchmarks/nested_loops.py two-conv-adam lenet5 seed

This is how most networks "from scratch" compute, and what numcnn's speed is measured against. In
the innermost loop stands one small array operation: a patch times a filter. Everything else that
the recipes' networks are made of is here too, each image by itself, but for the statistics of batch
normalization, which are the batch's. A test holds it to the gradients of numcnn's own layers.

What is timed is the way through the network and back, without augmentation and without the
optimizer's step, of the loops and of numcnn.
"""

import argparse
import math
import sys
import time
from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.networks import IMAGE_SHAPE, NETWORKS
from numcnn.nn import (
    BatchNorm,
    Context,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    Loss,
    MaxPool2D,
    Normalization,
    ReLU,
    Rescaling,
    Residual,
    Sequential,
    Sigmoid,
    SoftmaxCrossEntropy,
)
from numcnn.recipes import RECIPES, find

Gradients = dict[Layer, dict[str, np.ndarray]]


def training_step(
    model: Sequential, images: np.ndarray, labels: np.ndarray, loss: Loss, rng: np.random.Generator
) -> tuple[float, Gradients]:
    """Go forward and back.

    Args:
        model: A built model; only its layers and their weights are used.
        images: ``(batch, height, width, channels)``.
        labels: ``(batch,)``.
        loss: What is to be made small.
        rng: Where dropout draws from.

    Returns:
        The loss, and the gradients of each layer that has parameters.

    Raises:
        ValueError: There are no loops for a layer.
    """
    gradients: Gradients = {}
    x, memory = list(images.astype(np.float32)), []
    for layer in model.layers:
        x, kept = forward(layer, x, rng)
        memory.append(kept)
    value, dy = loss.value_and_gradient(np.stack(x), labels)
    dx = list(dy)
    for layer, kept in zip(reversed(model.layers), reversed(memory), strict=True):
        dx = backward(layer, dx, kept, gradients)
    return value, gradients


@singledispatch
def forward(layer: Layer, x: list[np.ndarray], rng: np.random.Generator) -> tuple[list, Any]:
    """Compute each image's output, and what the way back needs.

    Raises:
        ValueError: There are no loops for this layer.
    """
    raise ValueError(f"there are no loops for {type(layer).__name__}; write them here")


@singledispatch
def backward(layer: Layer, dy: list[np.ndarray], kept: Any, gradients: Gradients) -> list:
    """Turn each image's d loss / d output into d loss / d input.

    Raises:
        ValueError: There are no loops for this layer.
    """
    raise ValueError(f"there are no loops for {type(layer).__name__}; write them here")


@forward.register
def _(layer: Conv2D, x, rng):
    weight = layer.params["weight"]
    bias = layer.params.get("bias", np.zeros(layer.filters, np.float32))
    height, width = weight.shape[:2]
    tops, lefts, padded = _slide(layer.window, x)
    y = []
    for image in padded:
        maps = np.zeros((len(tops), len(lefts), layer.filters), np.float32)
        for f in range(layer.filters):
            for r, top in enumerate(tops):
                for c, left in enumerate(lefts):
                    patch = image[top : top + height, left : left + width]
                    maps[r, c, f] = np.sum(patch * weight[..., f]) + bias[f]
        y.append(maps)
    return y, (x, padded, tops, lefts)


@backward.register
def _(layer: Conv2D, dy, kept, gradients):
    x, padded, tops, lefts = kept
    weight = layer.params["weight"]
    height, width = weight.shape[:2]
    dweight, dbias = np.zeros_like(weight), np.zeros(layer.filters, np.float32)
    dx = []
    for image, before, dmaps in zip(padded, x, dy, strict=True):
        dimage = np.zeros_like(image)
        for f in range(layer.filters):
            for r, top in enumerate(tops):
                for c, left in enumerate(lefts):
                    patch = image[top : top + height, left : left + width]
                    dweight[..., f] += dmaps[r, c, f] * patch
                    dimage[top : top + height, left : left + width] += (
                        dmaps[r, c, f] * weight[..., f]
                    )
            dbias[f] += np.sum(dmaps[..., f])
        dx.append(_unpadded(dimage, before, layer.window))
    gradients[layer] = {"weight": dweight, "bias": dbias} if layer.use_bias else {"weight": dweight}
    return dx


@forward.register
def _(layer: MaxPool2D, x, rng):
    height, width = layer.window.size
    tops, lefts, padded = _slide(layer.window, x, fill=-np.inf)
    y = []
    for image in padded:
        maps = np.zeros((len(tops), len(lefts), image.shape[2]), np.float32)
        for k in range(image.shape[2]):
            for r, top in enumerate(tops):
                for c, left in enumerate(lefts):
                    maps[r, c, k] = np.max(image[top : top + height, left : left + width, k])
        y.append(maps)
    return y, (x, padded, tops, lefts)


@backward.register
def _(layer: MaxPool2D, dy, kept, gradients):
    x, padded, tops, lefts = kept
    height, width = layer.window.size
    dx = []
    for image, before, dmaps in zip(padded, x, dy, strict=True):
        dimage = np.zeros_like(image)
        for k in range(image.shape[2]):
            for r, top in enumerate(tops):
                for c, left in enumerate(lefts):
                    window = image[top : top + height, left : left + width, k]
                    i, j = np.unravel_index(np.argmax(window), window.shape)
                    dimage[top + i, left + j, k] += dmaps[r, c, k]
        dx.append(_unpadded(dimage, before, layer.window))
    return dx


@forward.register
def _(layer: GlobalAveragePool2D, x, rng):
    return [image.mean(axis=(0, 1)) for image in x], x


@backward.register
def _(layer: GlobalAveragePool2D, dy, kept, gradients):
    return [
        np.ones_like(image) * (dimage / (image.shape[0] * image.shape[1]))
        for image, dimage in zip(kept, dy, strict=True)
    ]


@forward.register
def _(layer: Dense, x, rng):
    weight, bias = layer.params["weight"], layer.params.get("bias", np.float32(0))
    return [row @ weight + bias for row in x], x


@backward.register
def _(layer: Dense, dy, kept, gradients):
    weight = layer.params["weight"]
    dweight, dbias = np.zeros_like(weight), np.zeros(layer.units, np.float32)
    dx = []
    for row, drow in zip(kept, dy, strict=True):
        dweight += np.outer(row, drow)
        dbias += drow
        dx.append(weight @ drow)
    gradients[layer] = {"weight": dweight, "bias": dbias} if layer.use_bias else {"weight": dweight}
    return dx


@forward.register
def _(layer: BatchNorm, x, rng):
    values = np.stack(x)
    y = np.zeros_like(values)
    normalized, deviations = np.zeros_like(values), []
    for k in range(values.shape[-1]):
        mean, variance = values[..., k].mean(), values[..., k].var()
        deviations.append(math.sqrt(variance + layer.epsilon))
        normalized[..., k] = (values[..., k] - mean) / deviations[k]
        y[..., k] = layer.params["gamma"][k] * normalized[..., k] + layer.params["beta"][k]
    return list(y), (normalized, deviations)


@backward.register
def _(layer: BatchNorm, dy, kept, gradients):
    normalized, deviations = kept
    given = np.stack(dy)
    dx = np.zeros_like(given)
    dgamma, dbeta = (np.zeros(given.shape[-1], np.float32) for _ in range(2))
    for k in range(given.shape[-1]):
        dgamma[k] = np.sum(given[..., k] * normalized[..., k])
        dbeta[k] = np.sum(given[..., k])
        count = given[..., k].size
        centered = given[..., k] - dbeta[k] / count - normalized[..., k] * dgamma[k] / count
        dx[..., k] = layer.params["gamma"][k] / deviations[k] * centered
    gradients[layer] = {"gamma": dgamma, "beta": dbeta}
    return list(dx)


@forward.register
def _(layer: Dropout, x, rng):
    kept = rng.random((len(x), *x[0].shape), dtype=np.float32) >= layer.rate
    masks = list(kept * np.float32(1 / (1 - layer.rate)))
    return [image * mask for image, mask in zip(x, masks, strict=True)], masks


@backward.register
def _(layer: Dropout, dy, kept, gradients):
    return [image * mask for image, mask in zip(dy, kept, strict=True)]


@forward.register
def _(layer: ReLU, x, rng):
    return [np.maximum(image, 0) for image in x], x


@backward.register
def _(layer: ReLU, dy, kept, gradients):
    return [dimage * (image > 0) for image, dimage in zip(kept, dy, strict=True)]


@forward.register
def _(layer: Sigmoid, x, rng):
    y = [1 / (1 + np.exp(-row)) for row in x]
    return y, y


@backward.register
def _(layer: Sigmoid, dy, kept, gradients):
    return [drow * row * (1 - row) for row, drow in zip(kept, dy, strict=True)]


@forward.register
def _(layer: Flatten, x, rng):
    return [image.reshape(-1) for image in x], x[0].shape


@backward.register
def _(layer: Flatten, dy, kept, gradients):
    return [row.reshape(kept) for row in dy]


@forward.register
def _(layer: Rescaling, x, rng):
    return [image * np.float32(layer.scale) + np.float32(layer.offset) for image in x], None


@backward.register
def _(layer: Rescaling, dy, kept, gradients):
    return [image * np.float32(layer.scale) for image in dy]


@forward.register
def _(layer: Normalization, x, rng):
    mean, deviation = layer.state["mean"], np.sqrt(layer.state["variance"])
    return [(image - mean) / deviation for image in x], deviation


@backward.register
def _(layer: Normalization, dy, kept, gradients):
    return [image / kept for image in dy]


@forward.register
def _(layer: Residual, x, rng):
    ways, memories = [], []
    for layers in (layer.branch, layer.shortcut):
        way, memory = x, []
        for inner in layers:
            way, kept = forward(inner, way, rng)
            memory.append(kept)
        ways.append(way)
        memories.append(memory)
    return [one + other for one, other in zip(*ways, strict=True)], memories


@backward.register
def _(layer: Residual, dy, kept, gradients):
    ways = []
    for layers, memory in zip((layer.branch, layer.shortcut), kept, strict=True):
        way = dy
        for inner, remembered in zip(reversed(layers), reversed(memory), strict=True):
            way = backward(inner, way, remembered, gradients)
        ways.append(way)
    return [one + other for one, other in zip(*ways, strict=True)]


def _slide(window, x: list[np.ndarray], fill: float = 0.0):
    """Where a window starts along rows and columns, and the images with their margins."""
    rows, columns = window.positions(x[0].shape)
    tops = [r * window.stride[0] for r in range(rows)]
    lefts = [c * window.stride[1] for c in range(columns)]
    return tops, lefts, [window.pad(image[None], fill)[0] for image in x]


def _unpadded(dimage: np.ndarray, image: np.ndarray, window) -> np.ndarray:
    return window.crop(dimage[None], image.shape)[0]


def seconds_per_image(
    model: Sequential,
    loss: Loss,
    images: int = 2,
    repeats: int = 3,
    at_least: float = 0.0,
    seed: int = 0,
) -> float:
    """Time the loops on random images.

    Args:
        model: A built model.
        loss: What is to be made small.
        images: How many images a step has; batch normalization needs two.
        repeats: How many steps, at least; the fastest counts.
        at_least: How many seconds to go on for, at least: a short step needs more of them, until
            one is left in peace by whatever else the machine does.
        seed: Of images and labels.
    """
    rng, batch, labels = _random_batch(model, images, seed)
    times: list[float] = []
    while len(times) < repeats or sum(times) < at_least:
        start = time.perf_counter()
        training_step(model, batch, labels, loss, rng)
        times.append(time.perf_counter() - start)
    return min(times) / images


def _random_batch(model: Sequential, images: int, seed: int):
    """Random images and labels, and the generator that they came from."""
    rng = np.random.default_rng(seed)
    batch = rng.integers(0, 256, (images, *model.input_shape)).astype(np.uint8)
    return rng, batch, rng.integers(0, model.output_shape[0], images)


def engine_seconds_per_image(
    model: Sequential, loss: Loss, images: int = 128, repeats: int = 5, seed: int = 0
) -> float:
    """Time numcnn's engine on the same, with as much left out.

    Args:
        model: A built model.
        loss: What is to be made small.
        images: How many images a step has.
        repeats: How many steps; the fastest counts.
        seed: Of images and labels.
    """
    rng, batch, labels = _random_batch(model, images, seed)
    times = []
    with model.training_engine() as engine:
        for _ in range(1 + repeats):  # The first step makes the plan.
            start = time.perf_counter()
            ctx = Context(training=True, rng=rng)
            _, dy = loss.value_and_gradient(engine.forward(batch, ctx), labels)
            engine.backward(dy, ctx)
            times.append(time.perf_counter() - start)
    return min(times) / images


def network(name: str, image_shape: tuple[int, int, int]) -> tuple[Sequential, Loss]:
    """Make a recipe's network, or one of those in `benchmarks.networks`, built for ten classes.

    Args:
        name: A recipe's name, or a key of `benchmarks.networks.NETWORKS`.
        image_shape: ``(height, width, channels)``.

    Returns:
        The network, and the loss that it is trained with.

    Raises:
        ValueError: There is no such network, or the images are too small for it.
    """
    if name in NETWORKS:
        model, loss = Sequential(NETWORKS[name]()), SoftmaxCrossEntropy()
    else:
        recipe = find(name, "")
        model, loss = recipe.new_network(image_shape, 10), recipe.loss
    model.build(image_shape)
    return model, loss


def network_seconds_per_image(name: str, images: int = 2, repeats: int = 3) -> float:
    """Time the loops on a network by its name, for images of 28 x 28 x 1.

    Args:
        name: As in `network`.
        images: How many images a step has.
        repeats: How many steps; the fastest counts.

    Raises:
        ValueError: There is no such network.
    """
    return seconds_per_image(*network(name, IMAGE_SHAPE), images, repeats)


def main() -> None:
    """Time networks, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "networks", nargs="+", metavar="NETWORK", choices=[*RECIPES, *NETWORKS],
        help="a recipe, or one of benchmarks/networks.py",
    )  # fmt: skip
    parser.add_argument("--size", type=int, default=28, help="pixels a side (default: 28)")
    parser.add_argument("--channels", type=int, default=1, help="1 or 3 (default: 1)")
    arguments = parser.parse_args()
    shape = arguments.size, arguments.size, arguments.channels
    print("| network | loops, ms an image | numcnn, ms an image | times faster |")
    print("|---|---:|---:|---:|")
    for name in arguments.networks:
        model, loss = network(name, shape)
        slow = seconds_per_image(model, loss)
        fast = engine_seconds_per_image(model, loss)
        print(f"| `{name}` | {1e3 * slow:.2f} | {1e3 * fast:.3f} | {slow / fast:,.0f} |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
