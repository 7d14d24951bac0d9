"""The stepper: however its steps are spread over time and threads, `fit`'s weights come out."""

import threading

import numpy as np
import pytest

from numcnn import nn
from numcnn.data import Batches, Dataset
from numcnn.training import Stepper, TrainingDiverged, fit
from tests.training.tasks import rich, stripes


def stepper(
    train: Dataset, validation: Dataset | None = None, *, epochs: int = 2, rate: float = 0.01
) -> Stepper:
    model = rich()
    model.build(train.image_shape, 3)
    model.layers[0].adapt(train.images)
    return Stepper(
        model,
        Batches(train, 16, 3),
        validation,
        passes=model.training_engine(),
        optimizer=nn.Adam(learning_rate=rate),
        loss=nn.SoftmaxCrossEntropy(),
        epochs=epochs,
    )


def finish(stepper: Stepper) -> None:
    while not stepper.finished:
        if stepper.step().ends_epoch:
            stepper.end_epoch()


@pytest.fixture(scope="module")
def task() -> tuple[Dataset, Dataset]:
    return stripes(72), stripes(40, seed=1)


def test_all_steps_give_the_weights_of_fit(task):
    train, validation = task
    one = stepper(train, validation)
    with one:
        finish(one)
    one.best.put_into(one.model)
    model = rich()
    model.build(train.image_shape, 3)
    adam = nn.Adam(learning_rate=0.01)
    history = fit(
        model,
        *(train, validation),
        epochs=2,
        batch_size=16,
        optimizer=adam,
        seed=3,
        progress="none",
    )
    np.testing.assert_array_equal(one.model.parameters, model.parameters)
    assert [r.loss for r in one.history.records] == [r.loss for r in history.records]
    assert one.history.best.epoch == history.best.epoch


def test_the_block_may_be_left_between_steps_and_entered_on_other_threads(task):
    train, validation = task
    at_once, apart = stepper(train, validation), stepper(train, validation)
    with at_once:
        finish(at_once)

    def advance() -> None:
        with apart:
            if apart.step().ends_epoch:
                apart.end_epoch()

    while not apart.finished:
        thread = threading.Thread(target=advance)
        thread.start()
        thread.join()
    np.testing.assert_array_equal(at_once.model.parameters, apart.model.parameters)
    assert at_once.history.records[-1].loss == apart.history.records[-1].loss


def test_a_step_says_what_it_was(task):
    train, _ = task
    one = stepper(train)
    with one:
        steps = [one.step() for _ in range(5)]
    assert [(step.epoch, step.batch, step.examples) for step in steps] == [
        *((1, number, 16) for number in (1, 2, 3, 4)),
        (1, 5, 8),
    ]
    assert [step.ends_epoch for step in steps] == [False] * 4 + [True]
    progress = one.progress
    assert (progress.batch, progress.examples) == (5, 72)
    assert progress.loss == sum(s.loss * s.examples for s in steps) / 72
    assert progress.accuracy == sum(s.correct for s in steps) / 72
    with one:
        record = one.end_epoch()
    assert (record.epoch, record.loss) == (1, progress.loss)
    assert one.progress.batch == 0


def test_what_comes_next_must_come_next(task):
    train, _ = task
    one = stepper(train, epochs=1)
    with one:
        one.step()
        with pytest.raises(ValueError, match="4 batches of this epoch are left"):
            one.end_epoch()
        while not one.step().ends_epoch:
            pass
        with pytest.raises(ValueError, match="call end_epoch first"):
            one.step()
        one.end_epoch()
        assert one.finished
        with pytest.raises(ValueError, match="all 1 epochs are done"):
            one.step()


def test_a_training_that_diverges_says_where(task):
    train, _ = task
    one = stepper(train, rate=1e30)
    with one, pytest.raises(TrainingDiverged, match=r"in epoch 1, batch \d; try a lower"):
        finish(one)


def test_blas_is_held_within_the_block_only(task):
    from threadpoolctl import threadpool_info

    def threads() -> list[int]:
        return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]

    train, _ = task
    one, before = stepper(train), threads()
    with one:
        one.step()
        assert set(threads()) <= {1}
    assert threads() == before
