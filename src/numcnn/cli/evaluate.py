"""``numcnn evaluate``."""

from pathlib import Path

import click
import numpy as np

from numcnn.cli import options
from numcnn.cli.output import make_folder, require_no_input
from numcnn.data import Dataset
from numcnn.data.locate import expanded
from numcnn.drawing import draw, draw_confusion
from numcnn.experiments.ensemble import Ensemble, evaluate_together, model_files
from numcnn.experiments.run import load_part
from numcnn.training import Evaluation

PICTURES = "confusion.png", "mistakes.png", "predictions.png"


@click.command(
    epilog="""\b
Examples:
  numcnn evaluate runs/mnist-convnet-1/model.safetensors mnist --out judged
  numcnn evaluate model.safetensors labeled.csv --json
  numcnn evaluate one.safetensors two.safetensors mnist --tta
"""
)
@click.argument("paths", metavar="MODEL...", nargs=-1, required=True, type=options.path)
@click.argument("dataset")
@options.data_dir
@options.part("Which part to judge by. A CSV file or folder without a test part is judged whole.")
@click.option(
    "--out",
    metavar="DIR",
    type=options.path,
    help="Draw confusion.png, mistakes.png and predictions.png into this folder; missing folders "
    "are made.",
)
@options.tta
@options.as_json
def evaluate(
    paths: tuple[Path, ...],
    dataset: str,
    data_dir: str | None,
    part: str,
    out: Path | None,
    tta: bool,
    as_json: bool,
) -> None:
    """Measure MODEL on DATASET: accuracy, errors by class, what is taken for what.

    Of several models, or of the folder of an ensemble's run, the probabilities are averaged.

    DATASET is a name (digits, mnist, fashion-mnist, cifar10), a labeled table of pixels, or a
    folder with a folder of images for each class, which are resized to what the model takes.
    """
    models = Ensemble.load(paths, views=tta)
    if out is not None:
        read = [expanded(dataset), *(file for path in paths for file in model_files(path))]
        require_no_input("--out", (out / name for name in PICTURES), read)
    judged = load_part(dataset, part, models.members[0], data_dir)
    result, alone = evaluate_together(models, judged)
    if as_json:
        options.echo_json(
            {
                "accuracy": result.accuracy,
                "loss": result.loss,
                "confusion": result.confusion.tolist(),
                "classes": models.classes,
                "images": len(judged),
                "alone": alone,
            }
        )
    else:
        click.echo(_told(result, models.classes, len(judged), alone))
    if out is not None:
        make_folder(out)
        options.tell(_draw(result, judged, models.classes, out))
        drawn = [name for name in PICTURES if (out / name).exists()]
        if drawn and not as_json:
            click.echo(f"\npictures in {out}/: {', '.join(drawn)}")


def _told(result: Evaluation, classes: tuple[str, ...], images: int, alone: list[float]) -> str:
    """Accuracy, and a line for each class with what it is mostly taken for."""
    width = max(5, *map(len, classes))
    wrong = round(images * (1 - result.accuracy))
    lines = [
        f"accuracy  {result.accuracy:.2%}  ({wrong} of {images:,} wrong)",
        f"loss      {result.loss:.4f}",
        *(
            [
                f"alone     {min(alone):.2%} to {max(alone):.2%}, mean "
                f"{sum(alone) / len(alone):.2%} ({len(alone)} models)"
            ]
            if len(alone) > 1
            else []
        ),
        "",
        f"{'class':<{width}}  {'images':>6}  {'wrong':>5}  {'error':>7}  mostly taken for",
    ]
    for index, name in enumerate(classes):
        row = result.confusion[index].copy()
        total, row[index] = row.sum(), 0
        if not total:
            continue
        error = result.error_by_class[index]
        others = [
            f"{classes[other]} ({row[other]})" for other in np.argsort(-row)[:3] if row[other]
        ]
        line = f"{name:<{width}}  {total:>6}  {row.sum():>5}  {error:>7.2%}  {', '.join(others)}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def _draw(result: Evaluation, judged: Dataset, classes: tuple[str, ...], out: Path) -> list[str]:
    """Draw what can be drawn; return what is to be told of it."""
    images, labels, said = judged.images, judged.labels, result.probabilities
    confusion, mistakes, predictions = (out / name for name in PICTURES)
    return [
        *draw_confusion(confusion, result.confusion, classes),
        *draw(mistakes, lambda plots: plots.mistakes(images, labels, said, classes)),
        *draw(predictions, lambda plots: plots.prediction_page(images, said, classes, labels)),
    ]
