import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from numcnn.plots import learning_curves
from tests.plots.helpers import assert_nothing_clipped, rendered, words

pytestmark = pytest.mark.slow


def history(epochs: int, **changes: float) -> list[dict[str, float]]:
    rows = []
    for epoch in range(1, epochs + 1):
        loss = 2 * math.exp(-epoch / 3) + 0.1
        row = {"epoch": epoch, "loss": loss, "accuracy": 1 - loss / 3}
        row |= {"validation_loss": loss + 0.05, "validation_accuracy": 1 - loss / 3 - 0.01}
        rows.append(row | {"seconds": 1.5} | changes)
    return rows


def line(figure: Figure, panel: int, curve: int) -> np.ndarray:
    """Return the points of training (0) or validation (1): crosses for NaN lie between."""
    return np.asarray(figure.axes[panel].lines[2 * curve].get_xydata())


def test_the_lines_are_the_rows():
    rows = history(5)
    figure = learning_curves(rows)
    expected = [(row["epoch"], row["loss"]) for row in rows]
    np.testing.assert_allclose(line(figure, 0, 0), expected)
    expected = [(row["epoch"], 1 - row["validation_accuracy"]) for row in rows]
    np.testing.assert_allclose(line(figure, 1, 1), expected)


def test_axes_and_curves_are_named():
    shown = words(learning_curves(history(5)))
    assert {"Loss", "Error", "Epoch", "training", "validation"} <= set(shown)
    assert "Learning rate" not in shown
    assert any(text.endswith("%") for text in shown)


@pytest.mark.parametrize("epochs", [1, 2, 3, 12, 41, 300])
def test_any_number_of_epochs(epochs: int):
    figure = learning_curves(history(epochs, learning_rate=0.01))
    assert len(figure.axes) == 3
    assert_nothing_clipped(figure)
    low, high = figure.axes[0].get_xlim()
    assert low < 1 <= epochs < high
    ticks = figure.axes[0].get_xticks()
    np.testing.assert_array_equal(ticks, np.round(ticks))


def test_the_best_validation_epoch_is_marked_and_named():
    rows = history(6)
    for row, accuracy in zip(rows, [0.5, 0.9, 0.97, 0.9861, 0.98, 0.97], strict=True):
        row["validation_accuracy"] = accuracy
    figure = learning_curves(rows)
    assert "○ best validation: epoch 4, 1.39% error, 98.61% correct" in words(figure)
    ring = figure.axes[1].lines[-1]
    assert ring.get_xydata().tolist() == [[4, pytest.approx(0.0139)]]


def test_of_equally_accurate_epochs_the_one_with_the_lowest_loss_is_best():
    rows = history(3)
    for row, loss in zip(rows, [0.3, 0.1, 0.2], strict=True):
        row["validation_accuracy"], row["validation_loss"] = 0.99, loss
    assert "○ best validation: epoch 2, 1.00% error, 99.00% correct" in words(learning_curves(rows))


def test_without_validation_accuracy_the_lowest_loss_is_best():
    rows = history(3)
    for row, loss in zip(rows, [0.5, 0.25, 0.3], strict=True):
        del row["validation_accuracy"]
        row["validation_loss"] = loss
    assert "○ best validation: epoch 2, loss 0.25" in words(learning_curves(rows))


def test_without_validation_nothing_is_best():
    rows = [{"epoch": k, "loss": 1 / k, "accuracy": 0.5} for k in (1, 2, 3)]
    shown = words(learning_curves(rows))
    assert not any("best" in text for text in shown)
    assert "validation" not in shown


def test_scales_follow_the_span():
    def scales(losses: list[float], accuracies: list[float]) -> list[str]:
        rows = [
            {"epoch": k + 1, "loss": loss, "accuracy": accuracy}
            for k, (loss, accuracy) in enumerate(zip(losses, accuracies, strict=True))
        ]
        return [axes.get_yscale() for axes in learning_curves(rows).axes]

    assert scales([1, 0.02], [0.5, 0.9]) == ["linear", "linear"]
    assert scales([1, 0.009], [0.5, 0.96]) == ["log", "log"]
    assert scales([1, -0.001], [0.0, 1.0]) == ["linear", "linear"]


def test_the_log_scale_is_named():
    rows = [{"epoch": 1, "loss": 5.0, "accuracy": 0.1}, {"epoch": 2, "loss": 0.01, "accuracy": 1}]
    assert "Loss (log scale)" in words(learning_curves(rows))


def test_an_error_of_zero_stands_at_the_named_edge_of_a_log_scale():
    rows = [
        {"epoch": k + 1, "loss": 1.0, "accuracy": accuracy}
        for k, accuracy in enumerate([0.2, 0.95, 1.0])
    ]
    figure = learning_curves(rows)
    assert figure.axes[1].get_yscale() == "log"
    assert line(figure, 1, 0)[2, 1] == figure.axes[1].get_ylim()[0]
    assert "0%" in words(figure)


def test_a_learning_rate_of_zero_is_named_too():
    rows = history(3)
    for row, rate in zip(rows, [0.1, 0.0001, 0.0], strict=True):
        row["learning_rate"] = rate
    figure = learning_curves(rows)
    shown = [text.get_text() for text in figure.axes[2].get_yticklabels(which="both")]
    assert shown == ["0.0001", "0.1", "0"]
    assert_nothing_clipped(figure)


@pytest.mark.parametrize("lost", [float("nan"), float("inf"), None])
def test_a_lost_loss_leaves_a_gap_and_a_cross(lost: float | None):
    rows: list[dict[str, float | None]] = [dict(row) for row in history(4)]
    rows[2]["loss"] = lost
    figure = learning_curves(rows)
    points = line(figure, 0, 0)
    assert np.isnan(points[:, 1]).tolist() == [False, False, True, False]
    assert figure.axes[0].lines[1].get_xydata().tolist() == [[3, 1]]
    assert "× not a finite number (1)" in words(figure)  # noqa: RUF001


def test_only_lost_losses():
    rows = [{"epoch": k, "loss": float("nan"), "accuracy": 0.1} for k in (1, 2)]
    assert rendered(learning_curves(rows)).std() > 0


def test_validation_every_few_epochs_stays_one_line():
    rows = history(100)
    for row in rows:
        if row["epoch"] % 10:
            del row["validation_loss"], row["validation_accuracy"]
    figure = learning_curves(rows)
    assert line(figure, 0, 1)[:, 0].tolist() == list(range(10, 101, 10))
    assert not np.isnan(line(figure, 0, 1)).any()
    assert figure.axes[0].lines[2].get_marker() == "s"


def test_numpy_numbers_and_a_resumed_run_that_starts_later():
    rows = [{"epoch": np.int64(k), "loss": np.float32(1), "accuracy": 1} for k in (7, 8)]
    assert line(learning_curves(rows), 0, 0).tolist() == [[7, 1], [8, 1]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "history is empty"),
        ([{"epoch": 1, "loss": 1.0}], r"history\[0\] has no 'accuracy', only \['epoch', 'loss'\]"),
        ([{"epoch": 1, "loss": "1", "accuracy": 1}], r"history\[0\]\['loss'\] is '1'; pass a num"),
        ([{"epoch": 1, "loss": True, "accuracy": 1}], r"history\[0\]\['loss'\] is True"),
        ([{"epoch": 0, "loss": 1, "accuracy": 1}], "is 0 after 0; number the epochs"),
        ([{"epoch": 1.5, "loss": 1, "accuracy": 1}], "is 1.5 after 0"),
        ([{"epoch": 1, "loss": 1, "accuracy": 1}] * 2, r"history\[1\]\['epoch'\] is 1 after 1"),
        ([{"epoch": None, "loss": 1, "accuracy": 1}], "epoch that is not a number"),
        ([{"epoch": 1, "loss": 1, "accuracy": 98.2}], "accuracy is 98.2 in epoch 1; .* percentage"),
        (
            [{"epoch": 1, "loss": 1, "accuracy": 1, "validation_accuracy": -0.1}],
            "validation_accuracy is -0.1",
        ),
    ],
)
def test_bad_rows_are_named(rows: list[dict[str, float]], message: str):
    with pytest.raises(ValueError, match=message):
        learning_curves(rows)
