"""Each mistake of the catalog is made on purpose, and named; right passes are not accused."""

# ruff: noqa: ARG005 (each mistake is a function of the same three things)

from dataclasses import dataclass

import numpy as np
import pytest

from numcnn import nn
from numcnn.diagnosis import diagnose
from numcnn.nn.layers import LAYERS
from tests.model_files.samples import SAMPLES

RNG = np.random.default_rng(7)
ROWS, IMAGES = RNG.normal(size=(5, 4)), RNG.normal(size=(3, 6, 5, 2))


def broken(kind, change, **settings):
    """A layer whose backward pass is changed: change(layer, dx, grads, x, dy) -> dx, grads."""
    base = LAYERS[kind]

    class Broken(base):  # type: ignore[misc,valid-type]
        def forward(self, x, ctx):
            self_x[id(ctx)] = x
            return super().forward(x, ctx)

        def backward(self, dy, ctx):
            dx = super().backward(dy, ctx)
            grads = dict(ctx.grads.get(self, {}))
            dx, grads = change(self, dx, grads, self_x[id(ctx)], dy)
            if grads:
                ctx.grads[self] = grads
            return dx

    self_x: dict[int, np.ndarray] = {}
    Broken.__name__ = kind
    return dataclass(eq=False)(Broken)(**settings)


def on(name, make):
    """Change one gradient."""

    def change(layer, dx, grads, x, dy):
        if name == "input":
            return make(dx, x, dy), grads
        return dx, {**grads, name: make(grads[name], x, dy)}

    return change


SQUARE = {"units": 4}
CONV = {"filters": 3, "kernel_size": (3, 2)}
CASES = [
    ("Dense", SQUARE, ROWS, "weight", lambda g, x, dy: -g, "sign is turned"),
    ("Dense", SQUARE, ROWS, "weight", lambda g, x, dy: g * len(x), "1/N is missing"),
    ("Dense", SQUARE, ROWS, "weight", lambda g, x, dy: g / len(x), "divided by N twice"),
    ("Dense", SQUARE, ROWS, "weight", lambda g, x, dy: g.T, "exchanged"),
    ("Dense", SQUARE, ROWS, "weight", lambda g, x, dy: np.outer(x[-1], dy[-1]), "last example"),
    ("Dense", SQUARE, ROWS[:4], "bias", lambda g, x, dy: dy.sum(axis=1), "summed over the units"),
    ("Dense", SQUARE, ROWS, "bias", lambda g, x, dy: dy.mean(axis=0), "averaged over the batch"),
    ("Dense", SQUARE, ROWS, "bias", lambda g, x, dy: 0 * g, "nothing but zeros"),
    ("Conv2D", CONV, IMAGES, "weight", lambda g, x, dy: g[::-1, ::-1], "flipped the kernel"),
    (
        *("Conv2D", CONV, IMAGES, "weight"),
        lambda g, x, dy: np.einsum("nijk,nf->ijkf", x[:, :3, :2], dy[:, 0, 0]),
        "sum over positions is missing",
    ),
    ("Conv2D", CONV, IMAGES, "bias", lambda g, x, dy: dy[:, 0, 0].sum(0), "sum over positions"),
    ("Conv2D", CONV, IMAGES, "bias", lambda g, x, dy: dy.mean((0, 1, 2)), "examples and positions"),
    ("ReLU", {}, ROWS, "input", lambda g, x, dy: dy * (x <= 0), "turned round"),
    ("ReLU", {}, ROWS, "input", lambda g, x, dy: dy * (dy > 0), "after the step"),
    ("ReLU", {}, ROWS, "input", lambda g, x, dy: dy, "passed on unchanged"),
    ("ReLU", {}, ROWS, "input", lambda g, x, dy: 1.0 * (x > 0), "without dy"),
    ("Sigmoid", {}, ROWS, "input", lambda g, x, dy: dy * x * (1 - x), "x (1 - x)"),
    ("Tanh", {}, ROWS, "input", lambda g, x, dy: dy * (1 - x**2), "1 - x^2"),
    ("Tanh", {}, ROWS, "input", lambda g, x, dy: dy * (1 - np.tanh(x)), "square is missing"),
    ("AveragePool2D", {}, IMAGES, "input", lambda g, x, dy: 4 * g, "not divided"),
    (
        *("MaxPool2D", {}, IMAGES[:, :, :4], "input"),
        lambda g, x, dy: dy.repeat(2, 1).repeat(2, 2) / 4,
        "shared out evenly",
    ),
    ("BatchNorm", {}, ROWS, "gamma", lambda g, x, dy: (dy * x).sum(0), "inputs were taken"),
    ("BatchNorm", {}, ROWS, "beta", lambda g, x, dy: dy.mean(0), "averaged, not summed"),
]


@pytest.mark.parametrize(
    ("kind", "settings", "x", "where", "make", "named"), CASES, ids=[case[-1] for case in CASES]
)
def test_a_mistake_is_named(kind, settings, x, where, make, named):
    (mistake,) = diagnose(broken(kind, on(where, make), **settings), x)
    assert mistake.where == where
    assert named in mistake.what
    assert str(mistake) == f"gradient of {where}: {mistake.what}"


def batch_norm(dx, x, dy, *, mean=True, variance=True, count=0):
    normal, sigma = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3), np.sqrt(x.var(0) + 1e-3)
    slope = dy.copy()
    part = normal * (slope * normal).mean(0) * (len(x) / (len(x) - 1) if count else 1)
    return (slope - mean * slope.mean(0) - variance * part) / sigma


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"mean": False, "variance": False}, "taken for constants"),
        ({"variance": False}, "term of the variance"),
        ({"mean": False}, "term of the mean"),
        ({"count": 1}, "count - 1"),
    ],
)
def test_mistakes_of_batch_normalization_are_named(settings, named):
    def change(layer, dx, grads, x, dy):
        return batch_norm(dx, x, dy * layer.params["gamma"], **settings), grads

    (mistake,) = diagnose(broken("BatchNorm", change, epsilon=1e-3), ROWS)
    assert named in mistake.what


def test_a_kernel_that_was_not_turned_is_named():
    def change(layer, dx, grads, x, dy):
        wrong = np.zeros_like(x)
        for row in range(dy.shape[1]):
            for column in range(dy.shape[2]):
                turned = layer.params["weight"][::-1, ::-1]
                here = np.einsum("nf,ijkf->nijk", dy[:, row, column], turned)
                wrong[:, row : row + 3, column : column + 2] += here
        return wrong, grads

    (mistake,) = diagnose(broken("Conv2D", change, **CONV), IMAGES)
    assert "wrong way round" in mistake.what


def test_a_mistake_that_nobody_knows_is_told_as_that():
    change = on("weight", lambda g, x, dy: g + 1)
    (mistake,) = diagnose(broken("Dense", change, **SQUARE), ROWS)
    assert mistake.what == ""
    assert "none of the known ways" in str(mistake)


def test_what_is_missing_is_told():
    def change(layer, dx, grads, x, dy):
        return dx, {"weight": grads["weight"]}

    (mistake,) = diagnose(broken("Dense", change, **SQUARE), ROWS)
    assert "ctx.grads" in mistake.what


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_no_right_layer_is_accused(name):
    layers = SAMPLES[name]()
    x = np.random.default_rng(3).normal(size=(3, 8, 6, 2))
    # Away from corners and from ties.
    x += 0.05 * np.sign(x)
    for layer in layers[:1]:
        assert diagnose(layer, x) == ()


def test_what_is_too_much_is_refused():
    with pytest.raises(ValueError, match="2 layers"):
        diagnose([nn.ReLU(), nn.ReLU()], ROWS)
    with pytest.raises(ValueError, match="at most 4,000"):
        diagnose(nn.ReLU(), np.zeros((10, 1000)))


def test_the_gradient_check_names_it():
    layer = broken("Dense", on("weight", lambda g, x, dy: -g), **SQUARE)
    with pytest.raises(ValueError, match="gradient of weight: its sign is turned"):
        nn.check_gradients(layer, ROWS, diagnose=True)
    assert nn.check_gradients(nn.Dense(3), ROWS, diagnose=True) < 1e-6
