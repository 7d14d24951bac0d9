"""One layer, run forward and backward by itself."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from numcnn.nn import Context, Layer


@dataclass(frozen=True)
class LayerPass:
    """What came out."""

    y: np.ndarray
    dx: np.ndarray
    grads: Mapping[str, np.ndarray]
    new_state: Mapping[str, np.ndarray]
    params: Mapping[str, np.ndarray]


def run_layer(
    layer: Layer,
    x: np.ndarray,
    dy: np.ndarray | None = None,
    *,
    training: bool = True,
    params: Mapping[str, np.ndarray] | None = None,
    state: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
) -> LayerPass:
    """Build a layer for ``x`` and run it in ``x``'s dtype.

    Args:
        layer: The layer.
        x: Its input.
        dy: The gradient of its output; random if None.
        training: The mode.
        params: The parameters. What is not given starts as the layer starts it, moved away a
            little: a bias of zero would hide mistakes.
        state: The state. What is not given starts as the layer starts it.
        seed: Of everything random.
    """
    rng = np.random.default_rng(seed)
    layer.build(x.shape[1:], rng)
    moved = {
        name: value + 0.5 * rng.standard_normal(value.shape) for name, value in layer.params.items()
    }
    layer.params = _cast({**moved, **(params or {})}, x.dtype)
    layer.state = _cast({**layer.state, **(state or {})}, x.dtype)
    ctx = Context(training, np.random.default_rng(seed), differentiable=True)
    y = layer.forward(x, ctx)
    dy = rng.standard_normal(y.shape) if dy is None else dy
    dx = layer.backward(dy.astype(x.dtype), ctx)
    return LayerPass(y, dx, ctx.grads.get(layer, {}), ctx.new_state.get(layer, {}), layer.params)


def _cast(arrays: Mapping[str, np.ndarray], dtype: np.dtype) -> dict[str, np.ndarray]:
    return {name: np.asarray(array, dtype) for name, array in arrays.items()}
