"""A run's settings: what a user can choose, and how it is written down."""

import json
import os
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, final

from numcnn import recipes
from numcnn.data import Splits, describe, load
from numcnn.data.download import ProgressBar
from numcnn.data.folder import Color
from numcnn.engine import MOST_SHARDS, SHARDS, is_shards
from numcnn.nn import ENGINES
from numcnn.nn.validation import is_number, is_whole
from numcnn.recipes import Recipe

_MOST = 2**63 - 1
"""Of a whole number; JSON knows larger ones, and NumPy does not."""


@final
@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What a user can say about a run. What is None is as the recipe says.

    Attributes:
        dataset: A data set's name, or the path of a CSV file or a folder of images.
        data_dir: Where the data set's files are; the usual places if None.
        recipe: A recipe's name; the data set's default if None.
        seed: Of everything random.
        ensemble: How many networks to train, each with the next seed; None for a single one.
        epochs: How many times to go through the training images.
        batch_size: Images a step.
        learning_rate: The highest rate of the recipe's schedule.
        validation_split: The share of the training images to validate with; 0 for none.
        patience: After how many epochs without a better one the training ends early; never if None.
        augment: Whether to use the recipe's augmentation.
        layers: The layers of a recipe that takes a list of them, such as "relu:128,sigmoid:64".
        size: Resize a folder's images to ``(height, width)``.
        color: "auto", "gray" or "rgb": how to read a folder's images.
        engine: "auto" for the way that is planned for the machine, "layers" for the layers' own
            code, "exact" for the same bits on every machine.
        shards: Into how many parts the engine cuts a batch at most, a power of two; it changes the
            last bits of the weights.

    Raises:
        ValueError: A setting is out of range, or of another type, as a file may have it.
    """

    dataset: str = "digits"
    data_dir: str | None = None
    recipe: str | None = None
    seed: int = 0
    ensemble: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    validation_split: float | None = None
    patience: int | None = None
    augment: bool = True
    layers: str | None = None
    size: tuple[int, int] | None = None
    color: Color = "auto"
    engine: str = "auto"
    shards: int = SHARDS

    def __post_init__(self) -> None:
        rate, share = self.learning_rate, self.validation_split
        wanted = {
            "dataset": (isinstance(self.dataset, str), "a name or a path"),
            "data_dir": (isinstance(self.data_dir, str | None), "a path"),
            "recipe": (isinstance(self.recipe, str | None), "a name"),
            "seed": (is_whole(self.seed, 0, _MOST), "a whole number of at least 0"),
            "ensemble": (
                self.ensemble is None or is_whole(self.ensemble, 2, _MOST),
                "a whole number above 1",
            ),
            "epochs": (
                self.epochs is None or is_whole(self.epochs, 1, _MOST),
                "a whole number above 0",
            ),
            "batch_size": (
                self.batch_size is None or is_whole(self.batch_size, 1, _MOST),
                "a whole number above 0",
            ),
            "patience": (
                self.patience is None or is_whole(self.patience, 1, _MOST),
                "a whole number above 0",
            ),
            "learning_rate": (
                rate is None or (is_number(rate) and 0 < rate < 1e300),
                "a positive number",
            ),
            "validation_split": (
                share is None or (is_number(share) and 0 <= share < 1),
                "a share from 0 to below 1",
            ),
            "augment": (isinstance(self.augment, bool), "true or false"),
            "layers": (isinstance(self.layers, str | None), "a list such as relu:128,sigmoid:64"),
            "size": (
                self.size is None
                or (
                    isinstance(self.size, tuple)
                    and len(self.size) == 2
                    and all(is_whole(side, 1, _MOST) for side in self.size)
                ),
                "height and width in pixels",
            ),
            "color": (self.color in ("auto", "gray", "rgb"), "auto, gray or rgb"),
            "engine": (self.engine in ENGINES, " or ".join(ENGINES)),
            "shards": (is_shards(self.shards), f"a power of two from 1 to {MOST_SHARDS}"),
        }
        for name, (is_right, what) in wanted.items():
            if not is_right:
                raise ValueError(f"{name} is {getattr(self, name)!r}; give {what}")

    def resolved_recipe(self) -> Recipe:
        """Find the recipe, and change it where these settings say so.

        Raises:
            ValueError: There is no such recipe, or its layers are not to be set so.
        """
        recipe = recipes.find(self.recipe, _catalog_name(self.dataset) or self.dataset)
        changes = {
            name: getattr(self, name)
            for name in ("epochs", "batch_size", "learning_rate", "validation_split")
            if getattr(self, name) is not None
        }
        if not self.augment:
            changes["augmentation"] = None
        if self.layers is not None:
            recipe = recipe.with_layers(self.layers)
        return replace(recipe, **changes)

    def load_splits(self, download_bar: ProgressBar | None = None) -> Splits:
        """Read the data set.

        Args:
            download_bar: What shows its download, if it is not there yet.

        Raises:
            ValueError: There is none of that name, or its files are damaged.
            OSError: Its files cannot be had.
        """
        return load(
            self.dataset,
            self.data_dir,
            progressbar=download_bar or False,
            size=self.size,
            color=self.color,
        )

    def free_folder(self, what: str | None = None) -> Path:
        """Choose a folder for a run that does not exist yet: ``runs/mnist-convnet-1`` and so on.

        Args:
            what: What to call it by beside the data set; the recipe's name if None.
        """
        # Of a path, the last part without its suffixes; "." has none before it is resolved.
        own = Path(self.dataset).resolve().name.split(".")[0]
        dataset = _catalog_name(self.dataset) or own or "data"
        name = f"{dataset}-{what or self.resolved_recipe().name}"
        number = 1
        while (folder := Path("runs", f"{name}-{number}")).exists():
            number += 1
        return folder

    def as_arguments(self) -> dict[str, Any]:
        """The settings by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @staticmethod
    def load(path: str | os.PathLike[str]) -> "RunSettings":
        """Read the settings out of a run's `settings.json`.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is not a run's settings.
        """
        try:
            # As bytes: some editors put a byte order mark first, and some shells write UTF-16.
            said = json.loads(Path(path).read_bytes())["settings"]
            if "lanes" in said:
                # What shards were called once.
                said["shards"] = said.pop("lanes")
            known = {field.name for field in fields(RunSettings)}
            if unknown := said.keys() - known:
                raise ValueError(f"unknown settings {sorted(unknown)}")
            if said.get("size") is not None:
                said["size"] = tuple(said["size"])
            return RunSettings(**said)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FileNotFoundError(
                f"{path}: there is no such file; numcnn train writes it into a run's folder"
            ) from error
        except (KeyError, TypeError, AttributeError, RecursionError, ValueError) as error:
            raise ValueError(
                f"{path}: not the settings of a run ({error}); give a settings.json that "
                "numcnn train wrote"
            ) from error


def _catalog_name(dataset: str) -> str | None:
    """The name of a data set that has one, however it was spelled; None for one's own."""
    try:
        return describe(dataset).name
    except ValueError:
        return None
