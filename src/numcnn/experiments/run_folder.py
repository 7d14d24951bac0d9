"""A run's folder: its file names, and whether the run is finished or can be resumed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from numcnn.atomic_file import remove_abandoned
from numcnn.experiments.folder_lock import Place, locked_folder
from numcnn.experiments.run_metrics import read_run_metrics

_FILES = {
    "model": "model.safetensors",
    "settings": "settings.json",
    "history": "history.jsonl",
    "metrics": "metrics.json",
    "checkpoint": "checkpoint.safetensors",
    "curves": "curves.png",
    "confusion": "confusion.png",
    # What a comparison writes beside its runs.
    "table": "comparison.md",
    "numbers": "comparison.json",
    "picture": "comparison.png",
}
_MEMBER = "seed-"


@final
@dataclass(frozen=True)
class RunFolder:
    """The folder of a run, an ensemble or a comparison, whether it exists or not.

    A run that has written `metrics.json` is finished, unless its checkpoint is still there, or
    `metrics.json` says that it was interrupted: then it can go on from its checkpoint.

    Attributes:
        path: The folder.
    """

    path: Path

    @staticmethod
    def of(folder: str | os.PathLike[str]) -> "RunFolder":
        """The run in a folder."""
        return RunFolder(Path(folder))

    @staticmethod
    @contextmanager
    def locked(folder: Place) -> Iterator["RunFolder"]:
        """Keep a folder to this run until the block ends; see `locked_folder`.

        Temporary files that a killed run left are removed.

        Raises:
            ValueError: Another run is at work in it.
            OSError: The folder cannot be made or written.
        """
        with locked_folder(folder) as place:
            run = RunFolder(place)
            remove_abandoned(run.files)
            yield run

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.path / _FILES["model"]

    @property
    def settings(self) -> Path:
        """All that is needed to do the run again."""
        return self.path / _FILES["settings"]

    @property
    def history(self) -> Path:
        """What happened in each epoch, a line each."""
        return self.path / _FILES["history"]

    @property
    def metrics(self) -> Path:
        """What was measured."""
        return self.path / _FILES["metrics"]

    @property
    def checkpoint(self) -> Path:
        """What an interrupted run goes on from."""
        return self.path / _FILES["checkpoint"]

    @property
    def curves(self) -> Path:
        """The learning curves."""
        return self.path / _FILES["curves"]

    @property
    def confusion(self) -> Path:
        """The confusion matrix."""
        return self.path / _FILES["confusion"]

    @property
    def comparison_table(self) -> Path:
        """The table of a comparison, Markdown."""
        return self.path / _FILES["table"]

    @property
    def comparison_numbers(self) -> Path:
        """The numbers of a comparison, JSON."""
        return self.path / _FILES["numbers"]

    @property
    def comparison_picture(self) -> Path:
        """The picture of a comparison."""
        return self.path / _FILES["picture"]

    @property
    def files(self) -> list[Path]:
        """All files that runs, ensembles and comparisons may write into their own folder."""
        return [self.path / name for name in _FILES.values()]

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.name

    @property
    def is_begun(self) -> bool:
        """Whether a training has begun here."""
        return self.settings.exists()

    @property
    def is_finished(self) -> bool:
        """Whether the run was trained to its end.

        Raises:
            ValueError: Its `metrics.json` is damaged.
            OSError: It cannot be read.
        """
        return self.metrics.exists() and not self.is_interrupted

    @property
    def is_interrupted(self) -> bool:
        """Whether the run, as far as it has results, is not at its end.

        Raises:
            ValueError: Its `metrics.json` is damaged.
            OSError: It cannot be read.
        """
        if self.checkpoint.exists():
            return True
        return self.metrics.exists() and bool(self.read_metrics()["interrupted"])

    def read_metrics(self, judged_by: str | None = None) -> dict[str, Any]:
        """Read what was measured; see `read_run_metrics`."""
        return read_run_metrics(self.metrics, judged_by)

    def member(self, seed: int) -> "RunFolder":
        """The folder of one of an ensemble's runs."""
        return RunFolder(self.path / f"{_MEMBER}{seed}")

    def finished_models(self) -> list[Path]:
        """The run's model; of an ensemble, those of all members whose training is finished.

        Raises:
            ValueError: There is none, or a member's `metrics.json` is damaged.
        """
        if self.model.exists():
            return [self.model]
        members = [RunFolder(place) for place in self.path.glob(f"{_MEMBER}*")]
        found = [one.model for one in members if one.model.exists() and not one.is_interrupted]
        if not found:
            raise ValueError(
                f"{self.path}: there is no finished model in this folder; give a run's folder or "
                f"its {self.model.name}"
            )
        return sorted(found, key=lambda file: (len(file.parent.name), file))

    def require_free(self) -> None:
        """See that no run has been here.

        Raises:
            ValueError: One has; it may be resumed.
        """
        if any(file.exists() for file in (self.model, self.metrics, self.checkpoint)):
            raise ValueError(
                f"{self.path}: holds a run already; choose another folder, or resume it if it was "
                "interrupted"
            )

    def require_resumable(self) -> None:
        """See that the run here is not at its end, and has what it goes on from.

        One that has not finished an epoch has no checkpoint, and begins anew.

        Raises:
            ValueError: There is no run, it is finished, or its checkpoint is gone.
        """
        if not self.is_begun:
            raise ValueError(
                f"{self.path}: there is no run here to resume (no {self.settings.name})"
            )
        if self.checkpoint.exists():
            return
        if self.is_finished:
            raise ValueError(f"{self.path}: this run is finished; there is nothing to resume")
        if not (self.model.exists() or self.metrics.exists()):
            return
        after = ""
        if self.metrics.exists():
            after = f" after {self.read_metrics()['epochs']} epochs"
        raise ValueError(
            f"{self.path}: this run was interrupted{after}, and its {self.checkpoint.name} is "
            "gone, so it cannot go on; train it anew in another folder: "
            f"numcnn train --settings {self.settings}"
        )
