"""The schedules: by hand at their corners, and which way they go between."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numcnn.nn import Constant, Cosine, ExponentialDecay, OneCycle, StepDecay, WarmUp

ALL = [
    Constant(0.1),
    StepDecay(0.1, 3),
    ExponentialDecay(0.1, 0.9),
    Cosine(0.1, 0.01),
    OneCycle(0.1),
    WarmUp(Cosine(0.1), 2),
]


@pytest.mark.parametrize(
    ("schedule", "epoch", "rate"),
    [
        (Constant(0.1), 7.3, 0.1),
        (StepDecay(0.1, 3), 0, 0.1),
        (StepDecay(0.1, 3), 2.99, 0.1),
        (StepDecay(0.1, 3), 3, 0.01),
        (StepDecay(0.1, 3, 0.5), 9, 0.0125),
        (ExponentialDecay(0.1, 0.5), 0, 0.1),
        (ExponentialDecay(0.1, 0.5), 2, 0.025),
        (ExponentialDecay(0.1, 0.25), 0.5, 0.05),
        (Cosine(0.1), 0, 0.1),
        (Cosine(0.1), 5, 0.05),
        (Cosine(0.1), 10, 0),
        (Cosine(0.1, 0.02), 5, 0.06),
        (Cosine(0.1, 0.02), 10, 0.02),
        (Cosine(0.1), 10 / 3, 0.075),
        (OneCycle(1), 0, 0.04),
        (OneCycle(1), 1.5, 0.52),
        (OneCycle(1), 3, 1),
        (OneCycle(1), 6.5, 0.50005),
        (OneCycle(1), 10, 1e-4),
        (OneCycle(1, warm_up=0), 0, 1),
        (WarmUp(Constant(0.1), 2), 0, 0),
        (WarmUp(Constant(0.1), 2), 0.5, 0.025),
        (WarmUp(Constant(0.1), 2), 2, 0.1),
        (WarmUp(Constant(0.1), 2), 9, 0.1),
        (WarmUp(Cosine(0.1), 10), 5, 0.025),
    ],
    ids=repr,
)
def test_rates_by_hand_in_a_training_of_10_epochs(schedule, epoch, rate):
    assert schedule(epoch, 10) == pytest.approx(rate, rel=1e-12, abs=1e-15)


def course(schedule, start, end, epochs=10.0):
    return [schedule(epoch, epochs) for epoch in np.linspace(start, end, 101)]


@pytest.mark.parametrize("schedule", [Cosine(0.1, 0.01), ExponentialDecay(0.1, 0.9)], ids=repr)
def test_a_decay_falls_all_the_time(schedule):
    assert all(np.diff(course(schedule, 0, 10)) < 0)


def test_one_cycle_rises_to_its_peak_and_falls_after_it():
    assert all(np.diff(course(OneCycle(1), 0, 3)) > 0)
    assert all(np.diff(course(OneCycle(1), 3, 10)) < 0)


def test_a_step_decay_never_rises_and_takes_as_many_values_as_it_has_steps():
    rates = course(StepDecay(0.1, 3), 0, 10)
    assert all(np.diff(rates) <= 0)
    assert len(set(rates)) == 4


def test_a_warm_up_rises_along_a_straight_line():
    assert np.diff(course(WarmUp(Constant(0.1), 10), 0, 10)) == pytest.approx(0.001)


@pytest.mark.parametrize("schedule", [Cosine(0.1, 0.01), OneCycle(0.1)], ids=repr)
@given(share=st.floats(0, 1), epochs=st.floats(0.1, 1000))
@settings(deadline=None)
def test_a_long_training_has_the_same_course_as_a_short_one(schedule, share, epochs):
    expected = schedule(share * 10, 10)
    assert schedule(share * epochs, epochs) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("schedule", ALL, ids=repr)
@given(share=st.floats(0, 1))
@settings(deadline=None)
def test_no_rate_is_negative_or_above_the_first_or_the_peak(schedule, share):
    assert 0 <= schedule(share * 10, 10) <= 0.1 * (1 + 1e-12)


@pytest.mark.parametrize("schedule", [Cosine(0.1, 0.01), OneCycle(0.1)], ids=repr)
def test_the_last_rate_holds_if_the_training_goes_on(schedule):
    assert schedule(11, 10) == pytest.approx(schedule(10, 10))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(0), "rate is 0"),
        (lambda: StepDecay(0.1, 0), "every is 0"),
        (lambda: StepDecay(0.1, 1, -0.5), "factor is -0.5"),
        (lambda: ExponentialDecay(-1, 0.5), "rate is -1"),
        (lambda: ExponentialDecay(1, math.nan), "factor is nan"),
        (lambda: Cosine(0.1, -1), "final_rate is -1"),
        (lambda: OneCycle(0), "peak is 0"),
        (lambda: OneCycle(1, warm_up=1), "warm_up is 1"),
        (lambda: OneCycle(1, start_factor=-1), "start_factor is -1"),
        (lambda: WarmUp(Constant(0.1), 0), "epochs is 0"),
    ],
)
def test_a_bad_setting_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
