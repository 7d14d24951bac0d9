"""The scores of a reader: how much of what is known to be written it reads rightly.

Printed are tables: digits, numbers and pages by the condition that they were written under, what
there is nothing to read in by its kind, how far confidence can be relied on, MNIST's own images
read as pictures, and what others than numcnn drew or photographed (Fashion-MNIST's and CIFAR-10's
images, where they are at hand; no network was trained on them).
"""

import json
from collections import Counter
from concurrent.futures import Executor
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from numcnn.data import load, split_validation
from numcnn.handwriting.class_names import DIGITS
from numcnn.handwriting.evaluation.generate import LABELS
from numcnn.handwriting.reader import Reader, Reading

_reader: Reader  # of one process
_BINS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0001)


class Tally:
    """Right answers and all answers, by name."""

    def __init__(self) -> None:
        """Begin with none."""
        self.right: Counter[str] = Counter()
        self.all: Counter[str] = Counter()

    def add(self, name: str, is_right: bool) -> None:
        """Count one answer."""
        self.all[name] += 1
        self.right[name] += is_right

    def show(self, title: str) -> None:
        """Print all of it."""
        print(f"\n{title}: {_share(self.right.total(), self.all.total())}")
        for name in sorted(self.all):
            print(f"  {name:<34} {_share(self.right[name], self.all[name])}")


def _share(right: int, count: int) -> str:
    return f"{right / max(count, 1):7.2%}  ({right} of {count})"


def load_reader(model: str | None) -> None:
    """Load a model in a process that is to read; the one that comes with the package if None."""
    global _reader
    _reader = Reader(model)


def _read(picture: Path | np.ndarray | Image.Image) -> Reading:
    return _reader.read(picture)


def score_pictures(pool: Executor, folder: Path, failures: Path | None) -> None:
    """Score the pictures of a folder, as `numcnn.handwriting.evaluation.generate` writes them.

    Args:
        pool: Processes that have called `load_reader`.
        folder: The pictures and their labels.
        failures: Where to write a line for each picture that was misread; nowhere if None.
    """
    tallies = {kind: Tally() for kind in ("single", "number", "page", "nothing")}
    spacings, digits = Tally(), Tally()
    sure: list[tuple[float, bool]] = []
    failed = []
    labels = [json.loads(text) for text in (folder / LABELS).open(encoding="utf-8")]
    readings = pool.map(_read, [folder / label["file"] for label in labels], chunksize=16)
    for label, reading in zip(labels, readings, strict=True):
        wanted, kind = "\n".join(label["lines"]), label["kind"]
        condition = label["condition"]
        is_right = reading.text == wanted
        if kind == "number":
            condition, _, spacing = condition.rpartition(", ")
            spacings.add(spacing, is_right)
        tallies[kind].add(condition, is_right)
        if not is_right:
            failed.append(
                f"{label['file']} {kind} {label['condition']}: {wanted!r}"[:100]
                + f" -> {reading.text!r}"
            )
        if kind == "page":
            same = _same(wanted.replace("\n", ""), reading.text.replace("\n", ""))
            digits.right["digits"] += same
            digits.all["digits"] += len(wanted.replace("\n", ""))
        if len(reading.text) == len(wanted):
            sure += [
                (digit.confidence, str(digit.digit) == true)
                for digit, true in zip(reading.digits, wanted.replace("\n", ""), strict=False)
            ]
    tallies["single"].show("single digits read rightly")
    tallies["number"].show("whole numbers of 2 to 8 digits read rightly")
    spacings.show("the same by how the digits stand")
    tallies["page"].show("whole pages of 2 to 4 lines read rightly")
    digits.show("digits on them")
    tallies["nothing"].show("nothing read where there is nothing")
    calibration(sure)
    if failures is not None:
        failures.write_text("\n".join(failed) + "\n", "utf-8")


def _same(wanted: str, found: str) -> int:
    blocks = SequenceMatcher(None, wanted, found, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks)


def calibration(answers: list[tuple[float, bool]]) -> None:
    """Print how many of the answers of about one confidence are right."""
    confidence = np.array([answer[0] for answer in answers])
    right = np.array([answer[1] for answer in answers])
    print(f"\nconfidence of {len(answers)} digits (mean confidence, share right)")
    error = 0.0
    for low, high in pairwise(_BINS):
        inside = (confidence >= low) & (confidence < high)
        if inside.any():
            mean, share = confidence[inside].mean(), right[inside].mean()
            error += inside.mean() * abs(mean - share)
            print(f"  {low:.2f} to {min(high, 1):.2f}  {mean:7.2%} {share:7.2%}  ({inside.sum()})")
    print(f"  expected calibration error {error:.2%}")


def score_data_sets(
    pool: Executor, model: str | None, data_dir: str | None, part: str, count: int
) -> None:
    """Score the images of data sets, read as pictures.

    Args:
        pool: Processes that have called `load_reader`.
        model: The model that they loaded.
        data_dir: Where the data sets' files are.
        part: "validation" or "test".
        count: How many images of other data sets than MNIST.
    """
    reader = Reader(model)
    images, labels = _images("mnist", data_dir, part)
    assert labels is not None
    logits = reader.classifier.logits(images[..., 0])
    answers, among = logits.argmax(axis=1), logits[:, : len(DIGITS)].argmax(axis=1)
    print(f"\nMNIST, {len(images)} {part} images; the network alone, as arrays:")
    print(f"  {'right among digits, several, other':<34} {(answers == labels).mean():.2%}")
    print(f"  {'right among digits':<34} {(among == labels).mean():.2%}")
    for name, turn in (("as pictures", 0), ("as pictures, dark on light", 255)):
        turned = list(np.abs(turn - images[..., 0].astype(int)).astype(np.uint8))
        _show_digits(name, list(pool.map(_read, turned, chunksize=100)), labels)
    rng = np.random.default_rng(0)
    for name, size in (("fashion-mnist", 28), ("cifar10", 32), ("cifar10", 320)):
        try:
            images, _ = _images(name, data_dir, part)
        except (OSError, ValueError):
            print(f"{name}: not at hand")
            continue
        images = images[rng.choice(len(images), count, replace=False)].squeeze()
        resized = [
            np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))
            for image in images
        ]
        tally = sum(not reading.text for reading in pool.map(_read, resized, chunksize=16))
        print(f"nothing read in {name} at {size} x {size}: {_share(tally, count)}")


def _images(name: str, data_dir: str | None, part: str) -> tuple[np.ndarray, np.ndarray | None]:
    splits = load(name, data_dir=data_dir)
    dataset = splits.test if part == "test" else split_validation(splits.train, 0.1, 0)[1]
    assert dataset is not None
    return dataset.images, dataset.labels


def _show_digits(name: str, readings: list[Reading], labels: np.ndarray) -> None:
    right = sum(r.text == str(label) for r, label in zip(readings, labels, strict=True))
    nothing = sum(not r.text for r in readings)
    several = sum(len(r.text) > 1 for r in readings)
    print(
        f"  {name:<34} {right / len(labels):.2%}; rejected {nothing / len(labels):.2%}, "
        f"read as several {several / len(labels):.2%}"
    )
