"""What processes take over time: the busiest and the sum of the generator, the server beside it, gaps where unknown."""

import os
import time

import gevent

from loadtest.core.result import Cost, costs
from loadtest.run.machine import Sampler, sample_between
from loadtest.run.server import Usage

S = 1_000_000_000
NO_PROCESS = 1 << 22  # above the highest number that Linux gives


def test_of_the_generator_the_busiest_process_counts_and_the_memory_of_all() -> None:
    assert costs([[(10.0, 100)], [(30.0, 200)], [(20.0, None)]], [(5.0, 50)], 1) == [Cost(30.0, 300, 5.0, 50)]


def test_slices_that_nobody_sampled_are_unknown() -> None:
    assert costs([[(10.0, 100)], []], [], 2) == [Cost(10.0, 100), Cost()]
    assert costs([[(None, None)]], [(None, None)], 1) == [Cost()]


def test_cpu_is_of_one_core_over_the_time_between_two_looks() -> None:
    before = (3 * S, Usage(threads=1, memory_bytes=7, cpu_s=1.5))
    now = (5 * S, Usage(threads=1, memory_bytes=9, cpu_s=4.5))
    assert sample_between(before, now) == (150.0, 9)
    assert sample_between(None, now) == (None, 9)
    assert sample_between(before, None) == (None, None)
    assert sample_between(now, now) == (None, 9)


def test_a_process_is_sampled_at_the_end_of_each_slice_the_last_may_be_short() -> None:
    sampler = Sampler(os.getpid())
    now_ns = time.monotonic_ns()
    sampler.watch(now_ns - 5 * S, now_ns - S // 2, S)
    assert len(sampler.samples) == 5
    assert all(memory and memory > 1 << 20 for _, memory in sampler.samples)


def test_a_process_that_is_gone_gives_samples_that_say_so_and_one_that_is_not_known_gives_none() -> None:
    gone, unknown = Sampler(NO_PROCESS), Sampler(0)
    for sampler in (gone, unknown):
        sampler.watch(0, 2 * S, S)
    assert gone.samples == [(None, None)] * 2
    assert unknown.samples == []


def test_a_window_that_is_stopped_has_a_sample_of_what_there_was_of_its_slice() -> None:
    sampler = Sampler(os.getpid())
    now_ns = time.monotonic_ns()
    watching = gevent.spawn(sampler.watch, now_ns, now_ns + 1000 * S, 1000 * S)
    gevent.sleep(0)  # it begins, and waits for the slice's end
    sampler.finish()
    sampler.finish()
    watching.kill()
    assert len(sampler.samples) == 1
