"""The layers with exact sums: the same bits on every computer.

``engine="exact"`` computes a network by its layers' own code, with arrays whose products and sums
are exact. See `numcnn.exact.rounding` for why that is possible, and docs/exact.md for what it
promises.
"""

from numcnn.exact.array import ExactArray, exact, plain
from numcnn.exact.executor import ExactExecutor, ExactPasses
from numcnn.exact.fingerprint import weights_sha256
from numcnn.exact.generator import ExactGenerator
from numcnn.exact.training import ExactAugmentation, exact_generator, require_exact_schedule

__all__ = [
    "ExactArray",
    "ExactAugmentation",
    "ExactExecutor",
    "ExactGenerator",
    "ExactPasses",
    "exact",
    "exact_generator",
    "plain",
    "require_exact_schedule",
    "weights_sha256",
]
