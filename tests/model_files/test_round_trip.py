"""A model comes back from its file as it was, with all that is needed to use it."""

import ast
import json
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from safetensors import safe_open
from safetensors.numpy import load_file

import numcnn.model_files
import numcnn.training
from numcnn.model_files import (
    FORMAT_VERSION,
    load_model,
    read_arrays,
    save_model,
    write_arrays,
)
from numcnn.nn import Dense, Flatten, Layer, Sequential
from numcnn.nn.layers import LAYERS
from tests.model_files.samples import (
    CARD,
    CLASSES,
    SAMPLES,
    SHAPE,
    digest,
    network,
    pixels,
    trained,
    with_layer,
)


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "model.safetensors"


def header_of(file):
    with safe_open(file, framework="numpy") as opened:
        (text,) = opened.metadata().values()
    return json.loads(text)


def test_there_is_a_sample_of_every_layer():
    assert set(SAMPLES) == set(LAYERS)


class TestEveryLayer:
    @pytest.mark.parametrize("name", SAMPLES)
    def test_predicts_the_same_bits_afterwards(self, name, file):
        model = with_layer(name)
        save_model(file, model)
        loaded = load_model(file).model
        assert_array_equal(loaded.outputs(pixels()), model.outputs(pixels()))

    @pytest.mark.parametrize("name", SAMPLES)
    def test_has_its_settings_afterwards(self, name, file):
        model = with_layer(name)
        save_model(file, model)
        loaded = load_model(file).model
        assert json.dumps(loaded.config()) == json.dumps(model.config())
        assert (loaded.input_shape, loaded.output_shape) == (SHAPE, (3,))

    @pytest.mark.parametrize("name", SAMPLES)
    def test_saved_again_gives_the_same_bytes(self, name, file, tmp_path):
        save_model(file, with_layer(name), CLASSES, CARD)
        loaded = load_model(file)
        save_model(tmp_path / "again.safetensors", loaded.model, loaded.classes, loaded.card)
        assert (tmp_path / "again.safetensors").read_bytes() == file.read_bytes()


@final
@dataclass(eq=False)
class Scale(Layer):
    """A layer of a user's own."""

    def build(self, input_shape, rng):
        self.params = {"factor": np.ones(input_shape, np.float32)}
        return input_shape

    def forward(self, x, ctx):
        return x * self.params["factor"]

    def backward(self, dy, ctx):
        raise NotImplementedError


class TestAnOwnLayer:
    def test_comes_back_if_it_is_made_known(self, file):
        model = trained(Sequential([Flatten(), Scale()]))
        save_model(file, model)
        loaded = load_model(file, {**LAYERS, "Scale": Scale}).model
        assert_array_equal(loaded.outputs(pixels()), model.outputs(pixels()))

    def test_is_refused_if_it_is_not(self, file):
        save_model(file, trained(Sequential([Flatten(), Scale()])))
        with pytest.raises(ValueError, match="layer 'Scale' is unknown; known are"):
            load_model(file)


class TestEqualModels:
    def test_give_equal_bytes(self, tmp_path):
        (tmp_path / "one").mkdir()
        (tmp_path / "other").mkdir()
        assert digest(tmp_path / "one") == digest(tmp_path / "other")

    @pytest.mark.slow
    @pytest.mark.parametrize("hash_seed", ["1", "2"])
    def test_give_equal_bytes_in_another_process(self, hash_seed, tmp_path):
        code = (
            "import sys, pathlib; from tests.model_files.samples import digest; "
            "sys.stdout.write(digest(pathlib.Path(sys.argv[1])))"
        )
        (tmp_path / "other").mkdir()
        answer = subprocess.run(
            [sys.executable, "-c", code, tmp_path / "other"],
            cwd=Path(__file__).resolve().parents[2],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert answer.stdout == digest(tmp_path)

    def test_give_equal_bytes_whatever_the_order_of_the_card(self, tmp_path):
        for name, card in [("a", CARD), ("b", dict(reversed(CARD.items())))]:
            save_model(tmp_path / name, network(), CLASSES, card)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_and_no_others_do(self, tmp_path):
        model = network()
        save_model(tmp_path / "a", model)
        model.parameters[7] = np.nextafter(model.parameters[7], np.float32(9))
        save_model(tmp_path / "b", model)
        assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()


class TestWhatTheFileHolds:
    def test_comes_back(self, file):
        save_model(file, network(), CLASSES, CARD)
        loaded = load_model(file)
        assert loaded.classes == CLASSES
        assert loaded.card == CARD

    def test_are_numbers_for_classes_without_names(self, file):
        save_model(file, network())
        assert load_model(file).classes == ("0", "1", "2")

    def test_is_an_empty_card_if_there_is_none(self, file):
        save_model(file, network())
        assert load_model(file).card == {}

    def test_can_be_read_with_plain_safetensors(self, file):
        model = network()
        save_model(file, model, CLASSES, CARD)
        arrays = load_file(file)
        state = model.state_dict()
        assert arrays.keys() == state.keys()
        for name, array in arrays.items():
            assert_array_equal(array, state[name])
            assert array.dtype == np.float32

    def test_says_in_its_metadata_what_it_is(self, file):
        model = network()
        save_model(file, model, CLASSES, CARD)
        header = header_of(file)
        assert header["kind"] == "model"
        assert header["format_version"] == FORMAT_VERSION
        assert header["classes"] == list(CLASSES)
        assert header["card"] == CARD
        assert header["architecture"]["input_shape"] == list(SHAPE)
        assert [layer["layer"] for layer in header["architecture"]["layers"]] == [
            type(layer).__name__ for layer in model.layers
        ]

    def test_says_in_numbers_what_happens_to_raw_pixels(self, file):
        model = network()
        save_model(file, model, CLASSES, CARD)
        preprocessing = header_of(file)["preprocessing"]
        assert preprocessing["input"] == "pixels from 0 to 255, (height, width, channels)"
        rescaling, normalization = preprocessing["layers"]
        x = pixels() * rescaling["scale"] + rescaling["offset"]
        x = (x - normalization["mean"]) / np.sqrt(normalization["variance"])
        outputs = dict(model.activations(pixels()))
        np.testing.assert_allclose(x, outputs["normalization_1"], rtol=1e-4, atol=1e-5)

    def test_says_that_nothing_happens_to_pixels_where_nothing_does(self, file):
        save_model(file, with_layer("Tanh"))
        assert header_of(file)["preprocessing"]["layers"] == []

    def test_is_read_without_changing_it(self, file):
        save_model(file, network())
        before = file.read_bytes()
        load_model(file).model.parameters[:] = 0
        assert file.read_bytes() == before


class TestArrays:
    @pytest.mark.parametrize(
        "array",
        [
            np.arange(6.0).reshape(2, 3).T,
            np.arange(24.0).reshape(4, 6)[::2, 1::3],
            np.arange(6.0)[::-1],
            np.zeros((0, 3)),
            np.float32(3).reshape(()),
            np.arange(4, dtype=">f4"),
        ],
        ids=["transposed", "strided", "reversed", "empty", "a number", "big-endian"],
    )
    def test_of_any_layout_come_back(self, array, file):
        write_arrays(file, {"a": array}, {"kind": "model"})
        assert_array_equal(read_arrays(file, "model")[0]["a"], array)


class TestSaving:
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("kind", ["parameters", "statistics"])
    def test_refuses_weights_that_are_not_finite(self, kind, value, file):
        model = network()
        getattr(model, kind)[1] = value
        with pytest.raises(ValueError, match="not finite, so it can predict nothing; train it"):
            save_model(file, model)
        assert not file.exists()

    def test_refuses_a_model_that_is_not_built(self, file):
        with pytest.raises(ValueError, match=r"no weights yet; call build\(input_shape\) first"):
            save_model(file, Sequential([Flatten(), Dense(3)]))
        assert not file.exists()

    @pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c", "d")])
    def test_refuses_another_number_of_class_names(self, classes, file):
        with pytest.raises(ValueError, match=f"classes has {len(classes)} names for 3 outputs"):
            save_model(file, network(), classes)
        assert not file.exists()

    @pytest.mark.parametrize(
        "value", [float("nan"), np.float32(0.5), {1, 2}, Path("x"), b"bytes"], ids=repr
    )
    def test_refuses_a_card_that_json_cannot_hold(self, value, file):
        with pytest.raises(ValueError, match=r"cannot be written as JSON: .*; give text, plain"):
            save_model(file, network(), CLASSES, {"accuracy": value})
        assert not file.exists()

    def test_that_fails_leaves_the_file_before(self, file, monkeypatch):
        def fail(*arguments):
            raise OSError(28, "No space left on device")

        save_model(file, network())
        before = file.read_bytes()
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space left on device"):
            save_model(file, with_layer("Dense"))
        assert file.read_bytes() == before
        assert list(file.parent.iterdir()) == [file]

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
    def test_makes_a_file_that_others_may_read(self, file):
        before = os.umask(0o022)
        try:
            save_model(file, network())
        finally:
            os.umask(before)
        assert stat.S_IMODE(file.stat().st_mode) == 0o644

    def test_takes_text_as_a_path(self, file):
        save_model(str(file), network(), CLASSES)
        assert load_model(str(file)).classes == CLASSES


HARMLESS = {
    "__future__",
    "collections",
    "contextlib",
    "dataclasses",
    "json",
    "math",
    "numcnn",
    "numpy",
    "os",
    "pathlib",
    "safetensors",
    "typing",
    "warnings",
    "zlib",
}


@pytest.mark.parametrize(
    "file",
    [
        *sorted(Path(numcnn.model_files.__file__).parent.glob("*.py")),
        Path(numcnn.training.__file__).parent / "checkpoint.py",
    ],
    ids=lambda file: file.name,
)
def test_nothing_that_could_run_a_files_content_is_in_reach(file):
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= HARMLESS
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] in HARMLESS
        elif isinstance(node, ast.Name):
            assert node.id not in {"eval", "exec", "compile", "__import__", "getattr"}
        elif isinstance(node, ast.Attribute):
            # numpy.load can unpickle, and os can start programs.
            assert node.attr not in {"load", "system", "popen", "__reduce__", "allow_pickle"}
