"""``numcnn import``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from numpy.typing import NDArray

from numcnn import interchange
from numcnn.cli import options
from numcnn.cli.output import require_no_input
from numcnn.interchange.onnx_reader import LAYOUTS
from numcnn.interchange.preprocessing import PIXELS
from numcnn.model_files import ModelFile, save_model
from numcnn.nn import Sequential
from numcnn.recipes import find

_MOST_JSON = 1_000_000  # bytes of a list of layers


@click.command(
    "import",
    epilog="""\b
Examples:
  numcnn import mnist-8.onnx -o mnist.safetensors
  numcnn import net.onnx -o net.safetensors --pixels 0..1 --mean 0.1307 --std 0.3081
  numcnn import weights.safetensors -o lenet.safetensors --recipe lenet5 --input-shape 28x28x1
""",
)
@click.argument("file", type=options.path)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="MODEL",
    type=options.path,
    help="The model file to write; missing folders are made.",
)
@click.option(
    "--pixels",
    type=click.Choice(list(PIXELS)),
    default="0..255",
    show_default=True,
    help="The range of the pixels that the network was trained on.",
)
@click.option(
    "--mean",
    metavar="M[,M...]",
    callback=lambda _context, _option, value: _numbers(value),
    help="What was subtracted from these pixels, a number for each channel.",
)
@click.option(
    "--std",
    metavar="S[,S...]",
    callback=lambda _context, _option, value: _numbers(value),
    help="What they were divided by then.",
)
@click.option(
    "--classes",
    metavar="NAME,...",
    help="The classes' names. [default: the file's, or 0, 1, ...]",
)
@click.option(
    "--input-shape",
    metavar="HxWxC",
    callback=lambda _context, _option, value: _shape(value),
    help="Height, width and channels, where the file does not say them.",
)
@click.option(
    "--layout",
    type=click.Choice(LAYOUTS),
    default="auto",
    show_default=True,
    help="ONNX: whether the file takes images channels first or last.",
)
@click.option(
    "--result", metavar="NAME", help="ONNX: which of its outputs. [default: logits, or the first]"
)
@click.option(
    "--recipe", metavar="NAME", help="Weights alone: the recipe whose network they are for."
)
@click.option(
    "--layers",
    metavar="JSON",
    type=options.path,
    help="Weights alone: a file with the layers they are for, as Sequential.config() gives them.",
)
def import_(
    file: Path,
    output: Path,
    pixels: str,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    classes: str | None,
    input_shape: tuple[int, ...] | None,
    layout: str,
    result: str | None,
    recipe: str | None,
    layers: Path | None,
) -> None:
    """Make a model of FILE, from another program.

    FILE is an ONNX file, or PyTorch's weights as safetensors with --recipe or --layers. The model
    can be read with, evaluated, explained, planned and served as any other, so it takes raw pixels:
    --pixels, --mean and --std say what the network was trained on. What numcnn has no layer for is
    refused, by its name and with the reason.
    """
    require_no_input("--output", [output], [file, *([layers] if layers else [])])
    preprocessing = interchange.Preprocessing(pixels, mean, std)
    names = tuple(classes.split(",")) if classes else ()
    if file.suffix.lower() == ".onnx":
        if recipe or layers:
            raise ValueError("--recipe and --layers are for weights alone; an ONNX file has layers")
        found = interchange.read_onnx(
            file,
            preprocessing=preprocessing,
            classes=names,
            layout=layout,
            input_shape=input_shape,
            output=result,
        )
    else:
        arrays = interchange.read_torch_weights(file)
        if input_shape is None:
            raise ValueError(f"{file}: weights alone do not say their images; give --input-shape")
        outputs = len(names) or _outputs(arrays)
        network = _network(file, recipe, layers, input_shape, outputs)
        model = interchange.with_weights(network, input_shape, arrays, preprocessing)
        names = names or tuple(map(str, range(model.output_shape[-1])))
        found = ModelFile(model, names, {"imported_from": {"file": file.name}})
    save_model(output, found.model, found.classes, found.card)
    shape = " x ".join(map(str, found.model.input_shape))
    click.echo(
        f"{output}: {len(found.model.layers)} layers, {found.model.parameters.size:,} parameters, "
        f"images of {shape}, {len(found.classes)} classes"
    )


def _network(
    file: Path, recipe: str | None, layers: Path | None, input_shape: tuple[int, ...], outputs: int
) -> Sequential:
    """The layers that weights are for."""
    if (recipe is None) == (layers is None):
        raise ValueError(
            f"{file}: weights alone do not say their layers; give --recipe or --layers"
        )
    if recipe is not None:
        return find(recipe, "").new_network(input_shape, outputs)
    assert layers is not None
    if layers.stat().st_size > _MOST_JSON:
        raise ValueError(f"{layers}: more than {_MOST_JSON:,} bytes, too long for a list of layers")
    try:
        config = json.loads(layers.read_text("utf-8"))
        if not isinstance(config, list):
            raise ValueError("it is no list")
        return Sequential.from_config(config)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{layers}: not a list of layers in JSON ({error}); write model.config() with json.dump"
        ) from error


def _outputs(arrays: Mapping[str, NDArray[Any]]) -> int:
    """How many outputs the last dense layer has, as far as weights tell that."""
    units = [array.shape[0] for array in arrays.values() if array.ndim == 2]
    # A classifier's last layer is its narrowest.
    return min(units, default=10)


def _numbers(value: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in value.split(",")) if value else ()
    except ValueError:
        raise click.BadParameter(f"{value!r}: give numbers, such as 0.485,0.456,0.406") from None


def _shape(value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    sizes = value.lower().split("x")
    if not all(size.isdecimal() and 0 < int(size) < 10**9 for size in sizes):
        raise click.BadParameter(f"{value!r} is no shape; give sizes such as 28x28x1")
    return tuple(int(size) for size in sizes)
