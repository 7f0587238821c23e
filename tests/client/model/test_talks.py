"""Several talks at once: which words go where, what is unread, and which talk is shown."""

import pytest

from chat.client.irc.news import (
    Away,
    Invited,
    Join,
    Kick,
    Kind,
    Leave,
    Member,
    Names,
    NamesEnd,
    News,
    Person,
    Quit,
    Ranks,
    Rename,
    Say,
    Seen,
    Topic,
    TopicSetBy,
)
from chat.client.irc.server_news import Lost, OwnAway, Refused, ServerSaid, Welcomed
from chat.client.model.changes import Appended, Called, Change, MembersChanged, Opened, StageChanged, TalksChanged
from chat.client.model.network import Network
from chat.client.model.talk import Line, LineKind, Talk, TalkKind
from chat.client.model.talks import TALKS, mentions

ANA = Person("ana", "ana", "here.example")
BEN = Person("ben", "b", "there.example")
SERVICE = Person("NickServ", "services", "services.")


def inside(*rooms: str) -> Network:
    """A network of ana, in these rooms with ben; #lobby is the first and is shown."""
    network = Network("ana", "#lobby", "irc.example:6667", clock=lambda: 7.0)
    take(network, Welcomed("ana", frozenset({"echo-message"}), 1.0))
    for room in ("#lobby", *rooms):
        take(network, Join(ANA, room, 2.0), Names(room, (Member("ana"), Member("ben"))), NamesEnd(room))
    for talk in network.talks:
        talk.lines.clear()
    return network


def take(network: Network, *news: News) -> list[Change]:
    return [change for one in news for change in network.take(one)]


def find(network: Network, name: str) -> Talk:
    talk = network.talks.find(name)
    assert talk
    return talk


def test_the_room_we_were_told_to_join_is_shown_first_and_the_server_has_a_talk() -> None:
    network = Network("ana", "#lobby", "irc.example:6667")
    assert [(talk.name, talk.kind) for talk in network.talks] == [
        ("irc.example:6667", TalkKind.SERVER),
        ("#lobby", TalkKind.ROOM),
    ]
    assert network.current.name == "#lobby"


def test_each_room_has_its_own_words_members_and_topic() -> None:
    network = inside("#cats")
    take(network, Say(BEN, "#CATS", "miaow", 3.0), Topic(BEN, "#cats", "all about cats", 3.0), Leave(BEN, "#cats", 3.0))
    cats, lobby = find(network, "#cats"), find(network, "#lobby")
    assert [line.text for line in cats.lines] == [
        "miaow",
        "ben changed the topic to: all about cats",
        "ben left",
    ]
    assert (cats.topic, cats.members.nicks()) == ("all about cats", ["ana"])
    assert (lobby.topic, lobby.members.nicks(), len(lobby.lines)) == ("", ["ana", "ben"], 0)


def test_who_leaves_the_server_leaves_every_room_and_is_told_of_once_in_each() -> None:
    network = inside("#cats")
    changes = take(network, Quit(BEN, 3.0, "Quit: bye"))
    for name in ("#lobby", "#cats"):
        talk = find(network, name)
        assert [line.text for line in talk.lines] == ["ben quit (bye)"]
        assert MembersChanged(talk) in changes
        assert "ben" not in talk.members


def test_private_words_open_a_talk_with_that_person_that_is_unread() -> None:
    network = inside()
    changes = take(network, Say(BEN, "Ana", "psst", 3.0))
    ben = find(network, "BEN")
    assert ben.kind is TalkKind.PERSON
    psst = Line(3.0, LineKind.SAY, "psst", "ben", private=True)
    assert changes == [TalksChanged(), Appended(ben, psst, 0), TalksChanged(), Called(ben, psst)]
    assert (ben.unread, ben.calls) == (1, 1)
    assert network.current.name == "#lobby"


def test_own_words_to_a_person_come_back_into_the_talk_with_them_and_are_not_unread() -> None:
    network = inside()
    take(network, Say(ANA, "ben", "hello", 3.0))
    ben = find(network, "ben")
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
    network = inside()
    take(network, news)
    assert len(network.talks.server.lines) == 1
    assert [talk.name for talk in network.talks] == ["irc.example:6667", "#lobby"]


def test_a_service_that_we_talk_with_answers_there() -> None:
    network = inside()
    take(network, Say(ANA, "NickServ", "help", 3.0), Say(SERVICE, "ana", "no", 3.0, Kind.NOTICE))
    assert [line.text for line in find(network, "nickserv").lines] == ["help", "no"]


def test_words_elsewhere_are_counted_until_their_talk_is_shown() -> None:
    network = inside("#cats")
    take(network, *(Say(BEN, "#cats", text, 3.0) for text in ("one", "two", "ana: three")), Quit(BEN, 3.0))
    cats = find(network, "#cats")
    assert (cats.unread, cats.calls) == (3, 1)
    assert network.open(cats) == [Opened(cats), TalksChanged()]
    assert network.current is cats
    assert (cats.unread, cats.calls) == (0, 0)
    take(network, Say(BEN, "#cats", "ana!", 3.0))
    assert cats.unread == 0
    assert cats.lines[-1].mention
    assert network.open(cats) == []


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
    network = inside()
    take(network, Say(BEN, "ana", "psst", 3.0))
    ben = find(network, "ben")
    take(network, Rename(BEN, "zoe", 4.0))
    assert find(network, "zoe") is ben
    assert network.talks.find("ben") is None
    assert [line.text for line in ben.lines] == ["psst", "ben is now zoe"]
    take(network, Say(Person("zoe", "b", "there.example"), "ana", "me again", 5.0))
    assert ben.lines[-1].text == "me again"


def test_a_name_that_has_a_talk_already_keeps_that_one() -> None:
    network = inside()
    zoe = Person("zoe", "z", "h")
    take(
        network,
        Say(BEN, "ana", "I am ben", 3.0),
        Say(zoe, "ana", "I am zoe", 3.0),
        Quit(zoe, 3.0),
        Rename(BEN, "zoe", 4.0),
    )
    assert [line.text for line in find(network, "zoe").lines] == ["I am zoe", "zoe quit"]
    assert [line.text for line in find(network, "ben").lines] == ["I am ben", "ben is now zoe"]


def test_strangers_cannot_open_talks_without_end() -> None:
    network = inside()
    for number in range(TALKS + 10):
        take(network, Say(Person(f"spam{number}", "s", "h"), "ana", "buy", 3.0))
    assert len(network.talks) == TALKS + 1
    assert network.talks.server.lines[-1].text == "buy"


def test_a_room_that_we_join_appears_and_one_that_refuses_us_says_so_in_its_talk() -> None:
    network = inside()
    changes = network.join("#cats")
    assert network.take_output() == [b"JOIN #cats\r\n"]
    cats = find(network, "#cats")
    assert changes[0] == Opened(cats)
    take(network, Refused("#cats", "Cannot join channel (+i)", 3.0))
    assert network.outside == "#cats did not let you in: Cannot join channel (+i)"
    assert cats.lines[-1].kind is LineKind.TROUBLE
    assert network.rooms == ("#lobby",)


def test_someone_removed_from_one_room_stays_in_the_others() -> None:
    network = inside("#cats")
    take(network, Kick(BEN, "#cats", ANA, 3.0, "spam"))
    assert [(talk.name, talk.joined) for talk in network.talks.rooms()] == [("#lobby", True), ("#cats", False)]
    assert network.outside == ""


def test_who_is_away_is_so_in_every_room() -> None:
    network = inside("#cats")
    assert take(network, Away(BEN, "lunch", 3.0)) == [MembersChanged(talk) for talk in network.talks.rooms()]
    assert [member.nick for member in network.current.members.listed() if member.away] == ["ben"]
    take(network, Away(BEN, None, 3.0))
    assert not any(member.away for member in network.current.members.listed())


def test_a_person_who_is_away_is_said_to_be_so_once_in_the_talk_with_them() -> None:
    network = inside()
    take(network, Say(BEN, "ana", "psst", 3.0))
    ben = find(network, "ben")
    for _ in range(2):
        take(network, Away(Person("ben", "", ""), "lunch", 4.0))
    take(network, Away(BEN, None, 5.0), Away(BEN, None, 5.0))
    assert [line.text for line in ben.lines] == ["psst", "ben is away (lunch)", "ben is back"]
    assert ben.away is None
    assert [line.text for line in find(network, "#lobby").lines] == []


def test_whether_we_are_away_is_in_the_status_and_ends_with_the_connection() -> None:
    network = inside()
    assert StageChanged() in take(network, OwnAway(True, "You have been marked as being away", 3.0))
    assert network.status == "irc.example:6667 · you are ana, away"
    assert [member.nick for member in network.current.members.listed() if member.away] == ["ana"]
    take(network, OwnAway(False, "You are no longer marked as being away", 3.0))
    assert network.status == "irc.example:6667 · you are ana"
    take(network, OwnAway(True, "away", 3.0), Lost("cut", 4.0), Welcomed("ana", frozenset(), 5.0))
    assert not network.me.away


def test_who_was_away_before_we_came_is_shown_so_without_a_line() -> None:
    network = inside()
    assert take(network, Seen("BEN", True)) == [MembersChanged(network.current)]
    assert take(network, Seen("BEN", True)) == []
    assert not network.current.lines


def test_ranks_are_given_and_taken() -> None:
    network = inside()
    changes = take(network, Ranks(ANA, "#lobby", "+ov ben ben", (("ben", "@", True), ("ben", "+", True)), 3.0))
    assert MembersChanged(network.current) in changes
    assert [member.rank + member.nick for member in network.current.members.listed()] == ["@ben", "ana"]
    take(network, Ranks(ANA, "#lobby", "-o ben", (("ben", "@", False),), 3.0), Ranks(ANA, "#other", "+i", (), 3.0))
    assert [member.rank + member.nick for member in network.current.members.listed()] == ["+ben", "ana"]
    assert [line.text for line in network.current.lines] == ["ana set the mode +ov ben ben", "ana set the mode -o ben"]
    assert [type(change) for change in take(network, Ranks(ANA, "#lobby", "+i", (), 3.0))] == [Appended]


def test_a_topic_is_told_once_to_who_comes_back_with_who_set_it() -> None:
    network = inside()
    nobody = Person("", "", "")
    for _ in range(2):
        take(network, Topic(nobody, "#lobby", "cats", 3.0), TopicSetBy("#lobby", "ben", 2.0))
    take(network, Topic(BEN, "#lobby", "", 4.0))
    assert [line.text for line in network.current.lines] == ["The topic is: cats", "ben removed the topic"]
    assert (network.current.topic, network.current.topic_by) == ("", "ben")


def test_an_invitation_is_shown_where_we_look_and_one_for_others_is_not() -> None:
    network = inside()
    take(network, Invited(BEN, "Ana", "#cats", 3.0), Invited(BEN, "zoe", "#cats", 3.0))
    assert [line.text for line in network.current.lines] == ["ben invites you into #cats: /join #cats"]


def test_closing_the_talk_that_is_shown_shows_the_one_before() -> None:
    network = inside("#cats")
    cats, lobby = find(network, "#cats"), find(network, "#lobby")
    network.open(cats)
    assert network.talks.close(cats) == [TalksChanged(), Opened(lobby), TalksChanged()]
    assert network.current is lobby
    network.talks.close(lobby)
    assert network.current is network.talks.server
    assert network.talks.close(network.talks.server) == []


def test_lines_have_growing_ids_and_keep_their_formatting() -> None:
    network = inside()
    take(network, Say(BEN, "#lobby", "\x02bold\x02", 3.0), Say(BEN, "#lobby", "plain", 3.0))
    first, second = network.current.lines
    assert first.id < second.id
    assert (first.text, first.raw, second.raw) == ("bold", "\x02bold\x02", "")
