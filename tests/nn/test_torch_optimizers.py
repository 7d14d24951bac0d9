"""Every optimizer against PyTorch's: ten steps from the same place with the same gradients."""

import numpy as np
import pytest

from numcnn.nn import SGD, Adam, AdamW, RMSProp
from tests.nn.samples import normal
from tests.nn.torch_agreement import DTYPES, TOLERANCE, assert_close, torch

PAIRS = [
    pytest.param(
        lambda **c: SGD(learning_rate=0.1, **c),
        lambda p: torch.optim.SGD(p, lr=0.1),
        id="sgd",
    ),
    pytest.param(
        lambda **c: SGD(learning_rate=0.1, momentum=0.9, **c),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
        id="momentum",
    ),
    pytest.param(
        lambda **c: SGD(learning_rate=0.1, momentum=0.9, nesterov=True, **c),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        id="nesterov",
    ),
    pytest.param(
        lambda **c: RMSProp(learning_rate=0.01, **c),
        lambda p: torch.optim.RMSprop(p, lr=0.01),
        id="rmsprop",
    ),
    pytest.param(
        lambda **c: RMSProp(learning_rate=0.01, rho=0.9, epsilon=1e-3, **c),
        lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-3),
        id="rmsprop-settings",
    ),
    pytest.param(
        lambda **c: Adam(learning_rate=0.01, **c),
        lambda p: torch.optim.Adam(p, lr=0.01),
        id="adam",
    ),
    pytest.param(
        lambda **c: Adam(learning_rate=0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-3, **c),
        lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.8, 0.9), eps=1e-3),
        id="adam-settings",
    ),
    pytest.param(
        lambda **c: AdamW(learning_rate=0.01, **c),
        lambda p: torch.optim.AdamW(p, lr=0.01),
        id="adamw",
    ),
    pytest.param(
        lambda **c: AdamW(learning_rate=0.01, weight_decay=0.3, **c),
        lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.3),
        id="adamw-strong",
    ),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("clip_norm", [None, 0.5], ids=["free", "clipped"])
@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_ten_steps(ours, theirs, clip_norm, dtype):
    p = normal(50).astype(dtype)
    their_p = torch.from_numpy(p.copy()).requires_grad_()
    optimizer, their_optimizer = ours(clip_norm=clip_norm), theirs([their_p])
    for step in range(10):
        gradient = normal(50, seed=step + 1).astype(dtype)
        their_p.grad = torch.from_numpy(gradient.copy())
        if clip_norm:
            # PyTorch divides by the norm plus 1e-6, which we do not: a share of 1.4e-7 here.
            torch.nn.utils.clip_grad_norm_([their_p], clip_norm)
        optimizer.step(p, gradient)
        their_optimizer.step()
    tolerance = max(TOLERANCE[dtype], 1e-7 if clip_norm else 0)
    assert_close("parameters", p, their_p.detach().numpy(), tolerance)


def test_weight_decay_on_weights_alone_is_two_parameter_groups():
    p, decayed = normal(50).astype(np.float32), np.arange(50) < 30
    weights, biases = (torch.from_numpy(p[part].copy()) for part in (decayed, ~decayed))
    theirs = torch.optim.AdamW(
        [
            {"params": [weights.requires_grad_()], "weight_decay": 0.3},
            {"params": [biases.requires_grad_()], "weight_decay": 0.0},
        ],
        lr=0.01,
    )
    optimizer = AdamW(learning_rate=0.01, weight_decay=0.3)
    for step in range(10):
        gradient = normal(50, seed=step + 1).astype(np.float32)
        weights.grad = torch.from_numpy(gradient[decayed].copy())
        biases.grad = torch.from_numpy(gradient[~decayed].copy())
        optimizer.step(p, gradient, decayed=decayed)
        theirs.step()
    their_p = torch.cat([weights, biases]).detach().numpy()
    assert_close("parameters", p, their_p, TOLERANCE["float32"])
