"""Whatever users do, and in whatever packets it arrives, no client is told what contradicts what it was told before.

A client keeps who is in which room, under which name and rank, from what it is sent; there is no way for it to notice
that it is wrong. So at each place of each stream everything has to fit.
"""

import logging
import os
from contextlib import closing
from random import Random

import pytest

from tests.attacks.answers import IrcBelief
from tests.attacks.fuzzing import Crowd

INPUTS = 10_000  # of one case, from 20 connections; 20 cases
IN_CI = bool(os.environ.get("CI"))


def seed_of(case: int) -> int:
    """The same each time where it decides whether a change lands, another one everywhere else."""
    return case if IN_CI else Random().randrange(10**9)


@pytest.mark.parametrize("case", range(20))
def test_no_client_is_told_what_contradicts_what_it_was_told(case: int, caplog: pytest.LogCaptureFixture) -> None:
    seed = seed_of(case)
    late = case % 4 == 3  # a log whose entries come later
    settings = {"answer_limit": 200} if case % 4 == 2 else {}  # answers in many portions
    print(f"seed {seed}, late {late}, {settings}")
    with closing(Crowd(seed, late, **settings)) as crowd:
        crowd.run(INPUTS)
        crowd.leave()
    found = crowd.contradictions
    assert not found, f"{len(found)} contradictions, the first: {found[0]}"
    assert crowd.server.failures == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


WELCOME = [":s 001 me :Welcome"]
INSIDE = [*WELCOME, ":me!u@h JOIN #a", ":s 353 me = #a :@ana me", ":s 366 me #a :End"]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([*INSIDE, ":ana!u@h JOIN #a"], "ana joins, and is there"),
        ([*INSIDE, ":me!u@h JOIN #a"], "joins a room where it is"),
        ([*INSIDE, ":bob!u@h PART #a"], "bob is not there"),
        ([*INSIDE, ":ana!u@h PART #b"], "an event of #b, where the client is not"),
        ([*INSIDE, ":ana!u@h KICK #a bob :out"], "bob is not there"),
        ([*INSIDE, ":me!u@h KICK #a ana :out"], "me is no operator"),
        ([*INSIDE, ":bob!u@h QUIT :bye"], "bob quits, and shares no room"),
        ([*INSIDE, ":bob!u@h NICK cleo"], "bob is renamed, and shares no room"),
        ([*INSIDE, ":ana!u@h NICK me"], "me is there already"),
        ([*INSIDE, ":s 324 me #a +n", ":bob!u@h PRIVMSG #a :hello"], "bob is not there"),
        ([*INSIDE, ":ana!u@h PRIVMSG you :hello"], "words for you, who is me"),
        ([*INSIDE, ":s 353 me = #a :ana me", ":s 366 me #a :End"], "believed {'ana': {'q': False, 'o': True"),
        ([*INSIDE, ":new!u@h JOIN #b"], "an event of #b"),
        ([*INSIDE, ":s 366 you #a :End"], "a numeric for you, who is me"),
        ([*INSIDE, ":s 482 me #a :no"], ""),
        ([*INSIDE, ":s 442 me #a :no"], "the client is not in #a"),
        ([*INSIDE, ":ana!u@h MODE #a +o ana"], "o of ana changes nothing"),
        ([*INSIDE, ":me!u@h MODE #a +o me"], "me is no operator"),
        ([*INSIDE, "ERROR :bye", ":s 001 me :again"], "a line after ERROR"),
        ([*WELCOME, "@msgid=2 :a!u@h PRIVMSG me :x"], "the tag msgid without message-tags"),
        ([*WELCOME, ":me!u@h PRIVMSG ana :x"], "an echo without echo-message"),
    ],
)
def test_a_contradiction_is_noticed(lines: list[str], complaint: str) -> None:
    belief = IrcBelief("me")
    for line in lines[:-1]:
        belief.receive(f"{line}\r\n".encode())
    assert belief.contradictions == []
    belief.receive(f"{lines[-1]}\r\n".encode())
    assert ([complaint in found for found in belief.contradictions] or [False])[0] is bool(complaint)
