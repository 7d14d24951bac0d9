"""A run: a recipe trained on a data set, and the folder it writes.

The folder holds `model.safetensors`, `settings.json` (all that is needed to do it again),
`history.jsonl`, `metrics.json`, `curves.png` and `confusion.png`; while the run is not finished,
also `checkpoint.safetensors`, from which it can go on. The pictures come last and may be missing:
what cannot be drawn is told in `Run.notes`.
"""

import json
import os
import platform
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

import numpy as np

from numcnn import __version__
from numcnn.atomic_file import atomic_file
from numcnn.data import Dataset, load, split_validation
from numcnn.data.download import ProgressBar
from numcnn.data.folder import Color
from numcnn.distributed import is_first
from numcnn.drawing import draw, draw_confusion
from numcnn.engine import blas_kernels
from numcnn.exact import weights_sha256
from numcnn.experiments.run_folder import RunFolder
from numcnn.experiments.settings import RunSettings
from numcnn.model_files import ModelFile, save_model
from numcnn.nn import Sequential
from numcnn.recipes import Recipe
from numcnn.training import EarlyStopping, Evaluation, History, evaluate, fit
from numcnn.training.callbacks import Callback, Moment
from numcnn.training.history import EpochRecord


@final
@dataclass(frozen=True)
class Run:
    """What came of a run.

    Attributes:
        folder: Where its files are.
        model: The trained model; without a finished epoch, not worth keeping.
        history: What happened in each epoch.
        metrics: What `metrics.json` holds; empty if no epoch was finished.
        test: How the model does on the test part, if there is one.
        own_validation: Whether the validation part came with the data set.
        notes: What went wrong without harm, such as a picture that could not be drawn.
    """

    folder: Path
    model: Sequential
    history: History
    metrics: dict[str, Any]
    test: Evaluation | None
    own_validation: bool = False
    notes: tuple[str, ...] = ()


def train(
    settings: RunSettings,
    folder: str | os.PathLike[str] | None = None,
    *,
    resume: bool = False,
    progress: str = "auto",
    download_bar: ProgressBar | None = None,
    callbacks: Sequence[Callback] = (),
) -> Run:
    """Train, judge and write everything into a folder.

    The test part is looked at once, when all is decided.

    Args:
        settings: What to train, and how.
        folder: Where the files go; a new one in ``runs`` if None. Missing folders are made.
        resume: Go on with a run in ``folder`` that was interrupted; it must have the same
            settings. One that finished no epoch begins anew.
        progress: How to show it, see `numcnn.training.fit`.
        download_bar: What shows the download of a data set that is not there yet.
        callbacks: What else watches the training, or ends it.

    Returns:
        What came of it. If Ctrl-C ended the training, ``history.interrupted`` is set, the files
        hold the best so far, and the run can be resumed.

    Raises:
        ValueError: The settings do not fit together or to the data, the folder holds a run or
            another process is at work in it, or what is there of a run to resume is damaged.
        OSError: Data cannot be read, or the folder not be written.
        ImportError: What the data set needs is not installed.
        numcnn.training.TrainingDiverged: The loss is not finite.
    """
    if settings.ensemble is not None:
        raise ValueError(
            f"ensemble is {settings.ensemble}, and this trains one network; use "
            "numcnn.experiments.ensemble_run.train_ensemble"
        )
    recipe = settings.resolved_recipe()
    if resume:
        run_to_resume(folder)
    with ExitStack() as stack:
        if not is_first():
            # Rank 0 alone writes what is kept; the others read the same state to go on from.
            own = stack.enter_context(TemporaryDirectory())
            if resume and folder is not None:
                shutil.copytree(folder, own, dirs_exist_ok=True)
            folder, progress = own, "none"
        place = stack.enter_context(
            RunFolder.locked(settings.free_folder if folder is None else folder)
        )
        return _train(settings, recipe, place, resume, progress, download_bar, list(callbacks))


def _train(
    settings: RunSettings,
    recipe: Recipe,
    folder: RunFolder,
    resume: bool,
    progress: str,
    download_bar: ProgressBar | None,
    callbacks: list[Callback],
) -> Run:
    """Train in a folder that no other process works in."""
    notes = []
    if resume:
        folder.require_resumable()
        if not folder.checkpoint.exists() and folder.history.exists():
            notes.append(f"{folder.checkpoint} is gone, so the training began anew")
    else:
        folder.require_free()
    splits = settings.load_splits(download_bar)
    training, validation = splits.train, splits.validation
    if validation is not None:
        if settings.validation_split:
            raise ValueError(
                f"validation_split is {settings.validation_split}, but {settings.dataset} has a "
                "validation part of its own; leave validation_split out, or move that part away"
            )
        if settings.validation_split == 0:
            validation = None
        recipe = replace(recipe, validation_split=0)
    elif recipe.validation_split:
        training, validation = split_validation(training, recipe.validation_split, settings.seed)
    if recipe.extension is not None:
        extend = partial(recipe.extension, seed=settings.seed, data_dir=settings.data_dir)
        training = extend(training, validation=False)
        validation = validation and extend(validation, validation=True)
    batch_size = recipe.batch_size or len(training)
    model = recipe.new_network(training.image_shape, len(training.classes))
    # What the test part lacks is to be known before hours of training.
    judged_by = None if splits.test is None else splits.test.with_classes(training.classes)
    history = fit(
        model,
        training,
        validation,
        epochs=recipe.epochs,
        batch_size=batch_size,
        optimizer=recipe.new_optimizer(),
        loss=recipe.loss,
        augmentation=recipe.augmentation,
        average=recipe.average,
        seed=settings.seed,
        callbacks=[
            *([EarlyStopping(settings.patience)] if settings.patience else []),
            *callbacks,
            _RunFiles(folder, _settings(settings, recipe, model, batch_size)),
        ],
        checkpoint=folder.checkpoint,
        resume=resume,
        identity={"patience": settings.patience, "classes": list(training.classes)},
        progress=progress,
        engine=settings.engine,
        shards=settings.shards,
    )
    if not len(history):
        return Run(folder.path, model, history, {}, None, notes=tuple(notes))
    history.save(folder.history)
    # Other engines are the same up to rounding.
    judge = "exact" if settings.engine == "exact" else "auto"
    test = None if judged_by is None else evaluate(model, judged_by, recipe.loss, engine=judge)
    metrics = _metrics(model, history, test)
    if judged_by is not None and judged_by.name != splits.train.name:
        # What stands in for an official test part is not to be taken for it.
        metrics = {"test_part": judged_by.name, **metrics}
    if settings.engine == "exact":
        metrics["weights_sha256"] = weights_sha256(model)
    card = _card(settings, recipe, training, metrics)
    save_model(folder.model, model, training.classes, card)
    write_json(folder.metrics, metrics)
    # All results are written. What happens from here on costs none of them.
    rows = [record.as_dict() for record in history.records]
    notes += draw(folder.curves, lambda plots: plots.learning_curves(rows))
    judged = test or (evaluate(model, validation) if validation else None)
    if judged is not None:
        notes += draw_confusion(folder.confusion, judged.confusion, training.classes)
    if not history.interrupted:
        folder.checkpoint.unlink(missing_ok=not is_first())
    own_validation = validation is not None and splits.validation is not None
    return Run(folder.path, model, history, metrics, test, own_validation, tuple(notes))


def load_part(
    dataset: str,
    part: str,
    found: ModelFile,
    data_dir: str | os.PathLike[str] | None = None,
) -> Dataset:
    """Read the images that a model is to be judged by, labeled by the model's classes.

    A folder's images are brought to the model's size and colors.

    Args:
        dataset: As in `RunSettings`.
        part: "test" or "train"; where there is no test part, it is the whole anyway.
        found: The model.
        data_dir: As in `RunSettings`.

    Raises:
        ValueError: There is no such data set, it is damaged, or has classes that the model does
            not know.
        OSError: Its files cannot be had.
    """
    shape = found.model.input_shape
    color: Color = "gray" if shape[-1] == 1 else "rgb"
    splits = load(dataset, data_dir, size=(shape[0], shape[1]), color=color)
    whole = splits.test if part == "test" and splits.test is not None else splits.train
    return whole.with_classes(found.classes)


@final
class _RunFiles(Callback):
    """Writes what there is of a run while it trains.

    `settings.json` comes when model and data are found to fit together, so that a mistake leaves
    no folder behind; `history.jsonl` after each epoch, for whoever wants to watch.
    """

    def __init__(self, folder: RunFolder, settings: dict[str, Any]) -> None:
        self._folder = folder
        self._settings = settings

    def train_begin(self, moment: Moment) -> None:
        write_json(self._folder.settings, self._settings)

    def epoch_end(self, moment: Moment, record: EpochRecord) -> None:
        moment.history.save(self._folder.history)


def _settings(
    settings: RunSettings, recipe: Recipe, model: Sequential, batch_size: int
) -> dict[str, Any]:
    """The user's settings, and what they came down to."""
    augmentation = recipe.augmentation
    return {
        "settings": asdict(settings),
        "resolved": {
            "recipe": recipe.name,
            "architecture": model.config(),
            "epochs": recipe.epochs,
            "batch_size": batch_size,
            "optimizer": repr(recipe.new_optimizer()),
            "loss": repr(recipe.loss),
            "augmentation": None if augmentation is None else augmentation.config(),
            "average": recipe.average,
            "validation_split": recipe.validation_split,
        },
        "versions": {**versions(), "blas": blas_kernels()},
    }


def _metrics(model: Sequential, history: History, test: Evaluation | None) -> dict[str, Any]:
    best = history.best
    assert best is not None
    return {
        "test_accuracy": test.accuracy if test else None,
        "test_loss": test.loss if test else None,
        "validation_accuracy": best.validation_accuracy,
        "validation_loss": best.validation_loss,
        "best_epoch": best.epoch,
        "epochs": len(history),
        "interrupted": history.interrupted,
        "parameters": model.summary().parameters,
        "multiply_adds": model.summary().macs,
        "seconds": history.seconds,
        "images_per_second": history.images_per_second,
    }


def _card(
    settings: RunSettings,
    recipe: Recipe,
    training: Dataset,
    metrics: dict[str, Any],
) -> dict[str, Any]:
    """How the model came about; no times, so that the same run writes the same file."""
    measured = ("test_accuracy", "validation_accuracy", "best_epoch", "epochs", "interrupted")
    return {
        "dataset": training.name,
        "training_images": len(training),
        "recipe": recipe.name,
        "seed": settings.seed,
        "augmentation": recipe.augmentation and recipe.augmentation.config(),
        **{name: metrics[name] for name in ("test_part", *measured) if name in metrics},
        "versions": versions(),
    }


def run_to_resume(folder: str | os.PathLike[str] | None) -> RunFolder:
    """The run in a folder that is to go on.

    Raises:
        ValueError: No folder is given, or there is no run in it.
    """
    if folder is None:
        raise ValueError("resume is True but folder is None; give the folder of the run")
    run = RunFolder.of(folder)
    if not run.is_begun:
        run.require_resumable()
    return run


def versions() -> dict[str, str]:
    """What a run was made with."""
    return {
        "numcnn": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write an object for people to read as well."""
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
