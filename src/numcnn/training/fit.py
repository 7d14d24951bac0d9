"""The loop: batch after batch, forward, backward, step, until the epochs are done."""

import json
import math
import os
import time
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, final

import numpy as np

from numcnn.augmentation import Augmentation
from numcnn.data import Batches, Dataset, split_validation
from numcnn.nn import (
    Adam,
    Context,
    Loss,
    MovingAverage,
    Normalization,
    Optimizer,
    Sequential,
    Softmax,
    SoftmaxCrossEntropy,
)
from numcnn.nn.engine import one_blas_thread
from numcnn.training.callbacks import Callback, Moment
from numcnn.training.checkpoint import (
    ReproducibilityWarning,
    Weights,
    checkpoint_lanes,
    load_checkpoint,
    save_checkpoint,
)
from numcnn.training.history import EpochRecord, History
from numcnn.training.interruption import Interruption
from numcnn.training.metrics import Evaluation, evaluate
from numcnn.training.passes import LayerPasses, Passes
from numcnn.training.progress import progress as progress_callback

STREAM_LAYERS = int.from_bytes(b"layr")
"""The random numbers that layers draw (dropout); followed by the epoch and the batch."""


class TrainingDiverged(ArithmeticError):  # noqa: N818 (it is what happened, and no program error)
    """The loss is not a finite number any more, and no further step can mend that."""


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
    workers: int | None = None,
    lanes: int | None = None,
) -> History:
    """Train a model on labeled images.

    Afterwards the model has the weights of the best epoch (see `History.best`): the one with the
    highest validation accuracy, or the last one if there is no validation data. Test data have no
    place here, so that nothing can be chosen by them.

    The same seed gives the same weights, bit for bit, with the same versions, the same code of the
    BLAS library and the same lanes, however many cores or threads there are. That also holds for a
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
        workers: How many threads the engine uses, at most one for each lane; one for each core if
            None. It changes no bit of the result.
        lanes: Into how many parts the engine cuts a batch at most, a power of two; if None, as the
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
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}; give at least 1")
    if resume and checkpoint is None:
        raise ValueError("resume is True but checkpoint is None; give the checkpoint's file")
    batches = Batches(train, batch_size, seed, augmentation=augmentation)
    _prepare(model, train, validation, loss, seed)
    averaging = None if average is None else MovingAverage(average)
    passes: Passes = LayerPasses(model)
    if model.is_planned(engine):
        if lanes is None and resume and checkpoint is not None:
            lanes = checkpoint_lanes(checkpoint)
        passes = model.training_engine(workers, lanes)
    session = _Session(
        model, passes, batches, validation, optimizer, loss, averaging, epochs, engine
    )
    settings = _settings(session, average) | {"identity": dict(identity or {})}
    if resume and checkpoint is not None and os.path.exists(checkpoint):  # noqa: PTH110
        session.best, session.history = load_checkpoint(
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
        session.history,
        epochs,
        len(batches),
        validated=validation is not None,
        epoch=min(len(session.history) + 1, epochs),
    )
    # One thread for BLAS: how a product is cut over threads changes its last bits, and the same
    # seed is to give the same weights however many there are.
    with Interruption() as interruption, one_blas_thread() as session.blas, passes:
        try:
            for watcher in watchers:
                watcher.train_begin(moment)
            for number in range(len(session.history), epochs):
                if moment.stop:
                    break
                record = None
                if not interruption.requested:
                    record = session.epoch(number, moment, watchers, interruption)
                if record is None:
                    session.history.interrupted = True
                    break
                if checkpoint is not None:
                    save_checkpoint(
                        checkpoint,
                        settings=settings,
                        model=model,
                        optimizer=optimizer,
                        average=averaging,
                        best=session.best,
                        history=session.history,
                    )
                for watcher in watchers:
                    watcher.epoch_end(moment, record)
        finally:
            for watcher in watchers:
                watcher.train_end(moment)
    session.best.put_into(model)
    return session.history


@final
class _Session:
    """The parts of a training, and one epoch of it."""

    def __init__(
        self,
        model: Sequential,
        passes: Passes,
        batches: Batches,
        validation: Dataset | None,
        optimizer: Optimizer,
        loss: Loss,
        average: MovingAverage | None,
        epochs: int,
        engine: str,
    ) -> None:
        self.model = model
        self.passes = passes
        self.engine = engine
        self.decayed = model.decayed()
        self.batches = batches
        self.validation = validation
        self.optimizer = optimizer
        self.loss = loss
        self.average = average
        self.epochs = epochs
        self.history = History()
        self.best = Weights.of(model)
        self.blas = one_blas_thread()
        self._warned = False

    def epoch(
        self,
        number: int,
        moment: Moment,
        watchers: Sequence[Callback],
        interruption: Interruption,
    ) -> EpochRecord | None:
        """Train epoch ``number``, counted from 0, and judge it; None if Ctrl-C came first."""
        start = time.perf_counter()
        total, right, images, rate = 0.0, 0, 0, 0.0
        moment.epoch = number + 1
        for index, batch in enumerate(self.batches.epoch(number)):
            rate = self.optimizer.schedule(number + index / len(self.batches), self.epochs)
            rng = np.random.default_rng([self.batches.seed, STREAM_LAYERS, number, index])
            assert batch.labels is not None
            value, correct = self._step(batch.images, batch.labels, rate, rng)
            self._hold_blas(number)
            if not math.isfinite(value):
                raise _diverged(f"the loss is {value}", number, index, rate)
            total, right, images = total + value * len(batch), right + correct, images + len(batch)
            moment.batch, moment.images = index + 1, images
            moment.loss, moment.accuracy = total / images, right / images
            moment.seconds = time.perf_counter() - start
            for watcher in watchers:
                watcher.batch_end(moment)
            if interruption.requested:
                return None
        trained = time.perf_counter() - start
        with self._averaged():
            if not (
                np.isfinite(self.model.parameters).all()
                and np.isfinite(self.model.statistics).all()
            ):
                # The last step went too far, and no further batch is there to show it.
                raise _diverged("the weights are not finite", number, index, rate)
            judged = self._judge()
            self._hold_blas(number)
            if judged and not math.isfinite(judged.loss):
                raise _diverged(f"the validation loss is {judged.loss}", number, index, rate)
            record = EpochRecord(
                epoch=number + 1,
                loss=total / images,
                accuracy=right / images,
                learning_rate=rate,
                seconds=time.perf_counter() - start,
                images_per_second=images / trained,
                validation_loss=judged.loss if judged else None,
                validation_accuracy=judged.accuracy if judged else None,
            )
            self.history.records.append(record)
            if self.history.best is record:
                self.best = Weights.of(self.model)
        return record

    def _step(
        self, images: Any, labels: Any, rate: float, rng: np.random.Generator
    ) -> tuple[float, int]:
        """Learn from one batch; return its loss and how many answers were right."""
        ctx = Context(training=True, rng=rng)
        with _quiet():
            outputs = self.passes.forward(images, ctx)
            value, dy = self.loss.value_and_gradient(outputs, labels)
            gradient = self.passes.backward(dy, ctx)
            self.optimizer.step(
                self.model.parameters, gradient, rate, self.decayed, self.passes.spread
            )
            self.model.commit(ctx)
            if self.average is not None:
                self.average.update(self.model.parameters, self.model.statistics)
        return value, int((outputs.argmax(axis=1) == labels).sum())

    def _hold_blas(self, number: int) -> None:
        """Hold BLAS to one thread again if anybody has let it loose, and say so once."""
        if self.blas.renew() and not self._warned:
            self._warned = True
            warnings.warn(
                f"something else let BLAS use several threads in epoch {number + 1}; it is held to "
                "one again, but without that the same seed may give other last bits",
                ReproducibilityWarning,
                stacklevel=4,
            )

    def _judge(self) -> Evaluation | None:
        """Measure the model on the validation data, if there are any."""
        if self.validation is None:
            return None
        with _quiet():
            return evaluate(self.model, self.validation, self.loss, engine=self.engine)

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """For a while, give the model the averaged weights, if there is an average."""
        if self.average is None:
            yield
            return
        current = Weights.of(self.model)
        Weights(*self.average.average).put_into(self.model)
        try:
            yield
        finally:
            current.put_into(self.model)


def _quiet() -> np.errstate:
    """No NumPy warnings: what overflows shows up in the loss, with better advice than theirs."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


def _diverged(what: str, epoch: int, batch: int, rate: float) -> TrainingDiverged:
    return TrainingDiverged(
        f"{what} in epoch {epoch + 1}, batch {batch + 1}; try a lower learning rate "
        f"(it was {rate:.3g}), a warm-up, or clip_norm=1"
    )


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


def _settings(session: _Session, average: float | None) -> dict[str, Any]:
    """What must be equal for two trainings to be the same one, as JSON holds it."""
    batches = session.batches
    validation = session.validation
    augmentation = batches.augmentation
    settings = {
        "architecture": session.model.config(),
        "input_shape": session.model.input_shape,
        "epochs": session.epochs,
        "batch_size": batches.batch_size,
        "seed": batches.seed,
        "engine": session.engine,
        "lanes": getattr(session.passes, "lanes", None),
        "optimizer": repr(session.optimizer),
        "loss": repr(session.loss),
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
