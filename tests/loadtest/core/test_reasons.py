"""What the generator's own machine refuses is no server's fault, and is said with what to do."""

from collections import Counter

import pytest

from loadtest.core.reasons import advice, own_faults
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
