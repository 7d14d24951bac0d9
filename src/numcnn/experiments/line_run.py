"""Training the network that reads whole lines: lines composed, learned from, and the model written.

The files of the folder are named as those of every run. The digits are those of MNIST's training
part; the test part is not touched.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from numcnn import __version__
from numcnn.data import load, split_validation
from numcnn.data.download import ProgressBar
from numcnn.experiments.run_folder import RunFolder
from numcnn.model_files import save_model
from numcnn.nn import Adam, OneCycle, Sequential
from numcnn.nn.ctc_loss import CTCLoss, ctc_path
from numcnn.recipes import line_reader as recipe
from numcnn.training import History, fit

SYMBOLS_IN_CARD = "line_symbols"
"""The entry of a model's card that says what lines are spelled with."""


@final
@dataclass(frozen=True)
class LineRun:
    """A training of the line network.

    Attributes:
        folder: Where its files are.
        model: The network, with the weights of the best epoch.
        history: Its epochs.
    """

    folder: Path
    model: Sequential
    history: History


def whole_lines(targets: NDArray[Any], outputs: NDArray[Any]) -> float:
    """The share of lines that are read right as a whole, from 0 to 1.

    Args:
        targets: ``(count, longest)``, filled up with -1.
        outputs: ``(count, 1, steps, symbols + 1)``.
    """
    read = [[each[0] for each in line] for line in ctc_path(outputs)]
    wanted = [row[row >= 0].tolist() for row in targets]
    return float(np.mean([a == b for a, b in zip(read, wanted, strict=True)]))


def train_lines(
    folder: str | os.PathLike[str],
    *,
    data_dir: str | None = None,
    seed: int = 0,
    epochs: int = recipe.EPOCHS,
    lines: int = recipe.LINES,
    resume: bool = False,
    progress: str = "auto",
    download_bar: ProgressBar | None = None,
) -> LineRun:
    """Compose lines of MNIST's training digits and train the line network on them.

    Args:
        folder: The run's folder; missing folders are made.
        data_dir: Where MNIST is; the usual places, or a download, if None.
        seed: Of everything random.
        epochs: How many times to go through the lines.
        lines: How many lines to learn from.
        resume: Whether to go on with the interrupted run in the folder.
        progress: As `numcnn.training.fit` takes it.
        download_bar: For the download.

    Raises:
        ValueError: The folder holds a run already, or none to resume; or an argument is out of
            range.
        DataNotFoundError: MNIST is not there and cannot be downloaded.
        ImportError: Pillow is not installed.
    """
    try:
        from numcnn.handwriting.synthesis.lines import SYMBOLS, compose_lines
    except ImportError as error:
        raise ImportError(
            "composing lines needs SciPy and Pillow: pip install 'numcnn[app]'"
        ) from error
    with RunFolder.locked(folder) as place:
        if not resume:
            place.require_free()
        elif not place.checkpoint.exists():
            raise ValueError(f"{place.path} holds no interrupted training of lines to go on with")
        digits = load("mnist", data_dir, progressbar=download_bar or False).train
        learned, held = split_validation(digits, recipe.VALIDATION_SPLIT, seed)
        training = compose_lines(learned, lines, seed)
        # Of a seed of their own: the same papers and places would teach the same.
        validation = compose_lines(held, recipe.VALIDATION_LINES, seed + 1)
        model = recipe.network(len(SYMBOLS))
        history = fit(
            model,
            training.images,
            training.targets,
            validation=(validation.images, validation.targets),
            epochs=epochs,
            batch_size=recipe.BATCH_SIZE,
            optimizer=_optimizer(),
            loss=CTCLoss(),
            metrics=[whole_lines],
            monitor="validation_whole_lines",
            average=recipe.AVERAGE,
            seed=seed,
            checkpoint=place.checkpoint,
            resume=resume,
            identity={"lines": lines},
            progress=progress,
        )
        if len(history):
            history.save(place.history)
            best = history.best
            card = {
                "name": "line reader",
                "numcnn": __version__,
                SYMBOLS_IN_CARD: "".join(SYMBOLS),
                "trained_on": f"{lines:,} lines composed of digits of {digits.name}",
                "seed": seed,
                "epochs": len(history),
                "validation_whole_lines": best.metrics["whole_lines"] if best else None,
            }
            save_model(place.model, model, (), card)
            if not history.interrupted:
                place.checkpoint.unlink()
        return LineRun(place.path, model, history)


def _optimizer() -> Adam:
    rate = OneCycle(recipe.LEARNING_RATE)
    return Adam(learning_rate=rate, weight_decay=0.01, clip_norm=5.0)
