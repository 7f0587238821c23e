"""The inbox: order, waking only a sleeper, and the limit that makes senders wait."""

from chat.server.inbox import Inbox


class Post:
    pass


class Waker:
    def __init__(self) -> None:
        self.rings = 0

    def __call__(self) -> None:
        self.rings += 1


def test_posts_are_taken_in_their_order_and_no_more_than_the_limit_at_once() -> None:
    inbox = Inbox(3, Waker())
    posts = [Post() for _ in range(5)]
    for post in posts:
        inbox.post(post)
    assert inbox.take() == posts[:3]
    assert inbox.take() == posts[3:]
    assert inbox.take() == []


def test_it_is_full_at_the_limit_but_loses_nothing_past_it() -> None:
    inbox = Inbox(2, Waker())
    inbox.post(Post())
    assert not inbox.full
    inbox.post(Post())
    assert inbox.full
    inbox.post(Post())
    assert len(inbox) == 3


def test_only_a_sleeper_is_woken_and_only_once() -> None:
    waker = Waker()
    inbox = Inbox(10, waker)
    inbox.post(Post())
    inbox.notify()
    assert waker.rings == 0  # awake: it looks before it sleeps
    inbox.take()
    assert inbox.sleep()
    inbox.notify()
    assert waker.rings == 0  # nothing to wake it for
    inbox.post(Post())
    inbox.notify()
    inbox.notify()
    assert waker.rings == 1


def test_it_does_not_sleep_on_something_that_has_arrived() -> None:
    waker = Waker()
    inbox = Inbox(10, waker)
    inbox.post(Post())
    assert not inbox.sleep()
    inbox.notify()
    assert waker.rings == 0
