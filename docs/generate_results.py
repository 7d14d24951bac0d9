"""Measure recipes, and write ``docs/results.md`` from what was measured.

    python -m docs.generate_results two-layer two-conv-adam --data-dir DIR --seeds 3
    python -m docs.generate_results                       # the page alone

Each recipe is trained with several seeds on the data that it was made for, as `numcnn train` does,
and its numbers go to ``docs/results/RECIPE.json``. Runs that are there already are kept, and one
that was interrupted goes on, so recipes may be measured one at a time and with more seeds later.
The page holds whatever has been measured. The test part judges finished models, and chooses
nothing.
"""

import argparse
import json
import os
import platform
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.nested_loops import seconds_per_image
from numcnn.cli.exit_status import INTERRUPTED
from numcnn.data import describe
from numcnn.experiments.ensemble import Ensemble, evaluate_together
from numcnn.experiments.run import load_part, train, versions, write_json
from numcnn.experiments.run_folder import RunFolder
from numcnn.experiments.settings import RunSettings
from numcnn.recipes import RECIPES

PAGE = Path(__file__).with_name("results.md")
NUMBERS = Path(__file__).with_name("results")
DATASETS = {
    "digits": "digits",
    "fashion": "fashion-mnist",
    "two-conv-cifar10": "cifar10",
    "cifar10-resnet": "cifar10",
}
"""What a recipe was made for, where that is not MNIST."""

ELSEWHERE = {"reader"}
"""Recipes that are not measured here: accuracy on MNIST is not what the reader is for."""

LOOPS_SECONDS = 5.0
"""For how long the nested loops of a recipe are timed, at least."""

HEAD = """\
# Results

Every recipe of numcnn, with what the system that it is made after says that it reaches, and what it
reached here. `numcnn train --help` lists the recipes, and each one's file in
[src/numcnn/recipes](../src/numcnn/recipes) names its source, what was kept and what was changed.

Each seed is a training of its own, on the official training images alone. A tenth of these chose
the epoch to keep, but for `mnist-best` and `lenet5-fast`, which learn from all and keep the last.
The accuracies are those of the official test images, which chose nothing. What the recipe `reader`
is for, and how well it does that, stands on [its model's card](../src/numcnn/weights/README.md).
The copies of Fashion-MNIST and CIFAR-10 that were used hold the official images in another order,
so others were held out than with the official files; that changes what another seed changes.

The last two columns compare with the same network as textbooks write it, in loops over images,
filters, rows and columns ([benchmarks/nested_loops.py](../benchmarks/nested_loops.py)): how long an
image takes there on its way through the network and back, and how many times faster it is here. The
time here is that of the whole training, with augmentation and the optimizer's steps.
"""


def measure(
    name: str, seeds: int, runs: Path, data_dir: str | None = None, epochs: int | None = None
) -> dict[str, Any]:
    """Train a recipe with several seeds, and collect its numbers.

    Args:
        name: The recipe.
        seeds: How many trainings, with seeds from 0.
        runs: Where the runs' folders go.
        data_dir: Where the data are.
        epochs: How many to train instead of the recipe's own.

    Returns:
        What the page is made of.

    Raises:
        KeyboardInterrupt: Ctrl-C ended a training; call it again to go on.
    """
    dataset = DATASETS.get(name, "mnist")
    folders = [runs / name / f"seed-{seed}" for seed in range(seeds)]
    for seed, folder in enumerate(folders):
        if RunFolder(folder).is_finished:
            continue
        print(f"{name}, seed {seed}", file=sys.stderr)
        settings = RunSettings(
            dataset=dataset, data_dir=data_dir, recipe=name, seed=seed, epochs=epochs
        )
        run = train(settings, folder, resume=RunFolder(folder).is_begun)
        if run.history.interrupted:
            raise KeyboardInterrupt
    metrics = [RunFolder(folder).read_metrics() for folder in folders]
    models = Ensemble.load(folders)
    together, _ = evaluate_together(models, load_part(dataset, "test", models.members[0], data_dir))
    collected = {
        key: [one[key] for one in metrics]
        for key in ("test_accuracy", "validation_accuracy", "epochs", "seconds")
    }
    return {
        "recipe": name,
        "dataset": dataset,
        "reported": RECIPES[name].reported,
        **collected,
        "images_per_second": [one["images_per_second"] for one in metrics],
        "parameters": metrics[0]["parameters"],
        "multiply_adds": metrics[0]["multiply_adds"],
        "together": together.accuracy if seeds > 1 else None,
        "loops_seconds_per_image": seconds_per_image(
            models.members[0].model, RECIPES[name].loss, at_least=LOOPS_SECONDS
        ),
        "machine": machine(),
        "versions": versions(),
    }


def machine() -> str:
    """The processor, in words."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text("utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    cores = os.cpu_count() or 1
    return f"{cores} core{'s' * (cores != 1)} of {model}"


def page(results: list[dict[str, Any]]) -> str:
    """Put what was measured into a page of Markdown.

    Args:
        results: What `measure` gave of some recipes.
    """
    found = {result["recipe"]: result for result in results}
    measured = [found[name] for name in RECIPES if name in found]
    missing = [f"`{name}`" for name in RECIPES if name not in {*found, *ELSEWHERE}]
    parts = [
        HEAD,
        "| recipe | data | the original says | here, mean | range | seeds | parameters | epochs "
        "| training | images/s | loops, an image | times faster |",
        "|---|---|---|---:|---|---:|---:|---:|---:|---:|---:|---:|",
        *(_row(result) for result in measured),
    ]
    if several := [result for result in measured if result["together"] is not None]:
        parts += [
            "\n## Together\n",
            "The same networks, the mean of their probabilities (`numcnn evaluate MODEL...`):\n",
            "| recipe | networks | alone, mean | together |",
            "|---|---:|---:|---:|",
            *(
                f"| `{result['recipe']}` | {len(result['test_accuracy'])} "
                f"| {statistics.mean(result['test_accuracy']):.2%} | {result['together']:.2%} |"
                for result in several
            ),
        ]
    parts.append("\n## How to measure them\n")
    parts.append("```sh\npython -m docs.generate_results RECIPE --seeds 3 --data-dir DIR\n```\n")
    if missing:
        parts.append(f"Not measured yet: {', '.join(missing)}.\n")
    if measured:
        tools = sorted({_measured_with(result) for result in measured})
        parts.append(f"Measured with {'; '.join(tools)}.\n")
    return "\n".join(parts)


def _row(result: dict[str, Any]) -> str:
    accuracies = result["test_accuracy"]
    speed = statistics.median(result["images_per_second"])
    loops = result["loops_seconds_per_image"]
    cells = [
        f"`{result['recipe']}`",
        describe(result["dataset"]).name,
        result["reported"] or "nothing",
        f"**{statistics.mean(accuracies):.2%}**",
        f"{min(accuracies):.2%} to {max(accuracies):.2%}" if len(accuracies) > 1 else "",
        str(len(accuracies)),
        f"{result['parameters']:,}",
        f"{max(result['epochs'])}",
        duration(statistics.mean(result["seconds"])),
        f"{speed:,.0f}",
        f"{1000 * loops:,.2g} ms" if loops < 0.01 else f"{1000 * loops:,.0f} ms",
        f"{loops * speed:,.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def duration(seconds: float) -> str:
    """Seconds as the tables have them."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{seconds:.0f} s"


def _measured_with(result: dict[str, Any]) -> str:
    used = result["versions"]
    return (
        f"numcnn {used['numcnn']}, NumPy {used['numpy']} and Python {used['python']} on "
        f"{result['machine']}"
    )


def read_results() -> list[dict[str, Any]]:
    """Read what was measured so far."""
    return [json.loads(file.read_text("utf-8")) for file in sorted(NUMBERS.glob("*.json"))]


def main() -> None:
    """Measure what is asked for, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help="what to measure now")
    parser.add_argument("--data-dir", help="as in numcnn train")
    parser.add_argument("--seeds", type=int, default=3, help="how many (default: 3)")
    parser.add_argument("--runs", type=Path, default=Path("runs/results"), help="for the runs")
    arguments = parser.parse_args()
    for name in arguments.recipes:
        if name not in RECIPES:
            parser.error(f"there is no recipe {name!r}; choose from {', '.join(RECIPES)}")
    if arguments.seeds < 1:
        parser.error(f"--seeds must be 1 or more, got {arguments.seeds}")
    try:
        for name in arguments.recipes:
            result = measure(name, arguments.seeds, arguments.runs, arguments.data_dir)
            write_json(NUMBERS / f"{name}.json", result)
            print(_row(result), flush=True)
    except KeyboardInterrupt:
        parser.exit(INTERRUPTED, "stopped; the same command goes on where it was\n")
    except (ValueError, OSError) as error:
        parser.error(str(error))
    finally:
        PAGE.write_text(page(read_results()), encoding="utf-8")


if __name__ == "__main__":
    main()
