"""Ten steps of training a whole network against PyTorch's: do both end with the same weights?"""

import numpy as np
import pytest

from numcnn.nn import (
    SGD,
    AdamW,
    AveragePool2D,
    BatchNorm,
    Context,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    ReLU,
    Residual,
    RMSProp,
    Sequential,
    SoftmaxCrossEntropy,
    Tanh,
)
from tests.nn.samples import classes, normal
from tests.nn.torch_agreement import (
    DTYPES,
    assert_close,
    channels_first,
    torch,
    weight_from_torch,
    weight_to_torch,
)

# Ten steps feed each rounding back into the next step's gradient, so it grows: ten times the
# tolerance of a single pass.
TOLERANCE = {"float32": 2e-5, "float64": 1e-12}


# At a tie, rounding may decide which way a ReLU or a pooling sends the gradient, and ten steps of
# float32 meet such a tie now and then. So in float32 the network has no kinks.


def ours(dtype: str) -> Sequential:
    activation, pool = (Tanh, AveragePool2D) if dtype == "float32" else (ReLU, MaxPool2D)
    model = Sequential(
        [
            Conv2D(6, 5, padding="same", use_bias=False),
            BatchNorm(),
            activation(),
            pool(),
            Residual([Conv2D(6, padding="same", use_bias=False), BatchNorm(), activation()]),
            Conv2D(8, 3, 2),
            activation(),
            Flatten(),
            Dense(10),
        ]
    )
    model.build((12, 12, 1), seed=1)
    return model.astype(dtype)


class Theirs(torch.nn.Module):
    """The same network, its layers in the same order."""

    def __init__(self, dtype: str):
        super().__init__()
        smooth = dtype == "float32"
        self.activation = torch.tanh if smooth else torch.relu
        self.pool = torch.nn.AvgPool2d(2) if smooth else torch.nn.MaxPool2d(2)
        self.conv1 = torch.nn.Conv2d(1, 6, 5, padding="same", bias=False)
        self.norm1 = torch.nn.BatchNorm2d(6)
        self.conv2 = torch.nn.Conv2d(6, 6, 3, padding="same", bias=False)
        self.norm2 = torch.nn.BatchNorm2d(6)
        self.conv3 = torch.nn.Conv2d(6, 8, 3, stride=2)
        self.dense = torch.nn.Linear(32, 10)
        self.to(getattr(torch, dtype))

    def forward(self, x):
        x = self.pool(self.activation(self.norm1(self.conv1(x))))
        x = x + self.activation(self.norm2(self.conv2(x)))
        x = self.activation(self.conv3(x))
        # Ours flattens height, width, channels; PyTorch would flatten channels first.
        return self.dense(x.permute(0, 2, 3, 1).flatten(1))

    def statistics(self):
        """Running means and variances, in the order of ours."""
        return [
            tensor
            for norm in (self.norm1, self.norm2)
            for tensor in (norm.running_mean, norm.running_var)
        ]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("make_optimizer", "make_their_optimizer", "clip_norm"),
    [
        pytest.param(
            lambda: SGD(learning_rate=0.05, momentum=0.9, nesterov=True),
            lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
            None,
            id="nesterov",
        ),
        pytest.param(
            lambda: SGD(learning_rate=0.1, momentum=0.9, clip_norm=1.0),
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
            1.0,
            id="clipped",
        ),
        pytest.param(
            lambda: AdamW(learning_rate=0.002, weight_decay=0.05),
            lambda p: torch.optim.AdamW(p, lr=0.002, weight_decay=0.05),
            None,
            id="adamw",
        ),
        pytest.param(
            lambda: RMSProp(learning_rate=0.001, epsilon=1e-4),
            lambda p: torch.optim.RMSprop(p, lr=0.001, eps=1e-4),
            None,
            id="rmsprop",
        ),
    ],
)
def test_ten_steps_end_with_the_same_weights(
    make_optimizer, make_their_optimizer, clip_norm, dtype
):
    # PyTorch's clipping divides by the norm plus 1e-6, ours by the norm.
    tolerance = max(TOLERANCE[dtype], 2e-6 if clip_norm else 0)
    model, theirs = ours(dtype), Theirs(dtype)
    pairs = list(
        zip(
            [array for _, layer in model.named_layers() for array in layer.params.values()],
            theirs.parameters(),
            strict=True,
        )
    )
    with torch.no_grad():
        for array, tensor in pairs:
            tensor.copy_(weight_to_torch(array))
    begin = model.parameters.copy()
    loss, their_loss = SoftmaxCrossEntropy(0.1), torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer, their_optimizer = make_optimizer(), make_their_optimizer(theirs.parameters())

    for step in range(10):
        x, targets = normal(16, 12, 12, 1, seed=step).astype(dtype), classes(16, 10, step)
        ctx = Context(training=True)
        value, dy = loss.value_and_gradient(model.forward(x, ctx), targets)
        model.backward(dy, ctx)
        model.apply_state_updates(ctx)
        optimizer.step(model.parameters, model.gradient(ctx))

        their_optimizer.zero_grad()
        their_value = their_loss(theirs(channels_first(x)), torch.from_numpy(targets))
        their_value.backward()
        if clip_norm:
            torch.nn.utils.clip_grad_norm_(theirs.parameters(), clip_norm)
        their_optimizer.step()
        assert value == pytest.approx(their_value.item(), rel=tolerance)

    assert np.abs(model.parameters - begin).max() > 0.01
    for array, tensor in pairs:
        assert_close("weights", array, weight_from_torch(tensor), tolerance)
    statistics = torch.cat(theirs.statistics()).numpy()
    assert_close("running statistics", model.statistics, statistics, tolerance)
