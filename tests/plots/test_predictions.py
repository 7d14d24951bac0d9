import numpy as np
import pytest
from sklearn.datasets import load_digits

from numcnn.plots import mistakes, prediction_page
from tests.plots.helpers import assert_nothing_clipped, words

pytestmark = pytest.mark.slow

CLASSES = [str(k) for k in range(10)]
LONG = [f"a class with the long name {k}" for k in range(10)]


def digits(count: int) -> tuple[np.ndarray, np.ndarray]:
    images, labels = load_digits(return_X_y=True)
    pixels = (images[:count].reshape(-1, 8, 8, 1) * 15.9375).astype(np.uint8)
    return pixels, labels[:count]


def sure_of(predicted: np.ndarray, confidence: float | np.ndarray) -> np.ndarray:
    """Return probabilities with ``confidence`` in ``predicted`` and the rest spread evenly."""
    share = np.broadcast_to(confidence, predicted.shape)
    rows = np.repeat((1 - share)[:, None] / 9, 10, axis=1)
    rows[np.arange(len(rows)), predicted] = share
    return rows


def test_a_right_prediction_is_quiet_and_a_wrong_one_is_flagged():
    images, labels = digits(5)
    predicted = labels.copy()
    predicted[2] = 7
    figure = prediction_page(images, sure_of(predicted, 0.93), CLASSES, labels)
    shown = words(figure)
    assert "5 predictions, 1 wrong" in shown
    assert "✗ 7" in shown
    assert "true: 2" in shown
    assert shown.count("93.0%") == 5
    assert sum(text.startswith("✗") for text in shown) == 1
    assert max(patch.get_linewidth() for patch in figure.axes[0].patches) > 2
    assert len(figure.axes[0].images) == 5


def test_without_labels_nothing_is_wrong():
    images, labels = digits(3)
    shown = words(prediction_page(images, sure_of(labels + 1, 0.5), CLASSES))
    assert "3 predictions" in shown
    assert not any("✗" in text for text in shown)


def test_all_correct():
    images, labels = digits(1)
    assert "1 prediction, all correct" in words(
        prediction_page(images, sure_of(labels, 1.0), CLASSES, labels)
    )


def test_count_limits_the_page():
    images, labels = digits(100)
    page = prediction_page(images, sure_of(labels, 0.9), CLASSES, labels, count=10)
    assert len(page.axes[0].images) == 10
    default = prediction_page(images, sure_of(labels, 0.9), CLASSES)
    assert len(default.axes[0].images) == 24


@pytest.mark.parametrize("classes", [CLASSES, LONG])
@pytest.mark.parametrize("count", [1, 7, 8, 9])
@pytest.mark.parametrize("channels", [1, 3])
def test_nothing_is_clipped(classes: list[str], count: int, channels: int):
    images, labels = digits(count)
    images = np.repeat(images, channels, axis=3)[:, :, :6]
    wrong = sure_of((labels + 1) % 10, 0.9999)
    assert_nothing_clipped(prediction_page(images, wrong, classes, labels))
    assert_nothing_clipped(mistakes(images, labels, wrong, classes))


def test_neighbors_do_not_touch():
    images, labels = digits(16)
    figure = mistakes(images, labels, sure_of((labels + 1) % 10, 0.9), LONG)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[k + 1 :])


def test_mistakes_come_with_the_surest_first():
    images, labels = digits(6)
    predicted = np.array([0, 7, 2, 8, 9, 5])  # wrong: 1, 3 and 4
    confidence = np.array([0.99, 0.5, 0.99, 0.9, 0.7, 0.99])
    figure = mistakes(images, labels, sure_of(predicted, confidence), CLASSES)
    shown = words(figure)
    assert "3 mistakes in 6 images" in shown
    assert [text for text in shown if "→" in text and len(text) == 5] == ["3 → 8", "4 → 9", "1 → 7"]
    assert [text for text in shown if text.endswith("%")] == ["90.0%", "70.0%", "50.0%"]
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), images[3, :, :, 0])


def test_long_names_go_on_two_lines():
    images, labels = digits(1)
    classes = ["T-shirt/top", "Ankle boot", *CLASSES[2:]]
    shown = words(mistakes(images, labels, sure_of(labels + 1, 0.8), classes))
    assert {"1 mistake in 1 image", "T-shirt/top", "→ Ankle boot", "80.0%"} <= set(shown)


def test_the_limit_is_said():
    images, labels = digits(20)
    figure = mistakes(images, labels, sure_of((labels + 1) % 10, 0.9), CLASSES, limit=3)
    assert len(figure.axes[0].images) == 3
    assert "20 mistakes in 20 images (the worst 3 are shown)" in words(figure)


def test_no_mistakes_is_a_friendly_page():
    images, labels = digits(5)
    figure = mistakes(images, labels, sure_of(labels, 0.9), CLASSES)
    assert {"No mistakes", "✓  All 5 images are classified correctly."} <= set(words(figure))
    assert_nothing_clipped(figure)


def page(**changes: object) -> None:
    images, labels = digits(2)
    arguments = {"images": images, "labels": labels, "classes": CLASSES}
    mistakes(**arguments | {"probabilities": sure_of(labels, 0.9)} | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((2, 8, 8), np.uint8)}, r"shape \(2, 8, 8\).*images\[\.\.\., None\]"),
        ({"images": np.zeros((0, 8, 8, 1), np.uint8)}, "at least one image"),
        ({"images": np.zeros((2, 8, 8, 4), np.uint8)}, "1 channel for gray or 3 for color"),
        ({"images": np.zeros((2, 8, 8, 1))}, "images has the type float64; pass raw pixels"),
        ({"probabilities": np.ones((3, 10)) / 10}, r"probabilities has the shape \(3, 10\)"),
        ({"probabilities": np.ones((2, 10))}, r"probabilities\[0\] has the sum 10"),
        ({"probabilities": np.full((2, 10), np.nan)}, r"probabilities\[0\] has the sum nan"),
        ({"probabilities": np.eye(10)[:2] * 2 - 0.1}, "smallest value -0.1; pass the softmax"),
        ({"labels": np.array([0])}, r"labels has the shape \(1,\)"),
        ({"labels": np.array([0.0, 1.0])}, "type float64; pass 2 class numbers"),
        ({"labels": np.array([0, 10])}, r"labels\[1\] is 10; with 10 classes, .* from 0 to 9"),
        ({"classes": CLASSES[:9]}, "classes has 9 names but probabilities has 10 classes"),
        ({"limit": 0}, "limit is 0; give an integer"),
        ({"limit": 2.5}, "limit is 2.5"),
    ],
)
def test_bad_arguments_are_named(changes: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        page(**changes)


def test_a_bad_count_is_named():
    images, labels = digits(2)
    with pytest.raises(ValueError, match="count is -1"):
        prediction_page(images, sure_of(labels, 0.9), CLASSES, count=-1)
