"""A training taken one step at a time: the loop of `fit`, for whoever wants to drive it."""

import math
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, final

import numpy as np

from numcnn.data import Batches, Source, Stream
from numcnn.data.batches import Batch
from numcnn.engine import one_blas_thread
from numcnn.nn import Context, Loss, MovingAverage, Optimizer, Sequential, TrainingPasses
from numcnn.nn.inputs import require_finite
from numcnn.random_streams import STREAM_LAYERS
from numcnn.training.checkpoint import ReproducibilityWarning, Weights
from numcnn.training.history import EpochRecord, History
from numcnn.training.metrics import Evaluation, Metric, correct_answers, evaluate_source


class TrainingDiverged(ArithmeticError):  # noqa: N818 (it is what happened, and no program error)
    """The loss is not a finite number any more, and no further step can mend that."""


@final
@dataclass(frozen=True)
class Step:
    """What one step of the training was.

    Attributes:
        epoch: The number of its epoch, from 1.
        batch: Its number within the epoch, from 1.
        examples: How many examples the batch had.
        loss: Their mean loss, before the step.
        correct: How many of them were answered correctly, before the step; a share of each where
            it has several labels, NaN for values.
        learning_rate: With which the weights were changed.
        ends_epoch: Whether it was the last one of its epoch: then `Stepper.end_epoch` comes next.
    """

    epoch: int
    batch: int
    examples: int
    loss: float
    correct: float
    learning_rate: float
    ends_epoch: bool


@final
@dataclass
class EpochProgress:
    """What the steps of an unfinished epoch add up to.

    Attributes:
        batch: How many batches are done.
        examples: How many examples.
        loss: The mean loss over these; 0 before the first step.
        accuracy: The share of them that was answered correctly, from 0 to 1; NaN for values.
        learning_rate: Of the last step.
        seconds: How long the steps took, without what was done in between.
    """

    batch: int = 0
    examples: int = 0
    learning_rate: float = 0.0
    seconds: float = 0.0
    _total_loss: float = field(default=0.0, repr=False)
    _correct: float = field(default=0.0, repr=False)

    @property
    def loss(self) -> float:
        """The mean loss."""
        return self._total_loss / self.examples if self.examples else 0.0

    @property
    def accuracy(self) -> float:
        """The share of correct answers."""
        return self._correct / self.examples if self.examples else 0.0

    def add(self, step: Step, seconds: float) -> None:
        """Add a step that took so many seconds."""
        self.batch += 1
        self.examples += step.examples
        self.learning_rate = step.learning_rate
        self.seconds += seconds
        self._total_loss += step.loss * step.examples
        self._correct += step.correct


@final
class Stepper:
    """A training between two of its steps.

    ::

        with stepper:
            while not stepper.finished:
                if stepper.step().ends_epoch:
                    record = stepper.end_epoch()

    The ``with`` block holds what the passes need, and BLAS to one thread, since a product that is
    cut over threads has other last bits. It may be left between any two steps and entered again,
    on another thread too. However the steps are spread over time, the same weights come out, bit
    for bit: each batch's random numbers follow from the seed, the epoch and the batch's number.

    Attributes:
        model: The network that learns, built.
        batches: What it learns from.
        validation: What each epoch is measured on, or None.
        metrics: What else it is measured by.
        epochs: How many epochs the training has; the schedule of the learning rate depends on it.
        engine: How the validation is computed; see `numcnn.nn.Sequential.outputs`.
        history: The finished epochs.
        best: The weights of the best one (`History.best`); at the start, the weights so far.
        progress: Of the unfinished epoch.
    """

    def __init__(
        self,
        model: Sequential,
        batches: Batches | Stream,
        validation: Source | None = None,
        *,
        passes: TrainingPasses,
        optimizer: Optimizer,
        loss: Loss,
        epochs: int,
        average: MovingAverage | None = None,
        engine: str = "auto",
        metrics: Mapping[str, Metric] | None = None,
        monitor: str | None = None,
        mode: str = "auto",
    ) -> None:
        self.model = model
        self.batches = batches
        self.validation = validation
        self.passes = passes
        self.optimizer = optimizer
        self.loss = loss
        self.epochs = epochs
        self.average = average
        self.engine = engine
        self.metrics = dict(metrics or {})
        self.history = History(monitor=monitor, mode=mode)
        self.best = Weights.of(model)
        self.progress = EpochProgress()
        self._decayed = model.weight_decay_mask()
        self._layers = [layer for _, layer in model.named_layers()]
        self._rest: Iterator[Batch] | None = None
        self._blas = one_blas_thread()
        self._held = ExitStack()
        self._warned = False

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._blas)
            stack.enter_context(self.passes)
            self._held = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held.__exit__(kind, error, trace)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return len(self.history) >= self.epochs

    @property
    def ends_epoch(self) -> bool:
        """Whether all batches of the epoch are done, so that `end_epoch` comes next."""
        return self.progress.batch >= len(self.batches)

    def step(self) -> Step:
        """Learn from the next batch.

        Raises:
            ValueError: There is none: the epoch has to be ended first, or all of them are done.
            TrainingDiverged: The loss is not finite.
        """
        if self.finished:
            raise ValueError(f"all {self.epochs} epochs are done; there is no further step")
        if self.ends_epoch:
            raise ValueError("all batches of this epoch are done; call end_epoch first")
        start = time.perf_counter()
        epoch, number = len(self.history), self.progress.batch
        if self._rest is None:
            self._rest = iter(self.batches.epoch(epoch))
        batch = next(self._rest)
        rate = self.optimizer.schedule(epoch + number / len(self.batches), self.epochs)
        rng = np.random.default_rng([self.batches.seed, STREAM_LAYERS, epoch, number])
        loss, correct = self._learn(batch, rate, rng)
        self._keep_blas_held()
        if not math.isfinite(loss):
            raise self._diverged(f"the loss is {loss}", number, rate)
        ends = number + 1 == len(self.batches)
        done = Step(epoch + 1, number + 1, len(batch), loss, correct, rate, ends)
        self.progress.add(done, time.perf_counter() - start)
        return done

    def end_epoch(self) -> EpochRecord:
        """Validate, and add the epoch to the history.

        Raises:
            ValueError: Some of its batches are left.
            TrainingDiverged: The weights or the validation loss are not finite.
        """
        progress = self.progress
        if not self.ends_epoch:
            left = len(self.batches) - progress.batch
            raise ValueError(f"{left} batches of this epoch are left; take their steps first")
        start = time.perf_counter()
        with self._averaged():
            last, rate = progress.batch - 1, progress.learning_rate
            if not (
                np.isfinite(self.model.parameters).all()
                and np.isfinite(self.model.statistics).all()
            ):
                # The last step went too far, and no further batch is there to show it.
                raise self._diverged("the weights are not finite", last, rate)
            validated = self._validate()
            self._keep_blas_held()
            if validated and not math.isfinite(validated.loss):
                raise self._diverged(f"the validation loss is {validated.loss}", last, rate)
            record = EpochRecord(
                epoch=len(self.history) + 1,
                loss=progress.loss,
                accuracy=None if math.isnan(progress.accuracy) else progress.accuracy,
                learning_rate=rate,
                seconds=progress.seconds + time.perf_counter() - start,
                images_per_second=progress.examples / progress.seconds,
                validation_loss=validated.loss if validated else None,
                validation_accuracy=(
                    None if validated is None or not validated.has_accuracy else validated.accuracy
                ),
                metrics={
                    name: value
                    for name, value in (validated.metrics if validated else {}).items()
                    if math.isfinite(value)
                },
            )
            self.history.records.append(record)
            if self.history.best is record:
                self.best = Weights.of(self.model)
        self.progress, self._rest = EpochProgress(), None
        return record

    def _learn(self, batch: Batch, rate: float, rng: np.random.Generator) -> tuple[float, float]:
        """Change the weights by one batch; return its loss and how many answers were correct."""
        assert batch.targets is not None
        require_finite("X", batch.inputs)
        ctx = Context(training=True, rng=rng)
        with _quiet():
            outputs = self.passes.forward(batch.inputs, ctx)
            loss, dy = self.loss.value_and_gradient(outputs, batch.targets, batch.weights)
            gradient = self.passes.backward(dy, ctx)
            is_frozen = any(layer.is_frozen for layer in self._layers)
            frozen = self.model.frozen_mask() if is_frozen else None
            self.optimizer.step(
                self.model.parameters,
                gradient,
                rate,
                self._decayed,
                self.passes.spread,
                # An optimizer of one's own need not know it where nothing is frozen.
                **({} if frozen is None else {"frozen": frozen}),
            )
            self.model.apply_state_updates(ctx)
            if self.average is not None:
                self.average.update(self.model.parameters, self.model.statistics)
        return loss, correct_answers(self.model, outputs, batch.targets)

    def _validate(self) -> Evaluation | None:
        if self.validation is None:
            return None
        with _quiet():
            return evaluate_source(
                self.model, self.validation, self.loss, self.metrics, engine=self.engine
            )

    def _keep_blas_held(self) -> None:
        """Hold BLAS to one thread again if anything in the process has freed it; warn once."""
        if self._blas.renew() and not self._warned:
            self._warned = True
            warnings.warn(
                f"something else let BLAS use several threads in epoch {len(self.history) + 1}; it "
                "is held to one again, but without that the same seed may give other last bits",
                ReproducibilityWarning,
                stacklevel=4,
            )

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

    def _diverged(self, what: str, batch: int, rate: float) -> TrainingDiverged:
        return TrainingDiverged(
            f"{what} in epoch {len(self.history) + 1}, batch {batch + 1}; try a lower learning "
            f"rate (it was {rate:.3g}), a warm-up, or clip_norm=1"
        )


def _quiet() -> np.errstate:
    """No NumPy warnings: what overflows shows up in the loss, with better advice than theirs."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")
