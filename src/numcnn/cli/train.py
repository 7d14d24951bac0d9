"""``numcnn train``."""

from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from numcnn import recipes
from numcnn.cli import options
from numcnn.cli.download_bar import DownloadBar
from numcnn.cli.exit_status import INTERRUPTED
from numcnn.cli.output import require_no_input
from numcnn.data.locate import expanded
from numcnn.engine import SHARDS
from numcnn.experiments.ensemble_run import EnsembleRun, train_ensemble
from numcnn.experiments.run import Run
from numcnn.experiments.run import train as train_run
from numcnn.experiments.run_folder import RunFolder
from numcnn.experiments.settings import RunSettings
from numcnn.nn import ENGINES

OUT = "The run's folder; missing folders are made. [default: a new one in runs/]"


@click.command(
    epilog="""\b
Recipes:
"""
    + "\n".join(f"  {recipe.name:<20} {recipe.summary}" for recipe in recipes.RECIPES.values())
    + """

\b
Examples:
  numcnn train
  numcnn train mnist --recipe lenet5 --epochs 5
  numcnn train --recipe dense-sigmoid --layers relu:128,sigmoid:64
  numcnn train pictures/ --size 32x32
  numcnn train --ensemble 5
  numcnn train --resume runs/mnist-convnet-1
"""
)
@click.argument("dataset", required=False)
@options.data_dir
@click.option("--recipe", metavar="NAME", help="How to train; see below. [default: by data set]")
@click.option("--out", metavar="DIR", type=options.path, help=OUT)
@click.option("--seed", type=click.IntRange(min=0), help="Of everything random. [default: 0]")
@click.option(
    "--ensemble",
    metavar="N",
    type=click.IntRange(min=2),
    help="Train N networks, each with the next seed, and judge them together.",
)
@click.option("--epochs", type=click.IntRange(min=1), help="[default: by recipe]")
@click.option("--batch-size", type=click.IntRange(min=1), help="[default: by recipe]")
@click.option("--learning-rate", type=float, help="The highest rate. [default: by recipe]")
@click.option(
    "--validation-split",
    type=click.FloatRange(0, 1, max_open=True),
    help="The share of the training images to choose the best epoch by. [default: by recipe]",
)
@click.option(
    "--patience",
    type=click.IntRange(min=1),
    help="End early when no epoch was better for so many. [default: never]",
)
@click.option(
    "--layers",
    metavar="LIST",
    help="For dense-sigmoid: activation and width of each layer, such as relu:128,sigmoid:64.",
)
@click.option("--no-augment", is_flag=True, help="Train on the images as they are.")
@options.size
@options.color
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    help="How to compute: as planned for this machine, as the layers are written (slower, the same "
    "up to rounding), or exactly (slower, the same weights on every machine). [default: auto]",
)
@click.option(
    "--shards",
    type=int,
    help="Into how many parts a batch is cut at most, each for a thread: a power of two. Changes "
    f"the last bits of the weights. [default: {SHARDS}]",
)
@click.option(
    "--settings",
    "settings_file",
    metavar="FILE",
    type=options.path,
    help="Do again what a run's settings.json says; other options change it.",
)
@click.option(
    "--resume",
    metavar="DIR",
    type=options.path,
    help="Go on with the interrupted run in this folder.",
)
@options.quiet
@options.as_json
def train(
    out: Path | None,
    settings_file: Path | None,
    resume: Path | None,
    quiet: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Train a network on DATASET and write everything into one folder.

    DATASET is digits (the default: small handwritten digits, no download), mnist, fashion-mnist,
    cifar10, emnist-letters, emnist-balanced, emnist-digits, a table of pixels as Kaggle's Digit
    Recognizer has it, or a folder with a folder of images for each class, or with folders train,
    val and test that hold these.
    """
    context = click.get_current_context()
    folder: Path | None
    said = {
        name: value
        for name, value in given.items()
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT and value is not None
    }
    if said.pop("no_augment", False):
        said["augment"] = False
    if resume is not None:
        if said or out is not None or settings_file is not None:
            raise click.UsageError(
                "--resume goes on with the settings of the run; give no other settings beside it"
            )
        settings, folder = RunSettings.load(RunFolder.of(resume).settings), resume
    else:
        before = RunSettings.load(settings_file).as_arguments() if settings_file else {}
        settings = RunSettings(**{**before, **said})
        folder = out
        if out is not None:
            read = [expanded(settings.dataset), *([settings_file] if settings_file else [])]
            require_no_input("--out", RunFolder.of(out).files, read)
    shown: dict[str, Any] = {
        "resume": resume is not None,
        "progress": "none" if quiet else "auto",
        "download_bar": None if quiet else DownloadBar(),
    }
    if settings.ensemble is not None:
        announce = None if quiet else partial(click.echo, err=True)
        together = train_ensemble(settings, folder, **shown, announce=announce)
        options.tell(together.notes)
        if as_json:
            options.echo_json({**together.metrics, "folder": str(together.folder)})
        else:
            click.echo(_told_together(together))
        return 0 if together.interrupted is None else INTERRUPTED
    run = train_run(settings, folder, **shown)
    options.tell(run.notes)
    if as_json:
        options.echo_json({**run.metrics, "folder": str(run.folder)})
    else:
        click.echo(_told(run))
    return INTERRUPTED if run.history.interrupted else 0


def _told(run: Run) -> str:
    """What a person wants to know of a run."""
    if not run.metrics:
        return (
            "stopped before the first epoch was done, with nothing to keep; to begin again: "
            f"numcnn train --resume {run.folder}"
        )
    metrics, lines = run.metrics, []
    if run.history.interrupted:
        lines.append(
            f"stopped after {metrics['epochs']} epochs; to go on: "
            f"numcnn train --resume {run.folder}"
        )
    if metrics["test_accuracy"] is not None:
        on = f"  (on {metrics['test_part']})" if "test_part" in metrics else ""
        lines.append(f"test accuracy        {metrics['test_accuracy']:.2%}{on}")
    if metrics["validation_accuracy"] is not None:
        lines.append(
            f"validation accuracy  {metrics['validation_accuracy']:.2%}  "
            f"(best of {metrics['epochs']} epochs: {metrics['best_epoch']}"
            f"{'; on the validation part that came with the data' if run.own_validation else ''})"
        )
    lines += [
        f"time                 {metrics['seconds']:.1f} s, "
        f"{metrics['images_per_second']:,.0f} images/s",
        f"parameters           {metrics['parameters']:,}",
        f"written to           {run.folder}/  (numbers in {RunFolder.of(run.folder).metrics.name})",
    ]
    if "weights_sha256" in metrics:
        lines.append(f"weights (SHA-256)    {metrics['weights_sha256']}")
    return "\n".join(lines)


def _told_together(run: EnsembleRun) -> str:
    """What a person wants to know of an ensemble's run."""
    if run.interrupted is not None:
        return f"stopped at seed {run.interrupted}; to go on: numcnn train --resume {run.folder}"
    metrics, lines = run.metrics, []
    if metrics["test_accuracy"] is not None:
        lines += [
            f"test accuracy        {metrics['test_accuracy']:.2%}  together",
            f"alone                {metrics['lowest_test_accuracy']:.2%} to "
            f"{metrics['highest_test_accuracy']:.2%}, mean {metrics['mean_test_accuracy']:.2%}",
        ]
    lines += [
        f"networks             {len(metrics['members'])}, {metrics['parameters']:,} parameters",
        f"time                 {metrics['seconds']:.1f} s, "
        f"{metrics['images_per_second']:,.0f} images/s",
        f"written to           {run.folder}/  (numbers in {RunFolder.of(run.folder).metrics.name})",
    ]
    return "\n".join(lines)
