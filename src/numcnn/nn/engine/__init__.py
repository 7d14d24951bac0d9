"""The engine: the same network, computed for this machine.

The layers (`numcnn.nn.layers`) say what is computed, in code to read. Nothing here changes that: a
test holds both to the same numbers. What is here is how a batch goes through a processor with
several cores, small caches and a fast matrix product, in an order that suits them. From the idea to
the machine:

=================  ===============================================================================
`planner`          layers to ops: which neighbors go together, which method a convolution gets
`plan`             ops bound to memory, for one batch size: segments, lanes, micro-batches
`lanes`            how a batch is cut, and how what its parts have is added up
`engine`           the plans of one model, in training and in inference
`op`            the contract: value, micro-batch, op, bound op
`convolution`      a convolution with pooling, bias and ReLU, by one of three methods:
`winograd`         - 3x3 filters with a quarter of the multiplications
`blocked`          - few channels: several columns in one product
`patches`          - any window: im2col
`pooling`          2x2 maximum pooling on four views
`rectifier`        ReLU in place
`strips`           long products with few rows
`normalization`    batch normalization of a batch in micro-batches
`simple_stages`    input, dense, pooling alone, sum, dropout, change of layout
`by_layer`         everything else, through the layer's own code
`layouts`          the order of the axes in memory
`workspace`            memory that is used again
`workers`          threads in step
`block`            what is given back, whatever comes in between
`machine`          cores, cache, BLAS
`summary`          what was chosen, and how long it takes
=================  ===============================================================================
"""

from numcnn.nn.engine.engine import InferenceEngine, Predictor, TrainingEngine
from numcnn.nn.engine.machine import (
    LANES,
    MOST_LANES,
    BlasHold,
    blas_kernels,
    is_lanes,
    one_blas_thread,
)
from numcnn.nn.engine.plan import Plan
from numcnn.nn.engine.summary import PlanSummary, summarize

__all__ = [
    "LANES",
    "MOST_LANES",
    "BlasHold",
    "InferenceEngine",
    "Plan",
    "PlanSummary",
    "Predictor",
    "TrainingEngine",
    "blas_kernels",
    "is_lanes",
    "one_blas_thread",
    "summarize",
]
