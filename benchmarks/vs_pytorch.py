"""Time numcnn against PyTorch on this machine's processor: training, inference, single images.

    python benchmarks/vs_pytorch.py                    # all, kept, and docs/benchmarks.md anew
    python benchmarks/vs_pytorch.py --quick            # a minute
    python benchmarks/vs_pytorch.py --net lenet --json

Two processes, one for each side, work in turn, a fraction of a second each, on the same network,
batch and optimizer; a figure is the median over the pairs of (images a second of numcnn) / (images
a second of PyTorch). PyTorch gets a long warm-up, `inference_mode`, and the better of its two
memory formats. Needs PyTorch: ``pip install torch``.

Each full run is kept in docs/results/speed.jsonl, and the page quotes the range over all of them:
ratios of one run flatter or belittle, since either side may meet a slow moment of the machine.

Environment variables that tie NumPy's linear algebra library to an older processor's code are taken
away for the measurement, as they would hold back one side only; the report says so.
"""

import argparse
import datetime as dt
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.contest import TASKS, Comparison, Contestant, Effort, compare
from benchmarks.nested_loops import network_seconds_per_image
from benchmarks.networks import NETWORKS
from benchmarks.page import PAGE, hardware, speed_text, write_section

FORMATS = ("contiguous_format", "channels_last")
RUNS = PAGE.parent / "results" / "speed.jsonl"
"""Every full run: a line of JSON with its day and, for each network and task, the ratio to PyTorch
and to the layers' own code."""


def by_layers(network: str, task: str, effort: Effort) -> float:
    """Images a second by the layers' own code, which is written to be read."""
    contestant = Contestant("layers")
    try:
        contestant.measure(network, task, effort.slice)
        return statistics.median(
            contestant.measure(network, task, effort.slice)["images_per_second"] for _ in range(3)
        )
    finally:
        contestant.close()


def keep(results: dict[str, dict[str, Comparison]]) -> list[dict[str, Any]]:
    """Add this run to those that are kept, and return all of them, the first one first."""
    run = {
        "day": dt.datetime.now(dt.UTC).date().isoformat(),
        "hardware": hardware(),
        "ratios": {
            network: {task: round(found.ratio, 2) for task, found in tasks.items()}
            for network, tasks in results.items()
        },
    }
    with RUNS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(run) + "\n")
    return [json.loads(line) for line in RUNS.read_text("utf-8").splitlines()]


def spread(runs: Sequence[dict[str, Any]], network: str, task: str) -> str:
    """The lowest and the highest ratio over all runs, such as ``2.40 to 2.98``."""
    ratios = [run["ratios"][network][task] for run in runs]
    return f"{min(ratios):.2f} to {max(ratios):.2f}"


def peak_memory(network: str) -> dict[str, float]:
    """Megabytes that a training process holds at its peak beyond one that only has its library."""
    peaks = {}
    for side in (("numcnn",), ("torch", "channels_last")):
        contestant = Contestant(*side)
        # The smallest network there is stands for the library alone.
        idle = contestant.measure("mlp", "single", 0)["peak_kb"]
        peak = contestant.measure(network, "train", 0.2)["peak_kb"]
        contestant.close()
        peaks[side[0]] = (peak - idle) / 1024
        peaks[f"{side[0]} whole process"] = peak / 1024
    return peaks


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--net", action="append", choices=list(NETWORKS), help="default: all")
    parser.add_argument("--quick", action="store_true", help="a minute in all, less exact")
    parser.add_argument("--json", action="store_true", help="print the ratios as JSON")
    parser.add_argument("--no-page", action="store_true", help=f"leave {PAGE.name} as it is")
    arguments = parser.parse_args()
    effort = Effort(0.25, 0.15, 5) if arguments.quick else Effort(1.5, 0.4, 15)
    networks = arguments.net or list(NETWORKS)
    others = [(layout, Contestant("torch", layout)) for layout in FORMATS]
    results: dict[str, dict[str, Comparison]] = {}
    try:
        for network in networks:
            results[network] = {}
            for task in TASKS:
                found = compare(network, task, others, effort)
                if not arguments.json:
                    found = replace(found, layers=by_layers(network, task, effort))
                results[network][task] = found
                if not arguments.json:
                    print(_line(network, task, found), flush=True)
    finally:
        for _, other in others:
            other.close()
    if arguments.json:
        ratios = {
            network: {task: round(found.ratio, 3) for task, found in tasks.items()}
            for network, tasks in results.items()
        }
        print(json.dumps(ratios))
    if set(networks) == set(NETWORKS) and not (arguments.quick or arguments.no_page):
        memory = {network: peak_memory(network) for network in networks}
        sklearn = {
            task: compare("mlp", task, [("", Contestant("sklearn"))], effort)
            for task in ("train", "infer")
        }
        loops = 1 / network_seconds_per_image("seed")
        write_section("speed", _section(results, keep(results), memory, sklearn, loops))


_HEADER = (
    "| network | "
    + " | ".join(f"{text} a batch" if "," in text else text for text in TASKS.values())
    + " |"
)


def _line(network: str, task: str, found: Comparison) -> str:
    return (
        f"{network:<6} {TASKS[task]:<15} {found.ratio:5.2f}x   numcnn {found.numcnn:>11,.0f}/s   "
        f"PyTorch {found.other:>11,.0f}/s  ({found.format})"
        + (f"   layers {found.layers:>9,.0f}/s" if found.layers is not None else "")
    )


def _machines(runs: Sequence[dict[str, Any]]) -> list[str]:
    """A line for each kind of machine that was measured on, with the days."""
    days: dict[str, list[str]] = {}
    for run in runs:
        days.setdefault(run["hardware"], []).append(run["day"])
    return [f"- {', '.join(dict.fromkeys(each))}: {machine}" for machine, each in days.items()]


def _section(
    results: dict[str, dict[str, Comparison]],
    runs: Sequence[dict[str, Any]],
    memory: dict[str, dict[str, float]],
    sklearn: dict[str, Comparison],
    loops: float,
) -> list[str]:
    pairs = next(iter(next(iter(results.values())).values())).pairs
    lines = [
        "## Training, inference, single images",
        "",
        "The same network, float32, Adam, the same batch, both with all cores. Two processes work",
        f"in turn; a ratio is the median over {pairs} pairs of (images a second of numcnn) /",
        "(images a second of PyTorch), so above 1 numcnn is faster. PyTorch has the better of its",
        "two memory formats, `inference_mode`, and a warm-up of seconds.",
        "",
        "```sh",
        "pip install torch && python benchmarks/vs_pytorch.py",
        "```",
        "",
        f"The lowest and the highest ratio of {len(runs)} runs:",
        "",
        _HEADER,
        "|---|" + "---|" * len(TASKS),
        *(
            f"| {network} | {' | '.join(spread(runs, network, task) for task in TASKS)} |"
            for network in results
        ),
        "",
        "The runs were measured on",
        "",
        *_machines(runs),
        "",
        f"The last run, on {runs[-1]['day']}:",
        "",
        _HEADER,
        "|---|" + "---|" * len(TASKS),
    ]
    for network, tasks in results.items():
        cells = [
            f"**{found.ratio:.2f}** ({speed_text(found.numcnn)} : {speed_text(found.other)})"
            for found in tasks.values()
        ]
        lines.append(f"| {network} | {' | '.join(cells)} |")
    lines += [
        "",
        "In parentheses: images a second, numcnn : PyTorch. These are the engine's figures. The",
        'layers\' own code (`engine="layers"`), which is written to be read, does in the same run,',
        "in images a second and as a share of the engine's:",
        "",
        _HEADER,
        "|---|" + "---|" * len(TASKS),
    ]
    for network, tasks in results.items():
        cells = [
            f"{speed_text(found.layers)} ({found.layers / found.numcnn:.0%})"
            for found in tasks.values()
            if found.layers is not None
        ]
        lines.append(f"| {network} | {' | '.join(cells)} |")
    lines += ["", "The networks:", ""]
    for network in results:
        text = " ".join((NETWORKS[network].__doc__ or "").split())
        lines.append(f"- **{network}**: {text} `{_architecture(network)}`")
    lines += [
        "",
        "## Memory",
        "",
        "Megabytes that training needs at its peak, batches of 128, beyond what the process has",
        "with the library loaded; in parentheses, the whole process.",
        "",
        "| network | numcnn | PyTorch |",
        "|---|---|---|",
    ]
    lines += [
        f"| {network} | {found['numcnn']:.0f} ({found['numcnn whole process']:.0f}) "
        f"| {found['torch']:.0f} ({found['torch whole process']:.0f}) |"
        for network, found in memory.items()
    ]
    lines += [
        "",
        "## scikit-learn",
        "",
        "`MLPClassifier` on the network mlp, with the same batches: training, numcnn is",
        f"**{sklearn['train'].ratio:.1f}** times as fast ({speed_text(sklearn['train'].numcnn)} : "
        f"{speed_text(sklearn['train'].other)} images a second); predicting, "
        f"**{sklearn['infer'].ratio:.1f}** times ({speed_text(sklearn['infer'].numcnn)} : "
        f"{speed_text(sklearn['infer'].other)}).",
        "",
        "## Nested loops",
        "",
        "The network seed, trained by the textbook's loops over filters, rows and columns",
        "([benchmarks/nested_loops.py](../benchmarks/nested_loops.py)): "
        f"{loops:,.0f} images a second.",
        f"numcnn's {speed_text(results['seed']['train'].numcnn)} are "
        f"**{results['seed']['train'].numcnn / loops:,.0f}** times as many.",
    ]
    return lines


def _architecture(network: str) -> str:
    parts = []
    for layer in NETWORKS[network]():
        settings: Any = layer
        kind = type(layer).__name__
        if kind == "Conv2D":
            padding = "" if settings.padding == "valid" else " same"
            parts.append(f"Conv{settings.filters}@{settings.kernel_size}{padding}")
        elif kind == "Dense":
            parts.append(f"Dense{settings.units}")
        elif kind != "Flatten":
            parts.append({"MaxPool2D": "MaxPool2", "BatchNorm": "BN"}.get(kind, kind))
    return "-".join(parts)


if __name__ == "__main__":
    main()
