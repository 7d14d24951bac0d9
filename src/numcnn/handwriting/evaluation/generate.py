"""The program: see the package's own description."""

import argparse
import json
from pathlib import Path

import benchmarks.handwriting as handwriting


def main() -> None:
    """Read the arguments, write the pictures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.handwriting",
        description=(handwriting.__doc__ or "").partition("\n")[0],
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--data-dir")
    parser.add_argument("--part", choices=("validation", "test"), default="validation")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="to go on: the first one's number")
    arguments = parser.parse_args()
    writer = handwriting.load_writer(arguments.data_dir, arguments.part)
    arguments.out.mkdir(parents=True, exist_ok=True)
    made = handwriting.samples(writer, arguments.count, arguments.seed, arguments.start)
    labels = arguments.out / "labels.jsonl"
    with labels.open("a" if arguments.start else "w", encoding="utf-8") as file:
        for number, (kind, sample) in enumerate(made, arguments.start):
            name = f"{number:05}{sample.suffix}"
            (arguments.out / name).write_bytes(sample.content)
            label = {
                "file": name,
                "kind": kind,
                "condition": sample.condition,
                "lines": sample.lines,
                "boxes": sample.boxes,
            }
            file.write(json.dumps(label) + "\n")
    print(f"{arguments.count} pictures in {arguments.out}")


if __name__ == "__main__":
    main()
