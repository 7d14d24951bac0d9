"""Pictures of results: drawn after the results are written, so that they can cost nothing."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

NUMBERED_CLASSES = 25
"""How many classes of a large confusion matrix are drawn: as many as have room for their counts."""


def draw(path: Path, figure: Callable[[Any], Any]) -> list[str]:
    """Draw a picture, or say why not.

    Whatever goes wrong is told and not raised: matplotlib is missing or broken, the data cannot be
    drawn, the disk is full.

    Args:
        path: The file to write.
        figure: Gets `numcnn.plots`, and returns the figure to save.

    Returns:
        What is to be told of it, a line each; empty if all went well.
    """
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            from numcnn import plots

            plots.save(figure(plots), path)
    except Exception as error:
        reason = str(error) or type(error).__name__
        return [f"{path} was not drawn: {' '.join(reason.split())}"]
    # Of equal ones, the first.
    return list(dict.fromkeys(f"{path}: {' '.join(str(one.message).split())}" for one in told))


def draw_confusion(path: Path, counts: NDArray[Any], classes: Sequence[str]) -> list[str]:
    """Draw a confusion matrix; of more classes than can be drawn, those that are confused most.

    Args:
        path: The file to write.
        counts: Integers ``(classes, classes)``, true classes in rows.
        classes: Their names.

    Returns:
        What is to be told of it, as `draw` does.
    """
    if len(classes) < 2:
        return [f"{path} was not drawn: there is one class, which cannot be confused with another"]

    def figure(plots: Any) -> Any:
        from numcnn.plots.confusion import MOST_CLASSES

        most = None if len(classes) <= MOST_CLASSES else NUMBERED_CLASSES
        if most is not None:
            warnings.warn(
                f"of {len(classes)} classes, the {most} that are confused most are drawn",
                stacklevel=2,
            )
        return plots.confusion_matrix_figure(counts, classes, most)

    return draw(path, figure)
