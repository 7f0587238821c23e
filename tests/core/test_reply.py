"""The answers to a command with a label: one carries it, several are a batch, and none is acknowledged."""

import re

import pytest

from chat.server.core.reply import Reply
from chat.server.core.stream import Piece


def piece(*sends: bytes) -> Piece:
    return Piece(0, sends, False, True)


def lines(*pieces: Piece) -> list[str]:
    return [data.decode().removesuffix("\r\n") for one in pieces for data in one.sends]


def test_a_command_without_an_answer_is_acknowledged() -> None:
    assert Reply("a b", "server").finish() == b"@label=a\\sb :server ACK\r\n"


def test_an_answer_of_nothing_is_none() -> None:
    reply = Reply("a", "server")
    reply.add(piece())
    assert reply.finish() == b"@label=a :server ACK\r\n"


@pytest.mark.parametrize(
    ("line", "labelled"),
    [
        (b":server PONG x\r\n", "@label=a :server PONG x"),
        (b"@msgid=1 :ana JOIN #a\r\n", "@label=a;msgid=1 :ana JOIN #a"),
    ],
)
def test_a_single_answer_carries_the_label_before_tags_of_its_own(line: bytes, labelled: str) -> None:
    reply, answer = Reply("a", "server"), piece(line)
    reply.add(answer)
    assert reply.finish() == b""
    assert lines(answer) == [labelled]


@pytest.mark.parametrize("together", [1, 2, 3])
def test_several_answers_are_a_batch_however_they_were_given(together: int) -> None:
    reply = Reply("a", "server")
    answers = [b":server 1 x\r\n", b"@time=t :server 2 x\r\n", b":server 3 x\r\n"]
    pieces = [piece(*answers[start : start + together]) for start in range(0, 3, together)]
    if together == 3:
        pieces = [piece(b"".join(answers))]  # one send of several lines
    for one in pieces:
        reply.add(one)
    end = reply.finish()
    start, *inside = lines(*pieces)
    name = re.fullmatch(r"@label=a :server BATCH \+(b\d+) labeled-response", start)
    assert name
    assert inside == [
        f"@batch={name[1]} :server 1 x",
        f"@batch={name[1]};time=t :server 2 x",
        f"@batch={name[1]} :server 3 x",
    ]
    assert end == f":server BATCH -{name[1]}\r\n".encode()


def test_a_batch_may_begin_before_its_end_is_known() -> None:
    reply, first, second = Reply("a", "server"), piece(b":server 1 x\r\n"), piece(b":server 2 x\r\n")
    reply.open_batch()  # nothing has to leave yet
    reply.add(first)
    reply.open_batch()
    begun = lines(first)
    assert len(begun) == 2
    reply.open_batch()
    assert lines(first) == begun
    reply.add(second)
    name = begun[0].split(" ")[3].removeprefix("+")
    assert lines(second) == [f"@batch={name} :server 2 x"]
    assert reply.finish() == f":server BATCH -{name}\r\n".encode()
    assert lines(first) == begun


def test_no_two_batches_have_one_name() -> None:
    names = set()
    for _ in range(10):
        reply, answer = Reply("a", "server"), piece(b"x\r\n", b"y\r\n")
        reply.add(answer)
        reply.finish()
        names.add(lines(answer)[0].split(" ")[3])
    assert len(names) == 10
