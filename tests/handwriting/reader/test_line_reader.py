"""The reader of whole lines: with a network that is made for the test, so that all is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from numcnn.handwriting.line_frame import HEIGHT, WIDTH, line_frame
from numcnn.handwriting.reader.line_reader import SYMBOLS_IN_CARD, LineReader
from numcnn.handwriting.synthesis.lines import SYMBOLS
from numcnn.model_files import load_model, save_model
from numcnn.nn import AveragePool2D, Conv2D, Sequential, Task
from numcnn.recipes.line_reader import network

SPELLED = "".join(SYMBOLS)


def model_file(path, model, card):
    model.task = Task("values", "none")
    save_model(path, model, (), card)
    return load_model(path)


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """A network that says 7 where a step is dark, "." where it is gray, and nothing elsewhere."""
    step = WIDTH // 48
    model = Sequential([AveragePool2D((HEIGHT, step), (HEIGHT, step)), Conv2D(len(SYMBOLS) + 1, 1)])
    model.build((HEIGHT, WIDTH, 1), 0)
    weight = np.zeros((1, 1, 1, len(SYMBOLS) + 1), np.float32)
    bias = np.full(len(SYMBOLS) + 1, -200, np.float32)
    # Of straight lines over the mean brightness, the highest one says what it is.
    weight[..., 7], bias[7] = 1.0, -200
    weight[..., -1], bias[-1] = 0.0, -50
    model.layers[1].params["weight"][...] = weight
    model.layers[1].params["bias"][...] = bias
    return LineReader(
        model_file(
            tmp_path_factory.mktemp("m") / "m.safetensors", model, {SYMBOLS_IN_CARD: SPELLED}
        )
    )


def line(*columns, width=160, height=32):
    """White paper with bars of 8 pixels that begin at columns."""
    gray = np.full((height, width), 255, np.float32)
    for column in columns:
        gray[:, column : column + 8] = 0
    return gray


def test_symbols_stand_where_the_ink_is(bars):
    reading = bars.read(line(16, 64, 120))
    assert reading.text == "777"
    assert reading.probability > 0.9
    middles = [(each.left + each.right) / 2 * 160 for each in reading.symbols]
    assert_allclose(middles, [20, 68, 124], atol=8)
    lefts = [each.left for each in reading.symbols]
    rights = [each.right for each in reading.symbols]
    assert all(a <= b for a, b in zip(rights, lefts[1:], strict=False))
    for each in reading.symbols:
        assert each.is_digit
        assert int(np.argmax(each.class_probabilities)) == 7
        assert sum(each.class_probabilities) == pytest.approx(1)


def test_a_glance_reads_the_same_where_all_is_clear(bars):
    gray = line(16, 64, 120)
    seen, read = bars.glance(gray), bars.read(gray)
    assert (seen.text, seen.probability > 0.9) == ("777", True)
    for one, other in zip(seen.symbols, read.symbols, strict=True):
        assert one.left == pytest.approx(other.left, abs=0.03)


def test_nothing_is_read_on_blank_paper(bars):
    reading = bars.read(line())
    assert (reading.text, reading.symbols) == ("", ())
    assert reading.probability > 0.9


@pytest.mark.parametrize(("height", "width"), [(2, 2), (5, 400), (300, 40), (1, 1000)])
def test_any_size_is_read(bars, height, width):
    reading = bars.read(np.random.default_rng(0).uniform(0, 255, (height, width)))
    assert 0 <= reading.probability <= 1
    assert all(0 <= each.left <= each.right <= 1 for each in reading.symbols)


def test_the_frame_is_the_same_for_light_ink_on_dark_paper():
    gray = line(30, 90)
    dark, scale = line_frame(gray)
    light, _ = line_frame(255 - gray)
    assert np.abs(dark.astype(int) - light).max() <= 1
    assert scale == 1
    assert dark[:, 160:].max() == dark[:, 160:].min() == 96
    assert dark[10, 33] > 200


def test_the_recipe_s_network_is_one_of_lines(tmp_path):
    model = network(len(SYMBOLS), width=4)
    model.build((HEIGHT, WIDTH, 1), 0)
    model.layers[0].adapt(np.random.default_rng(0).uniform(0, 255, (4, HEIGHT, WIDTH, 1)))
    file = model_file(tmp_path / "m.safetensors", model, {SYMBOLS_IN_CARD: SPELLED})
    assert LineReader(file).read(line(10)).probability <= 1


@pytest.mark.parametrize("card", [{}, {SYMBOLS_IN_CARD: "0123"}, {SYMBOLS_IN_CARD: 5}])
def test_another_model_is_refused(tmp_path, card):
    model = network(len(SYMBOLS), width=4)
    model.build((HEIGHT, WIDTH, 1), 0)
    with pytest.raises(ValueError, match="train-lines"):
        LineReader(model_file(tmp_path / "m.safetensors", model, card))
