"""What the engine decided at a network's kinks; see `tests.nn.kinks`."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from numcnn.engine.layouts import BatchFirst, BatchLast
from numcnn.engine.op import MicroBatch, Op, Value
from numcnn.engine.ops.conv import ConvOp
from numcnn.engine.ops.fallback import LayerOp
from numcnn.engine.ops.max_pool import Cells, MaxPoolOp
from numcnn.engine.plan import Plan
from numcnn.nn import Array, Layer, MaxPool2D, Sequential
from tests.nn.kinks import KINKS, OPEN, Decisions, candidates


def decided_by(plan: Plan, model: Sequential) -> Decisions:
    """Read what the engine decided in its last training pass by this plan of the model."""
    kinks = {name: layer for name, layer in model.named_layers() if isinstance(layer, KINKS)}
    found: Decisions = {}
    for segment in plan.segments:
        for op in segment.ops:
            mine = {name: kinks[name] for name in op.names if name in kinks}
            if mine:
                parts = [_decided_in(op, part, mine) for part in segment.micro_batches]
                found |= {name: np.concatenate([part[name] for part in parts]) for name in mine}
    assert found.keys() == kinks.keys(), f"cannot read {kinks.keys() - found.keys()}"
    return found


def _decided_in(op: Op, micro_batch: MicroBatch, kinks: Mapping[str, Layer]) -> Decisions:
    """The same of one micro-batch."""
    if isinstance(op, LayerOp):
        # The layer's own code runs on these numbers.
        source = op.sources[0]
        x = _batch_first(source, source.array(micro_batch))
        return {name: candidates(layer, x).argmax(axis=0) for name, layer in kinks.items()}
    on = (_batch_first(op.target, op.target.array(micro_batch)) > 0).astype(int)
    pools = [name for name, layer in kinks.items() if isinstance(layer, MaxPool2D)]
    if not pools:
        return dict.fromkeys(kinks, on)
    winners = _winners(op, micro_batch)
    found: Decisions = {name: winners if name in pools else on for name in kinks}
    first = next(iter(kinks))
    if first not in pools:
        # A ReLU before the pooling, but the engine pools first. If the largest cell is off, so are
        # the others, and the first of these equals wins; if not, nothing depends on the others.
        assert isinstance(op, ConvOp)
        found[first] = np.full((micro_batch.size, *op.convolution.output_shape), OPEN)
        found[pools[0]] = np.where(on, winners, 0)
        window = kinks[pools[0]].window
        for cell, view in enumerate(window.shifts(found[first], on.shape[1:3])):
            view[...] = np.where(on, np.where(winners == cell, 1, OPEN), 0)
    return found


def _winners(op: Op, micro_batch: MicroBatch) -> NDArray[np.integer]:
    """Which cell of each window the pooling gives the gradient to."""
    winners = np.empty(op.target.array(micro_batch).shape, np.float32)
    view = winners
    assert isinstance(op, ConvOp | MaxPoolOp)
    if isinstance(op, ConvOp):
        view = op.convolution.aligned_pooled(winners, micro_batch.size)
    cells = Cells(*np.empty((4, *view.shape), np.float32))
    pooling = op.poolings[micro_batch.start]
    pooling.backward(np.ones(view.shape, np.float32), cells, np.empty_like(cells[0]))
    view[...] = np.argmax(cells, axis=0)
    return _batch_first(op.target, winners).astype(int)


def _batch_first(value: Value, array: Array) -> Array:
    if isinstance(value.layout, BatchFirst):
        return array
    phases = value.layout.phases if isinstance(value.layout, BatchLast) else 1
    return value.layout.blocks(array, phases).reshape(-1, *value.shape)
