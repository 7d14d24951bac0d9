"""A whole training comes to one hash, whatever the order of its sums."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from numcnn.augmentation import Compose, HorizontalFlip, PaddedCrop, RandomAffine
from numcnn.data import Dataset
from numcnn.exact import array, executor, functions, sums, weights_sha256
from numcnn.nn import (
    GELU,
    SGD,
    Adam,
    AveragePool2D,
    BatchNorm,
    Context,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    LayerNorm,
    MaxPool2D,
    Normalization,
    OneCycle,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    Tanh,
    WarmUp,
)
from numcnn.training import evaluate, fit
from tests.exact.orders import random_order
from tests.training.tasks import Crash, CrashAt

SHA256 = "424a47ba182da08a7c3e69ef11fce9f01da004c9e034a1b52a05ca2558eba2f0"
"""What `trained` comes to, on every machine."""

EPOCHS = 2


def data(count: int = 70, side: int = 10) -> Dataset:
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    images = rng.integers(0, 200, (count, side, side, 1)) + 25 * labels[:, None, None, None]
    return Dataset(images.astype(np.uint8), labels, ("a", "b", "c"), "few")


def network() -> Sequential:
    branch = [Conv2D(6, 3, padding="same", use_bias=False), BatchNorm(), Tanh()]
    return Sequential(
        [
            Normalization(),
            Conv2D(6, 3, padding="same"),
            BatchNorm(),
            ReLU(),
            MaxPool2D(),
            Residual(branch),
            GELU(),
            AveragePool2D(),
            Flatten(),
            Dropout(0.2),
            Dense(12),
            LayerNorm(),
            Sigmoid(),
            Dense(3),
        ]
    )


def trained(**changed) -> Sequential:
    """With everything in it that promises its bits, and a last batch that is smaller."""
    model = network()
    given = {
        "epochs": EPOCHS,
        "batch_size": 32,
        "validation_split": 0.1,
        "optimizer": Adam(learning_rate=WarmUp(OneCycle(0.01), 0.5), weight_decay=0.01),
        "loss": SoftmaxCrossEntropy(label_smoothing=0.1),
        "augmentation": Compose(
            (RandomAffine(rotation=15, shift=0.1), PaddedCrop(1), HorizontalFlip())
        ),
        "average": 0.9,
        "seed": 3,
        "progress": "none",
        "engine": "exact",
    }
    fit(model, data(), **(given | changed))
    return model


def test_the_hash_is_the_one_that_was_seen_elsewhere():
    # On processors of AMD and Intel, with Python 3.11 to 3.13 and NumPy 2.0 to 2.4.
    assert weights_sha256(trained()) == SHA256


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_however_many_threads(threads):
    with threadpool_limits(threads, "blas"):
        assert weights_sha256(trained(threads=threads)) == SHA256


@settings(max_examples=5)
@given(st.integers(0, 2**32 - 1))
def test_in_whatever_order_a_library_sums(seed):
    with random_order(seed):
        assert weights_sha256(trained(threads=1)) == SHA256


@pytest.mark.parametrize("piece", [1, 2_000, 10**9])
def test_however_the_batch_is_cut(piece):
    with patch.object(executor, "_PIECE", piece):
        assert weights_sha256(trained()) == SHA256


@pytest.mark.parametrize("block", [64, 1_000])
def test_however_large_arrays_are_cut(block):
    with patch.object(sums, "_BLOCK", block):
        assert weights_sha256(trained()) == SHA256


def test_a_training_that_was_killed_and_resumed(tmp_path):
    with pytest.raises(Crash):
        trained(checkpoint=tmp_path / "c", callbacks=[CrashAt(2, 1)])
    resumed = trained(checkpoint=tmp_path / "c", resume=True)
    assert weights_sha256(resumed) == SHA256


def test_sums_that_are_rounded_are_seen():
    # The test of the tests above: in float32, as a library usually sums, the order shows.
    found = set()
    for seed in range(2):
        with random_order(seed, np.float32):
            found.add(weights_sha256(trained(threads=1)))
    assert len(found) > 1


def slightly_larger(function):
    """The same function, whose results are larger by a few of float32's roundings."""

    def changed(*args, **kwargs):
        result = function(*args, **kwargs)
        if result is not None:
            return result * (1 + 3e-7)
        args[-1][...] *= 1 + 3e-7  # it wrote into its last argument
        return None

    return changed


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (sums, "multiply"),
        (sums, "add_up"),
        *((functions, name) for name in ("exp", "log", "tanh", "normal", "pow", "cos")),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_kind_of_operation_decides_the_hash(place, name):
    changed, known = slightly_larger(getattr(place, name)), array._FUNCTIONS
    # NumPy's functions find theirs in a table.
    entries = {ufunc: changed for ufunc, made in known.items() if made.__name__ == name}
    with patch.object(place, name, changed), patch.dict(known, entries):
        assert weights_sha256(trained()) != SHA256


class Sneaky(Layer):
    """Sums where it cannot be seen."""

    def forward(self, x, ctx):
        ctx.save(self, x.shape)
        return np.asarray(x) - np.asarray(x).mean(axis=0)

    def backward(self, dy, ctx):
        return dy


def test_what_cannot_be_seen_is_refused():
    layers = [Sneaky(), Flatten(), Dense(3)]
    with pytest.raises(ValueError, match="sneaky_1's forward made a plain array"):
        fit(Sequential(layers), data(), epochs=1, engine="exact", progress="none")
    with pytest.raises(ValueError, match="learning_rate"):
        trained(optimizer=SGD(learning_rate=lambda _epoch, _epochs: 0.1))
    with pytest.raises(ValueError, match="augmentation is"):
        trained(augmentation=lambda images, _rng: images)


def test_outputs_of_an_example_do_not_depend_on_the_others():
    model, images = trained(epochs=1), data().images
    whole = model.outputs(images, engine="exact")
    for size in (1, 7):
        part = model.outputs(images[:size], 3, engine="exact")
        assert np.asarray(part).tobytes() == np.asarray(whole)[:size].tobytes()
    np.testing.assert_allclose(np.asarray(whole), model.outputs(images), rtol=1e-3, atol=1e-4)


def test_gradients_are_the_layers_own():
    model = network()
    model.build((10, 10, 1), seed=0)
    images, labels = data(16).images.astype(np.float32) / 255, data(16).labels
    gradients = []
    for engine in ("layers", "exact"):
        with model.executor(engine).training_passes(None, None) as passes:
            ctx = Context(training=True, rng=np.random.default_rng(0))
            outputs = passes.forward(images, ctx)
            _, dy = SoftmaxCrossEntropy().value_and_gradient(outputs, labels)
            gradients.append(np.array(passes.backward(dy, ctx)))
    largest = np.abs(gradients[0]).max()
    np.testing.assert_allclose(*gradients, rtol=2e-3, atol=1e-5 * largest)


def test_values_and_other_losses_too():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 5)).astype(np.float32), rng.integers(0, 2, (40, 3))
    hashes = set()
    for seed in range(2):
        model = Sequential([Dense(8), ReLU(), Dense(3)])
        with random_order(seed):
            fit(
                model, x, y, loss=SigmoidCrossEntropy(), epochs=2, engine="exact",
                threads=1, progress="none",
            )  # fmt: skip
        hashes.add(weights_sha256(model))
    assert len(hashes) == 1


def test_evaluation_has_one_result():
    model, few = trained(epochs=1), data()
    results = set()
    for seed in range(2):
        with random_order(seed):
            results.add(evaluate(model, few, engine="exact").loss)
    assert len(results) == 1


def test_global_average_pooling():
    model = Sequential([Conv2D(4, 3), GlobalAveragePool2D()])
    model.build((6, 6, 1), seed=0)
    assert model.outputs(np.zeros((2, 6, 6, 1)), engine="exact").shape == (2, 4)
