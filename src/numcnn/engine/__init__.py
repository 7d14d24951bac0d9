"""The engine: the same network, computed for this machine.

The layers (`numcnn.nn.layers`) say what is computed, in code to read. Nothing here changes that: a
test holds both to the same numbers. What is here is how a batch goes through a processor with
several cores, small caches and a fast matrix product, in an order that suits them. From the idea to
the machine:

=====================  ===========================================================================
`lowering`             layers to ops: what goes together, which algorithm a convolution gets
`plan`                 ops bound to memory, for one batch size: segments, shards, micro-batches
`shards`               how a batch is cut, and how what its parts have is added up
`executor`             the plans of one model, in training and in inference
`op`                   the contract: value, micro-batch, op, bound op
`ops/input`            the batch as it is given, preprocessed
`ops/conv`             a convolution with pooling, bias and ReLU, by one of four algorithms:
`ops/conv_winograd`    - 3x3 filters with a quarter of the multiplications
`ops/conv_toeplitz`    - few channels: several columns in one product
`ops/conv_rows`        - few channels of one image: its rows are the runs
`ops/conv_im2col`      - any window
`ops/dense`            a dense layer with ReLU
`ops/max_pool`         2x2 maximum pooling on four views
`ops/relu`             ReLU in place
`ops/batch_norm`       batch normalization of a batch in micro-batches
`ops/batch_norm_fold`  batch normalization folded into the weights before it, for inference
`ops/add`              the end of a residual connection
`ops/dropout`          dropout
`ops/layout_change`    the same numbers in another order
`ops/fallback`         everything else, through the layer's own code
`layouts`              the order of the axes in memory
`workspace`            memory that is used again
`strips`               long products with few rows
`snapshot`             whether arrays have changed since the last time
`threads`              threads in step
`block`                what is given back, whatever comes in between
`hardware`             cores and cache
`blas`                 BLAS, held to one thread
`summary`              what was chosen, and how long it takes
=====================  ===========================================================================
"""

from numcnn.engine.blas import BlasHold, blas_kernels, one_blas_thread
from numcnn.engine.executor import EngineExecutor, Predictor, TrainingEngine
from numcnn.engine.plan import Plan
from numcnn.engine.shards import MOST_SHARDS, SHARDS, is_shards
from numcnn.engine.summary import PlanSummary, summarize

__all__ = [
    "MOST_SHARDS",
    "SHARDS",
    "BlasHold",
    "EngineExecutor",
    "Plan",
    "PlanSummary",
    "Predictor",
    "TrainingEngine",
    "blas_kernels",
    "is_shards",
    "one_blas_thread",
    "summarize",
]
