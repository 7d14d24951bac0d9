"""`fit`: train a model on labeled images."""

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from numcnn.augmentation import Augmentation
from numcnn.data import Batches, Dataset, split_validation
from numcnn.nn import (
    Adam,
    Loss,
    MovingAverage,
    Normalization,
    Optimizer,
    Sequential,
    Softmax,
    SoftmaxCrossEntropy,
)
from numcnn.nn.validation import whole
from numcnn.training.callbacks import Callback, Moment
from numcnn.training.checkpoint import (
    checkpoint_shards,
    load_checkpoint,
    save_checkpoint,
)
from numcnn.training.history import History
from numcnn.training.interruption import Interruption
from numcnn.training.progress import progress as progress_callback
from numcnn.training.stepper import Stepper


def fit(
    model: Sequential,
    train: Dataset,
    validation: Dataset | None = None,
    *,
    epochs: int = 5,
    batch_size: int = 32,
    optimizer: Optimizer | None = None,
    loss: Loss | None = None,
    augmentation: Augmentation | None = None,
    average: float | None = None,
    validation_split: float = 0.0,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    identity: Mapping[str, Any] | None = None,
    progress: str = "auto",
    engine: str = "auto",
    threads: int | None = None,
    shards: int | None = None,
) -> History:
    """Train a model on labeled images.

    Afterwards the model has the weights of the best epoch (see `History.best`): the one with the
    highest validation accuracy, or the last one if there is no validation data. Test data have no
    place here, so that nothing can be chosen by them.

    The same seed gives the same weights, bit for bit, with the same versions, the same code of the
    BLAS library and the same shards, however many cores or threads there are. That also holds for a
    training that was interrupted anywhere, even killed, and resumed from its last checkpoint.

    Ctrl-C ends the training after the batch at work: the epoch that it was in is dropped, the
    model gets the best weights so far (those it began with, if no epoch was done), and
    ``history.interrupted`` says so. A second Ctrl-C breaks in at once.

    Args:
        model: The network. If it is not built, it is built for the images with ``seed``, and a
            `Normalization` at its beginning is adapted to the training images.
        train: The images to learn from.
        validation: Images to choose the best epoch by.
        epochs: How many times to go through the training images.
        batch_size: Images a step.
        optimizer: `Adam()` if None. One that was used before goes on with what it remembers; to
            repeat a training, give a new one.
        loss: `SoftmaxCrossEntropy()` if None.
        augmentation: What to do to the training images, anew in each epoch.
        average: The decay of a moving average of the weights, such as 0.999. Then the average is
            what is validated and kept. None for no average.
        validation_split: Instead of ``validation``, the share of ``train`` to take for it,
            stratified by class, from 0 to below 1.
        seed: Of everything random: weights, order, augmentation, dropout, split.
        callbacks: What watches, or ends, the training.
        checkpoint: A file to keep the state in, written after each epoch.
        resume: Go on from ``checkpoint`` if the file exists.
        identity: What else makes it this training, such as the patience of a callback, as JSON
            holds it. A checkpoint that was written with another is refused.
        progress: How to show it: "auto", "bar", "lines" or "none".
        engine: "auto" for the way that is planned for this machine, "layers" for the layers' own
            code: slower, and the same up to rounding.
        threads: How many threads the engine uses, at most one for each shard; one for each core if
            None. It changes no bit of the result.
        shards: Into how many parts the engine cuts a batch at most, a power of two; if None, as the
            checkpoint that is resumed has it, or else 4. Another number gives other last bits.

    Returns:
        What happened in each epoch.

    Raises:
        ValueError: An argument is out of range, or model, data and loss do not fit together.
        TrainingDiverged: The loss is not finite.
        OSError: A checkpoint cannot be written; the one before it is left as it was.

    Warns:
        ReproducibilityWarning: The checkpoint that is resumed was written by another version of
            NumPy or with other code of the BLAS library, or something else in the process let BLAS
            use several threads: the last bits may not be those of a training left alone.
    """
    if validation_split:
        if validation is not None:
            raise ValueError("validation and validation_split are both given; give one of them")
        train, validation = split_validation(train, validation_split, seed)
    optimizer = optimizer or Adam()
    loss = loss or SoftmaxCrossEntropy()
    epochs = whole("epochs", epochs)
    if resume and checkpoint is None:
        raise ValueError("resume is True but checkpoint is None; give the checkpoint's file")
    batches = Batches(train, batch_size, seed, augmentation=augmentation)
    _prepare(model, train, validation, loss, seed)
    averaging = None if average is None else MovingAverage(average)
    if shards is None and resume and checkpoint is not None:
        shards = checkpoint_shards(checkpoint)
    stepper = Stepper(
        model,
        batches,
        validation,
        passes=model.executor(engine).training_passes(threads, shards),
        optimizer=optimizer,
        loss=loss,
        epochs=epochs,
        average=averaging,
        engine=engine,
    )
    settings = _settings(stepper, average) | {"identity": dict(identity or {})}
    if resume and checkpoint is not None and os.path.exists(checkpoint):  # noqa: PTH110
        stepper.best, stepper.history = load_checkpoint(
            checkpoint,
            settings=settings,
            model=model,
            optimizer=optimizer,
            average=averaging,
            batches=len(batches),
        )
    shown = progress_callback(progress)
    watchers = [*callbacks, *([shown] if shown else [])]
    moment = Moment(
        model,
        stepper.history,
        epochs,
        len(batches),
        validated=validation is not None,
        epoch=min(len(stepper.history) + 1, epochs),
    )
    with Interruption() as interruption, stepper:
        try:
            for watcher in watchers:
                watcher.train_begin(moment)
            while not (stepper.finished or moment.stop):
                if not _take_steps(stepper, moment, watchers, interruption):
                    stepper.history.interrupted = True
                    break
                record = stepper.end_epoch()
                if checkpoint is not None:
                    save_checkpoint(
                        checkpoint,
                        settings=settings,
                        model=model,
                        optimizer=optimizer,
                        average=averaging,
                        best=stepper.best,
                        history=stepper.history,
                    )
                for watcher in watchers:
                    watcher.epoch_end(moment, record)
        finally:
            for watcher in watchers:
                watcher.train_end(moment)
    stepper.best.put_into(model)
    return stepper.history


def _take_steps(
    stepper: Stepper,
    moment: Moment,
    watchers: Sequence[Callback],
    interruption: Interruption,
) -> bool:
    """Take all steps of an epoch; return whether that came to its end before Ctrl-C."""
    moment.epoch = len(stepper.history) + 1
    while not interruption.requested:
        step = stepper.step()
        progress = stepper.progress
        moment.batch, moment.images = progress.batch, progress.examples
        moment.loss, moment.accuracy = progress.loss, progress.accuracy
        moment.seconds = progress.seconds
        for watcher in watchers:
            watcher.batch_end(moment)
        if step.ends_epoch:
            return not interruption.requested
    return False


def _prepare(
    model: Sequential, train: Dataset, validation: Dataset | None, loss: Loss, seed: int
) -> None:
    """Build the model if it is not, and check that model, data and loss fit together."""
    if train.labels is None:
        raise ValueError(f"dataset {train.name} has no labels to learn from")
    if validation is not None:
        if validation.labels is None:
            raise ValueError(f"validation data {validation.name} have no labels to judge by")
        for what in ("image_shape", "classes"):
            ours, theirs = getattr(train, what), getattr(validation, what)
            if ours != theirs:
                raise ValueError(
                    f"{what} is {ours} in the training data and {theirs} in the validation data; "
                    "both must be the same"
                )
    if isinstance(loss, SoftmaxCrossEntropy) and isinstance(model.layers[-1], Softmax):
        raise ValueError(
            "the model ends with Softmax, but SoftmaxCrossEntropy works on logits and contains "
            "it; take the last layer off"
        )
    if not model.input_shape:
        for place, layer in enumerate(model.layers):
            if isinstance(layer, Normalization) and not layer.state:
                if place:
                    raise ValueError(
                        "Normalization stands after other layers, so its statistics are not the "
                        "images'; put it first, or call its adapt with what reaches it"
                    )
                layer.adapt(train.images)
        model.build(train.image_shape, seed)
    if model.output_shape != (len(train.classes),):
        raise ValueError(
            f"the model's outputs are {model.output_shape}, but {train.name} has "
            f"{len(train.classes)} classes; end the model with Dense({len(train.classes)})"
        )


def _settings(stepper: Stepper, average: float | None) -> dict[str, Any]:
    """What must be equal for two trainings to be the same one, as JSON holds it."""
    batches = stepper.batches
    validation = stepper.validation
    augmentation = batches.augmentation
    settings = {
        "architecture": stepper.model.config(),
        "input_shape": stepper.model.input_shape,
        "epochs": stepper.epochs,
        "batch_size": batches.batch_size,
        "seed": batches.seed,
        "engine": stepper.engine,
        "shards": stepper.passes.shards,
        "optimizer": repr(stepper.optimizer),
        "loss": repr(stepper.loss),
        "average": average,
        "augmentation": None if augmentation is None else augmentation.config(),
        "training_images": _checksum(batches.dataset),
        "validation_images": None if validation is None else _checksum(validation),
    }
    as_json: dict[str, Any] = json.loads(json.dumps(settings))
    return as_json


def _checksum(dataset: Dataset) -> str:
    """Tell data sets apart: not against malice, only against mistakes."""
    checksum = zlib.crc32(np.ascontiguousarray(dataset.images).data)
    if dataset.labels is not None:
        checksum = zlib.crc32(np.ascontiguousarray(dataset.labels).data, checksum)
    return f"{len(dataset)} images, CRC-32 {checksum:08x}"
