"""The optimizers and the moving average: each formula by hand, and what all have in common."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from numcnn.nn import (
    SGD,
    Adam,
    AdamW,
    BatchNorm,
    Constant,
    Conv2D,
    Cosine,
    Dense,
    Flatten,
    MovingAverage,
    Optimizer,
    RMSProp,
    Sequential,
)
from tests.nn.samples import normal

MAKERS = {
    "sgd": lambda **common: SGD(**common),
    "momentum": lambda **common: SGD(momentum=0.9, **common),
    "nesterov": lambda **common: SGD(momentum=0.9, nesterov=True, **common),
    "rmsprop": lambda **common: RMSProp(**common),
    "adam": lambda **common: Adam(**common),
    "adamw": lambda **common: AdamW(**common),
}
each_optimizer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def path(optimizer: Optimizer, start: float, gradients: list[float]) -> list[float]:
    """Where one parameter stands after each step."""
    p, places = np.array([start], float), []
    for gradient in gradients:
        optimizer.step(p, np.array([gradient]))
        places.append(float(p[0]))
    return places


def test_sgd_by_hand():
    assert path(SGD(learning_rate=0.1), 1, [2, -3]) == pytest.approx([0.8, 1.1])


def test_momentum_by_hand():
    # v = 1, then 0.5 + 1.
    assert path(SGD(learning_rate=0.1, momentum=0.5), 1, [1, 1]) == pytest.approx([0.9, 0.75])


def test_nesterov_by_hand():
    # v = 1: the step is 1 + 0.5 * 1; v = 1.5: it is 1 + 0.5 * 1.5.
    optimizer = SGD(learning_rate=0.1, momentum=0.5, nesterov=True)
    assert path(optimizer, 1, [1, 1]) == pytest.approx([0.85, 0.675])


def test_rmsprop_by_hand():
    # s = 0.25 * 4 = 1, then 0.75 + 1.
    optimizer = RMSProp(learning_rate=0.1, rho=0.75, epsilon=1e-12)
    assert path(optimizer, 1, [2, 2]) == pytest.approx([0.8, 0.8 - 0.2 / math.sqrt(1.75)])


def test_rmsprops_epsilon_is_added_to_the_root():
    # s = 1: the step is 0.1 / (1 + 3).
    optimizer = RMSProp(learning_rate=0.1, rho=0, epsilon=3)
    assert path(optimizer, 1, [1]) == pytest.approx([0.975])


def test_adam_by_hand():
    # First step: m' = g and v' = g^2, so it is the rate whatever the gradient. Then
    # m = 0.9 * 0.05 - 0.1 * 0.5 = -0.005, m' = -0.005 / 0.19, and v' = 0.25 still.
    optimizer = Adam(learning_rate=0.1, epsilon=1e-12)
    second = 0.9 + 0.1 * (0.005 / 0.19) / 0.5
    assert path(optimizer, 1, [0.5, -0.5]) == pytest.approx([0.9, second])


def test_adams_epsilon_is_added_to_the_corrected_root():
    # m' = 1, sqrt(v') = 1: the step is 0.1 / (1 + 3).
    assert path(Adam(learning_rate=0.1, epsilon=3), 1, [1]) == pytest.approx([0.975])


def test_weight_decay_by_hand():
    # 2 shrinks by 0.1 * 0.5 of itself, then the gradient takes off 0.1.
    assert path(SGD(learning_rate=0.1, weight_decay=0.5), 2, [1]) == pytest.approx([1.8])


def test_weight_decay_does_not_pass_through_adams_division():
    decayed = path(AdamW(learning_rate=0.1, weight_decay=0.5), 2, [0.001])
    assert decayed == pytest.approx([2 * 0.95 - 0.1], rel=1e-4)


def test_clipping_by_hand():
    p = np.zeros(2)
    SGD(learning_rate=1, clip_norm=1).step(p, np.array([3.0, 4]))
    assert_allclose(p, [-0.6, -0.8])


def test_a_gradient_below_the_clip_norm_is_left_alone():
    p = np.zeros(2)
    SGD(learning_rate=1, clip_norm=5.5).step(p, np.array([3.0, 4]))
    assert_array_equal(p, [-3, -4])


def test_a_gradient_of_zero_can_be_clipped():
    p = np.ones(2)
    SGD(learning_rate=1, clip_norm=1).step(p, np.zeros(2))
    assert_array_equal(p, [1, 1])


@given(size=st.integers(1, 50), scale=st.floats(1e-3, 1e3), limit=st.floats(0.1, 10))
@settings(deadline=None)
def test_a_clipped_step_keeps_its_direction_and_is_never_longer_than_the_norm(size, scale, limit):
    gradient = normal(size) * scale
    p = np.zeros(size)
    SGD(learning_rate=1, clip_norm=limit).step(p, gradient)
    assert np.linalg.norm(p) <= limit * (1 + 1e-12)
    assert_allclose(-p / np.linalg.norm(p), gradient / np.linalg.norm(gradient), rtol=1e-9)


@each_optimizer
def test_the_gradient_is_left_as_it_was(make):
    gradient = normal(5)
    make(clip_norm=0.1, weight_decay=0.1).step(np.ones(5), gradient)
    assert_array_equal(gradient, normal(5))


@each_optimizer
def test_float32_stays_float32(make):
    optimizer, p = make(weight_decay=0.1, clip_norm=1), np.ones(5, np.float32)
    optimizer.step(p, normal(5).astype(np.float32), decayed=np.array([1, 0, 1, 0, 1], bool))
    assert {p.dtype, *(slot.dtype for slot in optimizer.slots.values())} == {np.dtype(np.float32)}


@each_optimizer
def test_weight_decay_reaches_only_what_decays(make):
    decayed = np.array([True, False, True, False])
    plain, half = np.ones(4), np.ones(4)
    make(weight_decay=0).step(plain, normal(4))
    optimizer = make(weight_decay=0.5)
    optimizer.step(half, normal(4), decayed=decayed)
    assert_array_equal(half[~decayed], plain[~decayed])
    rate = optimizer.learning_rate
    assert_allclose(half[decayed], plain[decayed] - rate * 0.5, rtol=1e-12)


def test_a_model_decays_its_weights_and_neither_biases_nor_normalization():
    model = Sequential([Conv2D(2, 2), BatchNorm(), Flatten(), Dense(3)])
    model.build((3, 3, 1))
    names = [
        name
        for name, array in model.state_dict().items()
        if not name.endswith(("mean", "variance"))
        for _ in range(array.size)
    ]
    assert [
        name for name, decays in zip(names, model.weight_decay_mask(), strict=True) if decays
    ] == [name for name in names if name.endswith("weight")]


@each_optimizer
@pytest.mark.parametrize("size", [16_383, 16_384, 16_385, 40_000])
def test_a_long_vector_is_updated_as_its_parts_are(make, size):
    whole, parts = make(weight_decay=0.1), [make(weight_decay=0.1) for _ in range(3)]
    cuts = [slice(0, 7), slice(7, size // 2), slice(size // 2, size)]
    p, q = normal(size), normal(size)
    decayed = normal(size, seed=9) > 0
    for step in range(3):
        g = normal(size, seed=step + 1)
        whole.step(p, g, decayed=decayed)
        for part, cut in zip(parts, cuts, strict=True):
            part.step(q[cut], g[cut], decayed=decayed[cut])
    assert_array_equal(p, q)


@each_optimizer
def test_a_saved_optimizer_goes_on_as_if_it_had_never_stopped(make):
    straight, stopped = make(), make()
    p, q = normal(9), normal(9)
    for step in range(6):
        if step == 3:
            resumed = make()
            resumed.iterations = stopped.iterations
            resumed.slots = {name: slot.copy() for name, slot in stopped.slots.items()}
            stopped = resumed
        straight.step(p, normal(9, seed=step))
        stopped.step(q, normal(9, seed=step))
    assert_array_equal(p, q)


@each_optimizer
def test_every_optimizer_comes_down_a_valley(make):
    optimizer, p = make(), np.array([3.0, -2])
    rate = 0.03
    for _ in range(600):
        optimizer.step(p, p * [1, 4], rate)
    assert np.abs(p).max() < 0.1


def test_a_given_rate_goes_before_the_optimizers_own():
    p = np.zeros(1)
    SGD(learning_rate=1).step(p, np.ones(1), rate=0.5)
    assert p == [-0.5]


def test_a_number_is_a_constant_schedule():
    assert SGD(learning_rate=0.3).schedule == Constant(0.3)
    assert SGD(learning_rate=Cosine(0.3)).schedule == Cosine(0.3)


def test_a_schedule_without_the_rate_of_the_moment_is_an_error():
    with pytest.raises(ValueError, match="rate is missing; give Cosine's at this time"):
        SGD(learning_rate=Cosine(0.1)).step(np.zeros(1), np.zeros(1))


@pytest.mark.parametrize(("p", "g"), [((3,), (4,)), ((2, 2), (2, 2)), ((3,), (1,))])
def test_vectors_that_do_not_fit_are_an_error(p, g):
    with pytest.raises(ValueError, match="give two vectors of the same length"):
        SGD().step(np.zeros(p), np.zeros(g))


def test_adamw_is_adam_with_weight_decay():
    assert AdamW(learning_rate=0.1, beta_1=0.8) == Adam(
        learning_rate=0.1, weight_decay=0.01, beta_1=0.8
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(learning_rate=0), "learning_rate is 0"),
        (lambda: SGD(learning_rate=math.nan), "learning_rate is nan"),
        (lambda: SGD(weight_decay=-1), "weight_decay is -1"),
        (lambda: SGD(clip_norm=0), "clip_norm is 0"),
        (lambda: SGD(momentum=1), "momentum is 1"),
        (lambda: SGD(nesterov=True), "nesterov is True but momentum is 0; give a momentum"),
        (lambda: RMSProp(rho=1.5), "rho is 1.5"),
        (lambda: Adam(beta_1=-0.1), "beta_1 is -0.1"),
        (lambda: AdamW(beta_2=1), "beta_2 is 1"),
        (lambda: MovingAverage(decay=1), "decay is 1"),
    ],
)
def test_a_bad_setting_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_moving_average_by_hand():
    average = MovingAverage(decay=0.5)
    for weight in (1.0, 2, 3):
        average.update(np.array([weight]))
    # Decays 1/10, 2/11 and 3/12: 1, then 2/11 + 9/11 * 2 = 20/11, then a quarter of that + 9/4.
    assert_allclose(average.average[0], [20 / 11 / 4 + 9 / 4])


def test_the_decay_grows_up_to_its_value():
    average = MovingAverage(decay=0.2)
    average.iterations = 1000
    average.average = [np.array([10.0])]
    average.update(np.array([20.0]))
    assert_allclose(average.average[0], [0.2 * 10 + 0.8 * 20])


def test_the_average_of_what_never_changes_is_that():
    average, weights = MovingAverage(), normal(5)
    for _ in range(20):
        average.update(weights, weights * 2)
    assert_array_equal(average.average[0], weights)
    assert_array_equal(average.average[1], weights * 2)


def test_the_average_is_a_copy():
    average, weights = MovingAverage(), np.ones(3)
    average.update(weights)
    weights[:] = 7
    assert_array_equal(average.average[0], [1, 1, 1])


def test_the_memory_of_a_larger_model_is_an_error():
    optimizer = SGD(momentum=0.9)
    optimizer.step(np.zeros(2 * 16_384), np.ones(2 * 16_384))
    with pytest.raises(ValueError, match="velocity"):
        optimizer.step(np.zeros(16_384), np.ones(16_384))
