"""``numcnn export`` and ``numcnn import``."""

import importlib.util
import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from numcnn import data
from numcnn.interchange import write_torch
from numcnn.model_files import ModelFile, load_model, save_model
from numcnn.nn import Conv2D, Dense, Flatten, ReLU, Sequential
from tests.cli.outcome import tree

HAS_ONNX = importlib.util.find_spec("onnx") and importlib.util.find_spec("onnxruntime")
HAS_TORCH = importlib.util.find_spec("torch")
needs_onnx = pytest.mark.skipif(not HAS_ONNX, reason="onnx or onnxruntime is not installed")
needs_torch = pytest.mark.skipif(not HAS_TORCH, reason="PyTorch is not installed")


@needs_onnx
def test_to_onnx_and_back(numcnn, model, files, here):
    out = numcnn("export", model, "-o", "made/net.onnx").out
    assert out.startswith("made/net.onnx: onnxruntime's outputs differ by at most ")
    assert float(out.split()[-4]) < 1e-5
    done = numcnn("import", "made/net.onnx", "-o", "back/net.safetensors")
    assert done.status == 0, done
    assert "back/net.safetensors: " in done.out
    assert "10 classes" in done.out
    said = [
        json.loads(numcnn("evaluate", path, "mnist", "--data-dir", files, "--json").out)
        for path in (model, "back/net.safetensors")
    ]
    assert said[0]["confusion"] == said[1]["confusion"]
    assert said[0]["loss"] == pytest.approx(said[1]["loss"], rel=1e-4)
    card = load_model(here / "back/net.safetensors").card
    assert card["recipe"] == "lenet5"
    assert card["imported_from"]["file"] == "net.onnx"


@needs_onnx
@pytest.mark.parametrize(
    "settings", [("--opset", 20), ("--input", "float32"), ("--layout", "nchw")], ids=str
)
def test_settings_of_onnx(numcnn, model, settings):
    done = numcnn("export", model, "-o", "net.onnx", *settings)
    assert "differ by at most" in done.out, done


@needs_onnx
def test_plan_of_an_onnx_file(numcnn, model):
    numcnn("export", model, "-o", "net.onnx")
    done = numcnn("plan", "net.onnx", "--inference")
    assert done.status == 0, done
    assert "conv2d_1" in done.out


@needs_onnx
def test_the_pixels_of_a_model_of_somebody_else(numcnn, here):
    body = [Conv2D(4, 5), ReLU(), Flatten(), Dense(10)]
    model = Sequential(body)
    model.build((28, 28, 1))
    save_model("plain.safetensors", model)
    numcnn("export", "plain.safetensors", "-o", "net.onnx", "--input", "float32")
    words = "--pixels", "0..1", "--mean", "0.1307", "--std", "0.3081"
    names = ",".join("abcdefghij")
    assert numcnn("import", "net.onnx", "-o", "m.safetensors", *words, "--classes", names).out
    found = load_model(here / "m.safetensors")
    assert found.classes == tuple("abcdefghij")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1))
    wanted = model.outputs(((pixels / 255 - 0.1307) / 0.3081).astype(np.float32))
    np.testing.assert_allclose(found.model.outputs(pixels), wanted, atol=1e-4)


@needs_onnx
def test_an_imported_model_reads_and_explains(numcnn, tmp_path, here):
    from numcnn.handwriting.reader import Reader
    from tests.web.pictures import board, file

    save_model("own.safetensors", Reader().model_file.model, Reader().model_file.classes)
    numcnn("export", "own.safetensors", "-o", "net.onnx")
    numcnn("import", "net.onnx", "-o", "back.safetensors")
    (here / "714.png").write_bytes(file(board("714")))
    assert numcnn("read", "714.png", "--model", "back.safetensors").out == "714\n"
    assert numcnn("explain", "714.png", "--model", "back.safetensors", "-o", "why.png").status == 0


def test_to_torch_and_back(numcnn, model, files, here):
    done = numcnn("export", model, "--to", "torch", "-o", "torch")
    assert done.status == 0, done
    assert set(tree(here)) == {"torch", "torch/model.py", "torch/weights.safetensors"}
    done = numcnn(
        *("import", "torch/weights.safetensors", "-o", "back.safetensors"),
        *("--recipe", "lenet5", "--input-shape", "8x8x1"),
    )
    assert done.status == 0, done
    before, after = load_model(model).model, load_model(here / "back.safetensors").model
    np.testing.assert_array_equal(before.parameters, after.parameters)
    np.testing.assert_array_equal(before.statistics, after.statistics)


@needs_torch
def test_what_is_written_for_torch_is_run(numcnn, model):
    out = numcnn("export", model, "--to", "torch", "-o", "torch").out
    assert "PyTorch's outputs differ by at most " in out
    assert float(out.split()[-4]) < 1e-5


def test_weights_with_a_list_of_layers(numcnn, here):
    model = Sequential([Conv2D(4, 3), ReLU(), Flatten(), Dense(3)])
    model.build((6, 6, 2))
    write_torch("torch", ModelFile(model, ("a", "b", "c")))
    (here / "layers.json").write_text(json.dumps(model.config()))
    words = "--layers", "layers.json", "--input-shape", "6x6x2", "--pixels", "-1..1"
    done = numcnn("import", "torch/weights.safetensors", "-o", "m.safetensors", *words)
    assert done.status == 0, done
    found = load_model(here / "m.safetensors").model
    pixels = np.random.default_rng(0).integers(0, 256, (3, 6, 6, 2))
    wanted = model.outputs((pixels / 127.5 - 1).astype(np.float32))
    np.testing.assert_allclose(found.outputs(pixels), wanted, atol=1e-4)


def damaged(here):
    (here / "cut.onnx").write_bytes(b"\x08\x08\x12")
    (here / "torch.pt").write_bytes(b"PK")
    (here / "text.json").write_text("{")
    save_file({"fc.weight": np.zeros((3, 4), np.float32)}, here / "w.safetensors")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere.onnx",), "nowhere.onnx: there is no such file"),
        (("cut.onnx",), "not an ONNX model"),
        (("torch.pt", "--recipe", "lenet5"), "is a pickle"),
        (("w.safetensors",), "give --input-shape"),
        (("w.safetensors", "--input-shape", "2x2x1"), "give --recipe or --layers"),
        (("w.safetensors", "--input-shape", "8x8x1", "--recipe", "nothing"), "recipe 'nothing'"),
        (("w.safetensors", "--input-shape", "8x8x1", "--recipe", "lenet5"), "arrays has none"),
        (("w.safetensors", "--input-shape", "4", "--layers", "text.json"), "text.json: not a list"),
        (("cut.onnx", "--recipe", "lenet5"), "an ONNX file has layers"),
    ],
    ids=str,
)
def test_one_line_for_each_mistake(words, said, numcnn, here):
    if words[0].endswith(".onnx") and not HAS_ONNX:
        pytest.skip("onnx is not installed")
    damaged(here)
    before = tree(here)
    assert said in numcnn("import", *words, "-o", "made.safetensors").error()
    assert tree(here) == before


@pytest.mark.parametrize(
    "words", [("--mean", "a"), ("--input-shape", "2xax1"), ("--pixels", "0..2")], ids=str
)
def test_words_that_cannot_be_understood(words, numcnn):
    numcnn("import", "x.onnx", "-o", "m.safetensors", *words).usage_error()


def test_no_input_is_written_over(numcnn, model, here):
    save_model("m.onnx", load_model(model).model)
    assert "--output would write" in numcnn("import", "m.onnx", "-o", "m.onnx").error()
    (here / "m.safetensors").write_bytes(model.read_bytes())
    assert (
        "--output would write" in numcnn("export", "m.safetensors", "-o", "m.safetensors").error()
    )


def test_without_onnx_it_is_said_how_to_get_it(numcnn, model, monkeypatch):
    import importlib as library

    real = library.import_module

    def missing(name, *more):
        if name == "onnx":
            raise ModuleNotFoundError("No module named 'onnx'", name="onnx")
        return real(name, *more)

    monkeypatch.setattr(library, "import_module", missing)
    assert "pip install 'numcnn[onnx]'" in numcnn("export", model, "-o", "m.onnx").error()


def test_own_weights_are_plain_arrays(numcnn, model, here):
    numcnn("export", model, "--to", "torch", "-o", "torch")
    arrays = load_file(here / "torch/weights.safetensors")
    assert arrays["conv2d_1.weight"].shape == (6, 1, 5, 5)
    assert data.load("digits").test.images.shape[1:] == (8, 8, 1)
