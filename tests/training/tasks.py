"""Small things to train: images that can be told apart, networks, and callbacks that watch."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from numcnn.augmentation import Compose, GaussianNoise, RandomAffine
from numcnn.data import Dataset
from numcnn.model_files import save_model
from numcnn.nn import (
    SGD,
    Adam,
    AdamW,
    BatchNorm,
    Conv2D,
    Cosine,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    Normalization,
    ReLU,
    Rescaling,
    RMSProp,
    Schedule,
    Sequential,
)
from numcnn.training import Callback, EarlyStopping, EpochRecord, History, Moment, fit

CLASSES = ("left", "middle", "right")
EPOCHS = 4
TIMES = ("seconds", "images_per_second")


def stripes(count: int = 60, seed: int = 0, noise: int = 160) -> Dataset:
    """Noise with a brighter stripe at the left, in the middle or at the right."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % 3
    images = rng.integers(0, noise, (count, 6, 6, 1), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 2 * label : 2 * label + 2] += 60
    return Dataset(images, labels, CLASSES, "stripes")


def plain() -> Sequential:
    return Sequential([Rescaling(), Flatten(), Dense(8), ReLU(), Dense(3)])


def rich() -> Sequential:
    """Everything that a resumed training could forget: statistics, and layers that draw."""
    return Sequential(
        [
            Normalization(),
            Conv2D(4, 3, padding="same"),
            BatchNorm(),
            ReLU(),
            MaxPool2D(),
            Dropout(0.3),
            Flatten(),
            Dense(3),
        ]
    )


@dataclass(frozen=True)
class Jump(Schedule):
    """One rate, and from some epoch on another: a way to spoil a network, or to leave it alone."""

    first: float
    second: float
    at: float

    def __call__(self, epoch: float, epochs: float) -> float:
        return self.first if epoch < self.at else self.second


def spoiled_after_two() -> SGD:
    """Two epochs that learn, and then steps so large that all is forgotten."""
    return SGD(learning_rate=Jump(0.1, 3.0, 2))


CASES: Mapping[str, Callable[[], dict[str, Any]]] = MappingProxyType(
    {
        "momentum": lambda: {"optimizer": SGD(learning_rate=0.02, momentum=0.9)},
        "nesterov": lambda: {
            "optimizer": SGD(learning_rate=Cosine(0.02), momentum=0.9, nesterov=True)
        },
        "rmsprop": lambda: {"optimizer": RMSProp(learning_rate=0.003)},
        "adam": lambda: {"optimizer": Adam(learning_rate=0.01)},
        "adamw": lambda: {"optimizer": AdamW(learning_rate=0.01, clip_norm=1.0)},
        "average": lambda: {"average": 0.9},
        "averaged validation": lambda: {"average": 0.9, "validation_split": 0.2},
        "augmentation": lambda: {
            "augmentation": Compose((RandomAffine(rotation=15, shift=0.1), GaussianNoise(8)))
        },
        "validation": lambda: {"validation_split": 0.2},
        "best in the middle": lambda: {
            "validation_split": 0.2,
            "optimizer": spoiled_after_two(),
        },
        "early stopping": lambda: {
            "validation_split": 0.2,
            "optimizer": spoiled_after_two(),
            "epochs": 9,
            "callbacks": [EarlyStopping(2)],
        },
    }
)


def train(
    case: str = "adam", model: Sequential | None = None, **changed: Any
) -> tuple[Sequential, History]:
    """Train a case; callbacks are added to its own, everything else replaces."""
    model = model or rich()
    settings = {"epochs": EPOCHS, "batch_size": 8, "seed": 3, "progress": "none", **CASES[case]()}
    callbacks = [*settings.pop("callbacks", ()), *changed.pop("callbacks", ())]
    history = fit(model, changed.pop("data", stripes()), callbacks=callbacks, **settings | changed)
    return model, history


def rows(history: History) -> list[dict[str, Any]]:
    """What happened, without how long it took."""
    return [
        {name: value for name, value in asdict(record).items() if name not in TIMES}
        for record in history.records
    ]


def saved(model: Sequential, folder: Path) -> bytes:
    """The bytes of the model's file."""
    save_model(folder / "saved.safetensors", model, CLASSES)
    return (folder / "saved.safetensors").read_bytes()


class Crash(Exception):  # noqa: N818
    """What the callback below raises: the power cut of these tests."""


class At(Callback):
    """Do something after one batch of one epoch; both count from 1."""

    def __init__(self, epoch: int, batch: int, action: Callable[[], object]) -> None:
        self.epoch, self.batch, self.action = epoch, batch, action

    def batch_end(self, moment: Moment) -> None:
        if (moment.epoch, moment.batch) == (self.epoch, self.batch):
            self.action()


class CrashAt(Callback):
    """End a training by an error in the middle of an epoch."""

    def __init__(self, epoch: int, batch: int = 3) -> None:
        self.at = epoch, batch

    def batch_end(self, moment: Moment) -> None:
        if (moment.epoch, moment.batch) == self.at:
            raise Crash


class Watch(Callback):
    """Write down what was called, and the model's parameters after each batch and epoch."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.batches: list[np.ndarray] = []
        self.epochs: list[np.ndarray] = []
        self.statistics: list[np.ndarray] = []
        self.losses: list[float] = []

    def train_begin(self, moment: Moment) -> None:
        self.calls.append("train_begin")

    def batch_end(self, moment: Moment) -> None:
        self.calls.append("batch_end")
        self.batches.append(moment.model.parameters.copy())
        self.losses.append(moment.loss)

    def epoch_end(self, moment: Moment, record: EpochRecord) -> None:
        self.calls.append("epoch_end")
        self.epochs.append(moment.model.parameters.copy())
        self.statistics.append(moment.model.statistics.copy())

    def train_end(self, moment: Moment) -> None:
        self.calls.append("train_end")
