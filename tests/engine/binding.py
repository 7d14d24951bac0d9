"""A convolution's method on its own: arrays in the layouts that it wants, in and out."""

from typing import NamedTuple

import numpy as np

from numcnn.engine.layouts import BatchLast, Layout
from numcnn.engine.ops.conv import ConvAlgorithm
from numcnn.engine.workspace import Workspace
from numcnn.nn import Array


class Outcome(NamedTuple):
    """What `through` found, as the layers lay it out."""

    y: Array
    dx: Array
    dweight: Array


def laid_out(images: Array, layout: Layout) -> Array:
    """The images ``(n, H, W, C)`` in a layout."""
    array = np.empty(layout.array_shape(images.shape[1:], len(images)), np.float32)
    blocks = layout.blocks(array, _phases(layout))
    blocks[...] = images.reshape(blocks.shape)
    return array


def read(array: Array, layout: Layout) -> Array:
    """The images that lie there."""
    blocks = layout.blocks(array, _phases(layout))
    n, height, across, phases, channels = blocks.shape
    return blocks.reshape(n, height, across * phases, channels)


def through(method: ConvAlgorithm, x: Array, weight: Array, dy: Array) -> Outcome:
    """Forward and backward, in scratch memory that is full of somebody else's numbers."""
    n = len(x)
    method.prepare(weight)
    source = laid_out(x, method.source_layout)
    target = np.full(method.target_layout.array_shape(dy.shape[1:], n), np.nan, np.float32)
    in_place = method.raw_is_target
    workspace = dirty_arena()
    raw = target.reshape(method.raw_shape(n)) if in_place else workspace.take(method.raw_shape(n))
    method.bind_forward(source, raw, workspace)()
    if not in_place:
        method.aligned(target, n)[...] = raw

    workspace = dirty_arena()
    dtarget = laid_out(dy, method.target_layout)
    draw = dtarget.reshape(method.raw_shape(n)) if in_place else workspace.take(method.raw_shape(n))
    if not in_place:
        draw[...] = method.aligned(dtarget, n)
    dx = np.full_like(source, np.nan)
    dweight = np.full_like(weight, np.nan)
    method.bind_backward(source, draw, dx, dweight, workspace)()

    # Where nobody wants dx, the weight's gradient is the same.
    alone = np.full_like(weight, np.nan)
    again = draw.copy()
    method.bind_backward(source, again, None, alone, dirty_arena())()
    np.testing.assert_array_equal(alone, dweight)
    return Outcome(read(target, method.target_layout), read(dx, method.source_layout), dweight)


def dirty_arena() -> Workspace:
    """Scratch memory that is not a number wherever nobody wrote."""
    workspace = Workspace()
    workspace.take((1 << 21,)).fill(np.nan)
    workspace.reset()
    return workspace


def _phases(layout: Layout) -> int:
    return layout.phases if isinstance(layout, BatchLast) else 1
