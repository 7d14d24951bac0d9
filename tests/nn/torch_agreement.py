"""Side by side with PyTorch: the same numbers in, the same numbers out?

Importing this skips the tests of the module that does so where PyTorch is not installed.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from numcnn.nn import Context, Layer, Loss, Sequential
from tests.nn.kinks import near_kink
from tests.nn.samples import apart

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed; these tests compare with it (pip install torch)"
)
torch.set_num_threads(1)

TOLERANCE = {"float32": 2e-6, "float64": 2e-14}
"""The largest difference allowed, as a share of the largest number of the array.

One rounding is 6e-8 of a float32 number and 1.1e-16 of a float64 one. The sums compared here have
up to some hundred terms, added in another order, so a few tens of roundings may come together. The
float64 comparison shows that the formulas are the same, the float32 one that nothing in between is
computed or kept with less care.
"""
DTYPES = tuple(TOLERANCE)


def assert_close(
    name: str, ours: np.ndarray, theirs: np.ndarray, tolerance: float, least_size: float = 1e-30
) -> None:
    """Compare two arrays by their largest difference, as a share of the largest number.

    Where numbers are differences of larger ones, whose rounding they inherit, ``least_size`` says
    how large those are.
    """
    assert ours.shape == theirs.shape, f"{name}: our shape {ours.shape}, theirs {theirs.shape}"
    assert ours.dtype == theirs.dtype, f"{name}: our dtype {ours.dtype}, theirs {theirs.dtype}"
    difference = np.abs(ours - theirs).max(initial=0)
    size = max(np.abs(theirs).max(initial=0), least_size)
    assert difference <= tolerance * size, (
        f"{name}: off by {difference / size:.2e} of its size, more than {tolerance:.0e}"
    )


def channels_first(array: np.ndarray) -> "torch.Tensor":
    """Our images (batch, height, width, channels) as PyTorch's (batch, channels, height, width).

    Anything else stays as it is.
    """
    moved = np.moveaxis(array, -1, 1) if array.ndim == 4 else array
    return torch.from_numpy(np.ascontiguousarray(moved))


def channels_last(tensor: "torch.Tensor") -> np.ndarray:
    """The other way."""
    array = tensor.detach().numpy()
    return np.moveaxis(array, 1, -1) if array.ndim == 4 else array


def weight_to_torch(array: np.ndarray) -> "torch.Tensor":
    """Our weights (..., inputs, outputs) as PyTorch's (outputs, inputs, ...); vectors as they are.

    Moving the axes is its own mirror image: `weight_from_torch` undoes it.
    """
    order = {1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}[array.ndim]
    return torch.from_numpy(np.ascontiguousarray(array.transpose(order)))


def weight_from_torch(tensor: "torch.Tensor") -> np.ndarray:
    """PyTorch's weights, or their gradients, in our order."""
    array = tensor.detach().numpy()
    return array.transpose({1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)}[array.ndim])


def compare_layers(
    layers: Layer | Sequence[Layer],
    theirs: Callable[..., "torch.Tensor"],
    shape: Sequence[int],
    dtype: str,
    *,
    training: bool = True,
    scale: float = 1.0,
) -> None:
    """Compare output, input gradient and parameter gradients of layers with PyTorch's.

    Args:
        layers: Ours.
        theirs: From a tensor, channels first, and our parameters in PyTorch's order (one argument
            each, in the order of our layers) to a tensor.
        shape: The input's, with the batch.
        dtype: "float32" or "float64".
        training: Our mode.
        scale: What the input's numbers, -2 to 2, are multiplied with.
    """
    rng = np.random.default_rng(0)
    built = Sequential([layers] if isinstance(layers, Layer) else layers)
    built.build(shape[1:])
    model = built.astype(np.dtype(dtype))
    # Away from where parameters start: a bias of 0 or a scale of 1 would hide mistakes.
    model.parameters += 0.5 * rng.standard_normal(model.parameters.shape)

    x = (scale * apart(*shape)).astype(dtype)
    assert not near_kink(model, x, training)
    ctx = Context(training, rng, differentiable=True)
    y = model.forward(x, ctx)
    dy = rng.standard_normal(y.shape).astype(dtype)
    dx = model.backward(dy, ctx)

    params = [
        (f"{name}.{key}", array, ctx.grads[layer][key])
        for name, layer in model.named_layers()
        for key, array in layer.params.items()
    ]
    their_x = channels_first(x).requires_grad_()
    their_params = [weight_to_torch(array).requires_grad_() for _, array, _ in params]
    their_y = theirs(their_x, *their_params)
    their_y.backward(channels_first(dy))

    tolerance = TOLERANCE[dtype]
    assert_close("output", y, channels_last(their_y), tolerance)
    assert_close("input's gradient", dx, channels_last(their_x.grad), tolerance)
    for (name, _, gradient), tensor in zip(params, their_params, strict=True):
        assert_close(f"{name}'s gradient", gradient, weight_from_torch(tensor.grad), tolerance)


def compare_losses(
    loss: Loss,
    theirs: Callable[["torch.Tensor"], "torch.Tensor"],
    outputs: np.ndarray,
    targets: np.ndarray,
) -> None:
    """Compare a loss and its gradient with PyTorch's.

    Args:
        loss: Ours.
        theirs: From a tensor of outputs to a scalar; it knows the targets.
        outputs: ``(batch, outputs)``, float32 or float64.
        targets: For ours.
    """
    value, gradient = loss.value_and_gradient(outputs, targets)
    their_outputs = torch.from_numpy(outputs.copy()).requires_grad_()
    their_value = theirs(their_outputs)
    their_value.backward()
    tolerance = TOLERANCE[outputs.dtype.name]
    assert value == pytest.approx(their_value.item(), rel=tolerance)
    # Near the right answer it is a small difference of a probability and a target.
    least_size = 1 / len(outputs)
    assert_close("gradient", gradient, their_outputs.grad.numpy(), tolerance, least_size)
