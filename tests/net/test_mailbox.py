"""The mailbox: order, and waking only a sleeper."""

from collections.abc import Iterator
from functools import partial

import pytest

from chat.server.net.mailbox import Mailbox


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    one = Mailbox()
    yield one
    one.close()


def nothing() -> None: ...


def wakeups(mailbox: Mailbox) -> int:
    """How often the sleeper was woken since the last time."""
    try:
        return len(mailbox.wakeup.recv(100))
    except BlockingIOError:
        return 0


def test_callbacks_are_taken_once_and_in_their_order(mailbox: Mailbox) -> None:
    called: list[int] = []
    for number in range(5):
        mailbox.post(partial(called.append, number))
    callbacks = mailbox.take(100_000)
    mailbox.post(partial(called.append, 5))
    for callback in callbacks:
        callback()
    assert called == [0, 1, 2, 3, 4]
    for callback in mailbox.take(100_000):
        callback()
    assert called == [0, 1, 2, 3, 4, 5]
    assert mailbox.take(100_000) == []


def test_only_as_many_are_taken_as_asked_for_and_the_rest_stays(mailbox: Mailbox) -> None:
    for _ in range(5):
        mailbox.post(nothing)
    assert len(mailbox.take(3)) == 3
    assert len(mailbox.take(3)) == 2


def test_only_a_sleeper_is_woken_and_only_once(mailbox: Mailbox) -> None:
    mailbox.post(nothing)
    assert wakeups(mailbox) == 0  # awake: it looks before it sleeps
    mailbox.take(100_000)
    assert mailbox.sleep()
    assert wakeups(mailbox) == 0  # nothing to wake it for
    mailbox.post(nothing)
    mailbox.post(nothing)
    assert wakeups(mailbox) == 1


def test_it_does_not_sleep_on_something_that_has_arrived(mailbox: Mailbox) -> None:
    mailbox.post(nothing)
    assert not mailbox.sleep()
    mailbox.post(nothing)
    assert wakeups(mailbox) == 0


def test_the_bytes_that_woke_it_are_taken_however_many(mailbox: Mailbox) -> None:
    for _ in range(3):
        assert mailbox.sleep()
        mailbox.post(nothing)
        mailbox.take(100_000)
    mailbox.clear_wakeup()
    assert wakeups(mailbox) == 0
    mailbox.clear_wakeup()


def test_a_callback_that_comes_after_the_end_is_no_fault(mailbox: Mailbox) -> None:
    assert mailbox.sleep()
    mailbox.close()
    mailbox.post(nothing)


def test_a_wakeup_that_nobody_takes_does_not_hold_up_who_posts(mailbox: Mailbox) -> None:
    for _ in range(100_000):
        mailbox.sleeping = True
        mailbox.post(nothing)
    mailbox.clear_wakeup()
    assert len(mailbox.take(100_000)) == 100_000
