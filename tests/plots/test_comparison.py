import math

import numpy as np
import pytest

from numcnn.plots import comparison_figure
from numcnn.plots.comparison import short
from tests.plots.helpers import assert_nothing_clipped, rendered, words

pytestmark = pytest.mark.slow


def row(name: str = "lenet5", accuracies=(0.9, 0.95), **numbers: float) -> dict[str, object]:
    sizes = {"parameters": 61_706, "multiply_adds": 416_520, "seconds": 35.2}
    return {
        "recipe": name,
        "accuracies": accuracies,
        **sizes,
        "images_per_second": 12_345,
        **numbers,
    }


def dots(axes) -> list[tuple[float, float]]:
    """Where a panel's dots are: place and row."""
    return [
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
        for line in axes.lines
        if line.get_marker() == "o"
    ]


def test_names_panels_and_values_are_written():
    shown = words(
        comparison_figure([row(), row("small", (0.5,), parameters=90)], "Recipes on mnist")
    )
    assert {"Recipes on mnist", "lenet5", "small"} <= set(shown)
    assert {"Test accuracy", "Parameters", "Multiply-adds"} <= set(shown)
    assert {"Training seconds", "Images a second"} <= set(shown)
    assert {"92.50%", "50.00%", "62k", "90"} <= set(shown)
    assert {"417k", "35", "12k"} <= set(shown)


def test_half_the_mistakes_are_the_same_step():
    rows = [row(str(k), (accuracy,)) for k, accuracy in enumerate((0.96, 0.98, 0.99, 0.995))]
    places = [x for x, _ in dots(comparison_figure(rows).axes[0])]
    np.testing.assert_allclose(np.diff(places), math.log10(2))


def test_rows_are_in_order_from_the_top():
    axes = comparison_figure([row(name) for name in "abc"]).axes
    for panel in axes:
        assert [y for _, y in dots(panel)] == [0, 1, 2]
        assert panel.yaxis_inverted()
    assert [label.get_text() for label in axes[0].get_yticklabels()] == ["a", "b", "c"]


def test_sizes_are_logarithmic():
    rows = [row(str(k), parameters=10**k) for k in (2, 3, 5)]
    places = [x for x, _ in dots(comparison_figure(rows).axes[1])]
    np.testing.assert_allclose(places, [2, 3, 5])


def test_a_range_is_drawn_where_there_are_several_seeds():
    figure = comparison_figure([row("a", (0.9, 0.99, 0.96)), row("b", (0.9,))])
    ranges = [line for line in figure.axes[0].lines if line.get_linewidth() == 3]
    assert len(ranges) == 1
    np.testing.assert_allclose(ranges[0].get_xdata(), [1, 2])
    assert "Dots are means of 3 seeds, lines their range; logarithmic scales" in words(figure)
    assert "One seed each; logarithmic scales" in words(comparison_figure([row("b", (0.9,))]))


def test_no_mistake_is_at_the_end_and_no_infinity():
    places = [x for x, _ in dots(comparison_figure([row("a", (1.0,)), row("b", (0.9,))]).axes[0])]
    assert places[1] < places[0] < 10
    assert "100.00%" in words(comparison_figure([row("a", (1.0,))]))


@pytest.mark.parametrize(
    "rows",
    [
        [row()],
        [row("x" * 60, (0.0, 1.0))],
        [row(str(k), (k / 30,), parameters=10**k, seconds=10**-k) for k in range(1, 13)],
    ],
)
def test_nothing_is_cut_off(rows):
    figure = comparison_figure(rows, judged_by="validation")
    assert_nothing_clipped(figure)
    assert len(np.unique(rendered(figure))) > 5


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "rows is empty"),
        ([{"recipe": "a"}], r"rows\[0\] has no 'accuracies'"),
        ([row(), row(accuracies=())], r"rows\[1\]\['accuracies'\] is \(\)"),
        ([row(accuracies=(1.2,))], "pass shares from 0 to 1"),
        ([row(accuracies=(math.nan,))], "pass shares from 0 to 1"),
        ([row(parameters=0)], r"rows\[0\]\['parameters'\] is 0; pass a positive number"),
        ([row(seconds=math.inf)], "pass a positive number"),
    ],
)
def test_what_cannot_be_drawn_is_told(rows, message):
    with pytest.raises(ValueError, match=message):
        comparison_figure(rows)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123, "0.012"),
        (1, "1"),
        (7.26, "7.3"),
        (9.96, "10"),
        (85.2, "85"),
        (999.4, "999"),
        (999.9, "1k"),
        (1500, "1.5k"),
        (601_578, "602k"),
        (15_162_752, "15M"),
        (2e9, "2G"),
    ],
)
def test_a_number_in_short(value, text):
    assert short(value) == text
