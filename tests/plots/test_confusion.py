import numpy as np
import pytest

from numcnn.plots import confusion_matrix_figure
from tests.plots.helpers import assert_nothing_clipped, rendered, words

pytestmark = pytest.mark.slow

MATRIX = np.array([[95, 5, 0], [0, 40, 10], [1, 0, 849]])
CLASSES = ["cat", "dog", "gnu"]
SHORT, LONG = "{}", "a rather long name of class {}, longer than the room"


def test_the_numbers_in_the_cells_are_the_matrix():
    figure = confusion_matrix_figure(MATRIX, CLASSES)
    texts = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    x = [texts[str(count)][0] for count in (95, 40, 849)]
    y = [texts[str(count)][1] for count in (95, 40, 849)]
    cells = [text for text in figure.axes[0].texts if text.get_text().isdigit()]
    found = np.zeros_like(MATRIX)
    for cell in cells:
        column = int(np.argmin(np.abs(np.array(x) - cell.get_position()[0])))
        row = int(np.argmin(np.abs(np.array(y) - cell.get_position()[1])))
        found[row, column] = int(cell.get_text())
    np.testing.assert_array_equal(found, MATRIX)
    assert len(cells) == np.count_nonzero(MATRIX)
    assert x == sorted(x)
    assert y == sorted(y)


def test_title_axes_classes_and_recall():
    shown = words(confusion_matrix_figure(MATRIX, CLASSES))
    assert "Confusion matrix, accuracy 98.40%" in shown
    assert "984 of 1,000 images on the diagonal, 16 beside it" in shown
    assert {"True class", "Predicted class", "Recall", "Share of the true class"} <= set(shown)
    assert {"95.0%", "80.0%", "99.9%"} <= set(shown)
    assert all(shown.count(name) == 2 for name in CLASSES)


def test_mistakes_are_dark_and_the_diagonal_is_pale():
    figure = confusion_matrix_figure(MATRIX, CLASSES)
    colors = figure.axes[0].images[0].get_array()
    darkness = 3 - colors[:, :, :3].sum(axis=2)
    assert darkness.argmax() == 1 * 3 + 2  # 10 of 50 dogs, more than 5 of 100 cats
    assert darkness[0, 1] > darkness.diagonal().max()
    assert darkness[0, 2] == 0


def test_a_rare_mistake_is_not_made_dark():
    figure = confusion_matrix_figure([[9999, 1], [0, 10000]], ["a", "b"])
    assert figure.axes[0].images[0].get_array()[0, 1, :3].min() > 0.9


@pytest.mark.parametrize(
    ("n", "name"),
    [(2, SHORT), (2, LONG), (10, LONG), (25, SHORT), (26, LONG), (47, SHORT), (100, LONG)],
)
def test_any_number_of_classes(n: int, name: str):
    matrix = np.eye(n, dtype=np.int64) * 1000 + 3
    figure = confusion_matrix_figure(matrix, [name.format(k) for k in range(n)])
    assert_nothing_clipped(figure)
    assert rendered(figure).shape[1] < 2000
    assert words(figure).count("1003") == (n if n <= 25 else 0)


def test_numbers_of_many_digits_stay_in_their_cells():
    figure = confusion_matrix_figure(np.full((20, 20), 1234567), [str(k) for k in range(20)])
    figure.canvas.draw()
    cell = figure.axes[0].images[0].get_window_extent().width / 20
    numbers = [text for text in figure.axes[0].texts if text.get_text() == "1234567"]
    assert max(text.get_window_extent().width for text in numbers) < cell


def test_long_names_are_rotated_and_cut():
    figure = confusion_matrix_figure(np.eye(10, dtype=int), ["a long name " * 5] * 10)
    names = [text for text in figure.axes[0].texts if text.get_text().startswith("a long")]
    assert {text.get_rotation() for text in names} == {0, 45}
    assert all(text.get_text().endswith("…") for text in names)


def test_no_mistake_and_an_empty_row():
    shown = words(confusion_matrix_figure([[7, 0], [0, 0]], ["a", "b"]))
    assert "Confusion matrix, accuracy 100%" in shown
    assert "–" in shown  # noqa: RUF001


def test_a_dollar_is_no_formula():
    figure = confusion_matrix_figure([[1, 0], [0, 1]], ["$x^2$", r"$\broken$"])
    assert "$x^2$" in words(figure)


@pytest.mark.parametrize(
    ("matrix", "classes", "message"),
    [
        ([[1, 2, 3], [4, 5, 6]], ["a", "b"], r"matrix has the shape \(2, 3\)"),
        ([[1]], ["a"], "matrix has 1 classes; 2 to 100"),
        (np.ones((101, 101), dtype=int), ["a"] * 101, "matrix has 101 classes"),
        ([[0.5, 0.5], [0.0, 1.0]], ["a", "b"], "matrix has the type float64 .* not shares"),
        ([[1, -1], [0, 1]], ["a", "b"], "smallest value -1"),
        ([[0, 0], [0, 0]], ["a", "b"], "only zeros"),
        ([[1, 0], [0, 1]], ["a"], "classes has 1 names but matrix has 2 classes"),
        ([[1, 0], [0, 1]], "ab", "classes is 'ab'; pass a list of names"),
        ([[1, 0], [0, 1]], [0, 1], r"classes is \[0, 1\]"),
    ],
)
def test_bad_arguments_are_named(matrix: object, classes: list[str], message: str):
    with pytest.raises(ValueError, match=message):
        confusion_matrix_figure(matrix, classes)


def test_of_many_classes_the_most_confused_are_drawn():
    matrix = np.eye(120, dtype=np.int64) * 10
    matrix[7, 90] = 5
    matrix[90, 3] = 2
    figure = confusion_matrix_figure(matrix, [f"c{k}" for k in range(120)], most=3)
    shown = words(figure)
    assert [text for text in shown if text.startswith("c")] == [
        "c3",
        "c3",
        "c7",
        "c7",
        "c90",
        "c90",
    ]
    assert any("the 3 of 120 classes that are confused most" in text for text in shown)
    # All images count, also those of classes that are not drawn.
    assert "1,200 of all 1,207 images are right, 7 wrong" in shown
    assert "66.7%" in shown  # of c7, though its mistakes and hits are 5 and 10 of 15
    assert_nothing_clipped(figure)


@pytest.mark.parametrize("most", [0, 1, 101])
def test_how_many_are_drawn_has_limits(most):
    with pytest.raises(ValueError, match=f"most is {most}; give 2 to 100"):
        confusion_matrix_figure(np.ones((120, 120), int), ["a"] * 120, most)
