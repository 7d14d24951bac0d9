"""Every loss against PyTorch's: value and gradient."""

import numpy as np
import pytest

from numcnn.nn import CTCLoss, MeanSquaredError, SigmoidCrossEntropy, SoftmaxCrossEntropy
from tests.nn.samples import classes, normal
from tests.nn.torch_agreement import DTYPES, TOLERANCE, assert_close, compare_losses, torch

F = torch.nn.functional
each_dtype = pytest.mark.parametrize("dtype", DTYPES)
SIZES = [(1, 2), (8, 5), (64, 10)]
SPREADS = [1, 20]


@each_dtype
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_of_class_indices(size, spread, smoothing, weighted, dtype):
    targets = classes(*size)
    weights = np.linspace(0.5, 3, size[1]).tolist() if weighted else None
    theirs = torch.nn.CrossEntropyLoss(
        weight=torch.tensor(weights, dtype=getattr(torch, dtype)) if weights else None,
        label_smoothing=smoothing,
    )
    compare_losses(
        SoftmaxCrossEntropy(smoothing, weights),
        lambda outputs: theirs(outputs, torch.from_numpy(targets)),
        (normal(*size) * spread).astype(dtype),
        targets,
    )


@each_dtype
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_distributions(size, smoothing, dtype):
    targets = np.random.default_rng(0).dirichlet(np.ones(size[1]), size[0]).astype(dtype)
    compare_losses(
        SoftmaxCrossEntropy(smoothing),
        lambda outputs: F.cross_entropy(
            outputs, torch.from_numpy(targets), label_smoothing=smoothing
        ),
        normal(*size).astype(dtype),
        targets,
    )


@each_dtype
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("size", SIZES)
def test_sigmoid_cross_entropy(size, spread, dtype):
    targets = np.random.default_rng(0).random(size).astype(dtype)
    compare_losses(
        SigmoidCrossEntropy(),
        lambda outputs: F.binary_cross_entropy_with_logits(outputs, torch.from_numpy(targets)),
        (normal(*size) * spread).astype(dtype),
        targets,
    )


@each_dtype
@pytest.mark.parametrize("size", SIZES)
def test_mean_squared_error(size, dtype):
    targets = normal(*size, seed=1).astype(dtype)
    compare_losses(
        MeanSquaredError(),
        lambda outputs: F.mse_loss(outputs, torch.from_numpy(targets)),
        normal(*size).astype(dtype),
        targets,
    )


@each_dtype
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize(("steps", "symbols"), [(9, 2), (40, 10)])
def test_ctc(steps, symbols, spread, dtype):
    rng = np.random.default_rng(0)
    lengths = np.array([0, 1, 3, 4])
    targets = rng.integers(0, symbols, (4, 4))
    targets[np.arange(4) >= lengths[:, None]] = -1
    outputs = (normal(4, steps, symbols + 1) * spread).astype(dtype)
    # Ours computes in float64 whatever comes in, so it is compared with theirs in float64.
    point = torch.from_numpy(outputs.astype(np.float64)).requires_grad_()
    theirs = F.ctc_loss(
        point.log_softmax(2).transpose(0, 1),
        torch.from_numpy(np.maximum(targets, 0)),
        torch.full((4,), steps),
        torch.from_numpy(lengths),
        blank=symbols,
        reduction="none",
    )
    theirs.sum().backward()
    losses, gradients, _ = CTCLoss().terms(outputs, targets)
    expected = theirs.detach().numpy()
    assert_close("losses", losses, expected.astype(dtype), TOLERANCE[dtype])
    # A gradient is the exponential of a difference of logarithms as large as the loss, and has
    # their rounding in float64.
    rounding = TOLERANCE["float64"] * max(1, expected.max())
    tolerance = max(TOLERANCE[dtype], rounding)
    assert_close("gradient", gradients, point.grad.numpy().astype(dtype), tolerance, 1.0)
