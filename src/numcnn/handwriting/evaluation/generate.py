"""Generate pictures of handwriting: ``python -m numcnn.handwriting.evaluation.generate OUT``."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from numcnn.handwriting.evaluation.collection import samples
from numcnn.handwriting.evaluation.writers import Writer, load_writer

LABELS = "labels.jsonl"
"""The file beside the pictures that says what is written in each."""


def generate(out: Path, writer: Writer, count: int, seed: int = 0, start: int = 0) -> None:
    """Write pictures and their labels.

    Args:
        out: The folder, which is made if it is missing.
        writer: Who writes most of the digits.
        count: How many pictures.
        seed: Of everything random.
        start: The number of the first one; if it is not 0, the labels are appended to those that
            are there.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / LABELS).open("a" if start else "w", encoding="utf-8") as file:
        for number, (kind, sample) in enumerate(samples(writer, count, seed, start), start):
            name = f"{number:05}{sample.suffix}"
            (out / name).write_bytes(sample.content)
            label = {
                "file": name,
                "kind": kind,
                "condition": sample.condition,
                "lines": sample.lines,
                "boxes": sample.boxes,
            }
            file.write(json.dumps(label) + "\n")


def main(words: Sequence[str] | None = None) -> None:
    """Read the arguments, write the pictures.

    Args:
        words: The arguments; those of the command line if None.
    """
    parser = argparse.ArgumentParser(prog="python -m numcnn.handwriting.evaluation.generate")
    parser.add_argument("out", type=Path, help="the folder to write into")
    parser.add_argument("--data-dir", help="where MNIST's files are")
    parser.add_argument("--part", choices=("validation", "test"), default="validation")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="to go on: the first one's number")
    arguments = parser.parse_args(words)
    writer = load_writer(arguments.data_dir, arguments.part)
    generate(arguments.out, writer, arguments.count, arguments.seed, arguments.start)
    print(f"{arguments.count} pictures in {arguments.out}")


if __name__ == "__main__":
    main()
