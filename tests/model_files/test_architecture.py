"""What a model file may ask for, whatever its size: limits, types, and memory."""

import json
import re
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from numcnn.model_files import load_model, save_model, write_arrays
from numcnn.model_files.architecture import MOST_DEPTH, MOST_LAYERS
from numcnn.model_files.array_file import MOST_HEADER_BYTES, MOST_HEADER_VALUES
from numcnn.nn import Dense, Flatten, Normalization, ReLU, Residual, Sequential
from numcnn.nn.layers import LAYERS
from tests.model_files.samples import SAMPLES, SHAPE

TWO = np.ones(2, np.float32)


def content(
    layers: list[Any], shape: Any = (2,), arrays: dict[str, Any] | None = None, **changes: Any
) -> bytes:
    header = {
        "kind": "model",
        "format_version": 1,
        "architecture": {"input_shape": shape, "layers": layers},
        "classes": ["a", "b"],
        "card": {},
    } | changes
    return save(arrays or {}, metadata={"numcnn": json.dumps(header)})


def layer(name: str, **settings: Any) -> dict[str, Any]:
    return {"layer": name, **settings}


def dense(**settings: Any) -> dict[str, Any]:
    return layer("Dense", units=2, use_bias=False, **settings)


WEIGHT = {"dense_1.weight": np.ones((2, 2), np.float32)}
NORMS = [layer("BatchNorm")]
NORM_ARRAYS = {f"batchnorm_1.{name}": TWO for name in ("gamma", "beta", "mean", "variance")}


@pytest.fixture
def refusal(tmp_path: Path):
    """Load a file of some content; give what is said, or nothing, and the peak of memory."""

    def load(content: bytes) -> tuple[str, int]:
        path = tmp_path / "given.safetensors"
        path.write_bytes(content)
        tracemalloc.start()
        try:
            load_model(path)
            said = ""
        except ValueError as error:
            said = str(error)
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert not said or said.startswith(f"{path}: ")
        assert "\n" not in said
        return said, peak

    return load


def test_what_is_right_loads(refusal):
    for layers, arrays in (
        ([dense()], WEIGHT),
        (NORMS, NORM_ARRAYS),
        ([layer("ReLU")] * 1000, {}),
        ([layer("Rescaling", scale=2, offset=-1)], {}),
    ):
        assert refusal(content(layers, arrays=arrays))[0] == ""


def nested(depth: int) -> dict[str, Any]:
    inner = layer("ReLU")
    for _ in range(depth):
        inner = layer("Residual", branch=[inner], shortcut=[])
    return inner


def test_as_deep_as_allowed_loads(refusal):
    assert refusal(content([nested(MOST_DEPTH)]))[0] == ""


ALIKE = {"padding": "same", "stride": 1}
TOO_MUCH: dict[str, tuple[bytes, str]] = {
    "a BatchNorm of a large image": (
        content([layer("Flatten"), *NORMS], [8192, 8192, 1]),
        "batchnorm_1.gamma is missing from the file",
    ),
    "a Normalization of a large image": (
        content([layer("Flatten"), layer("Normalization")], [8192, 8192, 1]),
        "normalization_1.mean is missing",
    ),
    "a larger image": (content([layer("ReLU")], [65536, 4096, 1]), "the limit is 67,108,864"),
    "many features": (content([layer("ReLU")], [10**12]), "the limit is"),
    "many axes": (content([layer("ReLU")], [1] * 1000), "not a list of sizes"),
    "many layers": (content([layer("ReLU")] * (MOST_LAYERS + 1)), "more than 10,000 layers"),
    "many layers with statistics": (content(NORMS * 20_000, [6800]), "more than 10,000 layers"),
    "many layers inside": (
        content([layer("Residual", branch=[layer("ReLU")] * MOST_LAYERS)]),
        "more than 10,000 layers",
    ),
    "layers inside layers": (content([nested(MOST_DEPTH + 1)]), "more than 100 deep"),
    "a large pooling window": (
        content([layer("MaxPool2D", pool_size=65536, **ALIKE)], [28, 28, 1]),
        "a window of 65536 x 65536",
    ),
    "a pooling window of many small steps": (
        content([layer("AveragePool2D", pool_size=2000, stride=1)], [4000, 4000, 1]),
        "is too much work",
    ),
    "a window that pads much": (
        content([layer("MaxPool2D", pool_size=[1, 60_000], **ALIKE)], [8192, 28, 1]),
        "is too much work|padded input",
    ),
    "a convolution that makes many numbers": (
        content(
            [layer("Conv2D", filters=200, kernel_size=1, use_bias=False)],
            [1000, 1000, 1],
            {"conv2d_1.weight": np.ones((1, 1, 1, 200), np.float32)},
        ),
        "conv2d_1 has 200000000 numbers an example",
    ),
    "a number of thousands of digits": (
        content([dense(temperature=0) | {"units": 10**400}]),
        "do not fit",
    ),
    "units that the file does not hold": (
        content([dense()], [3], WEIGHT),
        r"dense_1.weight is \(2, 2\), but this model's is \(3, 2\)",
    ),
    "the same inside": (
        content([layer("Residual", branch=[dense()])], [3]),
        "residual_1.branch.dense_1.weight is missing",
    ),
    "a shortcut that does not meet": (
        content([layer("Residual", branch=[layer("Flatten")])], [2, 1, 1]),
        "the branch turns",
    ),
    "a long header": (
        content([layer("ReLU")], card={"text": "x" * MOST_HEADER_BYTES}),
        "its header has",
    ),
    "many values": (
        content([layer("ReLU")], card={"list": [0] * MOST_HEADER_VALUES}),
        "more than 1,000,000 values",
    ),
}


@pytest.mark.parametrize(("content", "words"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_too_much_is_refused_before_memory_is_taken(refusal, content, words):
    said, peak = refusal(content)
    assert re.search(words, said), said
    assert peak < 8_000_000 + 6 * len(content)


def test_memory_is_a_small_multiple_of_a_large_file(refusal):
    weight = np.ones((2000, 2000), np.float32)
    names = [str(number) for number in range(2000)]
    one = layer("Dense", units=2000, use_bias=False)
    data = content([one], [2000], {"dense_1.weight": weight}, classes=names)
    said, peak = refusal(data)
    assert said == ""
    assert peak < 5 * len(data)


WRONG_VALUES = [
    (layer("Rescaling", scale="0.5"), "scale is '0.5'; give a number"),
    (layer("Rescaling", scale=True), "scale is True; give a number"),
    (layer("Rescaling", scale=None), "scale is None; give a number"),
    (layer("Rescaling", scale=[1]), "scale is"),
    (layer("Rescaling", scale=0), "scale is 0, which makes all inputs the same"),
    (layer("Rescaling", scale=1e39), "scale is 1e\\+39; give a number"),
    (layer("Rescaling", scale=10**400), "scale is 1000.*; give a number"),
    (layer("Rescaling", offset="0"), "offset is '0'; give a number"),
    (layer("Dropout", rate="0.5"), "rate is '0.5'; give a number"),
    (layer("Dropout", rate=1), "rate is 1; give a number"),
    (layer("LeakyReLU", negative_slope=False), "negative_slope is False"),
    (layer("GELU", approximate=1), "approximate is 1"),
    (layer("Softmax", axis=1), "do not fit"),
    (layer("BatchNorm", momentum="0.9"), "momentum is '0.9'"),
    (layer("BatchNorm", epsilon=0), "epsilon is 0"),
    (layer("BatchNorm", epsilon=-1e-5), "epsilon is -1e-05"),
    (layer("Dense", units=True), "units is True; give an integer"),
    (layer("Dense", units=2.0), "units is 2.0; give an integer"),
    (layer("Dense", units="2"), "units is '2'; give an integer"),
    (layer("Dense", units=2, use_bias=0), "use_bias is 0; give True or False"),
    (layer("Dense", units=2, use_bias="no"), "use_bias is 'no'; give True or False"),
    (layer("Dense", units=2, initializer=["he_normal"]), "do not fit"),
    (layer("Conv2D", filters=1, kernel_size=[1, True]), "kernel_size is"),
    (layer("Conv2D", filters=1, kernel_size="3"), "kernel_size is '3'"),
    (layer("Conv2D", filters=1, padding=1), "padding is 1"),
    (layer("Conv2D", filters=1, use_bias=None), "use_bias is None"),
    (layer("MaxPool2D", stride=0), "stride is 0"),
    (layer("Residual", branch=[]), "branch is empty"),
    (layer("Residual", branch="ReLU"), "is not a layer"),
    (layer("Residual", branch=3), "do not fit"),
    ("ReLU", "a layer is described by 'ReLU'"),
    (["ReLU"], "a layer is described by"),
]


@pytest.mark.parametrize(("one", "words"), WRONG_VALUES, ids=lambda value: str(value)[:50])
def test_a_setting_of_another_type_or_range_is_refused(refusal, one, words):
    said, _ = refusal(content([one]))
    assert re.search(words, said), said
    assert "get the file again" in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format_version": True}, "written in format True"),
        ({"format_version": 0}, "written in format 0"),
        ({"format_version": 1.0}, "written in format 1.0"),
        ({"architecture": []}, "'architecture' is missing, or not what"),
        ({"architecture": {"layers": {}}}, "no list of layers"),
        ({"architecture": {"layers": []}}, "input_shape is not a list of sizes"),
        ({"architecture": {"layers": [], "input_shape": [2]}}, "layers is empty"),
        ({"architecture": {"layers": [], "input_shape": "22"}}, "not a list of sizes"),
        ({"architecture": {"layers": [], "input_shape": [True]}}, "input_shape is True"),
        ({"architecture": {"layers": [], "input_shape": [2.0]}}, "input_shape is 2.0"),
        ({"classes": "ab"}, "'classes' is missing, or not what"),
        ({"classes": {"a": 0, "b": 1}}, "'classes' is missing, or not what"),
        ({"classes": [0, 1]}, "a class name is not text"),
        ({"classes": ["a", "b" * 100_000]}, "a class name is not text of at most 1,000"),
        ({"card": ["a"]}, "'card' is missing, or not what"),
        ({"card": {"accuracy": float("nan")}}, "NaN is not a finite number"),
        ({"card": {"accuracy": float("inf")}}, "Infinity is not a finite number"),
    ],
)
def test_another_part_of_the_header_is_held_to_its_type(refusal, changes, words):
    said, _ = refusal(content([layer("ReLU")], **changes))
    assert re.search(words, said), said


def test_a_name_that_comes_twice_is_refused(refusal):
    data = content([layer("ReLU")])
    twice = data.replace(rb"\"card\":", rb"\"kind\":")
    assert twice != data
    assert "a name comes twice" in refusal(twice)[0]


def test_a_number_that_overflows_is_refused(refusal):
    data = content([layer("ReLU")], card={"accuracy": 12345})
    assert "9e999 is not a finite number" in refusal(data.replace(b"12345", b"9e999"))[0]


@pytest.mark.parametrize("value", [-1.0, -1e-30])
def test_a_negative_variance_is_refused(refusal, value):
    arrays = NORM_ARRAYS | {"batchnorm_1.variance": np.array([1, value], np.float32)}
    assert "batchnorm_1.variance holds numbers below 0" in refusal(content(NORMS, arrays=arrays))[0]


@pytest.mark.parametrize("value", [-1.0, 0.0])
def test_a_normalization_cannot_divide_by_its_variance(refusal, value):
    arrays = {"mean": TWO, "variance": np.array([value, 1], np.float32)}
    data = content(
        [layer("Normalization")],
        arrays={f"normalization_1.{name}": array for name, array in arrays.items()},
    )
    assert "normalization_1.variance holds numbers that are not above 0" in refusal(data)[0]


def test_a_layer_says_its_arrays_before_it_makes_them():
    """What `array_shapes` announces is what `build` makes, for every layer of every kind."""
    assert set(SAMPLES) == set(LAYERS)
    for make in SAMPLES.values():
        shape = SHAPE
        for one in make():
            announced = dict(one.array_shapes(shape))
            shape = one.build(shape, np.random.default_rng(0))
            made = {name: array.shape for name, array in (*one.params.items(), *one.state.items())}
            assert announced == made


def test_not_enough_memory_is_said_as_such(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    model = Sequential([Dense(2)])
    model.build((2,))
    save_model(path, model)

    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Sequential, "build", no_memory)
    with pytest.raises(MemoryError, match=r"model\.safetensors: not enough memory for a model of"):
        load_model(path)


class TestWhatCouldNotBeRead:
    """Nothing is written that would be refused."""

    def test_a_long_header(self, tmp_path):
        with pytest.raises(ValueError, match="too many to be read again; leave something out"):
            write_arrays(tmp_path / "x", {}, {"text": "x" * MOST_HEADER_BYTES})

    def test_many_values(self, tmp_path):
        with pytest.raises(ValueError, match="too many to be read again"):
            write_arrays(tmp_path / "x", {}, {"list": [0] * MOST_HEADER_VALUES})

    def test_a_long_class_name(self, tmp_path):
        model = Sequential([Flatten(), Dense(2)])
        model.build((2,))
        with pytest.raises(ValueError, match="has 2,000 characters; give at most 1,000"):
            save_model(tmp_path / "x", model, ["a", "b" * 2000])

    def test_class_names_that_are_numbers_come_back_as_text(self, tmp_path):
        model = Sequential([Residual([ReLU()]), Normalization(), Dense(2)])
        model.build((2,))
        save_model(tmp_path / "x", model, [3, 4])  # type: ignore[list-item]
        assert load_model(tmp_path / "x").classes == ("3", "4")
