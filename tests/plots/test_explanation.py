import numpy as np
import pytest
from matplotlib.figure import Figure

from numcnn.plots import FindingPanel, explanation


def finding(text: str, is_read: bool) -> FindingPanel:
    frame = np.zeros((28, 28), np.uint8)
    frame[4:24, 12:16] = 200
    evidence = np.random.default_rng(0).normal(size=(28, 28))
    best = [("1", 0.9), ("7", 0.08), ("other", 0.02)]
    return FindingPanel((10, 5, 20, 40), text, is_read, frame, evidence, best)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts] + [
        text.get_text() for text in figure.texts
    ]


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 7])
def test_everything_that_was_found_is_shown(count):
    findings = [finding("1", True)] * (count - 1) + [finding("not a digit", False)]
    picture = np.full((60, 200, 3), 255, np.uint8)
    layers = [("conv1", np.zeros((28, 28, 8))), ("dense1", np.zeros(12))]
    classes = (*"0123456789", "other", "several")
    figure = explanation(picture, findings, layers, classes, 0)
    assert isinstance(figure, Figure)
    shown = " ".join(texts(figure))
    assert "not a digit" in shown
    assert "conv1" in shown
    assert min(figure.get_size_inches()) > 2


def test_something_must_have_been_found():
    picture = np.full((60, 200, 3), 255, np.uint8)
    with pytest.raises(ValueError, match="chosen is 0 of 0 findings"):
        explanation(picture, [], [("conv1", np.zeros((28, 28, 8)))], tuple("0123456789"))
