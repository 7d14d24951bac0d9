"""``numcnn diagram``."""

from pathlib import Path

import click

from numcnn import diagram as drawings
from numcnn import recipes
from numcnn.atomic_file import atomic_file
from numcnn.cli import options
from numcnn.cli.output import make_folder, require_no_input
from numcnn.model_files import load_model


@click.command(
    epilog="""\b
Examples:
  numcnn diagram model.safetensors -o network.svg
  numcnn diagram lenet5 -o lenet5.svg
  numcnn diagram cifar10-resnet --input-shape 32x32x3 -o resnet.svg
"""
)
@click.argument("model")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=options.path,
    required=True,
    help="The drawing to write, SVG; missing folders are made.",
)
@click.option(
    "--input-shape",
    metavar="HxWxC",
    default="28x28x1",
    show_default=True,
    help="For a recipe: what goes in.",
)
def diagram(model: str, output: Path, input_shape: str) -> None:
    """Draw the architecture of MODEL, a model file or a recipe's name.

    Boxes are the layers' outputs, to scale; above each stands the layer with its parameters, below
    it the shape.
    """
    if output.suffix.lower() != ".svg":
        raise ValueError(f"--output is {output}; give a name that ends with .svg")
    if model in recipes.RECIPES:
        sizes = input_shape.lower().split("x")
        if len(sizes) != 3 or not all(size.isdecimal() and int(size) for size in sizes):
            raise ValueError(f"--input-shape is {input_shape!r}; give a shape such as 28x28x1")
        height, width, channels = map(int, sizes)
        network = recipes.RECIPES[model].new_network((height, width, channels), 10)
        network.build((height, width, channels))
    else:
        require_no_input("--output", [output], [Path(model)])
        network = load_model(model).model
    make_folder(output.parent)
    with atomic_file(output) as file:
        file.write_text(drawings.diagram(network, Path(model).stem), "utf-8")
    click.echo(f"{output}: {network.summary().parameters:,} parameters")
