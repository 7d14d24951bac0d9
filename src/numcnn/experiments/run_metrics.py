"""Reading a run's metrics back, checked."""

import json
from pathlib import Path
from typing import Any

from numcnn.nn.validation import is_number, is_whole

_SHARES = ("test_accuracy", "validation_accuracy")
_NUMBERS = ("seconds", "images_per_second")
_COUNTS = ("best_epoch", "epochs", "parameters", "multiply_adds")


def read_run_metrics(path: Path, judged_by: str | None = None) -> dict[str, Any]:
    """Read and check the `metrics.json` of a run of one network.

    Args:
        path: The file.
        judged_by: "test" or "validation", where the accuracy of that part is needed.

    Raises:
        OSError: It cannot be read.
        ValueError: It is damaged, or of something else than a run of one network.
    """
    try:
        metrics = json.loads(path.read_bytes())
        if not isinstance(metrics, dict):
            raise ValueError("it is no object")
        if not isinstance(metrics["interrupted"], bool):
            raise ValueError(f"interrupted is {metrics['interrupted']!r}")
        for name in _SHARES:
            value = metrics[name]
            if value is None and name != f"{judged_by}_accuracy":
                continue
            if not is_number(value, 0, 1):
                raise ValueError(f"{name} is {value!r}")
        for name in ("test_loss", "validation_loss"):
            if metrics[name] is not None and not is_number(metrics[name], 0):
                raise ValueError(f"{name} is {metrics[name]!r}")
        for name in _NUMBERS:
            if not is_number(metrics[name], 0):
                raise ValueError(f"{name} is {metrics[name]!r}")
        for name in _COUNTS:
            if not is_whole(metrics[name]):
                raise ValueError(f"{name} is {metrics[name]!r}")
        if not 1 <= metrics["best_epoch"] <= metrics["epochs"]:
            raise ValueError(f"best_epoch is {metrics['best_epoch']} of {metrics['epochs']}")
    except (KeyError, ValueError, RecursionError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise ValueError(
            f"{path}: not the metrics of a run ({reason}); remove {path.parent} to train it again"
        ) from error
    return metrics
