"""Who asks is who came by one entry: whatever happens meanwhile, nothing is done in another's name."""

import json
from contextlib import nullcontext, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.server.core.apply import apply
from chat.server.core.change import Change, Outcome
from chat.server.core.room import User
from chat.server.core.snapshot import load
from chat.server.core.state import Limits, Refusal, State
from chat.server.log.entry import NOBODY, Entry
from chat.server.log.ids import SEQUENCE_BITS
from chat.wires.message import Message, parse

SERVER = "fanfare.local"
NICKS = st.sampled_from(["ana", "bob"])
REQUESTS = st.one_of(
    st.builds("NICK {}".format, NICKS),
    st.builds("PRIVMSG {} :words".format, NICKS),
    st.builds("KICK #a {} :out".format, NICKS),
    st.builds("MODE #a +v {}".format, NICKS),
    st.sampled_from(
        [
            *("JOIN #a", "JOIN #a", "PART #a", "PRIVMSG #a :words", "TOPIC #a :words", "MODE #a +i", "MODE ana +i"),
            *("AWAY :tea", "SETNAME :other", "ACCOUNT carl", "ACCOUNT *", "OPER root", "QUIT :bye", "WALLOPS :words"),
            *("REGISTER zoe x", "CERT carl + ff", "BAN 10.9.9.9 0 :no"),
        ]
    ),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("succeed"), NICKS),
        st.tuples(st.just("ask"), NICKS, REQUESTS),
        st.tuples(st.just("apply"), st.integers(0, 2)),
    ),
    max_size=60,
)


class Lives:
    """Requests are on their way, in any order, while users come and are killed."""

    def __init__(self) -> None:
        self.state = State(Limits(3, 9, 9))
        self.id = 0
        self.waiting: list[tuple[int, Message]] = []
        self.put(NOBODY, Message("REGISTER", ["carl", "-"], SERVER))
        for nick in ("ana", "bob"):
            self.succeed(nick)

    def put(self, user: int, request: Message) -> list[Outcome]:
        self.id += 1
        return apply(self.state, Entry(self.id, float(self.id), "node", user, request))

    def succeed(self, nick: str) -> None:
        """Whoever has the nickname is killed, and another comes under it, and into the room."""
        with suppress(Refusal):
            self.put(NOBODY, Message("KILL", [f"{nick}!~u@host", "enough"], SERVER))
        self.put(NOBODY, parse(f":{nick}!~u@host USER ~u 0 * :{self.id}"))
        with suppress(Refusal):
            self.put(self.state.get_user(nick).id, parse(f":{nick}!~u@host JOIN #a"))

    def ask(self, nick: str, line: str) -> None:
        user = self.state.find_user(nick)
        if user is not None:
            self.waiting.append((user.id, parse(f":{user.mask} {line}")))

    def apply(self, place: int) -> None:
        """A request of somebody who has gone changes nothing, and any other concerns its own user."""
        if not self.waiting:
            return
        number, request = self.waiting.pop(place % len(self.waiting))
        asker, before = self.state.by_id.get(number), self.state.dump()
        others = [own(user) for user in self.state.by_id.values() if user is not asker]
        try:
            outcomes = self.put(number, request)
        except Refusal:
            assert self.state.dump() == before
            return
        assert asker is not None, "somebody who has gone was given what it asked for"
        assert all(outcome.user is asker for outcome in outcomes if isinstance(outcome, Change))
        assert [own(user) for user in self.state.by_id.values() if user is not asker] == others


def own(user: User) -> list[object]:
    """What nobody else may change."""
    return [user.id, user.mask, user.realname, user.account, user.away, user.operator, user.invisible, user.spoke]


def test_a_user_of_a_snapshot_that_has_no_numbers_is_found_by_name_and_moment() -> None:
    """As on a node that began with an older program's snapshot, beside one that has read the whole log."""
    second = 1 << SEQUENCE_BITS  # an id of a millisecond later
    whole, begun = State(Limits(3, 9, 9)), State(Limits(3, 9, 9))
    apply(whole, Entry(5 * second + 7, 0.005, "node", NOBODY, parse(":ana!~u@host USER ~u 0 * :Ana")))
    number = whole.get_user("ana").id
    values = json.loads(whole.dump())
    del values["id"]
    load(begun, json.dumps(values))
    assert not begun.by_id
    for asker, answer in ((number - second, "refused"), (number, "done"), (number - second, "refused")):
        entry = Entry(6 * second, 1.0, "node", asker, parse(":ana!~u@host AWAY :tea"))
        for state in (whole, begun):
            with nullcontext() if answer == "done" else pytest.raises(Refusal):
                apply(state, entry)
    assert begun.dump() == whole.dump()


def test_words_that_come_after_a_rename_are_shown_under_the_new_nickname() -> None:
    lives = Lives()
    lives.ask("ana", "PRIVMSG #a :words")
    ana = lives.state.get_user("ana")
    lives.put(ana.id, parse(f":{ana.mask} NICK anna"))
    lives.succeed("ana")
    ((number, request),) = lives.waiting
    entry = Entry(lives.id + 1, 99.0, "node", number, request)
    (change,) = apply(lives.state, entry)
    assert isinstance(change, Change)
    assert change.event.who.nick == entry.request.nick == "anna"


@given(STEPS)
def test_no_request_is_ever_applied_as_another_user_than_who_asked(steps: list[tuple[str, ...]]) -> None:
    lives = Lives()
    for name, *arguments in steps:
        getattr(lives, name)(*arguments)
    assert {user.id for user in lives.state.users.values()} == lives.state.by_id.keys()
