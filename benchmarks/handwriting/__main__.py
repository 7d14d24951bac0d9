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
    arguments = parser.parse_args()
    writer = handwriting.load_writer(arguments.data_dir, arguments.part)
    arguments.out.mkdir(parents=True, exist_ok=True)
    labels = []
    made = handwriting.samples(writer, arguments.count, arguments.seed)
    for number, (kind, sample) in enumerate(made):
        file = f"{number:05}{sample.suffix}"
        (arguments.out / file).write_bytes(sample.content)
        labels.append(
            {
                "file": file,
                "kind": kind,
                "condition": sample.condition,
                "lines": sample.lines,
                "boxes": sample.boxes,
            }
        )
    text = "[\n" + ",\n".join(json.dumps(label) for label in labels) + "\n]\n"
    (arguments.out / "labels.json").write_text(text, "utf-8")
    print(f"{len(labels)} pictures in {arguments.out}")


if __name__ == "__main__":
    main()
