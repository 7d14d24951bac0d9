"""A plan's summary: what was chosen for each layer and, if measured, how long it takes."""

import math
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np

from numcnn.engine import hardware
from numcnn.engine.blas import blas_kernels, one_blas_thread
from numcnn.engine.layouts import BatchFirst, BatchInside, BatchLast, Layout
from numcnn.engine.plan import Plan
from numcnn.engine.threads import Threads
from numcnn.nn.arrays import size_text
from numcnn.nn.context import Context


@final
@dataclass(frozen=True)
class OpRow:
    """One op of a plan.

    Attributes:
        layers: The layers that it computes, by name.
        method: How it computes.
        layout: The order of the axes of what it makes.
        output_shape: Of one example.
        micro_batch: Examples that go through together.
        bytes: Of what it makes, for one micro-batch.
        macs: One example, forward, as it computes.
        forward: Microseconds an example on one core; None if it was not measured.
        backward: The same for the backward pass.
        share: Of the core's matrix product speed, forward and backward together; None for ops
            without products.
    """

    layers: tuple[str, ...]
    method: str
    layout: str
    output_shape: tuple[int, ...]
    micro_batch: int
    bytes: int
    macs: int
    forward: float | None = None
    backward: float | None = None
    share: float | None = None


@final
@dataclass(frozen=True)
class PlanSummary:
    """A plan as a table; ``str()`` of it is for reading.

    Attributes:
        batch_size: Examples a pass.
        training: Whether there is a backward pass.
        shards: Into how many parts the batch is cut, each for a core.
        nbytes: Memory that the plan holds.
        blas: The library that multiplies.
        product_speed: Its multiply-adds a second on one core, large matrices; None if not measured.
        rows: The ops.
        reasons: Why it was chosen so, a line each.
    """

    batch_size: int
    training: bool
    shards: int
    nbytes: int
    blas: str
    product_speed: float | None
    rows: tuple[OpRow, ...]
    reasons: tuple[str, ...]

    def summary(self) -> str:
        """The table as text; the same as ``str()`` of it."""
        return str(self)

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return asdict(self)

    def __str__(self) -> str:
        measured = self.product_speed is not None
        head = ["layers", "how", "layout", "output", "n", "KB", "multiply-adds"]
        head += ["us/image", "back", "of product speed"] if measured else []
        table = [head]
        for row in self.rows:
            cells = [
                ", ".join(row.layers) or "-",
                row.method,
                row.layout,
                size_text(row.output_shape),
                str(row.micro_batch),
                f"{row.bytes / 1024:,.0f}",
                f"{row.macs:,}" if row.macs else "",
            ]
            if measured:
                cells += [
                    "" if row.forward is None else f"{row.forward:.2f}",
                    "" if row.backward is None else f"{row.backward:.2f}",
                    "" if row.share is None else f"{row.share:.0%}",
                ]
            table.append(cells)
        widths = [max(len(row[column]) for row in table) for column in range(len(head))]
        lines = [
            "  ".join(
                cell.ljust(width) if column < 4 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in table
        ]
        lines.insert(1, "  ".join("-" * width for width in widths))
        what = "training" if self.training else "inference"
        lines += ["", "why", *(f"- {reason}" for reason in self.reasons)]
        lines += [
            "",
            f"{what}, batches of {self.batch_size} in {self.shards} shard"
            f"{'s' * (self.shards > 1)}, {self.nbytes / 2**20:,.1f} MB; {self.blas}",
        ]
        if self.product_speed is not None:
            lines.append(
                f"matrix products reach {2e-9 * self.product_speed:,.0f} GFLOP/s on one core"
            )
        return "\n".join(lines)


def summarize(plan: Plan, *, measure: bool = False, seconds: float = 0.5) -> PlanSummary:
    """Describe a plan.

    Args:
        plan: The plan.
        measure: Whether to run it, on random numbers, and take the time of each op. One core:
            what one op takes does not depend on what others do at the time.
        seconds: For how long to measure.
    """
    times = _measured(plan, seconds) if measure else {}
    speed = _product_speed() if measure else None
    rows = []
    for segment in plan.segments:
        for op in segment.ops:
            count = op.macs()
            forward, backward = times.get(id(op), (None, None))
            passes = 1 if backward is None else 2 + any(s.wants_gradient for s in op.sources)
            share = None
            if forward is not None and speed is not None and count:
                taken = 1e-6 * (forward + (backward or 0))
                share = passes * count / taken / speed
            micro_batch = max(micro_batch.size for micro_batch in segment.micro_batches)
            rows.append(
                OpRow(
                    op.names,
                    op.method,
                    _layout_name(op.target.layout),
                    op.target.shape,
                    micro_batch,
                    4 * micro_batch * math.prod(op.target.shape),
                    count,
                    forward,
                    backward,
                    share,
                )
            )
    return PlanSummary(
        plan.batch_size,
        plan.training,
        plan.shards,
        plan.nbytes,
        blas_kernels(),
        speed,
        tuple(rows),
        tuple(_reasons(plan)),
    )


def _reasons(plan: Plan) -> Iterator[str]:
    """Say what decided, from the whole to the single layers."""
    enough = "work for so many cores, if there are that many" if plan.shards > 1 else ""
    yield f"{plan.shards} shard{'s' * (plan.shards > 1)}: {enough or 'too little work to share'}"
    sizes = sorted({max(p.size for p in segment.micro_batches) for segment in plan.segments})
    yield (
        f"micro-batches of {' and '.join(map(str, sizes))}: what they work on, image by image, "
        f"stays near the core's {hardware.CORE_CACHE // 1024:,} KB of cache"
    )
    layers: dict[str, list[str]] = {}
    for segment in plan.segments:
        for op in segment.ops:
            if op.reason:
                layers.setdefault(f"{op.method.partition(' + ')[0]}: {op.reason}", []).extend(
                    op.names[:1]
                )
    for reason, names in layers.items():
        yield f"{', '.join(names)}: {reason}"
    if tied := os.environ.get("OPENBLAS_CORETYPE"):
        yield f"OPENBLAS_CORETYPE is {tied}: products use that processor's code, not this one's"


def _layout_name(layout: Layout) -> str:
    if isinstance(layout, BatchInside):
        return "H W n C"
    if isinstance(layout, BatchLast):
        return "C H W n" if layout.phases == 1 else f"C {layout.phases} H W/{layout.phases} n"
    assert isinstance(layout, BatchFirst)
    return "n ..."


def _measured(plan: Plan, seconds: float) -> dict[int, tuple[float | None, float | None]]:
    """Microseconds an example, forward and backward, by the id of the op."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (plan.batch_size, *plan.input_shape)).astype(np.uint8)
    totals: dict[int, list[float]] = {}
    end = time.perf_counter() + seconds
    phases = 0
    with one_blas_thread(), Threads(1) as threads:
        while phases < 2 or time.perf_counter() < end:
            ctx = Context(plan.training, rng)
            outputs = plan.forward(x, ctx, threads)
            if plan.training:
                plan.backward(np.full_like(outputs, 1 / plan.batch_size), threads)
            plan.hold(x)
            for segment in plan.segments:
                for bound in segment.bound:
                    for op, bound_op in zip(segment.ops, bound, strict=True):
                        start = time.perf_counter()
                        bound_op.forward()
                        middle = time.perf_counter()
                        if plan.training and op.target.wants_gradient:
                            bound_op.backward()
                        taken = totals.setdefault(id(op), [0.0, 0.0])
                        if phases:
                            taken[0] += middle - start
                            taken[1] += time.perf_counter() - middle
            phases += 1
    scale = 1e6 / ((phases - 1) * plan.batch_size)
    return {
        key: (forward * scale, backward * scale if plan.training else None)
        for key, (forward, backward) in totals.items()
    }


def _product_speed(size: int = 512) -> float:
    """Multiply-adds a second of a large product on one core."""
    matrix = np.ones((size, size), np.float32)
    out = np.empty_like(matrix)
    best = math.inf
    with one_blas_thread():
        for _ in range(20):
            start = time.perf_counter()
            np.matmul(matrix, matrix, out=out)
            best = min(best, time.perf_counter() - start)
    return size**3 / best
