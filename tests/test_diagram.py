import xml.etree.ElementTree as ET

import pytest

from numcnn import recipes
from numcnn.diagram import diagram
from numcnn.nn import Conv2D, Dense, Dropout, Flatten, MaxPool2D, ReLU, Residual, Sequential

SVG = "{http://www.w3.org/2000/svg}"


def drawn(model, title=""):
    """The drawing's words, and its boxes by kind."""
    root = ET.fromstring(diagram(model, title))
    boxes = [rect.get("class") for rect in root.iter(f"{SVG}rect")]
    return [text.text for text in root.iter(f"{SVG}text")], boxes, root


def test_every_layer_and_shape_stands_in_the_drawing():
    model = Sequential([Conv2D(6, 5), ReLU(), MaxPool2D(), Flatten(), Dropout(0.5), Dense(10)])
    model.build((28, 28, 1))
    words, boxes, root = drawn(model, "a <b>")
    assert words[0] == "a <b>: 8,806 parameters"
    for word in ("Conv2D 5 x 5", "156", "24 x 24 x 6", "ReLU", "MaxPool2D 2 x 2", "12 x 12 x 6"):
        assert word in words
    for word in ("Flatten", "864", "Dropout", "Dense", "8,650", "10"):
        assert word in words
    assert boxes.count("i") == 1
    assert boxes.count("v") == 1
    # 1 + log2(6), rounded.
    assert boxes.count("m") == 4
    assert "Conv2D 5 x 5, ReLU: 24 x 24 x 6" in root.get("aria-label")


def test_a_larger_map_is_drawn_larger():
    model = Sequential([Conv2D(1, 3), MaxPool2D(4)])
    model.build((34, 34, 1))
    _, _, root = drawn(model)
    sizes = [
        float(rect.get("height")) for rect in root.iter(f"{SVG}rect") if rect.get("class") != "bg"
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3


def test_ways_around_are_told():
    model = Sequential(
        [Residual([Conv2D(3, 3, padding="same"), ReLU(), Conv2D(3, 3, padding="same")])]
    )
    model.build((8, 8, 3))
    assert "Residual, 2 Conv2D" in drawn(model)[0]


@pytest.mark.parametrize("name", ["lenet5", "mnist-best", "cifar10-resnet", "dense-sigmoid"])
def test_recipes_are_drawn_within_the_page(name):
    shape = (32, 32, 3) if name.startswith("cifar") else (28, 28, 1)
    model = recipes.RECIPES[name].new_network(shape, 10)
    model.build(shape)
    _, _, root = drawn(model)
    width, height = (float(value) for value in root.get("viewBox").split()[2:])
    for rect in root.iter(f"{SVG}rect"):
        if rect.get("class") != "bg":
            assert 0 <= float(rect.get("x")) <= width - float(rect.get("width"))
            assert 0 <= float(rect.get("y")) <= height - float(rect.get("height"))


def test_a_model_without_weights_is_refused():
    with pytest.raises(ValueError, match="build"):
        diagram(Sequential([Dense(3)]))
