"""The layers with exact sums: the same bits on every computer.

``engine="exact"`` computes a network by its layers' own code, with arrays whose products and sums
are exact. See `numcnn.exact.rounding` for why that is possible, and docs/exact.md for what it
promises.
"""

from numcnn.exact.array import ExactArray, exact, plain
from numcnn.exact.executor import ExactExecutor, ExactPasses
from numcnn.exact.generator import ExactGenerator

__all__ = ["ExactArray", "ExactExecutor", "ExactGenerator", "ExactPasses", "exact", "plain"]
