"""`fit`: train a model."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from numcnn.augmentation import Augmentation, FunctionAugmentation
from numcnn.data import Batches, Dataset, Examples, Source, Stream, split_validation
from numcnn.data.batches import Augment, checksum
from numcnn.data.examples import Weights as ExampleWeights
from numcnn.data.examples import check_same_kind
from numcnn.data.streams import is_stream
from numcnn.distributed.passes import rank_passes
from numcnn.distributed.ranks import Ranks, is_first, ranks
from numcnn.exact import (
    ExactAugmentation,
    exact,
    exact_generator,
    require_exact_schedule,
)
from numcnn.nn import (
    BatchNorm,
    Loss,
    MovingAverage,
    Normalization,
    Optimizer,
    Sequential,
    Shape,
    Sigmoid,
    SigmoidCrossEntropy,
    Softmax,
    SoftmaxCrossEntropy,
    Task,
)
from numcnn.nn.habits import names_arguments
from numcnn.nn.inputs import require_finite
from numcnn.nn.validation import flag, number, whole
from numcnn.random_streams import check_seed
from numcnn.training.by_name import as_loss, as_optimizer
from numcnn.training.callbacks import Callback, Moment, as_callbacks
from numcnn.training.checkpoint import (
    Weights,
    checkpoint_shards,
    load_checkpoint,
    save_checkpoint,
)
from numcnn.training.history import History
from numcnn.training.interruption import Interruption
from numcnn.training.metrics import Metric, as_metrics
from numcnn.training.progress import progress as progress_callback
from numcnn.training.stepper import Stepper
from numcnn.training.targets import (
    as_examples,
    as_inputs,
    as_targets,
    as_weights,
    dataset_targets,
    require_input_shape,
)

Data = Dataset | Examples | tuple[Any, Any]
"""What a training validates with: a data set, examples, or ``(X, y)``."""


@names_arguments
def fit(
    model: Sequential,
    train: Any,
    y: Any = None,
    validation: Any = None,
    *,
    epochs: int = 5,
    batch_size: int = 32,
    optimizer: Optimizer | str | None = None,
    loss: Loss | str | Callable[..., tuple[float, NDArray[Any]]] | None = None,
    metrics: Sequence[str | Metric] | str | Metric = (),
    sample_weight: Any = None,
    augmentation: Augment | Callable[..., NDArray[Any]] | None = None,
    average: float | None = None,
    validation_split: float = 0.0,
    seed: int = 0,
    callbacks: Sequence[Callback] | Callback = (),
    monitor: str | None = None,
    mode: str = "auto",
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    identity: Mapping[str, Any] | None = None,
    progress: str = "auto",
    engine: str = "auto",
    threads: int | None = None,
    shards: int | None = None,
    steps_per_epoch: int | None = None,
) -> History:
    """Train a model: on a data set, on arrays, or on batches as they come.

    ::

        fit(model, X, y, validation=(X_val, y_val))
        fit(model, data.load("digits").train, validation_split=0.1)
        fit(model, sequence_of_batches)

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
        model: The network. If it is not built, it is built for the inputs with ``seed``. A
            `Normalization` at its beginning that was not adapted yet is adapted to the training
            inputs.
        train: The inputs ``X`` to learn from: an array, nested lists, a table of pandas, a list of
            Pillow's images. Images are ``(count, height, width)`` or ``(count, height, width,
            channels)``, tables ``(count, features)``, all of any real dtype; a memory map is read
            batch by batch. Or a `numcnn.data.Dataset`, or ``(X, y)``, each of which brings its
            targets. Or batches: see `numcnn.data.Stream`.
        y: The targets. Classes as integers, names, or one-hot rows ``(count, classes)``; for a
            sigmoid loss also labels ``(count, labels)`` of 0 and 1; for the squared error values
            ``(count,)`` or of the outputs' shape. Where ``train`` brings its targets, the
            validation data may stand here.
        validation: What to choose the best epoch by: ``(X, y)``, ``(X, y, sample_weight)``, or a
            `numcnn.data.Dataset`.
        epochs: How many times to go through the training data.
        batch_size: Examples a step.
        optimizer: An optimizer or the name of one; `Adam()` if None. One that was used before goes
            on with what it remembers; to repeat a training, give a new one.
        loss: A loss, the name of one, or a function from outputs and targets to the batch's loss
            and its gradient; `SoftmaxCrossEntropy()` if None. The model remembers it: `predict`,
            `predict_proba` and `evaluate` answer accordingly.
        metrics: What else to measure on the validation data: names (see `numcnn.training.METRICS`)
            or functions of targets and predictions, as those of ``sklearn.metrics``. They are in
            the history as ``validation_NAME``.
        sample_weight: How much each training example counts, ``(count,)``.
        augmentation: What to do to the training inputs, anew in each epoch: one of
            `numcnn.augmentation`, which work on pixels from 0 to 255, or a function of a batch's
            inputs and a generator.
        average: The decay of a moving average of the weights, such as 0.999. Then the average is
            what is validated and kept. None for no average.
        validation_split: Instead of ``validation``, the share of ``train`` to take for it,
            stratified by class, from 0 to below 1.
        seed: Of everything random: weights, order, augmentation, dropout, split.
        callbacks: What watches, or ends, the training.
        monitor: By which number of the history the best epoch is chosen, such as
            "validation_loss"; by the validation accuracy if None, or the validation loss where
            there is no accuracy.
        mode: "max" or "min" if larger or smaller is better; "auto" to know by the name.
        checkpoint: A file to keep the state in, written after each epoch.
        resume: Go on from ``checkpoint`` if the file exists; more epochs than before may be given.
        identity: What else makes it this training, such as the patience of a callback, as JSON
            holds it. A checkpoint that was written with another is refused.
        progress: How to show it: "auto", "bar", "lines" or "none".
        engine: "auto" for the way that is planned for this machine, "layers" for the layers' own
            code: slower, and the same up to rounding. "exact" for weights that are the same bits on
            every machine, by the layers' own code with exact sums; see `numcnn.exact`.
        threads: How many threads the engine uses, at most one for each shard; one for each core if
            None. It changes no bit of the result.
        shards: Into how many parts the engine cuts a batch at most, a power of two; if None, as the
            checkpoint that is resumed has it, or else 4. Another number gives other last bits.
        steps_per_epoch: How many batches an epoch has, where ``train`` is a generator.

    Returns:
        What happened in each epoch.

    Raises:
        ValueError: An argument is out of range, or model, data and loss do not fit together.
        TrainingDiverged: The loss is not finite.
        OSError: A checkpoint cannot be written; the one before it is left as it was.

    Warns:
        ReproducibilityWarning: The checkpoint that is resumed was written by another version of
            NumPy or with other code of the BLAS library, or for fewer epochs and with a schedule
            that depends on them, or something else in the process let BLAS use several threads:
            the last bits may not be those of a training left alone.
    """
    chosen = as_loss(loss)
    optimizer = as_optimizer(optimizer)
    epochs = whole("epochs", epochs)
    check_seed(seed)
    whole("batch_size", batch_size)
    number("validation_split", validation_split, 0, 1)
    if flag("resume", resume) and checkpoint is None:
        raise ValueError("resume is True but checkpoint is None; give the checkpoint's file")
    averaging = None
    if average is not None:
        averaging = MovingAverage(number("average", average, least=0, below=1))
    watchers = as_callbacks(callbacks)
    measured = as_metrics(metrics)
    train, y, validation = _sorted(train, y, validation)
    if validation_split and validation is not None:
        raise ValueError("validation and validation_split are both given; give one of them")
    augment = _augmentation(augmentation)
    initial: int | Generator = int(seed)
    if engine == "exact":
        require_exact_schedule(optimizer)
        initial = exact_generator(int(seed))
        augment = augment and ExactAugmentation(augment)
    batches: Batches | Stream
    unadapted: list[Normalization] = []
    if is_stream(train) and not isinstance(train, Dataset | Examples) and y is None:
        if validation_split or sample_weight is not None:
            name = "validation_split" if validation_split else "sample_weight"
            raise ValueError(
                f"{name} is given, but the batches of {type(train).__name__} cannot be divided or "
                "weighted; give validation=(X, y), and batches (X, y, sample_weight)"
            )
        batches = Stream(train, seed, augment, steps_per_epoch)
        task = _prepare_stream(model, batches, chosen, initial)
    else:
        if steps_per_epoch is not None:
            raise ValueError("steps_per_epoch is for batches; leave it out, or give a generator")
        source, task, unadapted = _prepare(model, train, y, sample_weight, chosen, initial)
        if validation_split:
            source, validation = split_validation(source, validation_split, int(seed))
        batches = Batches(source, batch_size, int(seed), augmentation=augment)
        _check_pixels(_augmentation(augmentation), source)
    judged = _validation(model, validation, chosen, task, batches)
    _check_layers(model, chosen, batches)
    model.task, model.loss = task, chosen
    if shards is None and resume and checkpoint is not None:
        shards = checkpoint_shards(checkpoint)
    world = ranks()
    stepper = Stepper(
        model,
        batches,
        judged,
        passes=rank_passes(model, world, engine, threads, shards),
        optimizer=optimizer,
        loss=chosen,
        epochs=epochs,
        average=averaging,
        engine=engine,
        metrics=measured,
        monitor=monitor,
        mode=mode,
    )
    settings: dict[str, Any] = {}
    if checkpoint is not None:
        if resume and isinstance(batches, Stream) and not batches.can_repeat:
            raise ValueError(
                "resume is True, but the batches come from something that can only be gone through "
                "from its start; give a sequence of batches, with len() and [index], or arrays"
            )
        settings = _settings(stepper, average, seed) | {"identity": dict(identity or {})}
    if resume and checkpoint is not None and os.path.exists(checkpoint):  # noqa: PTH110
        stepper.best, history = load_checkpoint(
            checkpoint,
            settings=settings,
            model=model,
            optimizer=optimizer,
            average=averaging,
            batches=len(batches),
        )
        stepper.history.records = history.records
    else:
        for layer in unadapted:
            layer.adapt(exact(source.view) if engine == "exact" else source.view)
        stepper.best = Weights.of(model)
    shown = progress_callback(progress if is_first() else "none")
    if shown is not None:
        watchers = [*watchers, shown]
    moment = Moment(
        model,
        stepper.history,
        epochs,
        len(batches),
        validated=judged is not None,
        epoch=min(len(stepper.history) + 1, epochs),
        optimizer=optimizer,
    )
    with Interruption() as interruption, stepper:
        try:
            for watcher in watchers:
                watcher.train_begin(moment)
            while not (stepper.finished or _is_wished(bool(moment.stop), world)):
                if not _take_steps(stepper, moment, watchers, interruption):
                    stepper.history.interrupted = True
                    break
                record = stepper.end_epoch()
                if world is not None:
                    world.require_equal(model.parameters, record.epoch)
                if checkpoint is not None and is_first():
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
    world = ranks()
    while not _is_wished(interruption.requested, world):
        step = stepper.step()
        progress = stepper.progress
        moment.batch, moment.images = progress.batch, progress.examples
        moment.loss, moment.accuracy = progress.loss, progress.accuracy
        moment.learning_rate = step.learning_rate
        moment.seconds = progress.seconds
        for watcher in watchers:
            watcher.batch_end(moment)
        if step.ends_epoch:
            return not _is_wished(interruption.requested, world)
    return False


def _is_wished(wish: bool, world: Ranks | None) -> bool:
    """Whether to stop, at the same batch on all ranks."""
    return wish if world is None else world.any(wish)


def _sorted(train: Any, y: Any, validation: Any) -> tuple[Any, Any, Any]:
    """Tell targets and validation data apart, by what the training data bring with them."""
    brings_targets = isinstance(train, Dataset | Examples)
    is_pair = isinstance(train, tuple) and len(train) in (2, 3)
    if is_pair and (y is None or isinstance(y, Dataset | Examples | tuple)):
        brings_targets = True
        if len(train) == 2:
            train = (*train, None)
    if not brings_targets:
        return train, y, validation
    if y is not None and validation is not None:
        raise ValueError("y is given, but the training data bring their targets; leave y out")
    return train, None, y if validation is None else validation


def _augmentation(value: Augment | Callable[..., Any] | None) -> Augment | None:
    if value is None or (hasattr(value, "config") and callable(value)):
        return value
    if isinstance(value, type) or not callable(value):
        raise ValueError(
            f"augmentation is {value!r}; give one of numcnn.augmentation, such as "
            "RandomAffine(rotation=10), or a function of inputs and a generator"
        )
    return FunctionAugmentation(value)


def _prepare(
    model: Sequential, train: Any, y: Any, sample_weight: Any, loss: Loss, seed: int | Generator
) -> tuple[Dataset | Examples, Task, list[Normalization]]:
    """Build the model if it is not, and bring the training data into what the loss takes."""
    if isinstance(train, Dataset | Examples):
        if train.targets is None:
            raise ValueError(f"dataset {train.name} has no labels to learn from")
        unadapted = _build(model, train.input_shape, seed)
        if sample_weight is not None:
            weights = as_weights(sample_weight, len(train))
            if isinstance(train, Examples):
                train = replace(train, weights=weights)
            else:
                train = Examples(train.images, train.labels, weights, train.classes, train.name)
        return *_with_task(model, train, loss), unadapted
    if isinstance(train, tuple) and len(train) == 3 and y is None:
        train, y, brought = train
        sample_weight = brought if sample_weight is None else sample_weight
    if y is None:
        raise ValueError("y is None, and X alone says nothing to learn; give fit(model, X, y)")
    inputs = as_inputs(train)
    if not inputs.size:
        raise ValueError(f"X has the shape {inputs.shape}; give at least one example")
    unadapted = _build(model, inputs.shape[1:], seed)
    made = as_examples(
        inputs, y, sample_weight, loss, model.output_shape, model.task, "the training data"
    )
    return *made, unadapted


def _with_task(
    model: Sequential, data: Dataset | Examples, loss: Loss
) -> tuple[Dataset | Examples, Task]:
    """What a data set's labels mean to the model."""
    if isinstance(data, Dataset):
        if (binary := dataset_targets(data, loss, model.output_shape)) is not None:
            return binary
        if model.output_shape != (len(data.classes),):
            raise ValueError(
                f"the model's outputs are {model.output_shape}, but {data.name} has "
                f"{len(data.classes)} classes; end the model with Dense({len(data.classes)})"
            )
        return data, Task("classes", loss.activation)
    targets, task = as_targets(data.targets, loss, model.output_shape, model.task)
    return replace(data, targets=targets), task


def _validation(
    model: Sequential, data: Any, loss: Loss, task: Task, batches: Batches | Stream
) -> Source | None:
    """Bring the validation data into what the training data are."""
    if data is None:
        return None
    if isinstance(data, Dataset | Examples):
        if data.targets is None:
            raise ValueError(f"validation data {data.name} have no labels to judge by")
        if isinstance(batches, Batches):
            check_same_kind(batches.dataset, data)
        found, _ = _with_task(model, data, loss)
        return found
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        raise ValueError(
            f"validation is {type(data).__name__}; give (X, y), (X, y, sample_weight) or a Dataset"
        )
    x, y, weights = (*data, None) if len(data) == 2 else data
    inputs = as_inputs(x)
    require_input_shape(model, inputs.shape[1:])
    examples, meant = as_examples(
        inputs, y, weights, loss, model.output_shape, task, "the validation data", is_fixed=True
    )
    if meant.kind != task.kind or meant.names != task.names:
        raise ValueError(
            f"the validation data's y are {meant.kind}, not as the training data's; give both in "
            "the same form"
        )
    return examples


def _prepare_stream(model: Sequential, stream: Stream, loss: Loss, seed: int | Generator) -> Task:
    """Build the model for the first batch, and say how each batch's parts are read."""
    x, y, _ = stream.first
    if not np.ndim(y) or not np.ndim(x):
        raise ValueError(
            "the data give single examples and no batches; give a sequence of batches (X, y), "
            "such as PyTorch's DataLoader around them"
        )
    if _build(model, as_inputs(x).shape[1:], seed):
        raise ValueError(
            "Normalization was not adapted, and the data come batch by batch; call its adapt with "
            "some of the inputs first"
        )
    outputs = model.output_shape
    _, task = as_targets(y, loss, outputs, model.task)
    if task.names is not None and task.names != model.task.names:
        raise ValueError(
            "y holds classes by names, and a batch need not have all of them; give their numbers, "
            f"from 0 to {outputs[-1] - 1}"
        )

    def read(
        x: Any, y: Any, weights: Any
    ) -> tuple[NDArray[Any], NDArray[Any], ExampleWeights | None]:
        inputs = as_inputs(x)
        require_input_shape(model, inputs.shape[1:])
        require_finite("X", inputs)
        targets, _ = as_targets(y, loss, outputs, task)
        return inputs, targets, as_weights(weights, len(inputs))

    stream.prepare = read
    return task


def _build(model: Sequential, shape: Shape, seed: int | Generator) -> list[Normalization]:
    """Build the model if it is not; return each `Normalization` that was not adapted yet."""
    found = []
    for place, layer in enumerate(model.layers):
        if isinstance(layer, Normalization) and not layer.is_adapted:
            found.append(layer)
            if place:
                raise ValueError(
                    "Normalization stands after other layers, so its statistics are not the "
                    "images'; put it first, or call its adapt with what reaches it"
                )
    if model.input_shape:
        require_input_shape(model, shape)
    else:
        model.build(shape, seed)
    return found


def _check_layers(model: Sequential, loss: Loss, batches: Batches | Stream) -> None:
    """Refuse what would train without an error, and to no good."""
    last = type(model.layers[-1])
    if (isinstance(loss, SoftmaxCrossEntropy) and last is Softmax) or (
        isinstance(loss, SigmoidCrossEntropy) and last in (Sigmoid, Softmax)
    ):
        raise ValueError(
            f"the model ends with {last.__name__}, but {type(loss).__name__} works on logits and "
            "contains it; take the last layer off"
        )
    frozen = model.frozen_mask()
    if not model.parameters.size or (frozen is not None and frozen.all()):
        raise ValueError("the model has nothing to learn; add a layer, or set trainable to True")
    if not isinstance(batches, Batches):
        return
    rest = len(batches.dataset) % batches.batch_size or batches.batch_size
    shapes = {link.layer: link.output_shape for link in model.links()}
    for layer, shape in shapes.items():
        single = isinstance(layer, BatchNorm) and layer.trainable and shape[:-1] in ((), (1, 1))
        if single and rest == 1:
            raise ValueError(
                f"batch_size is {batches.batch_size}, which leaves a batch of one of the "
                f"{len(batches.dataset):,} examples, and BatchNorm would turn it into zeros; give "
                "another batch_size, or use LayerNorm"
            )


def _check_pixels(augmentation: Augment | None, source: Dataset | Examples) -> None:
    """Refuse floats of 0 to 1 where pixels of 0 to 255 are meant."""
    if not isinstance(augmentation, Augmentation) or isinstance(source, Dataset):
        return
    if source.inputs.dtype.kind == "f" and all(part.max() <= 1 for part in source.parts()):
        raise ValueError(
            "X has numbers up to 1, and augmentation works on pixels from 0 to 255; give X * 255 "
            "and begin the model with Rescaling(), or give a function as augmentation"
        )


def _settings(stepper: Stepper, average: float | None, seed: int) -> dict[str, Any]:
    """What must be equal for two trainings to be the same one, as JSON holds it."""
    validation = stepper.validation
    settings = {
        "architecture": stepper.model.config(),
        "input_shape": stepper.model.input_shape,
        "epochs": stepper.epochs,
        "seed": int(seed),
        "engine": stepper.engine,
        "shards": stepper.passes.shards,
        "optimizer": repr(stepper.optimizer),
        "loss": repr(stepper.loss),
        "average": None if average is None else float(average),
        **stepper.batches.describe(),
        "validation_images": None if validation is None else checksum(validation),
    }
    chosen = {"monitor": stepper.history.monitor, "mode": stepper.history.mode}
    if chosen != {"monitor": None, "mode": "auto"}:
        settings |= chosen
    as_json: dict[str, Any] = json.loads(json.dumps(settings))
    return as_json
