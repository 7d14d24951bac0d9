"""A file that is no good is refused with one line that names it, and costs no memory."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save, save_file

from numcnn.data import load
from numcnn.model_files import load_model, read_arrays, save_model, write_arrays
from numcnn.nn import Dense, Flatten, Rescaling, Sequential
from numcnn.training import fit
from tests.model_files.samples import CARD, CLASSES, SHAPE, network

IN_A_LOOP = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "bad.safetensors"


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("good") / "model.safetensors"
    save_model(path, network(), CLASSES, CARD)
    return path


@pytest.fixture
def parts(good) -> tuple[dict[str, Any], dict[str, Any]]:
    """The good file's arrays and header, to be changed."""
    return read_arrays(good, "model")


def assert_refused(file: Path, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        load_model(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert "\n" not in message


def is_believed(file: Path) -> bool:
    """Whether the file loads; if not, that is said as it should be."""
    message = ""
    try:
        load_model(file)
    except ValueError as error:
        message = str(error)
    assert message == "" or message.startswith(f"{file}: ")
    assert "\n" not in message
    return not message


class TestNoModelAtAll:
    @pytest.mark.parametrize(
        "content",
        [b"", b"\0", b"hello, world\n", b"\x89PNG\r\n\x1a\n", b"\xff" * 100, b"PK\x03\x04" * 9],
        ids=["empty", "a byte", "text", "a picture", "ones", "a zip file"],
    )
    def test_is_refused(self, content, file):
        file.write_bytes(content)
        assert_refused(file, "not a readable safetensors file, or cut off .*; give a model written")

    def test_of_another_program_is_refused(self, file):
        save_file({"weight": np.zeros((3, 3), np.float32)}, file, metadata={"format": "pt"})
        assert_refused(
            file, r"not numcnn's: it does not say what its arrays are \(it says: format pt\)"
        )

    def test_of_another_program_without_metadata_is_refused(self, file):
        save_file({"weight": np.zeros((3, 3), np.float32)}, file)
        assert_refused(file, "a safetensors file, but not numcnn's")

    def test_but_a_checkpoint_is_refused(self, file):
        model = Sequential([Rescaling(), Flatten(), Dense(10)])
        part = load("digits").train.subset(np.arange(50))
        fit(model, part, epochs=1, checkpoint=file, progress="none")
        assert_refused(file, "this is a checkpoint, not a model")

    def test_but_a_folder_is_refused(self, tmp_path):
        assert_refused(tmp_path, "not a file; give a model written by numcnn")

    def test_but_nothing_is_an_error_of_its_own(self, file):
        with pytest.raises(FileNotFoundError, match="there is no such file") as caught:
            load_model(file)
        assert str(caught.value).startswith(str(file))


class TestCutOff:
    @pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999])
    def test_is_refused(self, share, good, file):
        content = good.read_bytes()
        file.write_bytes(content[: int(len(content) * share)])
        assert_refused(file, "or cut off .*, copied whole")

    @pytest.mark.parametrize("missing", [1, 2, 3, 4, 7, 8, 100])
    def test_at_the_end_is_refused(self, missing, good, file):
        file.write_bytes(good.read_bytes()[:-missing])
        assert_refused(file, "or cut off")

    @pytest.mark.parametrize("length", range(12))
    def test_at_the_beginning_is_refused(self, length, good, file):
        file.write_bytes(good.read_bytes()[:length])
        assert_refused(file, "or cut off")

    def test_and_longer_is_refused(self, good, file):
        file.write_bytes(good.read_bytes() + b"\0")
        assert_refused(file, "not a readable safetensors file")


class TestFlippedBits:
    @pytest.mark.slow
    @IN_A_LOOP
    @given(
        flips=st.lists(
            st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255), st.booleans()),
            min_size=1,
            max_size=6,
        )
    )
    def test_are_refused_or_believed(self, flips, good, file):
        content = bytearray(good.read_bytes())
        header_size = 8 + int.from_bytes(content[:8], "little")
        for place, bits, in_header in flips:
            content[int(place * (header_size if in_header else len(content)))] ^= bits
        file.write_bytes(content)
        is_believed(file)


def places(value: Any, path: tuple = ()):
    """Every place in a JSON value, as the way to it."""
    yield path
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, child in children:
        yield from places(child, (*path, key))


ALL_PLACES = [
    place
    for place in places(
        {
            "kind": "model",
            "format_version": 1,
            "architecture": {"input_shape": list(SHAPE), "layers": network().config()},
            "classes": list(CLASSES),
            "card": {},
        }
    )
    if place
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 70_000),
    st.sampled_from([10**6, 10**12, 10**30, -(10**12)]),
    st.floats(),
    st.sampled_from(["", "same", "Dense", "Residual", "ReLU", "model", "he_normal", "__class__"]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["layer", "units", "branch", "rate"]), inner, max_size=3),
    ),
    max_leaves=6,
)


class TestAnotherHeader:
    @pytest.mark.slow
    @IN_A_LOOP
    @given(place=st.sampled_from(ALL_PLACES), value=JSON, removed=st.booleans())
    def test_is_refused_or_believed(self, place, value, removed, good, file):
        arrays, header = read_arrays(good, "model")
        inner = header
        for key in place[:-1]:
            inner = inner[key]
        if removed:
            del inner[place[-1]]
        else:
            inner[place[-1]] = value
        # Not write_arrays: NaN and infinity are no JSON, but Python's json reads them.
        file.write_bytes(save(arrays, metadata={"numcnn": json.dumps(header)}))
        is_believed(file)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[]",
            "3",
            "null",
            '"model"',
            "{}",
            "[" * 100_000,
            '{"a":' * 100_000,
            '{"kind": "model", "format_version": 1' + "0" * 5000 + "}",
        ],
        ids=lambda text: text[:12],
    )
    def test_that_is_none_is_refused(self, text, file):
        save_file({"a": np.zeros(3, np.float32)}, file, metadata={"numcnn": text})
        assert_refused(file, "a safetensors file, but not numcnn's")

    @pytest.mark.parametrize("version", [2, 99, 10**12])
    def test_of_a_newer_version_is_refused_with_a_remedy(self, version, parts, file):
        arrays, header = parts
        write_arrays(file, arrays, {**header, "format_version": version})
        assert_refused(file, f"written in format {version}, .*pip install --upgrade numcnn")

    @pytest.mark.parametrize("version", [None, "1", 1.5, [1]])
    def test_without_a_version_is_refused(self, version, parts, file):
        arrays, header = parts
        write_arrays(file, arrays, {**header, "format_version": version})
        assert_refused(file, "written in format")

    @pytest.mark.parametrize("name", ["architecture", "classes", "card"])
    def test_that_lacks_a_part_is_refused(self, name, parts, file):
        arrays, header = parts
        del header[name]
        write_arrays(file, arrays, header)
        assert_refused(file, f"the file is damaged, its parts do not fit together: '{name}'")

    @pytest.mark.parametrize("classes", [[], ["a", "b"], ["a", "b", "c", "d"]])
    def test_with_another_number_of_class_names_is_refused(self, classes, parts, file):
        arrays, header = parts
        write_arrays(file, arrays, {**header, "classes": classes})
        assert_refused(file, f"{len(classes)} class names for 3 outputs")

    @pytest.mark.parametrize(
        "name", ["Scale", "dense", "os.system", "", None, 3, "Layer", "Sequential", "Activation"]
    )
    def test_with_an_unknown_layer_is_refused(self, name, parts, file):
        arrays, header = parts
        header["architecture"]["layers"][4] = {"layer": name}
        write_arrays(file, arrays, header)
        assert_refused(file, "is unknown; known are AveragePool2D")

    def test_with_an_unknown_setting_is_refused(self, parts, file):
        arrays, header = parts
        header["architecture"]["layers"][-1]["temperature"] = 3
        write_arrays(file, arrays, header)
        assert_refused(file, "the settings of layer Dense do not fit")

    @pytest.mark.parametrize("depth", [10, 100, 300, 400, 450, 480, 5000])
    def test_with_layers_in_layers_is_refused_when_they_are_too_deep(self, depth, parts, file):
        arrays, header = parts
        header["architecture"]["layers"].append("here")
        layer = '{"layer":"Residual","branch":[' * depth + '{"layer":"ReLU"}' + "]}" * depth
        text = json.dumps(header).replace('"here"', layer)
        file.write_bytes(save(arrays, metadata={"numcnn": text}))
        assert is_believed(file) or depth > 100


class TestOtherArrays:
    def test_of_another_shape_are_refused(self, parts, file):
        arrays, header = parts
        arrays["dense_1.weight"] = arrays["dense_1.weight"].T
        write_arrays(file, arrays, header)
        assert_refused(file, r"dense_1.weight is .*\(3, 24\), but this model's is .*\(24, 3\)")

    def test_for_another_image_size_are_refused(self, parts, file):
        arrays, header = parts
        header["architecture"]["input_shape"] = [8, 8, 2]
        write_arrays(file, arrays, header)
        assert_refused(file, "the file is damaged, its parts do not fit together")

    @pytest.mark.parametrize("name", ["dense_1.weight", "batchnorm_1.mean", "conv2d_1.bias"])
    def test_that_are_missing_are_refused(self, name, parts, file):
        arrays, header = parts
        del arrays[name]
        write_arrays(file, arrays, header)
        assert_refused(file, f"{name}|more weights than the file's")

    def test_that_nobody_knows_are_refused(self, parts, file):
        arrays, header = parts
        write_arrays(file, {**arrays, "more": np.zeros(3, np.float32)}, header)
        assert_refused(file, r"unknown \['more'\]")

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("name", ["dense_1.weight", "batchnorm_1.variance"])
    def test_that_are_not_finite_are_refused(self, name, value, parts, file):
        arrays, header = parts
        arrays[name].flat[0] = value
        write_arrays(file, arrays, header)
        assert_refused(file, f"{name} is not an array of finite float32 numbers")

    @pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32, np.uint8, bool])
    def test_of_another_type_are_refused(self, dtype, parts, file):
        arrays, header = parts
        arrays["dense_1.bias"] = np.ones(3, dtype)
        write_arrays(file, arrays, header)
        assert_refused(file, "dense_1.bias is not an array of finite float32 numbers")

    @pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "F8_E5M2"])
    def test_of_a_type_that_numpy_does_not_have_are_refused(self, dtype, parts, file):
        _, header = parts
        size = 2 if dtype == "BF16" else 1
        table = {
            "__metadata__": {"numcnn": json.dumps(header)},
            "dense_1.bias": {"dtype": dtype, "shape": [3], "data_offsets": [0, 3 * size]},
        }
        text = json.dumps(table).encode()
        file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(3 * size))
        assert_refused(file, "give a model written by numcnn|finite float32 numbers")


def dense(units, **settings):
    return {"layer": "Dense", "units": units, **settings}


def conv(filters, kernel_size=3, **settings):
    return {"layer": "Conv2D", "filters": filters, "kernel_size": kernel_size, **settings}


ABSURD = {
    "units": ([4], [dense(10**12)]),
    "units below the limit of each": ([60_000], [dense(60_000)]),
    "units, drawn uniformly": ([60_000], [dense(60_000, initializer="he_uniform")]),
    "units, many times": ([9_000], [dense(9_000)] * 9),
    "filters": ([8, 8, 1], [conv(10**12)]),
    "kernel": ([9_000, 9_000, 1], [conv(1, 9_000)]),
    "kernel of two sizes": ([9_000, 9_000, 1], [conv(1, [9_000, 8_000])]),
    "input": ([10**12], [dense(1)]),
    "image": ([60_000, 60_000, 1], [{"layer": "Flatten"}, dense(1)]),
    "inside": ([60_000], [{"layer": "Residual", "branch": [dense(60_000)]}]),
    "statistics": ([10**8], [{"layer": "BatchNorm"}, dense(1)]),
    "huge number": ([4], [dense(10**400)]),
}


class TestAbsurdSizes:
    @pytest.mark.parametrize(("shape", "layers"), ABSURD.values(), ids=ABSURD)
    def test_are_refused_before_memory_is_taken(self, shape, layers, file):
        header = {
            "kind": "model",
            "format_version": 1,
            "architecture": {"input_shape": shape, "layers": layers},
            "classes": ["a"],
            "card": {},
        }
        write_arrays(file, {"dense_1.weight": np.zeros((4, 1), np.float32)}, header)
        tracemalloc.start()
        try:
            assert_refused(file, "the file is damaged, its parts do not fit together")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 8_000_000

    def test_in_the_table_of_arrays_are_refused(self, file):
        table = {"a": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}
        text = json.dumps(table).encode()
        file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(64))
        assert_refused(file, "not a readable safetensors file, or cut off")

    def test_of_the_header_are_refused(self, file):
        file.write_bytes((10**15).to_bytes(8, "little") + b"{}")
        assert_refused(file, "not a readable safetensors file, or cut off")
