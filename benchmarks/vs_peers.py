"""Time numcnn against the fastest of all peers on this machine's processor.

    python benchmarks/vs_peers.py                    # all, kept, and docs/benchmarks.md anew
    python benchmarks/vs_peers.py --quick            # a few minutes
    python benchmarks/vs_peers.py --net lenet --json

Training: PyTorch in both memory formats, plain and compiled, and JAX. Inference and single images:
also ONNX Runtime and OpenVINO. Each is a process of its own in its best setting; the fastest one,
after a warm-up, works in turn with numcnn, a fraction of a second each, and a figure is the median
over the pairs of (images a second of numcnn) / (images a second of that peer). A peer that is not
installed is left out, with a word.

    pip install torch jax onnx onnxruntime openvino
"""

import argparse
import datetime as dt
import importlib.util
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.contest import TASKS, Comparison, Contestant, Effort, compare
from benchmarks.networks import NETWORKS, PEER_NETWORKS
from benchmarks.page import PAGE, hardware, speed_text, write_section

PEERS: dict[str, tuple[str, ...]] = {
    "PyTorch": ("torch", "contiguous_format"),
    "PyTorch channels-last": ("torch", "channels_last"),
    "PyTorch compiled": ("torch", "contiguous_format", "compiled"),
    "PyTorch channels-last compiled": ("torch", "channels_last", "compiled"),
    "JAX": ("jax",),
    "ONNX Runtime": ("onnxruntime",),
    "OpenVINO": ("openvino",),
}
INFERENCE_ONLY = ("onnxruntime", "openvino")
RUNS = PAGE.parent / "results" / "peers.jsonl"
"""Every full run: a line of JSON with its day, its machine and, for each network and task, the
ratio to the fastest peer and that peer's name."""


def installed() -> dict[str, tuple[str, ...]]:
    """The peers that are installed here; says on standard error which are not."""
    found = {}
    for name, side in PEERS.items():
        # The files for ONNX Runtime and OpenVINO are made by PyTorch.
        needs = [side[0], "torch", "onnx"] if side[0] in INFERENCE_ONLY else [side[0]]
        missing = [module for module in needs if importlib.util.find_spec(module) is None]
        if missing:
            print(f"{name} is left out: no {missing[0]} here", file=sys.stderr)
        else:
            found[name] = side
    return found


def against_best(network: str, task: str, peers: dict[str, tuple[str, ...]], effort: Effort) -> Any:
    """Compare numcnn with the fastest of the peers that can do the task."""
    able = [
        (name, Contestant(*side))
        for name, side in peers.items()
        if task != "train" or side[0] not in INFERENCE_ONLY
    ]
    try:
        return compare(network, task, able, effort)
    finally:
        for _, contestant in able:
            contestant.close()


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--net", action="append", choices=list(PEER_NETWORKS), help="default: all")
    parser.add_argument("--task", action="append", choices=list(TASKS), help="default: all")
    parser.add_argument("--quick", action="store_true", help="a few minutes in all, less exact")
    parser.add_argument("--json", action="store_true", help="print the ratios as JSON")
    parser.add_argument("--no-page", action="store_true", help=f"leave {PAGE.name} as it is")
    arguments = parser.parse_args()
    effort = Effort(0.3, 0.2, 5) if arguments.quick else Effort(1.5, 0.4, 15)
    networks, tasks = arguments.net or list(PEER_NETWORKS), arguments.task or list(TASKS)
    peers = installed()
    if not peers:
        raise SystemExit("no peer is installed: pip install torch jax onnx onnxruntime openvino")
    results: dict[str, dict[str, Comparison]] = {}
    for network in networks:
        results[network] = {}
        for task in tasks:
            found = results[network][task] = against_best(network, task, peers, effort)
            if not arguments.json:
                print(
                    f"{network:<14} {TASKS[task]:<15} {found.ratio:5.2f}x   numcnn "
                    f"{found.numcnn:>11,.0f}/s   {found.format} {found.other:,.0f}/s",
                    flush=True,
                )
    if arguments.json:
        print(
            json.dumps(
                {
                    network: {task: round(found.ratio, 3) for task, found in each.items()}
                    for network, each in results.items()
                }
            )
        )
    whole = set(networks) == set(PEER_NETWORKS) and set(tasks) == set(TASKS)
    if whole and not (arguments.quick or arguments.no_page) and len(peers) == len(PEERS):
        write_section("peers", _section(results, keep(results)))


def keep(results: dict[str, dict[str, Comparison]]) -> list[dict[str, Any]]:
    """Add this run to those that are kept, and return all of them, the first one first."""
    run = {
        "day": dt.datetime.now(dt.UTC).date().isoformat(),
        "hardware": f"{hardware()}, {_versions()}",
        "results": {
            network: {task: asdict(found) for task, found in tasks.items()}
            for network, tasks in results.items()
        },
    }
    with RUNS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(run) + "\n")
    return [json.loads(line) for line in RUNS.read_text("utf-8").splitlines()]


def _versions() -> str:
    names = {"jax": "JAX", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
    return ", ".join(f"{name} {version(module)}" for module, name in names.items())


def _section(
    results: dict[str, dict[str, Comparison]], runs: Sequence[dict[str, Any]]
) -> list[str]:
    header = ["| network | " + " | ".join(TASKS.values()) + " |", "|---|" + "---|" * len(TASKS)]
    lines = [
        "## Against the best of all peers",
        "",
        "The same network, float32, both with all cores; training with Adam. The peers: PyTorch in",
        "both memory formats, plain and compiled, and JAX; for inference also ONNX Runtime and",
        "OpenVINO. The fastest of them works in turn with numcnn, and a ratio is the median over",
        "the pairs of (images a second of numcnn) / (images a second of that peer); above 1 numcnn",
        "is faster.",
        "",
        "```sh",
        "pip install torch jax onnx onnxruntime openvino && python benchmarks/vs_peers.py",
        "```",
        "",
        f"The lowest and the highest ratio of {len(runs)} run{'s' * (len(runs) > 1)}:",
        "",
        *header,
    ]
    for network in results:
        cells = []
        for task in TASKS:
            ratios = [run["results"][network][task]["ratio"] for run in runs]
            low, high = f"{min(ratios):.2f}", f"{max(ratios):.2f}"
            cells.append(low if low == high else f"{low} to {high}")
        lines.append(f"| {network} | {' | '.join(cells)} |")
    machines: dict[str, list[str]] = {}
    for run in runs:
        machines.setdefault(run["hardware"], []).append(run["day"])
    lines += ["", "The runs were measured on", ""]
    lines += [
        f"- {', '.join(dict.fromkeys(days))}: {machine}" for machine, days in machines.items()
    ]
    lines += ["", f"The last run, on {runs[-1]['day']}, numcnn : the fastest peer:", "", *header]
    for network, tasks in results.items():
        cells = [
            f"**{found.ratio:.2f}** ({speed_text(found.numcnn)} : {speed_text(found.other)} "
            f"{found.format})"
            for found in tasks.values()
        ]
        lines.append(f"| {network} | {' | '.join(cells)} |")
    lines += [
        "",
        f"The networks {', '.join(NETWORKS)} are described below; cifar10-resnet is the recipe of "
        "that name.",
    ]
    return lines


if __name__ == "__main__":
    main()
