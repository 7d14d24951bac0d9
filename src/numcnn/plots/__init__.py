"""Plots: learning curves, confusion matrices, filters, feature maps and predictions.

Each plot is a function that takes arrays and returns a matplotlib ``Figure``; ``save`` writes one
to a file. Nothing here trains, loads or computes a model, and nothing touches pyplot, so no
display is needed and any number of threads may draw at once.

matplotlib belongs to the extra ``app``. Whoever imports this package needs pictures; nobody else
does, so that the plain install trains without it.
"""

try:
    import matplotlib as mpl  # noqa: F401 (only to see whether it is there)
except ModuleNotFoundError as error:
    if error.name != "matplotlib":
        raise  # matplotlib is there but something that it needs is not: say so, unchanged
    raise ModuleNotFoundError(
        "numcnn.plots draws with matplotlib, which is not installed; "
        "install it with: pip install 'numcnn[app]'",
        name="matplotlib",
    ) from error

from numcnn.plots.comparison import comparison_figure
from numcnn.plots.confusion import confusion_matrix_figure
from numcnn.plots.curves import learning_curves
from numcnn.plots.explanation import FindingPanel, explanation
from numcnn.plots.feature_maps import feature_maps
from numcnn.plots.figure import save
from numcnn.plots.filters import filter_grid
from numcnn.plots.predictions import mistakes, prediction_page

__all__ = [
    "FindingPanel",
    "comparison_figure",
    "confusion_matrix_figure",
    "explanation",
    "feature_maps",
    "filter_grid",
    "learning_curves",
    "mistakes",
    "prediction_page",
    "save",
]
