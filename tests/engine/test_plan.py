"""How a batch is cut, and how a network is."""

import math
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numcnn.engine.plan import Plan
from numcnn.engine.shards import ShardTree
from numcnn.engine.threads import Threads
from numcnn.nn import BatchNorm, Context, Conv2D, Dense, Flatten, MaxPool2D, ReLU, Sequential
from tests.engine.agreement import fake_hardware
from tests.engine.own_layers import Centering


def plan_of(layers, shape, batch_size, *, training=True, shards=None) -> Plan:
    model = Sequential(layers)
    model.build(shape)
    return Plan(model.links(), shape, batch_size, training=training, shards=shards)


def small(batch_size: int, **settings) -> Plan:
    layers = [Conv2D(8, 3), ReLU(), MaxPool2D(), Conv2D(8, 3), Flatten(), Dense(5)]
    return plan_of(layers, (16, 16, 1), batch_size, **settings)


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(st.integers(1, 70), st.integers(1, 5), st.sampled_from([1, 1 << 12, 1 << 14, 1 << 20]))
def test_every_example_is_in_one_piece_of_each_segment(batch_size, shards, cache):
    with fake_hardware(shards=shards, cache=cache):
        plan = small(batch_size)
    assert plan.shards == min(shards, batch_size)
    for segment in plan.segments:
        micro_batches = segment.micro_batches
        assert [
            n for micro_batch in micro_batches for n in range(micro_batch.start, micro_batch.stop)
        ] == [*range(batch_size)]
        assert all(micro_batch.size > 0 for micro_batch in micro_batches)
        assert sorted({micro_batch.shard for micro_batch in micro_batches}) == [*range(plan.shards)]
        firsts = [micro_batch.shard for micro_batch in micro_batches if micro_batch.first]
        assert firsts == [*range(plan.shards)]
        sizes = [
            sum(p.size for p in micro_batches if p.shard == shard) for shard in range(plan.shards)
        ]
        assert max(sizes) - min(sizes) <= 1
        assert len(segment.bound) == len(micro_batches)


def test_pieces_of_images_fit_the_cache_and_rows_go_through_at_once():
    sizes = []
    for cache in (1 << 12, 1 << 16, 1 << 24):
        with fake_hardware(cache=cache):
            images, rows = small(64).segments
            sizes.append(images.micro_batches[0].size)
            assert [micro_batch.size for micro_batch in rows.micro_batches] == [64]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[1] < sizes[2] == 64


def test_little_work_is_not_worth_a_second_thread():
    with fake_hardware(shards=4, least_work=5_000_000):
        assert small(1).shards == 1
        assert small(512).shards == 2
        assert small(8192).shards == 4
        assert small(8192, shards=1).shards == 1


def test_many_weights_need_more_work_for_many_shards():
    def shards(units: int, batch_size: int) -> int:
        return plan_of([Dense(units)], (1000,), batch_size).shards

    assert shards(100, 1600) == 4
    assert shards(1000, 160) == 2
    assert shards(1000, 1600) == 4


def test_the_cut_asks_nothing_of_the_machine(monkeypatch):
    def cuts() -> list[list[tuple[int, int, int]]]:
        plan = small(700)
        return [[(p.start, p.stop, p.shard) for p in s.micro_batches] for s in plan.segments]

    before = cuts()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(Path, "read_text", lambda *_: "512K")
    assert cuts() == before


def halves(batch_size: int, ranks: int, shards: int) -> list[int]:
    """The bounds that so many processes would find, each for its part of the batch."""
    outer = ShardTree(batch_size, ranks).bounds
    inner = [
        [start + bound for bound in ShardTree(stop - start, shards).bounds[:-1]]
        for start, stop in pairwise(outer)
    ]
    return [*(bound for part in inner for bound in part), batch_size]


@given(st.integers(8, 300))
def test_processes_that_take_a_part_each_cut_where_one_would(batch_size):
    assert all(
        halves(batch_size, ranks, 8 // ranks) == ShardTree(batch_size, 8).bounds
        for ranks in (1, 2, 4, 8)
    )


@given(st.integers(1, 40), st.integers(1, 9))
def test_the_shards_are_added_as_a_balanced_tree(batch_size, shards):
    cut = ShardTree(batch_size, shards)
    count = len(cut.bounds) - 1
    assert count == min(batch_size, shards)
    depth = [0] * count
    sums = [{shard} for shard in range(count)]
    for first, second in cut.sums:
        assert max(sums[first]) + 1 == min(sums[second]), "neighbors, in order"
        depth[first] = max(depth[first], depth[second]) + 1
        sums[first] |= sums[second]
    assert sums[0] == {*range(count)}
    assert depth[0] <= math.ceil(math.log2(count)) + 1
    if shards & (shards - 1) == 0 and batch_size >= shards:
        assert depth[0] == math.log2(shards)


def test_what_needs_the_whole_batch_ends_a_segment():
    layers = [Conv2D(3, 3), Centering(), Conv2D(3, 3), BatchNorm(), ReLU(), Flatten(), Dense(2)]
    plan = plan_of(layers, (9, 9, 1), 8)
    ends = [
        type(segment.barrier).__name__ if segment.barrier else None for segment in plan.segments
    ]
    assert ends == ["WholeBatchOp", "StatisticsOp", None, None]
    assert [segment.ops[-1].names for segment in plan.segments if segment.barrier] == [
        ("centering_1",),
        ("batchnorm_1",),
    ]
    assert len(plan_of([BatchNorm(), Dense(2)], (4,), 8, training=False).segments) == 1


def test_memory_grows_with_the_batch_in_training_and_hardly_in_inference():
    with fake_hardware(cache=1 << 14):
        training = [small(n).nbytes for n in (64, 640)]
        inference = [small(n, training=False).nbytes for n in (64, 640)]
    assert training[1] > 4 * training[0]
    assert inference[1] < 3 * inference[0]
    assert inference[0] < training[0]


def test_a_plan_runs_without_threads_and_with_them():
    x = np.random.default_rng(0).normal(size=(9, 16, 16, 1))
    with fake_hardware(shards=3):
        plan = small(9)
    outputs = plan.forward(x, Context(training=True), Threads(1)).copy()
    gradient = plan.backward(np.ones_like(outputs), Threads(1)).copy()
    with Threads(3) as threads:
        np.testing.assert_array_equal(plan.forward(x, Context(training=True), threads), outputs)
        np.testing.assert_array_equal(plan.backward(np.ones_like(outputs), threads), gradient)


@pytest.mark.parametrize("training", [True, False])
def test_macs_are_counted_as_they_are_computed(training):
    model = Sequential([Conv2D(33, 2), ReLU(), Flatten(), Dense(5)])
    model.build((6, 6, 3))
    plan = Plan(model.links(), (6, 6, 3), 4, training=training)
    counts = [op.macs() for segment in plan.segments for op in segment.ops]
    assert sum(counts) == model.summary().macs
    assert counts[0] == 0
