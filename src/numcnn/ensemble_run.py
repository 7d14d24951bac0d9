"""An ensemble's run: the same settings trained with several seeds, and one folder for all.

The folder holds `settings.json`, for each seed the folder of a run (`seed-0`, `seed-1`, ...; see
`numcnn.run`), and, when all are trained, `metrics.json` and `confusion.png` of what they say
together.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np

from numcnn.data.download import ProgressBar
from numcnn.ensemble import MEMBER, Ensemble, evaluate_together
from numcnn.run import (
    CHECKPOINT,
    METRICS,
    MODEL,
    SETTINGS,
    is_finished,
    train,
    versions,
    write_json,
)
from numcnn.run_settings import RunSettings
from numcnn.training import Callback, Evaluation, Moment


@final
@dataclass(frozen=True)
class EnsembleRun:
    """What came of an ensemble's run.

    Attributes:
        folder: Where its files are.
        metrics: What `metrics.json` holds; empty if not all members are trained.
        interrupted: The seed that Ctrl-C came at, if it did.
    """

    folder: Path
    metrics: dict[str, Any]
    interrupted: int | None = None


def train_ensemble(
    settings: RunSettings,
    folder: str | os.PathLike[str],
    *,
    resume: bool = False,
    progress: str = "auto",
    download_bar: ProgressBar | None = None,
    announce: Callable[[str], None] | None = None,
) -> EnsembleRun:
    """Train a network with each seed, one after another, and judge them together.

    Args:
        settings: What to train, and how; ``ensemble`` says how many, ``seed`` the first seed.
        folder: Where the files go.
        resume: Go on with a run in ``folder`` that was interrupted: members that are finished
            stay, one that was interrupted goes on, and the others are trained.
        progress: How to show each training, see `numcnn.training.fit`.
        download_bar: What shows the download of a data set that is not there yet.
        announce: Gets a line before each training.

    Returns:
        What came of it. If Ctrl-C ended a training, ``interrupted`` is its seed, and the run can be
        resumed.

    Raises:
        ValueError: The settings do not fit together or to the data, or the folder holds a run.
        OSError: Data cannot be read, or the folder not be written.
        ImportError: matplotlib, or what the data set needs, is not installed.
        numcnn.training.TrainingDiverged: A loss is not finite.
    """
    folder = Path(folder)
    if settings.ensemble is None:
        raise ValueError("ensemble is None; say how many networks to train")
    settings.resolved_recipe()
    if resume:
        if not (folder / SETTINGS).exists():
            raise ValueError(f"{folder}: there is no run here to resume (no {SETTINGS})")
        if (folder / METRICS).exists():
            raise ValueError(f"{folder}: this run is finished; there is nothing to resume")
    elif any((folder / name).exists() for name in (SETTINGS, MODEL, METRICS, CHECKPOINT)):
        raise ValueError(
            f"{folder}: holds a run already; choose another folder, or resume it if it was "
            "interrupted"
        )
    seeds = range(settings.seed, settings.seed + settings.ensemble)
    for number, seed in enumerate(seeds, start=1):
        member = folder / f"{MEMBER}{seed}"
        if is_finished(member):
            continue
        if announce is not None:
            announce(f"seed {seed}, {number} of {len(seeds)}")
        run = train(
            replace(settings, seed=seed, ensemble=None),
            member,
            resume=(member / SETTINGS).exists(),
            progress=progress,
            download_bar=download_bar,
            callbacks=[_Settings(folder, settings)],
        )
        if run.history.interrupted:
            return EnsembleRun(folder, {}, interrupted=seed)
    test = settings.load_splits(download_bar).test
    members = [folder / f"{MEMBER}{seed}" for seed in seeds]
    together = None
    if test is not None:
        models = Ensemble.load([member / MODEL for member in members])
        together, _ = evaluate_together(models, test)
    metrics = _metrics(members, together)
    if together is not None and test is not None:
        from numcnn import plots

        figure = plots.confusion_matrix_figure(together.confusion, test.classes)
        plots.save(figure, folder / "confusion.png")
    write_json(folder / METRICS, metrics)
    return EnsembleRun(folder, metrics)


@final
@dataclass(frozen=True)
class _Settings(Callback):
    """Writes the ensemble's `settings.json` once a training begins.

    By then settings and data are found to fit together: a mistake leaves no folder behind.
    """

    folder: Path
    settings: RunSettings

    def train_begin(self, moment: Moment) -> None:
        if not (self.folder / SETTINGS).exists():
            said = {"settings": asdict(self.settings), "versions": versions()}
            write_json(self.folder / SETTINGS, said)


def _metrics(members: list[Path], together: Evaluation | None) -> dict[str, Any]:
    """The joint accuracy, and each member's own numbers as its run measured them."""
    each = [json.loads((member / METRICS).read_text(encoding="utf-8")) for member in members]
    alone = [one["test_accuracy"] for one in each] if together else []
    return {
        "test_accuracy": together.accuracy if together else None,
        "test_loss": together.loss if together else None,
        "mean_test_accuracy": float(np.mean(alone)) if together else None,
        "lowest_test_accuracy": min(alone, default=None),
        "highest_test_accuracy": max(alone, default=None),
        "parameters": sum(one["parameters"] for one in each),
        "multiply_adds": sum(one["multiply_adds"] for one in each),
        "seconds": sum(one["seconds"] for one in each),
        "images_per_second": float(np.median([one["images_per_second"] for one in each])),
        "members": [
            {"folder": member.name, **one} for member, one in zip(members, each, strict=True)
        ],
    }
