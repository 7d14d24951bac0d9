"""``numcnn plan``."""

from pathlib import Path

import click

from numcnn.cli import options
from numcnn.interchange import read_onnx
from numcnn.model_files import load_model


@click.command(
    epilog="""\b
Examples:
  numcnn plan runs/mnist-convnet-1/model.safetensors
  numcnn plan runs/mnist-convnet-1/model.safetensors --measure
  numcnn plan model.safetensors --inference --batch-size 1 --measure
  numcnn plan model.onnx --inference --measure
"""
)
@click.argument("model", type=options.path)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=128,
    show_default=True,
    help="Images a pass.",
)
@click.option("--inference", is_flag=True, help="Plan inference instead of training.")
@click.option("--measure", is_flag=True, help="Run it, and say how long each part takes.")
@options.as_json
def plan(model: Path, batch_size: int, inference: bool, measure: bool, as_json: bool) -> None:
    """Show how MODEL, a file, is computed on this machine.

    MODEL may be an ONNX file as well, that of another program included.

    A line for each step: the layers that it computes, how, in which order the numbers lie (n
    images, height H, width W, C channels), how many images go through together, the memory of what
    it makes for these, and its multiply-adds for one image. With --measure also the microseconds
    an image takes on one core, forward and back, and how much that is of what the core reaches in
    large matrix products.
    """
    file = read_onnx(model) if model.suffix.lower() == ".onnx" else load_model(model)
    found = file.model.plan(batch_size, training=not inference, measure=measure)
    if as_json:
        options.echo_json(found.as_dict())
    else:
        click.echo(str(found))
