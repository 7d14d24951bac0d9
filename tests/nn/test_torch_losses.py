"""Every loss against PyTorch's: value and gradient."""

import numpy as np
import pytest

from numcnn.nn import MeanSquaredError, SigmoidCrossEntropy, SoftmaxCrossEntropy
from tests.nn.samples import classes, normal
from tests.nn.torch_agreement import DTYPES, compare_losses, torch

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
