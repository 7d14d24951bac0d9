"""``numcnn export``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from numcnn import interchange
from numcnn.cli import options
from numcnn.cli.output import require_no_input
from numcnn.interchange.onnx_writer import DTYPES, LAYOUTS, LEAST_OPSET
from numcnn.interchange.torch_writer import MODULE, WEIGHTS
from numcnn.model_files import load_model


@click.command(
    epilog="""\b
Examples:
  numcnn export runs/mnist-convnet-1/model.safetensors -o model.onnx
  numcnn export model.safetensors -o model.onnx --opset 22 --input float32 --layout nchw
  numcnn export model.safetensors --to torch -o for-pytorch
"""
)
@click.argument("model", type=options.path)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="PATH",
    type=options.path,
    help="The ONNX file to write, or for PyTorch the folder; missing folders are made.",
)
@click.option(
    "--to",
    type=click.Choice(["onnx", "torch"]),
    default="onnx",
    show_default=True,
    help="For ONNX, or for PyTorch.",
)
@click.option(
    "--opset",
    type=click.IntRange(min=LEAST_OPSET),
    default=LEAST_OPSET,
    show_default=True,
    help="ONNX: which version of its operators.",
)
@click.option(
    "--input",
    "dtype",
    type=click.Choice(DTYPES),
    default=DTYPES[0],
    show_default=True,
    help="ONNX: the type of the pixels that the file takes.",
)
@click.option(
    "--layout",
    type=click.Choice(LAYOUTS),
    default=LAYOUTS[0],
    show_default=True,
    help="ONNX: whether it takes images channels last or channels first.",
)
def export(model: Path, output: Path, to: str, opset: int, dtype: str, layout: str) -> None:
    """Write MODEL, a file, for other programs.

    The ONNX file takes raw pixels, a batch of any size, and gives logits and probabilities; its
    metadata hold the classes' names and the card. For PyTorch, the weights are written to
    weights.safetensors, and a model.py makes the network: load() in it returns it. What was written
    is run and compared with numcnn, where onnxruntime or PyTorch is installed.
    """
    found = load_model(model)
    if to == "torch":
        require_no_input("--output", [output / name for name in (WEIGHTS, MODULE)], [model])
        interchange.write_torch(output, found)
        written = f"{output / MODULE}, {output / WEIGHTS}"
        check: Callable[[], float] = lambda: interchange.torch_difference(output, found.model)  # noqa: E731
        program = "PyTorch"
    else:
        require_no_input("--output", [output], [model])
        interchange.write_onnx(output, found, opset=opset, dtype=dtype, layout=layout)
        written = str(output)
        check = lambda: interchange.onnx_difference(output, found.model)  # noqa: E731
        program = "onnxruntime"
    try:
        said = f"{program}'s outputs differ by at most {check():.1e} of the largest"
    except ImportError:
        said = f"not run, as {program} is not installed here"
    click.echo(f"{written}: {said}")
