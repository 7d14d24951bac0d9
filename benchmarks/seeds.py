"""Train a recipe with several seeds, and print the test accuracy's mean and range as a table row.

    python benchmarks/seeds.py mnist --data-dir DIR --seeds 5 --jobs 2

Each seed is a `numcnn train` of its own, with its folder under ``--out``; runs that are there
already are not repeated. The test part judges the finished models and chooses nothing.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import numcnn


def main() -> None:
    """Read the arguments, train, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset")
    parser.add_argument("--recipe", help="default: the data set's")
    parser.add_argument("--data-dir")
    parser.add_argument("--engine", help="as in numcnn train")
    parser.add_argument("--seeds", type=int, default=5, help="how many (default: 5)")
    parser.add_argument("--jobs", type=int, default=1, help="how many at once (default: 1)")
    parser.add_argument("--out", type=Path, default=Path("runs/seeds"))
    arguments = parser.parse_args()

    def folder(seed: int) -> Path:
        return arguments.out / f"{arguments.dataset}-{arguments.recipe or 'default'}-{seed}"

    def train(seed: int) -> dict[str, float]:
        metrics = folder(seed) / "metrics.json"
        if not metrics.exists():
            command = [sys.executable, "-m", "numcnn", "train", arguments.dataset]
            command += ["--seed", str(seed), "--out", str(folder(seed)), "--quiet"]
            for option in ("recipe", "data_dir", "engine"):
                if value := getattr(arguments, option):
                    command += [f"--{option.replace('_', '-')}", value]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.loads(metrics.read_text("utf-8"))

    with ThreadPoolExecutor(arguments.jobs) as pool:
        results = list(pool.map(train, range(arguments.seeds)))
    accuracies = [100 * result["test_accuracy"] for result in results]
    seconds = statistics.median(result["seconds"] for result in results)
    recipe = json.loads((folder(0) / "settings.json").read_text("utf-8"))["resolved"]["recipe"]
    print("| data set | recipe | parameters | epochs | test accuracy | range | seeds | time |")
    print("|---|---|---|---|---|---|---|---|")
    print(
        f"| {arguments.dataset} | `{recipe}` | {results[0]['parameters']:,} "
        f"| {results[0]['epochs']} | **{statistics.mean(accuracies):.2f}%** "
        f"| {min(accuracies):.2f} to {max(accuracies):.2f}% | {len(results)} | {seconds:.0f} s |"
    )
    print(
        f"\nnumcnn {numcnn.__version__}, NumPy {np.__version__}, Python "
        f"{platform.python_version()}, {platform.processor() or platform.machine()}; "
        f"{arguments.jobs} trainings at once, time of one (median)"
    )


if __name__ == "__main__":
    main()
