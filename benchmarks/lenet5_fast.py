"""Train the recipe lenet5-fast with numcnn and with PyTorch, in turn, and write the table.

    python benchmarks/lenet5_fast.py --data-dir DIR           # 10 seeds, and docs/benchmarks.md
    python benchmarks/lenet5_fast.py --data-dir DIR --seeds 3 --no-page

Each training is a process of its own. PyTorch has the same network, initial weights of the same
distribution, the same batches, schedule, optimizer and weight decay, all images in memory as
float32 from the beginning, and the memory format in which it is faster. Seconds are those of the
training: neither loading of libraries and data nor the test is counted. The test part judges the
finished models and chooses nothing. Needs PyTorch.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.networks import in_torch
from benchmarks.page import PAGE, free_environment, hardware, write_section
from numcnn.data import load
from numcnn.nn import Normalization
from numcnn.recipes import find

RECIPE = "lenet5-fast"


def train_in_torch(data_dir: str | None, seed: int) -> dict[str, float]:
    """Train once; return seconds and test accuracy."""
    import numpy as np
    import torch

    recipe = find(RECIPE, "mnist")
    splits = load("mnist", data_dir=data_dir)
    assert splits.test is not None
    layers = [
        layer
        for layer in recipe.network((28, 28, 1), 10).layers
        if not isinstance(layer, Normalization)
    ]
    torch.manual_seed(seed)
    model = in_torch(layers).to(memory_format=torch.channels_last)
    for module in model:
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            torch.nn.init.zeros_(module.bias)
    mean, deviation = splits.train.images.mean(), splits.train.images.std()

    def tensors(part: Any) -> tuple[torch.Tensor, torch.Tensor]:
        pixels = ((part.images - mean) / deviation).astype(np.float32).transpose(0, 3, 1, 2)
        images = torch.from_numpy(np.ascontiguousarray(pixels))
        return (
            images.contiguous(memory_format=torch.channels_last),
            torch.from_numpy(part.labels.astype(np.int64)),
        )

    images, labels = tensors(splits.train)
    test_images, test_labels = tensors(splits.test)
    weights = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    biases = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    decay = recipe.new_optimizer().weight_decay
    optimizer = torch.optim.AdamW(
        [{"params": weights, "weight_decay": decay}, {"params": biases, "weight_decay": 0.0}],
        lr=recipe.learning_rate,
        fused=True,
    )
    schedule = recipe.schedule(recipe.learning_rate)
    loss = torch.nn.CrossEntropyLoss()
    assert recipe.batch_size is not None
    steps = -(-len(images) // recipe.batch_size)
    begin = time.perf_counter()
    for epoch in range(recipe.epochs):
        order = torch.randperm(len(images))
        for step in range(steps):
            rate = schedule(epoch + step / steps, recipe.epochs)
            for group in optimizer.param_groups:
                group["lr"] = rate
            chosen = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
            optimizer.zero_grad()
            loss(model(images[chosen]), labels[chosen]).backward()
            optimizer.step()
    seconds = time.perf_counter() - begin
    model.eval()
    with torch.inference_mode():
        accuracy = (model(test_images).argmax(1) == test_labels).float().mean().item()
    return {"seconds": seconds, "test_accuracy": accuracy}


def train_in_numcnn(data_dir: str | None, seed: int) -> dict[str, float]:
    """Run the command that anybody would."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "numcnn", "train", "mnist", "--recipe", RECIPE]
        command += ["--seed", str(seed), "--out", str(out), "--quiet"]
        if data_dir:
            command += ["--data-dir", data_dir]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=free_environment())
        metrics: dict[str, float] = json.loads((out / "metrics.json").read_text("utf-8"))
        return metrics


def _torch_process(data_dir: str | None, seed: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--torch-seed", str(seed)]
    if data_dir:
        command += ["--data-dir", data_dir]
    text = subprocess.run(
        command, check=True, capture_output=True, text=True, env=free_environment()
    ).stdout
    answer: dict[str, float] = json.loads(text)
    return answer


def main() -> None:
    """Read the arguments, train, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir")
    parser.add_argument("--seeds", type=int, default=10, help="how many (default: 10)")
    parser.add_argument("--no-page", action="store_true", help=f"leave {PAGE.name} as it is")
    parser.add_argument("--torch-seed", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.torch_seed is not None:
        print(json.dumps(train_in_torch(arguments.data_dir, arguments.torch_seed)))
        return
    results: dict[str, list[dict[str, float]]] = {"numcnn": [], "PyTorch": []}
    for seed in range(arguments.seeds):
        for side, train in (("numcnn", train_in_numcnn), ("PyTorch", _torch_process)):
            results[side].append(train(arguments.data_dir, seed))
            last = results[side][-1]
            print(
                f"seed {seed}  {side:<8} {100 * last['test_accuracy']:.2f}%  "
                f"{last['seconds']:.1f} s",
                flush=True,
            )
    lines = _section(results)
    print("\n".join(lines))
    if not arguments.no_page:
        write_section("lenet5-fast", lines)


def _section(results: dict[str, list[dict[str, float]]]) -> list[str]:
    recipe = find(RECIPE, "mnist")
    ratio = statistics.median(
        theirs["seconds"] / ours["seconds"]
        for ours, theirs in zip(results["numcnn"], results["PyTorch"], strict=True)
    )
    lines = [
        "## MNIST in seconds",
        "",
        f"The recipe `{RECIPE}`: LeNet-5 on MNIST's 60,000 training images, {recipe.epochs} epochs",
        "of one cycle; PyTorch with the same network, batches, schedule and optimizer, in turn.",
        "Seconds are those of the training alone, the median; the accuracy is the test part's,",
        "which chose nothing.",
        "",
        "```sh",
        "python benchmarks/lenet5_fast.py --data-dir DIR",
        "```",
        "",
        "| | test accuracy, mean | range | seeds | seconds |",
        "|---|---|---|---|---|",
    ]
    for side, runs in results.items():
        accuracies = [100 * run["test_accuracy"] for run in runs]
        lines.append(
            f"| {side} | **{statistics.mean(accuracies):.2f}%** | {min(accuracies):.2f} to "
            f"{max(accuracies):.2f}% | {len(runs)} "
            f"| **{statistics.median(run['seconds'] for run in runs):.1f}** |"
        )
    return [
        *lines,
        "",
        f"numcnn is {ratio:.2f} times as fast, the median of the pairs, on {hardware()}.",
    ]


if __name__ == "__main__":
    main()
