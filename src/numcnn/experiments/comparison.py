"""Comparing recipes: trained on the same data with the same seeds, in one table and one plot.

The folder holds a run for each recipe and seed (`lenet5-seed-0`, ...; see
`numcnn.experiments.run`), and `comparison.json`, `comparison.md` and `comparison.png`. The picture
comes last and may be missing; see `Comparison.notes`.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np

from numcnn.atomic_file import atomic_file
from numcnn.data import Dataset, describe
from numcnn.data.download import ProgressBar
from numcnn.drawing import draw
from numcnn.experiments.run import train, versions, write_json
from numcnn.experiments.run_folder import RunFolder
from numcnn.experiments.settings import RunSettings
from numcnn.nn.validation import whole
from numcnn.recipes import Recipe

HELD_OUT = 0.1
"""What is held out to judge by where there is no test part and a recipe holds nothing out."""


@final
@dataclass(frozen=True)
class ComparisonRow:
    """What came of one recipe.

    Attributes:
        recipe: Its name.
        accuracies: One for each seed, from 0 to 1.
        parameters: How many numbers are learned.
        multiply_adds: How many products one image takes on its way through.
        epochs: How many were trained.
        seconds: How long a training took, the mean over the seeds.
        images_per_second: Training images by time, the median over the seeds.
    """

    recipe: str
    accuracies: tuple[float, ...]
    parameters: int
    multiply_adds: int
    epochs: int
    seconds: float
    images_per_second: float

    @property
    def accuracy(self) -> float:
        """The mean over the seeds."""
        return sum(self.accuracies) / len(self.accuracies)


@final
@dataclass(frozen=True)
class Comparison:
    """What came of a comparison.

    Attributes:
        folder: Where its files are.
        dataset: What was trained on.
        judged_by: "test", or "validation" where there is no test part.
        rows: One for each recipe, in the order asked for.
        interrupted: The run that Ctrl-C ended, if it did; then there are no files of the whole.
        notes: What went wrong without harm, such as a picture that could not be drawn.
    """

    folder: Path
    dataset: str
    judged_by: str
    rows: tuple[ComparisonRow, ...]
    interrupted: str | None = None
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """All numbers, as JSON can hold them."""
        return {
            "dataset": self.dataset,
            "judged_by": self.judged_by,
            "rows": [{**asdict(row), "accuracy": row.accuracy} for row in self.rows],
            "versions": versions(),
        }

    def cells(self) -> list[list[str]]:
        """The table: a heading, and a row for each recipe."""
        seeds = max((len(row.accuracies) for row in self.rows), default=1)
        heading = ["recipe", f"{self.judged_by} accuracy", "range", "parameters"]
        heading += ["multiply-adds", "epochs", "seconds", "images/s"]
        cells = [
            [
                row.recipe,
                f"{row.accuracy:.2%}",
                f"{min(row.accuracies):.2%} to {max(row.accuracies):.2%}",
                f"{row.parameters:,}",
                f"{row.multiply_adds:,}",
                f"{row.epochs:,}",
                f"{row.seconds:,.1f}",
                f"{row.images_per_second:,.0f}",
            ]
            for row in self.rows
        ]
        table = [heading, *cells]
        # One seed has no range.
        return table if seeds > 1 else [line[:2] + line[3:] for line in table]

    def markdown(self) -> str:
        """The table as Markdown."""
        heading, *rows = ["| " + " | ".join(line) + " |" for line in self.cells()]
        columns = len(self.cells()[0])
        return "\n".join([heading, "|---" + "|---:" * (columns - 1) + "|", *rows]) + "\n"


def compare(
    recipes: Sequence[str],
    settings: RunSettings,
    folder: str | os.PathLike[str] | None = None,
    *,
    seeds: int = 1,
    progress: str = "auto",
    download_bar: ProgressBar | None = None,
    announce: Callable[[str], None] | None = None,
) -> Comparison:
    """Train recipes, and put side by side what came of them.

    Runs that are in the folder already are kept, and one that was interrupted goes on. So a
    comparison that was stopped is done again with the same arguments.

    Where there is no test part, all are judged by the images that they held out, and a recipe that
    holds none out does so here.

    Args:
        recipes: Their names; one that is named twice counts once.
        settings: What all have in common. Its recipe counts for nothing, its seed is the first.
        folder: Where the files go; a new one in ``runs`` if None. Missing folders are made.
        seeds: How many times to train each.
        progress: How to show each training, see `numcnn.training.fit`.
        download_bar: What shows the download of a data set that is not there yet.
        announce: Gets a line before each training.

    Returns:
        What came of them.

    Raises:
        ValueError: There is no such recipe, it cannot take such images, the folder holds a run of
            other settings or another process is at work in it, or what is there of a run to
            resume is damaged.
        OSError: Data cannot be read, or the folder not be written.
        ImportError: What the data set needs is not installed.
        numcnn.training.TrainingDiverged: A loss is not finite.
    """
    if not recipes:
        raise ValueError("recipes is empty; name at least one")
    whole("seeds", seeds)
    names = list(dict.fromkeys(recipes))
    of_each = [replace(settings, recipe=name) for name in names]
    recipes_found = [one.resolved_recipe() for one in of_each]
    splits = settings.load_splits(download_bar)
    for recipe in recipes_found:
        _require_fitting(recipe, splits.train)
    if splits.test is None:
        of_each = [
            one if recipe.validation_split else replace(one, validation_split=HELD_OUT)
            for one, recipe in zip(of_each, recipes_found, strict=True)
        ]
    plan = [
        (name, [replace(one, seed=settings.seed + k) for k in range(seeds)])
        for name, one in zip(names, of_each, strict=True)
    ]
    dataset, judged_by = _dataset(settings), "validation" if splits.test is None else "test"
    numbers: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    notes: list[str] = []
    free = partial(settings.free_folder, "compare")
    with RunFolder.locked(free if folder is None else folder) as place:
        for name, runs in plan:
            for run in runs:
                member = RunFolder(place.path / f"{name}-seed-{run.seed}")
                if _is_to_train(run, member):
                    if announce is not None:
                        announce(f"{name}, seed {run.seed}")
                    made = train(
                        run,
                        member.path,
                        resume=member.is_begun,
                        progress=progress,
                        download_bar=download_bar,
                    )
                    notes += made.notes
                    if made.history.interrupted:
                        return Comparison(
                            place.path, dataset, judged_by, (), member.name, notes=tuple(notes)
                        )
                numbers[name].append(member.read_metrics(judged_by))
        rows = tuple(_row(name, numbers[name], f"{judged_by}_accuracy") for name in names)
        comparison = Comparison(place.path, dataset, judged_by, rows)
        notes += _write(comparison)
    return replace(comparison, notes=tuple(notes))


def _require_fitting(recipe: Recipe, images: Dataset) -> None:
    """See that a recipe can take the images, before the first one is trained."""
    try:
        shape, classes = images.image_shape, len(images.classes)
        recipe.new_network(shape, classes).build(shape)
    except ValueError as error:
        raise ValueError(f"recipe {recipe.name} cannot take {images.name}: {error}") from error


def _is_to_train(settings: RunSettings, run: RunFolder) -> bool:
    """Tell whether a run is still to be trained, or to go on."""
    if run.is_begun and RunSettings.load(run.settings) != settings:
        raise ValueError(
            f"{run.path}: holds a run of other settings; choose another folder for this comparison"
        )
    return not run.is_finished


def _row(name: str, numbers: list[dict[str, Any]], judged: str) -> ComparisonRow:
    return ComparisonRow(
        recipe=name,
        accuracies=tuple(one[judged] for one in numbers),
        parameters=numbers[0]["parameters"],
        multiply_adds=numbers[0]["multiply_adds"],
        epochs=max(one["epochs"] for one in numbers),
        seconds=float(np.mean([one["seconds"] for one in numbers])),
        images_per_second=float(np.median([one["images_per_second"] for one in numbers])),
    )


def _dataset(settings: RunSettings) -> str:
    try:
        return describe(settings.dataset).name
    except ValueError:
        return Path(settings.dataset).name


def _write(comparison: Comparison) -> list[str]:
    """Write the table and the picture; return what is to be told of the picture."""
    folder = RunFolder(comparison.folder)
    write_json(folder.comparison_numbers, comparison.as_json())
    with atomic_file(folder.comparison_table) as temporary:
        temporary.write_text(comparison.markdown(), encoding="utf-8")
    return draw(
        folder.comparison_picture,
        lambda plots: plots.comparison_figure(
            [asdict(row) for row in comparison.rows],
            title=f"Recipes on {comparison.dataset}",
            judged_by=comparison.judged_by,
        ),
    )
