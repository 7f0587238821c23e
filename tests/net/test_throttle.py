"""The rate of a connection and of an address, in tokens."""

import pytest

from chat.server.net.throttle import SETTLED_AFTER, Addresses, Bucket, Throttle


def taken(bucket: Bucket | Throttle, now: float) -> int:
    """How many commands may run at once, each of which takes a token."""
    number = 0
    while not bucket.wait(now):
        bucket.spend(1.0)
        number += 1
    return number


def test_a_burst_is_free_and_then_the_rate_holds() -> None:
    bucket = Bucket(rate=2.0, burst=3, now=0.0)
    assert taken(bucket, 0.0) == 3
    assert bucket.wait(0.0) == pytest.approx(0.5)
    assert taken(bucket, 0.5) == 1


def test_the_wait_counts_what_is_there_of_a_token() -> None:
    bucket = Bucket(rate=2.0, burst=3, now=0.0)
    bucket.spend(2.75)
    assert bucket.wait(0.0) == pytest.approx(0.375)
    assert bucket.wait(0.25) == pytest.approx(0.125)
    assert bucket.wait(0.375) == 0.0


def test_what_a_command_costs_beyond_what_is_there_is_a_debt_to_be_waited_for() -> None:
    bucket = Bucket(rate=2.0, burst=3, now=0.0)
    bucket.spend(10.0)
    assert bucket.wait(0.0) == pytest.approx(4.0)
    assert bucket.wait(3.9) > 0.0
    assert bucket.wait(4.0) == 0.0


def test_silence_earns_a_burst_and_no_more() -> None:
    bucket = Bucket(rate=1.0, burst=2, now=0.0)
    bucket.spend(1.0)
    assert taken(bucket, 1000.0) == 2


def test_a_clock_that_stands_or_steps_back_earns_nothing() -> None:
    bucket = Bucket(rate=1.0, burst=2, now=10.0)
    assert taken(bucket, 10.0) == 2
    assert bucket.wait(5.0) == pytest.approx(1.0)
    assert bucket.wait(10.5) == pytest.approx(0.5)


def test_a_burst_of_less_than_a_token_still_lets_one_through() -> None:
    assert taken(Bucket(rate=1.0, burst=0.5, now=0.0), 0.0) == 1


def test_a_connection_is_held_to_its_own_rate_and_to_its_addresss() -> None:
    address = Bucket(rate=1.0, burst=3, now=0.0)
    first, second = (Throttle(Bucket(rate=2.0, burst=2, now=0.0), address, 0.0) for _ in range(2))
    assert taken(first, 0.0) == 2
    assert first.wait(0.0) == pytest.approx(0.5)
    assert taken(second, 0.0) == 1
    assert second.wait(0.0) == pytest.approx(1.0)


def test_who_has_been_here_may_spend_its_whole_burst_whatever_its_neighbours_do() -> None:
    address = Bucket(rate=0.001, burst=10, now=0.0)
    settled = Throttle(Bucket(rate=0.001, burst=100, now=0.0), address, 0.0)
    address.spend(1000.0)
    assert taken(settled, SETTLED_AFTER) == 100
    assert settled.wait(SETTLED_AFTER) > 900.0
    new = Throttle(Bucket(rate=0.001, burst=100, now=SETTLED_AFTER), address, SETTLED_AFTER)
    assert taken(new, SETTLED_AFTER) == 0
    assert taken(new, SETTLED_AFTER * 1.1) == 10


def test_those_who_have_been_here_put_their_address_into_no_debt() -> None:
    address = Bucket(rate=1.0, burst=10, now=0.0)
    settled = Throttle(Bucket(rate=1.0, burst=100, now=0.0), address, 0.0)
    assert taken(settled, SETTLED_AFTER) == 100
    assert address.tokens == 0.0


def test_a_new_connection_is_no_new_burst_until_the_address_has_saved_one() -> None:
    addresses = Addresses(lambda now: Bucket(1.0, 10, now))
    addresses.bucket("a", 0.0).spend(10)
    assert addresses.bucket("a", 1.0).wait(1.0) == 0.0
    assert addresses.bucket("b", 1.0) is not addresses.bucket("a", 1.0)
    assert taken(addresses.bucket("a", 5.0), 5.0) == 5


def test_only_buckets_that_are_not_full_are_kept_for_long() -> None:
    addresses = Addresses(lambda now: Bucket(1.0, 10, now))
    addresses.bucket("busy", 0.0).spend(1000)
    for number in range(10_000):
        addresses.bucket(f"host{number}", 0.0)
    assert len(addresses) <= 64
    assert addresses.bucket("busy", 0.0).wait(0.0) > 0.0


def test_many_addresses_that_are_busy_are_not_looked_through_each_time() -> None:
    looks = 0

    class CountedBucket(Bucket):
        def is_full(self, now: float) -> bool:
            nonlocal looks
            looks += 1
            return super().is_full(now)

    addresses = Addresses(lambda now: CountedBucket(1.0, 10, now))
    for number in range(10_000):
        addresses.bucket(f"host{number}", 0.0).spend(5)
    assert len(addresses) == 10_000
    assert looks < 30_000
