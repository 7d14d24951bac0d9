"""Score a reader on generated pictures: ``python -m numcnn.handwriting.evaluation PICTURES``."""

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from numcnn.handwriting.evaluation.scores import load_reader, score_data_sets, score_pictures


def main(words: Sequence[str] | None = None) -> None:
    """Read the arguments, print the scores.

    Args:
        words: The arguments; those of the command line if None.
    """
    parser = argparse.ArgumentParser(prog="python -m numcnn.handwriting.evaluation")
    parser.add_argument("pictures", type=Path, nargs="?", help="a folder of generated pictures")
    parser.add_argument("--data-dir", help="also score MNIST and other data sets")
    parser.add_argument("--part", choices=("validation", "test"), default="validation")
    parser.add_argument("--model", help="another model than the one that comes with numcnn")
    parser.add_argument("--count", type=int, default=1000, help="images of other data sets")
    parser.add_argument("--failures", type=Path, help="write what was misread into this file")
    arguments = parser.parse_args(words)
    if arguments.pictures is None and arguments.data_dir is None:
        parser.error("give a folder of generated pictures, --data-dir, or both")
    with ProcessPoolExecutor(initializer=load_reader, initargs=(arguments.model,)) as pool:
        if arguments.pictures:
            score_pictures(pool, arguments.pictures, arguments.failures)
        if arguments.data_dir:
            score_data_sets(
                pool, arguments.model, arguments.data_dir, arguments.part, arguments.count
            )


if __name__ == "__main__":
    main()
