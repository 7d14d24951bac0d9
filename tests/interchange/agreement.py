"""Whether another program computes the same outputs, up to float32's rounding.

The layers in float64 are taken for the truth. The error that is allowed is a small multiple of
those that the layers make themselves: in float32, and in float64 from inputs and weights that are
moved by half a last bit.
"""

import numpy as np

from numcnn.nn import Array, Context, Sequential

LIMIT = 64
"""As in `tests.engine.agreement`: one number that is wrong in its third digit makes thousands."""


def times_own_error(model: Sequential, x: Array, found: Array) -> float:
    """How large the error of what another program found is, as a multiple of the layers' own."""
    double = model.astype(np.float64)
    exact = double.forward(x, Context())
    assert found.shape == exact.shape
    rng = np.random.default_rng(0)

    def moved(array: Array) -> Array:
        return array * (1 + 2.0**-24 * rng.choice([-1, 1], array.shape))

    other = model.astype(np.float64)
    other.parameters[:], other.statistics[:] = moved(other.parameters), moved(other.statistics)
    own = max(
        2.0**-24 * np.linalg.norm(exact),
        np.linalg.norm(model.forward(x, Context()) - exact),
        np.linalg.norm(other.forward(moved(x.astype(np.float64)), Context()) - exact),
    )
    error = float(np.linalg.norm(found - exact))
    return error / float(own) if own else (np.inf if error else 0.0)


def largest_output_error(one: Array, other: Array) -> float:
    """The largest difference as a share of the largest number."""
    return float(np.abs(one - other).max(initial=0) / max(np.abs(other).max(initial=0), 1e-30))
