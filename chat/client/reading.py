"""What a line from the server says, where the line alone tells: a message in, news out. Pure functions in a table.

What depends on the lines before it is chat.client.protocol's. Source: https://modern.ircdocs.horse
"""

from collections.abc import Callable

from chat.client.news import (
    Invited,
    NamesEnd,
    News,
    OwnAway,
    Ponged,
    Refused,
    Seen,
    ServerSaid,
    TopicSetBy,
)
from chat.events import Away, Join, Kick, Kind, Leave, Person, Quit, Rename, Say, Topic
from chat.wires.message import Message
from chat.wires.numerics import (
    ERR_NOMOTD,
    RPL_AWAY,
    RPL_ENDOFNAMES,
    RPL_MOTD,
    RPL_NOTOPIC,
    RPL_NOWAWAY,
    RPL_TOPIC,
    RPL_TOPICWHOTIME,
    RPL_UNAWAY,
    RPL_WHOREPLY,
)

_NOBODY = Person("", "", "")


def person(message: Message) -> Person:
    nick, _, rest = message.source.partition("!")
    user, _, host = rest.partition("@")
    return Person(nick, user, host)


def _param(message: Message, index: int) -> str:
    return message.params[index] if len(message.params) > index else ""


def _say(m: Message, at: float) -> News:
    tags = ";".join(tag for tag in m.tags.split(";") if tag.startswith("+"))
    return Say(person(m), m.params[0], _param(m, 1), at, Kind(m.verb), tags)


def _kick(m: Message, at: float) -> News:
    return Kick(person(m), m.params[0], Person(m.params[1], "", ""), at, _param(m, 2))


def _away(m: Message, at: float) -> News:
    return Away(person(m), _param(m, 0) or None, at)  # no text: they are back


def _topic_set_by(m: Message, at: float) -> News:
    stamp = _param(m, 3)
    return TopicSetBy(
        m.params[1], m.params[2].partition("!")[0], float(stamp) if stamp.isdecimal() and len(stamp) <= 10 else at
    )


def _fail(m: Message, at: float) -> News:
    return Refused("", m.params[-1], at, m.params[1])


# verb: the least number of parameters, and what it says. A topic that somebody set before we came is news from nobody.
READERS: dict[str, tuple[int, Callable[[Message, float], News | None]]] = {
    "PRIVMSG": (2, _say),
    "NOTICE": (2, _say),
    "TAGMSG": (1, _say),
    "JOIN": (1, lambda m, at: Join(person(m), m.params[0], at)),
    "PART": (1, lambda m, at: Leave(person(m), m.params[0], at, _param(m, 1))),
    "QUIT": (0, lambda m, at: Quit(person(m), at, _param(m, 0))),
    "KICK": (2, _kick),
    "NICK": (1, lambda m, at: Rename(person(m), m.params[0], at)),
    "TOPIC": (2, lambda m, at: Topic(person(m), m.params[0], m.params[1], at)),
    "AWAY": (0, _away),
    "INVITE": (2, lambda m, at: Invited(person(m), m.params[0], m.params[1], at)),
    "PONG": (1, lambda m, at: Ponged(m.params[-1])),
    "FAIL": (3, _fail),
    "WARN": (3, lambda m, at: ServerSaid(m.params[-1], at)),
    "NOTE": (3, lambda m, at: ServerSaid(m.params[-1], at)),
    RPL_AWAY.code: (3, lambda m, at: Away(Person(m.params[1], "", ""), m.params[2], at)),
    RPL_UNAWAY.code: (2, lambda m, at: OwnAway(False, m.params[-1], at)),
    RPL_NOWAWAY.code: (2, lambda m, at: OwnAway(True, m.params[-1], at)),
    RPL_NOTOPIC.code: (2, lambda m, at: Topic(_NOBODY, m.params[1], "", at)),
    RPL_TOPIC.code: (3, lambda m, at: Topic(_NOBODY, m.params[1], m.params[2], at)),
    RPL_TOPICWHOTIME.code: (3, _topic_set_by),
    RPL_WHOREPLY.code: (7, lambda m, at: Seen(m.params[5], m.params[6].startswith("G"))),  # "gone" or "here"
    RPL_ENDOFNAMES.code: (2, lambda m, at: NamesEnd(m.params[1])),
    RPL_MOTD.code: (2, lambda m, at: ServerSaid(m.params[-1].removeprefix("- "), at)),
    ERR_NOMOTD.code: (9, lambda m, at: None),  # not news: it is no error to have no message of the day
}
