"""Drawing results after they are written, so that a failed plot costs only a message."""

import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from numcnn.error_message import error_message

NUMBERED_CLASSES = 25
"""How many classes of a large confusion matrix are drawn: as many as have room for their counts."""


def draw_or_raise(path: Path, figure: Callable[[Any], Any]) -> list[str]:
    """Draw a picture that is all that was asked for.

    Args:
        path: The file to write.
        figure: Gets `numcnn.plots`, and returns the figure to save.

    Returns:
        What is to be told of it, a line each, such as letters that the font lacks.

    Raises:
        ValueError: It was not drawn: matplotlib is missing or broken, the data cannot be drawn, the
            disk is full.
    """
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            # Those are for whoever writes code, and not for whoever looks at the picture.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            from numcnn import plots

            plots.save(figure(plots), path)
    except Exception as error:
        raise ValueError(f"{path} was not drawn: {error_message(error)}") from error
    # Of equal ones, the first.
    return list(dict.fromkeys(f"{path}: {' '.join(str(one.message).split())}" for one in told))


def draw(path: Path, figure: Callable[[Any], Any]) -> list[str]:
    """Draw a picture of what is written already, or say why not: nothing is raised.

    If it was not drawn, an older picture of that name is removed, which shows something else.

    Args:
        path: The file to write.
        figure: Gets `numcnn.plots`, and returns the figure to save.

    Returns:
        What is to be told of it, a line each; empty if all went well.
    """
    try:
        return draw_or_raise(path, figure)
    except ValueError as error:
        with suppress(OSError):
            path.unlink()
        return [str(error)]


def draw_confusion(path: Path, counts: NDArray[Any], classes: Sequence[str]) -> list[str]:
    """Draw a confusion matrix; of more classes than can be drawn, those that are confused most.

    Args:
        path: The file to write.
        counts: Integers ``(classes, classes)``, true classes in rows.
        classes: Their names.

    Returns:
        What is to be told of it, as `draw` does.
    """

    def figure(plots: Any) -> Any:
        if len(classes) < 2:
            raise ValueError("there is one class, which cannot be confused with another")
        from numcnn.plots.confusion import MOST_CLASSES

        most = None if len(classes) <= MOST_CLASSES else NUMBERED_CLASSES
        if most is not None:
            warnings.warn(
                f"of {len(classes)} classes, the {most} that are confused most are drawn",
                stacklevel=2,
            )
        return plots.confusion_matrix_figure(counts, classes, most)

    return draw(path, figure)
