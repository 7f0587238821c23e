"""What the generator's own machine refuses is no server's fault, and is said with what to do."""

from collections import Counter

import pytest

from loadtest.core.reasons import MOST, advice, count, own_faults, printable
from loadtest.scenarios.stampede.returns import Attempts


@pytest.mark.parametrize(("number", "words"), [(24, "ulimit -n"), (23, "fs.file-max"), (99, "ip_local_port_range")])
def test_a_limit_of_the_generators_own_has_an_advice(number: int, words: str) -> None:
    reason = f"connect: {OSError(number, 'no')}"
    assert words in advice(reason)
    assert own_faults(Counter([reason])) == [f"the generator could not connect: {reason}; {advice(reason)}"]


@pytest.mark.parametrize("reason", ["", "connect: [Errno 111] Connection refused", "433 in use", "[Errno 2]4"])
def test_what_a_server_did_has_none(reason: str) -> None:
    assert advice(reason) == ""
    assert own_faults([reason]) == []


def test_attempts_to_return_that_had_no_descriptor_are_the_generators_fault() -> None:
    attempts = Attempts()
    attempts.fail(OSError(24, "Too many open files"), "connect: [Errno 24] Too many open files")
    attempts.fail(ConnectionRefusedError(), "")
    assert len(own_faults(attempts.reasons)) == 1


def test_reasons_are_counted_and_of_many_different_ones_the_later_together() -> None:
    reasons: Counter[str] = Counter()
    for number in range(MOST + 3):
        count(reasons, f"reason {number}")
    count(reasons, "reason 0")
    assert reasons == {"reason 0": 2, **{f"reason {number}": 1 for number in range(1, MOST)}, "other reasons": 3}


def test_nothing_that_steers_a_terminal_is_kept() -> None:
    assert printable("a\x1b[2Jb\n é") == "a?[2Jb? é"
