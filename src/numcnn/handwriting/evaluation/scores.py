"""The judge's program: how many of the generated pictures are read rightly.

    python -m benchmarks.handwriting.judge PICTURES --data-dir DIR

Prints a table: digits, numbers and pages by the condition that they were written under, what there
is nothing to read in by its kind, how far confidence can be relied on, MNIST's own images read as
pictures, and what others than numcnn drew or photographed (Fashion-MNIST's and CIFAR-10's images,
where they are at hand; nothing of them was trained on).
"""

import argparse
import json
from collections import Counter
from concurrent.futures import Executor, ProcessPoolExecutor
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from numcnn.data import load, split_validation
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

    def tell(self, title: str) -> None:
        """Print all of it."""
        print(f"\n{title}: {_share(self.right.total(), self.all.total())}")
        for name in sorted(self.all):
            print(f"  {name:<34} {_share(self.right[name], self.all[name])}")


def _share(right: int, count: int) -> str:
    return f"{right / max(count, 1):7.2%}  ({right} of {count})"


def _start(model: str | None) -> None:
    global _reader
    _reader = Reader(model)


def _read(picture: Path | np.ndarray | Image.Image) -> Reading:
    return _reader.read(picture)


def pictures(pool: Executor, folder: Path, failures: Path | None) -> None:
    """DigitClassifier the pictures of a folder."""
    tallies = {kind: Tally() for kind in ("single", "number", "page", "nothing")}
    spacings, digits = Tally(), Tally()
    sure: list[tuple[float, bool]] = []
    failed = []
    labels = [json.loads(text) for text in (folder / "labels.jsonl").open(encoding="utf-8")]
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
    tallies["single"].tell("single digits read rightly")
    tallies["number"].tell("whole numbers of 2 to 8 digits read rightly")
    spacings.tell("the same by how the digits stand")
    tallies["page"].tell("whole pages of 2 to 4 lines read rightly")
    digits.tell("digits on them")
    tallies["nothing"].tell("nothing read where there is nothing")
    reliability(sure)
    if failures is not None:
        failures.write_text("\n".join(failed) + "\n", "utf-8")


def _same(wanted: str, found: str) -> int:
    blocks = SequenceMatcher(None, wanted, found, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks)


def reliability(answers: list[tuple[float, bool]]) -> None:
    """Print how many of the answers of about one confidence are right."""
    confidence = np.array([answer[0] for answer in answers])
    right = np.array([answer[1] for answer in answers])
    print(f"\nconfidence of {len(answers)} digits (mean confidence, share right)")
    error = 0.0
    for low, high in pairwise(_BINS):
        inside = (confidence >= low) & (confidence < high)
        if inside.any():
            said, true = confidence[inside].mean(), right[inside].mean()
            error += inside.mean() * abs(said - true)
            print(f"  {low:.2f} to {min(high, 1):.2f}  {said:7.2%} {true:7.2%}  ({inside.sum()})")
    print(f"  expected calibration error {error:.2%}")


def datasets(pool: Executor, reader: Reader, data_dir: str | None, part: str, count: int) -> None:
    """DigitClassifier the images of data sets, as pictures."""
    images, labels = _images("mnist", data_dir, part)
    assert labels is not None
    said = reader.classifier.logits(images[..., 0]).argmax(axis=1)
    among = reader.classifier.logits(images[..., 0])[:, :10].argmax(axis=1)
    print(f"\nMNIST, {len(images)} {part} images; the network alone, as arrays:")
    print(f"  {'right among digits, several, other':<34} {(said == labels).mean():.2%}")
    print(f"  {'right among digits':<34} {(among == labels).mean():.2%}")
    for name, turn in (("as pictures", 0), ("as pictures, dark on light", 255)):
        turned = list(np.abs(turn - images[..., 0].astype(int)).astype(np.uint8))
        _tell_digits(name, list(pool.map(_read, turned, chunksize=100)), labels)
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


def _tell_digits(name: str, readings: list[Reading], labels: np.ndarray) -> None:
    right = sum(r.text == str(label) for r, label in zip(readings, labels, strict=True))
    nothing = sum(not r.text for r in readings)
    several = sum(len(r.text) > 1 for r in readings)
    print(
        f"  {name:<34} {right / len(labels):.2%}; rejected {nothing / len(labels):.2%}, "
        f"read as several {several / len(labels):.2%}"
    )


def main() -> None:
    """Read the arguments, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.handwriting.judge")
    parser.add_argument("pictures", type=Path, nargs="?", help="a folder of generated pictures")
    parser.add_argument("--data-dir", help="also judge MNIST and other data sets")
    parser.add_argument("--part", choices=("validation", "test"), default="validation")
    parser.add_argument("--model", help="another model than the one that comes with numcnn")
    parser.add_argument("--count", type=int, default=1000, help="images of other data sets")
    parser.add_argument("--failures", type=Path, help="write what was misread into this file")
    arguments = parser.parse_args()
    with ProcessPoolExecutor(initializer=_start, initargs=(arguments.model,)) as pool:
        if arguments.pictures:
            pictures(pool, arguments.pictures, arguments.failures)
        if arguments.data_dir:
            reader = Reader(arguments.model)
            datasets(pool, reader, arguments.data_dir, arguments.part, arguments.count)


if __name__ == "__main__":
    main()
