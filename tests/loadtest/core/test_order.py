"""Whoever has a room's messages in another order than most is found, over all processes; who lost some is not."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.core.order import Key, Order, across

A, B, C, D = (0, 0), (1, 0), (2, 0), (3, 0)


class Follower:
    def __init__(self) -> None:
        self.rank = self.top = -1
        self.unplaced: list[Key] = []


def seen(*sequences: list[Key]) -> Order:
    order = Order()
    for sequence in sequences:
        order.follow(Follower(), sequence)
    return order


@given(st.permutations([[A, B, C], [A, B, C], [A, B, C], [B, A, C]]))
def test_one_of_four_is_found_whether_it_came_first_or_last(sequences: list[list[Key]]) -> None:
    order = seen(*sequences)
    assert order.diverged(lambda one, other: 4) == 1
    assert order.majority(lambda one, other: 4) == [0, 0, 1, 0, 2, 0]


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=6))
def test_who_misses_any_of_them_has_the_same_order(kept: list[list[bool]]) -> None:
    sequences = [[key for key, keep in zip((A, B, C, D), each, strict=True) if keep] for each in kept]
    assert seen([A, B, C, D], *sequences).diverged(lambda one, other: 9) == 0


@given(st.randoms(use_true_random=False), st.integers(2, 12), st.integers(0, 5))
def test_one_of_six_that_swaps_every_pair_is_found_however_they_read(random: Random, pairs: int, ahead: int) -> None:
    true = [(number, 0) for number in range(2 * pairs)]
    odd = [true[at ^ 1] for at in range(len(true))]
    order, followers = Order(), [Follower() for _ in range(6)]
    left = [list(odd), *(list(true) for _ in range(5))]
    while any(left):
        turn = random.choice([at for at in (*range(6), *[0] * ahead) if left[at]])
        order.follow(followers[turn], [left[turn].pop(0)])
    assert 1 <= order.diverged(lambda one, other: 6) <= pairs
    numbers = order.majority(lambda one, other: 6)[::2]
    assert numbers == sorted(numbers), "whatever has a rank is where most had it"


def test_two_messages_of_one_sender_are_not_its_business() -> None:
    assert seen([(0, 0), (0, 1)], [(0, 1), (0, 0)]).diverged(lambda one, other: 2) == 0


def test_half_against_half_counts_for_one_half() -> None:
    assert seen([A, B], [A, B], [B, A], [B, A]).diverged(lambda one, other: 4) == 2


def test_spans_tell_whether_bytes_follow_the_rooms_order() -> None:
    order = seen([A, B, C])
    rises, falls = order.span([B, C]), order.span([C, A])
    assert rises
    assert order.span([A, (9, 9)]) is order.span([(9, 9)]) is None
    assert rises.rises
    assert rises.first < rises.last
    assert falls
    assert not falls.rises


def test_who_comes_between_two_messages_and_reads_the_later_one_first_contradicts_nobody() -> None:
    order, joiner, members = Order(), Follower(), [Follower() for _ in range(3)]
    for member in members:
        order.follow(member, [A])
    order.follow(joiner, [C])
    for member in members:
        order.follow(member, [B, C, D])
    order.follow(joiner, [D])
    assert order.diverged(lambda one, other: 4) == 0


@given(st.integers(0, 1 << 32))
def test_a_room_where_all_talk_and_nobody_hears_themselves_has_one_order(seed: int) -> None:
    """However far each has read when the others read on."""
    chance = Random(seed)
    spoken = [(chance.randrange(4), number) for number in range(20)]
    order, left = Order(), {reader: list(spoken) for reader in range(4)}
    followers = {reader: Follower() for reader in left}
    while waiting := [reader for reader, keys in left.items() if keys]:
        reader = chance.choice(waiting)
        key = left[reader].pop(0)
        if key[0] != reader:
            order.follow(followers[reader], [key])
    assert order.diverged(lambda one, other: 99) == 0


@pytest.mark.parametrize(
    ("parts", "count"),
    [
        ([([0, 0, 1, 0], 10)], 0),
        ([([0, 0, 1, 0], 10), ([0, 0, 1, 0], 5)], 0),
        ([([0, 0, 1, 0], 10), ([1, 0, 0, 0], 5)], 5),
        ([([1, 0, 0, 0], 5), ([0, 0, 1, 0], 10), ([0, 0, 2, 0, 1, 0], 3)], 5),
        ([([0, 0, 1, 0], 1), ([1, 0, 0, 0], 5)], 1),
        ([([0, 0, 1, 0], 10), ([1, 0, 0, 0], 3), ([1, 0, 0, 0], 4)], 7),
        ([([0, 0], 1), ([0, 0, 1, 0], 5), ([1, 0, 0, 0], 4)], 4),  # held against that of most receivers
        ([([0, 0, 1, 0], 10), ([9, 9, 1, 0, 9, 8, 0, 0], 3)], 3),  # whatever stands between
        ([([0, 0, 0, 1], 10), ([0, 1, 0, 0], 3)], 0),  # one sender's own
        ([([0, 0, 1, 0, 2, 0], 10), ([2, 0, 1, 0, 0, 0], 3)], 6),
    ],
)
def test_processes_with_different_orders_are_found(parts: list[tuple[list[int], int]], count: int) -> None:
    assert across(parts) == count


def test_what_is_long_ago_is_forgotten_and_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.core.order._MOST", 10)
    order, quick, late = Order(), Follower(), Follower()
    order.follow(quick, [(n % 2, n // 2) for n in range(30)])
    order.follow(late, [(0, 0), (1, 0), (0, 14), (1, 14)])
    assert order.diverged(lambda one, other: 2) == 0
    assert len(order.majority(lambda one, other: 2)) <= 2 * 10


def test_the_older_half_is_forgotten_and_what_is_forgotten_votes_and_ranks_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("loadtest.core.order._MOST", 10)
    order, quick, late = Order(), Follower(), Follower()
    order.follow(quick, [(7, n) for n in range(10)])
    order.follow(quick, [(8, 0)])  # the eleventh
    assert order.majority(lambda one, other: 2) == [each for n in range(5, 10) for each in (7, n)] + [8, 0]
    order.follow(late, [(8, 0), (7, 4), (7, 3), (7, 0)])
    assert order.diverged(lambda one, other: 9) == 0
    assert late.unplaced == []
    assert order.majority(lambda one, other: 2) == [each for n in range(5, 10) for each in (7, n)] + [8, 0]
    order.follow(late, [(9, 0)])  # of a sender of whom nothing was forgotten: the next in order
    assert order.majority(lambda one, other: 2)[-2:] == [9, 0]
    order.follow(late, [(7, 9)])
    assert order.diverged(lambda one, other: 9) == 1


def test_an_order_of_an_odd_number_of_halves_is_none() -> None:
    with pytest.raises(ValueError, match="zip"):
        across([([0, 0, 1], 1), ([0, 0, 1, 0], 1)])


def test_the_order_of_half_of_them_is_no_majority_and_of_more_it_is() -> None:
    half, more = [[A, B], [A, B], [B, A], [B, A]], [[A, B], [B, A], [B, A], [B, A]]
    assert seen(*half).majority(lambda one, other: 4) == [0, 0, 1, 0]
    assert seen(*more).majority(lambda one, other: 4) == [1, 0, 0, 0]


def test_where_all_who_hear_both_have_them_the_other_way_nobody_diverged() -> None:
    assert seen([A, B], [B, A]).diverged(lambda one, other: 1) == 0
    assert seen([A, B], [B, A]).diverged(lambda one, other: 2) == 1
