"""Several talks at once: which words go where, what is unread, and which talk is shown."""

import pytest

from chat.client.irc.news import (
    Away,
    Invited,
    Join,
    Kick,
    Kind,
    Leave,
    Lost,
    Member,
    Names,
    NamesEnd,
    News,
    OwnAway,
    Person,
    Quit,
    Ranks,
    Refused,
    Rename,
    Say,
    Seen,
    ServerSaid,
    Topic,
    TopicSetBy,
    Welcomed,
)
from chat.client.model.attention import mentions
from chat.client.model.changes import Appended, Called, Change, MembersChanged, Opened, StageChanged, TalksChanged
from chat.client.model.network import Network
from chat.client.model.talk import Line, LineKind, Talk, TalkKind
from chat.client.model.talks import TALKS

ANA = Person("ana", "ana", "here.example")
BEN = Person("ben", "b", "there.example")
SERVICE = Person("NickServ", "services", "services.")


def inside(*rooms: str) -> Network:
    """A model of ana, in these rooms with ben; #lobby is the first and is shown."""
    model = Network("ana", "#lobby", "irc.example:6667", clock=lambda: 7.0)
    take(model, Welcomed("ana", frozenset({"echo-message"}), 1.0))
    for room in ("#lobby", *rooms):
        take(model, Join(ANA, room, 2.0), Names(room, (Member("ana"), Member("ben"))), NamesEnd(room))
    for talk in model.talks:
        talk.lines.clear()
    return model


def take(model: Network, *news: News) -> list[Change]:
    return [change for one in news for change in model.take(one)]


def find(model: Network, name: str) -> Talk:
    talk = model.talks.find(name)
    assert talk
    return talk


def test_the_room_we_were_told_to_join_is_shown_first_and_the_server_has_a_talk() -> None:
    model = Network("ana", "#lobby", "irc.example:6667")
    assert [(talk.name, talk.kind) for talk in model.talks] == [
        ("irc.example:6667", TalkKind.SERVER),
        ("#lobby", TalkKind.ROOM),
    ]
    assert model.current.name == "#lobby"


def test_each_room_has_its_own_words_members_and_topic() -> None:
    model = inside("#cats")
    take(model, Say(BEN, "#CATS", "miaow", 3.0), Topic(BEN, "#cats", "all about cats", 3.0), Leave(BEN, "#cats", 3.0))
    cats, lobby = find(model, "#cats"), find(model, "#lobby")
    assert [line.text for line in cats.lines] == [
        "miaow",
        "ben changed the topic to: all about cats",
        "ben left",
    ]
    assert (cats.topic, cats.members.nicks()) == ("all about cats", ["ana"])
    assert (lobby.topic, lobby.members.nicks(), len(lobby.lines)) == ("", ["ana", "ben"], 0)


def test_who_leaves_the_server_leaves_every_room_and_is_told_of_once_in_each() -> None:
    model = inside("#cats")
    changes = take(model, Quit(BEN, 3.0, "Quit: bye"))
    for name in ("#lobby", "#cats"):
        talk = find(model, name)
        assert [line.text for line in talk.lines] == ["ben quit (bye)"]
        assert MembersChanged(talk) in changes
        assert "ben" not in talk.members


def test_private_words_open_a_talk_with_that_person_that_is_unread() -> None:
    model = inside()
    changes = take(model, Say(BEN, "Ana", "psst", 3.0))
    ben = find(model, "BEN")
    assert ben.kind is TalkKind.PERSON
    psst = Line(3.0, LineKind.SAY, "psst", "ben", private=True)
    assert changes == [TalksChanged(), Appended(ben, psst, 0), TalksChanged(), Called(ben, psst)]
    assert (ben.unread, ben.calls) == (1, 1)
    assert model.current.name == "#lobby"


def test_own_words_to_a_person_come_back_into_the_talk_with_them_and_are_not_unread() -> None:
    model = inside()
    take(model, Say(ANA, "ben", "hello", 3.0))
    ben = find(model, "ben")
    assert list(ben.lines) == [Line(3.0, LineKind.SAY, "hello", "ana", mine=True)]
    assert ben.unread == 0


SERVERS_TALK: list[News] = [
    ServerSaid("note", 3.0),
    Say(Person("irc.example", "", ""), "*", "*** hello", 3.0, Kind.NOTICE),
    Say(Person("irc.example", "", ""), "ana", "hello", 3.0),
    Say(SERVICE, "ana", "This name is registered", 3.0, Kind.NOTICE),
]


@pytest.mark.parametrize("news", SERVERS_TALK)
def test_what_the_server_and_its_services_say_goes_to_the_talk_of_the_server(news: News) -> None:
    model = inside()
    take(model, news)
    assert len(model.talks.server.lines) == 1
    assert [talk.name for talk in model.talks] == ["irc.example:6667", "#lobby"]


def test_a_service_that_we_talk_with_answers_there() -> None:
    model = inside()
    take(model, Say(ANA, "NickServ", "help", 3.0), Say(SERVICE, "ana", "no", 3.0, Kind.NOTICE))
    assert [line.text for line in find(model, "nickserv").lines] == ["help", "no"]


def test_words_elsewhere_are_counted_until_their_talk_is_shown() -> None:
    model = inside("#cats")
    take(model, *(Say(BEN, "#cats", text, 3.0) for text in ("one", "two", "ana: three")), Quit(BEN, 3.0))
    cats = find(model, "#cats")
    assert (cats.unread, cats.calls) == (3, 1)
    assert model.open(cats) == [Opened(cats), TalksChanged()]
    assert model.current is cats
    assert (cats.unread, cats.calls) == (0, 0)
    take(model, Say(BEN, "#cats", "ana!", 3.0))
    assert cats.unread == 0
    assert cats.lines[-1].mention
    assert model.open(cats) == []


MENTIONS = [
    ("ana", True),
    ("Hi ANA!", True),
    ("ana: you there?", True),
    ("(ana)", True),
    ("anaconda", False),
    ("banana", False),
    ("ana-2 left", False),
    ("ana_", False),
    ("", False),
]


@pytest.mark.parametrize(("text", "named"), MENTIONS)
def test_a_mention_is_our_name_as_a_word(text: str, named: bool) -> None:
    assert mentions(text, "ana") is named


@pytest.mark.parametrize("nick", ["[a]", "a.b", "^", "a|b"])
def test_a_name_of_odd_signs_is_found_too(nick: str) -> None:
    assert mentions(f"hi {nick}, you", nick)
    assert not mentions("hi you", nick)


def test_a_person_with_another_name_keeps_the_talk() -> None:
    model = inside()
    take(model, Say(BEN, "ana", "psst", 3.0))
    ben = find(model, "ben")
    take(model, Rename(BEN, "zoe", 4.0))
    assert find(model, "zoe") is ben
    assert model.talks.find("ben") is None
    assert [line.text for line in ben.lines] == ["psst", "ben is now zoe"]
    take(model, Say(Person("zoe", "b", "there.example"), "ana", "me again", 5.0))
    assert ben.lines[-1].text == "me again"


def test_a_name_that_has_a_talk_already_keeps_that_one() -> None:
    model = inside()
    zoe = Person("zoe", "z", "h")
    take(
        model,
        Say(BEN, "ana", "I am ben", 3.0),
        Say(zoe, "ana", "I am zoe", 3.0),
        Quit(zoe, 3.0),
        Rename(BEN, "zoe", 4.0),
    )
    assert [line.text for line in find(model, "zoe").lines] == ["I am zoe", "zoe quit"]
    assert [line.text for line in find(model, "ben").lines] == ["I am ben", "ben is now zoe"]


def test_strangers_cannot_open_talks_without_end() -> None:
    model = inside()
    for number in range(TALKS + 10):
        take(model, Say(Person(f"spam{number}", "s", "h"), "ana", "buy", 3.0))
    assert len(model.talks) == TALKS + 1
    assert model.talks.server.lines[-1].text == "buy"


def test_a_room_that_we_join_appears_and_one_that_refuses_us_says_so_in_its_talk() -> None:
    model = inside()
    changes = model.join("#cats")
    assert model.take_output() == [b"JOIN #cats\r\n"]
    cats = find(model, "#cats")
    assert changes[0] == Opened(cats)
    take(model, Refused("#cats", "Cannot join channel (+i)", 3.0))
    assert model.outside == "#cats did not let you in: Cannot join channel (+i)"
    assert cats.lines[-1].kind is LineKind.TROUBLE
    assert model.rooms == ("#lobby",)


def test_someone_removed_from_one_room_stays_in_the_others() -> None:
    model = inside("#cats")
    take(model, Kick(BEN, "#cats", ANA, 3.0, "spam"))
    assert [(talk.name, talk.joined) for talk in model.talks.rooms()] == [("#lobby", True), ("#cats", False)]
    assert model.outside == ""


def test_who_is_away_is_so_in_every_room() -> None:
    model = inside("#cats")
    assert take(model, Away(BEN, "lunch", 3.0)) == [MembersChanged(talk) for talk in model.talks.rooms()]
    assert [member.nick for member in model.current.members.listed() if member.away] == ["ben"]
    take(model, Away(BEN, None, 3.0))
    assert not any(member.away for member in model.current.members.listed())


def test_a_person_who_is_away_is_said_to_be_so_once_in_the_talk_with_them() -> None:
    model = inside()
    take(model, Say(BEN, "ana", "psst", 3.0))
    ben = find(model, "ben")
    for _ in range(2):
        take(model, Away(Person("ben", "", ""), "lunch", 4.0))
    take(model, Away(BEN, None, 5.0), Away(BEN, None, 5.0))
    assert [line.text for line in ben.lines] == ["psst", "ben is away (lunch)", "ben is back"]
    assert ben.away is None
    assert [line.text for line in find(model, "#lobby").lines] == []


def test_whether_we_are_away_is_in_the_status_and_ends_with_the_connection() -> None:
    model = inside()
    assert StageChanged() in take(model, OwnAway(True, "You have been marked as being away", 3.0))
    assert model.status == "irc.example:6667 · you are ana, away"
    assert [member.nick for member in model.current.members.listed() if member.away] == ["ana"]
    take(model, OwnAway(False, "You are no longer marked as being away", 3.0))
    assert model.status == "irc.example:6667 · you are ana"
    take(model, OwnAway(True, "away", 3.0), Lost("cut", 4.0), Welcomed("ana", frozenset(), 5.0))
    assert not model.me.away


def test_who_was_away_before_we_came_is_shown_so_without_a_line() -> None:
    model = inside()
    assert take(model, Seen("BEN", True)) == [MembersChanged(model.current)]
    assert take(model, Seen("BEN", True)) == []
    assert not model.current.lines


def test_ranks_are_given_and_taken() -> None:
    model = inside()
    changes = take(model, Ranks(ANA, "#lobby", "+ov ben ben", (("ben", "@", True), ("ben", "+", True)), 3.0))
    assert MembersChanged(model.current) in changes
    assert [member.rank + member.nick for member in model.current.members.listed()] == ["@ben", "ana"]
    take(model, Ranks(ANA, "#lobby", "-o ben", (("ben", "@", False),), 3.0), Ranks(ANA, "#other", "+i", (), 3.0))
    assert [member.rank + member.nick for member in model.current.members.listed()] == ["+ben", "ana"]
    assert [line.text for line in model.current.lines] == ["ana set the mode +ov ben ben", "ana set the mode -o ben"]
    assert [type(change) for change in take(model, Ranks(ANA, "#lobby", "+i", (), 3.0))] == [Appended]


def test_a_topic_is_told_once_to_who_comes_back_with_who_set_it() -> None:
    model = inside()
    nobody = Person("", "", "")
    for _ in range(2):
        take(model, Topic(nobody, "#lobby", "cats", 3.0), TopicSetBy("#lobby", "ben", 2.0))
    take(model, Topic(BEN, "#lobby", "", 4.0))
    assert [line.text for line in model.current.lines] == ["The topic is: cats", "ben removed the topic"]
    assert (model.current.topic, model.current.topic_by) == ("", "ben")


def test_an_invitation_is_shown_where_we_look_and_one_for_others_is_not() -> None:
    model = inside()
    take(model, Invited(BEN, "Ana", "#cats", 3.0), Invited(BEN, "zoe", "#cats", 3.0))
    assert [line.text for line in model.current.lines] == ["ben invites you into #cats: /join #cats"]


def test_closing_the_talk_that_is_shown_shows_the_one_before() -> None:
    model = inside("#cats")
    cats, lobby = find(model, "#cats"), find(model, "#lobby")
    model.open(cats)
    assert model.talks.close(cats) == [TalksChanged(), Opened(lobby), TalksChanged()]
    assert model.current is lobby
    model.talks.close(lobby)
    assert model.current is model.talks.server
    assert model.talks.close(model.talks.server) == []


def test_lines_have_growing_ids_and_keep_their_formatting() -> None:
    model = inside()
    take(model, Say(BEN, "#lobby", "\x02bold\x02", 3.0), Say(BEN, "#lobby", "plain", 3.0))
    first, second = model.current.lines
    assert first.id < second.id
    assert (first.text, first.raw, second.raw) == ("bold", "\x02bold\x02", "")
