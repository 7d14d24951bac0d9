"""Every layer against PyTorch's: output, input gradient, parameter gradients."""

from itertools import product

import numpy as np
import pytest

from numcnn.nn import (
    GELU,
    AveragePool2D,
    BatchNorm,
    Context,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePool2D,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)
from numcnn.nn.patches import Window
from tests.nn.samples import normal
from tests.nn.torch_agreement import (
    DTYPES,
    TOLERANCE,
    assert_close,
    channels_first,
    channels_last,
    compare_layers,
    torch,
)

F = torch.nn.functional
each_dtype = pytest.mark.parametrize("dtype", DTYPES)

IMAGES = [(2, 8, 8, 3), (3, 7, 10, 1)]
KERNELS = [(1, 1), (2, 2), (3, 3), (5, 3)]
STRIDES = [(1, 1), (2, 2), (3, 2)]
GRID = list(product(IMAGES, KERNELS, STRIDES))
POOL_GRID = list(product(IMAGES, [(2, 2), (3, 3), (2, 3)], [None, *STRIDES]))


def same_margins(shape, size, stride):
    """What "same" adds, as `torch.nn.functional.pad` wants it: left, right, top, bottom."""
    margins = []
    for length, window, step in zip(shape[1:3], size, stride, strict=True):
        count = -(-length // step)
        missing = max((count - 1) * step + window - length, 0)
        margins.append((missing // 2, missing - missing // 2))
    return *margins[1], *margins[0]


@each_dtype
@pytest.mark.parametrize(("shape", "kernel", "stride"), GRID)
def test_convolution_valid(shape, kernel, stride, dtype):
    compare_layers(
        Conv2D(4, kernel, stride),
        lambda x, w, b: F.conv2d(x, w, b, stride),
        shape,
        dtype,
    )


@each_dtype
@pytest.mark.parametrize(("shape", "kernel", "stride"), GRID)
def test_convolution_same_is_the_convolution_of_the_padded_image(shape, kernel, stride, dtype):
    margins = same_margins(shape, kernel, stride)
    compare_layers(
        Conv2D(4, kernel, stride, "same"),
        lambda x, w, b: F.conv2d(F.pad(x, margins), w, b, stride),
        shape,
        dtype,
    )


@each_dtype
@pytest.mark.parametrize(("shape", "kernel"), list(product(IMAGES, KERNELS)))
def test_convolution_same_at_stride_1_is_torchs_own(shape, kernel, dtype):
    # With an even kernel too: both put the odd row and column at the bottom and right.
    if kernel == (2, 2):
        reference = lambda x, w, b: F.conv2d(F.pad(x, (0, 1, 0, 1)), w, b)  # noqa: E731
    else:
        reference = lambda x, w, b: F.conv2d(x, w, b, padding="same")  # noqa: E731
    compare_layers(Conv2D(4, kernel, 1, "same"), reference, shape, dtype)


@each_dtype
def test_convolution_without_bias(dtype):
    compare_layers(Conv2D(4, 3, use_bias=False), F.conv2d, IMAGES[0], dtype)


@each_dtype
@pytest.mark.parametrize(("batch", "inputs", "units"), [(1, 1, 1), (4, 7, 5), (16, 100, 10)])
def test_dense(batch, inputs, units, dtype):
    compare_layers(Dense(units), F.linear, (batch, inputs), dtype)


@each_dtype
@pytest.mark.parametrize(("shape", "size", "stride"), POOL_GRID)
def test_max_pool_valid(shape, size, stride, dtype):
    compare_layers(
        MaxPool2D(size, stride), lambda x: F.max_pool2d(x, size, stride or size), shape, dtype
    )


@each_dtype
@pytest.mark.parametrize(("shape", "size", "stride"), POOL_GRID)
def test_max_pool_same(shape, size, stride, dtype):
    margins = same_margins(shape, size, stride or size)
    compare_layers(
        MaxPool2D(size, stride, "same"),
        lambda x: F.max_pool2d(F.pad(x, margins, value=-torch.inf), size, stride or size),
        shape,
        dtype,
    )


def test_max_pool_chooses_the_same_winner_on_ties():
    x = np.random.default_rng(0).integers(0, 2, (4, 8, 8, 3)).astype(np.float32)
    model, ctx = Sequential([MaxPool2D(3, 2)]), Context(training=True)
    model.build((8, 8, 3))
    y = model.forward(x, ctx)
    dy = normal(*y.shape).astype(np.float32)
    their_x = channels_first(x).requires_grad_()
    F.max_pool2d(their_x, 3, 2).backward(channels_first(dy))
    assert_close("dx", model.backward(dy, ctx), channels_last(their_x.grad), TOLERANCE["float32"])


@each_dtype
@pytest.mark.parametrize(("shape", "size", "stride"), POOL_GRID)
def test_average_pool_valid(shape, size, stride, dtype):
    compare_layers(
        AveragePool2D(size, stride), lambda x: F.avg_pool2d(x, size, stride or size), shape, dtype
    )


@each_dtype
@pytest.mark.parametrize(("shape", "size"), list(product(IMAGES, [(3, 3), (3, 5)])))
def test_average_pool_same_does_not_count_the_padding(shape, size, dtype):
    compare_layers(
        AveragePool2D(size, 1, "same"),
        lambda x: F.avg_pool2d(x, size, 1, (size[0] // 2, size[1] // 2), count_include_pad=False),
        shape,
        dtype,
    )


@each_dtype
@pytest.mark.parametrize("shape", IMAGES)
def test_global_average_pool(shape, dtype):
    compare_layers(GlobalAveragePool2D(), lambda x: x.mean(dim=(2, 3)), shape, dtype)


@each_dtype
@pytest.mark.parametrize("shape", IMAGES)
def test_flatten(shape, dtype):
    compare_layers(Flatten(), lambda x: x.permute(0, 2, 3, 1).flatten(1), shape, dtype)


@each_dtype
@pytest.mark.parametrize("shape", [(6, 11), (2, 5, 6, 3)])
@pytest.mark.parametrize("scale", [1, 5])
@pytest.mark.parametrize(
    ("layer", "theirs"),
    [
        pytest.param(ReLU(), F.relu, id="relu"),
        pytest.param(LeakyReLU(), F.leaky_relu, id="leaky"),
        pytest.param(LeakyReLU(0.2), lambda x: F.leaky_relu(x, 0.2), id="leaky-0.2"),
        pytest.param(Sigmoid(), torch.sigmoid, id="sigmoid"),
        pytest.param(Tanh(), torch.tanh, id="tanh"),
        pytest.param(SiLU(), F.silu, id="silu"),
        pytest.param(GELU(), F.gelu, id="gelu"),
        pytest.param(GELU("tanh"), lambda x: F.gelu(x, approximate="tanh"), id="gelu-tanh"),
        pytest.param(Softmax(), lambda x: F.softmax(x, dim=1), id="softmax"),
    ],
)
def test_activation(layer, theirs, shape, scale, dtype):
    compare_layers(layer, theirs, shape, dtype, scale=scale)


def batch_norm(x, gamma, beta, epsilon=1e-5):
    return F.batch_norm(x, None, None, gamma, beta, training=True, eps=epsilon)


@each_dtype
@pytest.mark.parametrize("epsilon", [1e-5, 1e-2])
@pytest.mark.parametrize("shape", [(8, 5), (64, 3), (4, 6, 5, 3)])
def test_batch_norm_in_training(shape, epsilon, dtype):
    compare_layers(
        BatchNorm(epsilon=epsilon),
        lambda x, gamma, beta: batch_norm(x, gamma, beta, epsilon),
        shape,
        dtype,
    )


@each_dtype
@pytest.mark.parametrize("epsilon", [1e-5, 1e-2])
@pytest.mark.parametrize("shape", [(8, 5), (64, 3), (1, 7)])
def test_layer_norm(shape, epsilon, dtype):
    compare_layers(
        LayerNorm(epsilon=epsilon),
        lambda x, gamma, beta: F.layer_norm(x, shape[-1:], gamma, beta, epsilon),
        shape,
        dtype,
    )


@each_dtype
@pytest.mark.parametrize("momentum", [0.9, 0.6])
@pytest.mark.parametrize("shape", [(8, 5), (4, 6, 5, 3)])
def test_batch_norm_over_several_steps_and_in_inference(shape, momentum, dtype):
    features, tolerance = shape[-1], TOLERANCE[dtype]
    built = Sequential([BatchNorm(momentum)])
    built.build(shape[1:])
    model = built.astype(np.dtype(dtype))
    kind = torch.nn.BatchNorm2d if len(shape) == 4 else torch.nn.BatchNorm1d
    theirs = kind(features, momentum=1 - momentum, dtype=getattr(torch, dtype))
    for step in range(8):
        x = (normal(*shape, seed=step) * (step + 1) + step).astype(dtype)
        ctx = Context(training=True)
        assert_close(
            "output", model.forward(x, ctx), channels_last(theirs(channels_first(x))), tolerance
        )
        model.apply_state_updates(ctx)
        state = model.layers[0].state
        assert_close("running mean", state["mean"], theirs.running_mean.numpy(), tolerance)
        assert_close("running variance", state["variance"], theirs.running_var.numpy(), tolerance)
    theirs.eval()
    x, ctx = normal(*shape, seed=99).astype(dtype), Context(differentiable=True)
    their_x = channels_first(x).requires_grad_()
    y, their_y = model.forward(x, ctx), theirs(their_x)
    their_y.backward(channels_first(x))
    assert_close("output", y, channels_last(their_y), tolerance)
    assert_close("dx", model.backward(x, ctx), channels_last(their_x.grad), tolerance)
    grads = ctx.grads[model.layers[0]]
    assert_close("dgamma", grads["gamma"], theirs.weight.grad.numpy(), tolerance)
    assert_close("dbeta", grads["beta"], theirs.bias.grad.numpy(), tolerance)


@each_dtype
def test_residual_with_the_input_as_its_shortcut(dtype):
    # No bias before a BatchNorm: its gradient is zero, and so nothing but rounding.
    def theirs(x, w1, gamma, beta, w2, b2):
        branch = F.silu(batch_norm(F.conv2d(x, w1, padding=1), gamma, beta))
        return F.conv2d(branch, w2, b2, padding=1) + x

    block = Residual(
        [Conv2D(3, padding="same", use_bias=False), BatchNorm(), SiLU(), Conv2D(3, padding="same")]
    )
    compare_layers(block, theirs, (2, 6, 5, 3), dtype)


@each_dtype
def test_residual_with_a_convolution_as_its_shortcut(dtype):
    def theirs(x, w, gamma, beta, shortcut_w, shortcut_b):
        branch = batch_norm(F.conv2d(x, w, stride=2, padding=1), gamma, beta)
        return F.relu(branch + F.conv2d(x, shortcut_w, shortcut_b, stride=2))

    block = Residual([Conv2D(4, 3, 2, "same", use_bias=False), BatchNorm()], [Conv2D(4, 1, 2)])
    compare_layers([block, ReLU()], theirs, (2, 5, 7, 3), dtype)


@each_dtype
def test_residual_in_a_residual(dtype):
    def theirs(x, w1, b1, w2, b2):
        inner = F.linear(x, w1, b1)
        return torch.tanh(F.linear(torch.tanh(inner + x), w2, b2)) + x

    compare_layers(
        Residual([Residual([Dense(4)]), Tanh(), Dense(4), Tanh()]), theirs, (3, 4), dtype
    )


def test_same_margins_here_are_those_of_the_window():
    for shape, kernel, stride in GRID:
        left, right, top, bottom = same_margins(shape, kernel, stride)
        padded = Window(kernel, stride, "same").pad(np.ones(shape))
        assert padded.shape[1:3] == (shape[1] + top + bottom, shape[2] + left + right)
