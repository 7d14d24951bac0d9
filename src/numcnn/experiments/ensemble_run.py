"""Training an ensemble: the same settings with several seeds, in one folder.

The folder holds `settings.json`, for each seed the folder of a run (`seed-0`, `seed-1`, ...; see
`numcnn.experiments.run`), and, when all are trained, `metrics.json` and `confusion.png` of what
they say together. The picture comes last and may be missing; see `EnsembleRun.notes`.
"""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np

from numcnn.data.download import ProgressBar
from numcnn.drawing import draw_confusion
from numcnn.experiments.ensemble import Ensemble, evaluate_together
from numcnn.experiments.run import run_to_resume, train, versions, write_json
from numcnn.experiments.run_folder import RunFolder
from numcnn.experiments.settings import RunSettings
from numcnn.training import Callback, Evaluation, Moment


@final
@dataclass(frozen=True)
class EnsembleRun:
    """What came of an ensemble's run.

    Attributes:
        folder: Where its files are.
        metrics: What `metrics.json` holds; empty if not all members are trained.
        interrupted: The seed that Ctrl-C came at, if it did.
        notes: What went wrong without harm, such as a picture that could not be drawn.
    """

    folder: Path
    metrics: dict[str, Any]
    interrupted: int | None = None
    notes: tuple[str, ...] = ()


def train_ensemble(
    settings: RunSettings,
    folder: str | os.PathLike[str] | None = None,
    *,
    resume: bool = False,
    progress: str = "auto",
    download_bar: ProgressBar | None = None,
    announce: Callable[[str], None] | None = None,
) -> EnsembleRun:
    """Train a network with each seed, one after another, and judge them together.

    Args:
        settings: What to train, and how; ``ensemble`` says how many, ``seed`` the first seed.
        folder: Where the files go; a new one in ``runs`` if None. Missing folders are made.
        resume: Go on with a run in ``folder`` that was interrupted: members that are finished
            stay, one that was interrupted goes on, and the others are trained.
        progress: How to show each training, see `numcnn.training.fit`.
        download_bar: What shows the download of a data set that is not there yet.
        announce: Gets a line before each training.

    Returns:
        What came of it. If Ctrl-C ended a training, ``interrupted`` is its seed, and the run can be
        resumed.

    Raises:
        ValueError: The settings do not fit together or to the data, the folder holds a run or
            another process is at work in it, or what is there of a run to resume is damaged.
        OSError: Data cannot be read, or the folder not be written.
        ImportError: What the data set needs is not installed.
        numcnn.training.TrainingDiverged: A loss is not finite.
    """
    if settings.ensemble is None:
        raise ValueError("ensemble is None; say how many networks to train")
    settings.resolved_recipe()
    if resume:
        run_to_resume(folder)
    with RunFolder.locked(settings.free_folder if folder is None else folder) as place:
        if resume and place.metrics.exists():
            raise ValueError(f"{place.path}: this run is finished; there is nothing to resume")
        if not resume:
            place.require_free()
            if place.is_begun:
                raise ValueError(
                    f"{place.path}: holds an ensemble already; choose another folder, or resume it"
                )
        return _train_members(settings, settings.ensemble, place, progress, download_bar, announce)


def _train_members(
    settings: RunSettings,
    count: int,
    folder: RunFolder,
    progress: str,
    download_bar: ProgressBar | None,
    announce: Callable[[str], None] | None,
) -> EnsembleRun:
    """Train all that are not finished, in a folder that no other process works in."""
    notes: list[str] = []
    seeds = range(settings.seed, settings.seed + count)
    members = [folder.member(seed) for seed in seeds]
    for number, (seed, member) in enumerate(zip(seeds, members, strict=True), start=1):
        own = replace(settings, seed=seed, ensemble=None)
        if member.is_begun and RunSettings.load(member.settings) != own:
            raise ValueError(
                f"{member.path}: holds a run of other settings than {folder.settings} says; "
                "train the ensemble in another folder"
            )
        if member.is_finished:
            continue
        if announce is not None:
            announce(f"seed {seed}, {number} of {count}")
        run = train(
            own,
            member.path,
            resume=member.is_begun,
            progress=progress,
            download_bar=download_bar,
            callbacks=[_Settings(folder, settings)],
        )
        notes += run.notes
        if run.history.interrupted:
            return EnsembleRun(folder.path, {}, seed, tuple(notes))
    test = settings.load_splits(download_bar).test
    together = None
    if test is not None:
        models = Ensemble.load([member.model for member in members])
        together, _ = evaluate_together(models, test.with_classes(models.classes))
    metrics = _metrics(members, together)
    write_json(folder.metrics, metrics)
    if together is not None:
        notes += draw_confusion(folder.confusion, together.confusion, models.classes)
    return EnsembleRun(folder.path, metrics, notes=tuple(notes))


@final
@dataclass(frozen=True)
class _Settings(Callback):
    """Writes the ensemble's `settings.json` once a training begins.

    By then settings and data are found to fit together: a mistake leaves no folder behind.
    """

    folder: RunFolder
    settings: RunSettings

    def train_begin(self, moment: Moment) -> None:
        if not self.folder.is_begun:
            said = {"settings": asdict(self.settings), "versions": versions()}
            write_json(self.folder.settings, said)


def _metrics(members: list[RunFolder], together: Evaluation | None) -> dict[str, Any]:
    """The joint accuracy, and each member's own numbers as its run measured them."""
    each = [member.read_metrics("test" if together else None) for member in members]
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
