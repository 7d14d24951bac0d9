"""``numcnn models``."""

from pathlib import Path

import click

from numcnn.cli import options
from numcnn.model_files import ModelFile, load_model


@click.command(
    epilog="""\b
Examples:
  numcnn models
  numcnn models runs/mnist-convnet-1/model.safetensors
"""
)
@click.argument("paths", nargs=-1, type=options.path)
@options.as_json
def models(paths: tuple[Path, ...], as_json: bool) -> None:
    """List the models in PATHS, files or folders (by default, those in runs/).

    A single file is shown in full: its layers and its card.
    """
    if len(paths) == 1 and not paths[0].is_dir() and not as_json:
        click.echo(_in_full(load_model(paths[0])))
        return
    files: list[Path] = []
    default = [Path("runs")] if Path("runs").is_dir() else []
    for path in paths or default:
        files += sorted(path.rglob("model*.safetensors")) if path.is_dir() else [path]
    found = [(file, load_model(file)) for file in files]
    if as_json:
        options.echo_json([_as_json(file, model) for file, model in found])
    elif not found:
        click.echo("no models here; train one with: numcnn train")
    else:
        click.echo("\n".join(_line(file, model) for file, model in found))


def _as_json(file: Path, found: ModelFile) -> dict[str, object]:
    return {
        "path": str(file),
        "input_shape": found.model.input_shape,
        "classes": found.classes,
        "parameters": found.model.parameters.size,
        "card": found.card,
    }


def _line(file: Path, found: ModelFile) -> str:
    card = found.card
    accuracy = card.get("test_accuracy")
    measured = f"{accuracy:.2%} on the test part" if isinstance(accuracy, float) else "not measured"
    return (
        f"{file}  {card.get('dataset', '?')}, {card.get('recipe', '?')}, seed "
        f"{card.get('seed', '?')}: {measured}, {found.model.parameters.size:,} parameters"
    )


def _in_full(found: ModelFile) -> str:
    width = max(map(len, found.card), default=0)
    lines = [f"{name:<{width}}  {value}" for name, value in found.card.items()]
    return "\n".join(
        [str(found.model.summary()), "", f"classes: {', '.join(found.classes)}", *lines]
    )
