"""Which layers go together, and which way each is computed."""

import pytest

from numcnn.engine.lowering import Lowering
from numcnn.nn import (
    GELU,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    MaxPool2D,
    Normalization,
    ReLU,
    Rescaling,
    Residual,
    Sequential,
)
from tests.engine.own_layers import Centering, Scale, Twice


def ops(layers, shape=(16, 16, 1), *, training=True) -> list[tuple[str, str]]:
    """The names of each op's layers, and how it computes."""
    model = Sequential(layers)
    model.build(shape)
    program = Lowering(model.links(), shape, training)
    return [(" ".join(op.names), op.method) for op in program.ops]


def methods(layers, shape=(16, 16, 1), *, training=True) -> list[str]:
    return [method for _, method in ops(layers, shape, training=training)]


def test_what_follows_a_convolution_goes_with_it():
    assert ops([Conv2D(4, 3), MaxPool2D(), ReLU(), Flatten(), Dense(3), ReLU(), Dense(2)]) == [
        ("", "copy"),
        ("conv2d_1 maxpool2d_1 relu_1", "Toeplitz, 2 columns + pool + bias + ReLU"),
        ("flatten_1", "copy"),
        ("dense_1 relu_2", "product + bias + ReLU"),
        ("dense_2", "product + bias"),
    ]


def test_either_order_of_pooling_and_relu_but_only_one_of_each():
    for rest in ([ReLU(), MaxPool2D()], [MaxPool2D(), ReLU()]):
        assert methods([Conv2D(4, 3, use_bias=False), *rest])[1].endswith("+ pool + ReLU")
    layers = [Conv2D(4, 3, padding="same"), MaxPool2D(), MaxPool2D(), ReLU()]
    assert [names for names, _ in ops(layers)][1:3] == ["conv2d_1 maxpool2d_1", "maxpool2d_2"]


@pytest.mark.parametrize(
    "pool", [MaxPool2D(3), MaxPool2D(2, 1), MaxPool2D(2, 2, "same"), AveragePool2D()], ids=repr
)
def test_other_pooling_is_the_layers_own(pool):
    assert "the layer's own" in methods([Conv2D(4, 3), pool])


@pytest.mark.parametrize(
    ("filters", "kernel", "stride", "method"),
    [
        (8, 3, 1, "Toeplitz, 4 columns"),
        (31, 5, 1, "Toeplitz, 4 columns"),
        (8, 3, 2, "im2col"),
        (32, 3, 1, "Winograd"),
        (32, 5, 1, "im2col"),
        (32, 3, 2, "im2col"),
    ],
)
def test_the_method_of_a_convolution(filters, kernel, stride, method):
    layer = Conv2D(filters, kernel, stride, "same", use_bias=False)
    assert methods([layer], (16, 16, 8))[1] == method


@pytest.mark.parametrize(
    ("width", "method"),
    [(16, "Toeplitz, 4 columns"), (18, "Toeplitz, 2 columns"), (17, "im2col, batch last")],
)
def test_columns_that_divide_the_width(width, method):
    assert methods([Conv2D(4, 3, padding="same", use_bias=False)], (8, width, 1))[1] == method


def test_winograd_needs_some_channels():
    layers = [Conv2D(32, 3), Conv2D(7, 3), Conv2D(8, 3), Conv2D(8, 3)]
    found = [method.split(" +")[0] for method in methods(layers) if method != "copy"]
    assert found == ["im2col", "im2col", "im2col", "Winograd"]


def test_batch_normalization_in_training_is_sums_and_a_scale():
    layers = [Conv2D(4, 3, use_bias=False), BatchNorm(), ReLU(), Dropout(0.5)]
    assert ops(layers)[1:5] == [
        ("conv2d_1", "Toeplitz, 2 columns"),
        ("batchnorm_1", "sums, then join"),
        ("batchnorm_1 relu_1", "scale + shift + ReLU"),
        ("dropout_1", "dropout"),
    ]


def test_in_inference_it_is_folded_into_what_is_before_it():
    layers = [Conv2D(4, 3, use_bias=False), BatchNorm(), MaxPool2D(), ReLU(), Dropout(0.5)]
    layers += [BatchNorm(), Flatten(), Dense(3), BatchNorm(), ReLU()]
    assert methods(layers, training=False) == [
        "copy",
        "Toeplitz, 2 columns + fold BN + pool + bias + ReLU",
        "scale + shift",
        "copy",
        "product + fold BN + bias + ReLU",
    ]


def test_preprocessing_goes_into_the_copy():
    before = [Rescaling(), Normalization(), Rescaling()]
    found = ops([*before, Flatten(), Dense(2)])
    names = "rescaling_1 normalization_1 rescaling_2 flatten_1"
    assert found == [(names, "copy + scale"), ("dense_1", "product + bias")]


def test_both_ways_of_a_residual_connection():
    layers = [Residual([Conv2D(4, 3, 2, "same")], [Conv2D(4, 1, 2)]), ReLU()]
    names = [names for names, _ in ops([Conv2D(2, 3), *layers]) if names]
    assert names == [
        "conv2d_1",
        "residual_1.branch.conv2d_1",
        "residual_1.shortcut.conv2d_1",
        "residual_1 relu_1",
    ]


def test_what_the_engine_does_not_know_is_left_to_the_layer():
    found = methods([Conv2D(2, 3), GELU(), GlobalAveragePool2D(), Twice(3), Centering()])
    own = "the layer's own"
    assert found[2:] == [own, "copy", own, f"{own}, whole batch", f"{own}, whole batch"]


def test_a_subclass_is_not_taken_for_what_it_was_made_from():
    class Shifted(ReLU):
        def forward(self, x, ctx):
            return super().forward(x + 1, ctx)

    assert methods([Dense(3), Shifted()], (4,))[1:] == [
        "product + bias",
        "the layer's own, whole batch",
    ]


def test_what_a_layer_acts_on_says_how_much_of_the_batch_it_gets():
    found = methods([Scale(), Dense(3), Scale()], (4,))
    assert found == ["copy", "the layer's own", "product + bias", "the layer's own"]


def test_dropout_beside_a_layer_of_ones_own_stays_fast():
    found = methods([Residual([Dropout(0.5), Twice(4)]), Dropout(0.5)], (4,))
    own = "the layer's own, whole batch"
    assert found == ["copy", "dropout", own, "add", "dropout"]
