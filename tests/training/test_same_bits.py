"""The same seed gives the same weights, whatever the machine offers; else it is said."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from numcnn.augmentation import Compose, GaussianNoise, RandomAffine
from numcnn.data import Dataset
from numcnn.engine import blas
from numcnn.model_files import read_arrays, write_arrays
from numcnn.nn import (
    BatchNorm,
    Context,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    Normalization,
    ReLU,
    Sequential,
)
from numcnn.training import ReproducibilityWarning, fit
from numcnn.training.checkpoint import checkpoint_shards, checksum
from tests.engine.agreement import fake_hardware
from tests.engine.test_blas import set_threads
from tests.training.tasks import At, Crash, CrashAt, train

SIDE = 12


def network() -> Sequential:
    """As the recipe four-conv-batchnorm, and with a dense weight of a million numbers."""
    layers = [Normalization()]
    for filters in (32, 64):
        layers += [Conv2D(filters, 3, padding="same"), BatchNorm(), ReLU(), MaxPool2D()]
    return Sequential([*layers, Flatten(), Dropout(0.3), Dense(1200), ReLU(), Dense(3)])


def trained(**settings) -> Sequential:
    """With augmentation, and a last batch that is smaller than the others."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (150, SIDE, SIDE, 1)).astype(np.uint8)
    data = Dataset(images, np.arange(150) % 3, ("a", "b", "c"), "few")
    model = network()
    fit(
        model,
        data,
        epochs=2,
        batch_size=64,
        validation_split=0.1,
        augmentation=Compose((RandomAffine(rotation=15, shift=0.1), GaussianNoise(8))),
        seed=3,
        progress="none",
        **settings,
    )
    return model


def assert_same(one: Sequential, other: Sequential) -> None:
    assert_array_equal(one.parameters, other.parameters)
    assert_array_equal(one.statistics, other.statistics)


@pytest.mark.slow
def test_however_many_workers_there_are(monkeypatch):
    shards = []
    with fake_hardware(shards=4):
        expected = trained(threads=1)
        with expected.training_engine() as engine:
            shards += [engine.plan(size).shards for size in (64, 7, 3)]
        for threads in (2, 3, 4, 9):
            assert_same(trained(threads=threads), expected)
    assert shards == [4, 4, 3]


PROGRAM = """
import os, sys
if sys.argv[1] != "all":
    os.sched_setaffinity(0, {int(sys.argv[1])})
import hashlib
from numcnn.data import load
from numcnn.recipes import RECIPES
from numcnn.training import fit
from tests.training.test_same_bits import trained

def show(model):
    print(hashlib.sha256(model.parameters.tobytes() + model.statistics.tobytes()).hexdigest())

show(trained())
recipe, data = RECIPES["digits"], load("digits").train
model = recipe.new_network(data.image_shape, len(data.classes))
fit(model, data, epochs=2, batch_size=recipe.batch_size or len(data), seed=1, loss=recipe.loss,
    optimizer=recipe.new_optimizer(), augmentation=recipe.augmentation, average=recipe.average,
    validation_split=0.1, progress="none")
show(model)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs an affinity")
def test_whichever_cores_the_process_may_use():
    found = {}
    for cores in ("all", str(min(os.sched_getaffinity(0)))):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, cores], capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        found[cores] = done.stdout.split()
    (all_cores, one) = found.values()
    assert len(all_cores) == 2
    assert all_cores == one


def test_another_number_of_shards_gives_other_bits():
    with fake_hardware():
        # Or the tests above would show nothing.
        one, four = trained(shards=1), trained(shards=4)
    difference = np.abs(one.parameters - four.parameters).max()
    assert 0 < difference < 1e-2


@pytest.mark.parametrize("batch_size", [8, 13, 64])
def test_two_processes_with_half_the_shards_find_the_same_sums(batch_size):
    """What ranks will do: a half of the batch each, and then one addition."""
    layers = [Conv2D(8, 3), ReLU(), MaxPool2D(), Flatten(), Dense(600), ReLU(), Dense(3)]
    model = Sequential(layers)
    model.build((SIDE, SIDE, 1))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch_size, SIDE, SIDE, 1)).astype(np.float32)
    dy = rng.normal(size=(batch_size, 3)).astype(np.float32)

    def gradient(part: slice, shards: int) -> np.ndarray:
        ctx = Context(training=True)
        with model.training_engine(shards=shards) as engine:
            engine.forward(x[part], ctx)
            return engine.backward(dy[part], ctx).copy()

    with fake_hardware():
        middle = batch_size // 2
        halves = gradient(slice(middle), 2) + gradient(slice(middle, None), 2)
        assert_array_equal(halves, gradient(slice(None), 4))
        assert not np.array_equal(halves, gradient(slice(None), 1))


class TestAResumedTraining:
    @staticmethod
    def crash(path, **settings):
        with pytest.raises(Crash):
            train(checkpoint=path, callbacks=[CrashAt(3)], **settings)

    def test_goes_on_with_the_shards_of_its_checkpoint(self, tmp_path):
        with fake_hardware(shards=4):
            expected, _ = train(shards=2)
            assert not np.array_equal(train()[0].parameters, expected.parameters)
            self.crash(tmp_path / "c", shards=2)
            assert checkpoint_shards(tmp_path / "c") == 2
            resumed, _ = train(checkpoint=tmp_path / "c", resume=True)
        assert_same(resumed, expected)

    def test_refuses_other_shards(self, tmp_path):
        self.crash(tmp_path / "c", shards=2)
        with pytest.raises(ValueError, match="shards was 2 and is 8; resume with the same ones"):
            train(checkpoint=tmp_path / "c", resume=True, shards=8)

    def test_by_the_layers_has_no_shards(self, tmp_path):
        self.crash(tmp_path / "c", engine="layers", shards=2)
        assert checkpoint_shards(tmp_path / "c") is None
        train(checkpoint=tmp_path / "c", resume=True, engine="layers", shards=8)

    def test_that_knows_of_no_shards_says_so_and_goes_on(self, tmp_path):
        expected, _ = train()
        self.crash(tmp_path / "c")
        arrays, header = read_arrays(tmp_path / "c", "checkpoint")
        del header["settings"]["shards"], header["computed_by"], header["checksum"]
        write_arrays(tmp_path / "c", arrays, header)
        with pytest.warns(ReproducibilityWarning, match="unknown number of shards") as said:
            resumed, _ = train(checkpoint=tmp_path / "c", resume=True)
        assert len(said) == 1
        assert_same(resumed, expected)

    @pytest.mark.parametrize("name", ["NumPy", "BLAS"])
    def test_says_once_that_something_else_computes(self, tmp_path, name):
        expected, _ = train()
        self.crash(tmp_path / "c")
        arrays, header = read_arrays(tmp_path / "c", "checkpoint")
        assert header["computed_by"] == {"NumPy": np.__version__, "BLAS": blas.blas_kernels()}
        header["computed_by"][name] = "of long ago"
        header["checksum"] = checksum(arrays, header)
        write_arrays(tmp_path / "c", arrays, header)
        with pytest.warns(ReproducibilityWarning) as said:
            resumed, _ = train(checkpoint=tmp_path / "c", resume=True)
        (line,) = [str(warning.message) for warning in said]
        assert f"written with {name} of long ago instead of " in line
        assert "\n" not in line
        assert_same(resumed, expected)

    def test_of_a_version_that_called_shards_lanes(self, tmp_path):
        expected, _ = train(shards=2)
        self.crash(tmp_path / "c", shards=2)
        arrays, header = read_arrays(tmp_path / "c", "checkpoint")
        header["settings"]["lanes"] = header["settings"].pop("shards")
        header["checksum"] = checksum(arrays, header)
        write_arrays(tmp_path / "c", arrays, header)
        assert_same(train(checkpoint=tmp_path / "c", resume=True)[0], expected)

    @pytest.mark.parametrize("shards", [3, "4", -1, [4]])
    def test_with_shards_that_are_none_is_damaged(self, tmp_path, shards):
        self.crash(tmp_path / "c")
        arrays, header = read_arrays(tmp_path / "c", "checkpoint")
        header["settings"]["shards"] = shards
        write_arrays(tmp_path / "c", arrays, header)
        with pytest.raises(ValueError, match=r"c: shards is .*no power of two"):
            train(checkpoint=tmp_path / "c", resume=True)


@pytest.mark.parametrize("shards", [0, 3, True, "4"])
def test_shards_that_are_none(shards):
    with pytest.raises(ValueError, match=r"shards is .*; give a power of two from 1 to"):
        train(shards=shards)


@pytest.mark.parametrize("engine", ["auto", "layers"])
def test_blas_let_loose_meanwhile_is_said_once(engine):
    before = [library.get() for library in blas._libraries()]
    loose = [At(epoch, batch, lambda: set_threads(2)) for epoch in (2, 3) for batch in (2, 3)]
    try:
        with pytest.warns(ReproducibilityWarning, match="several threads in epoch 2") as said:
            train(engine=engine, callbacks=loose)
        assert len(said) == 1
    finally:
        for library, threads in zip(blas._libraries(), before, strict=True):
            (library._force or library.set)(threads)


def test_a_training_left_alone_says_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train()
