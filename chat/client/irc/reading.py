"""Read a line from the server that needs no other line: a message in, news out. Pure functions in a table.

What depends on the lines before it is chat.client.irc.protocol's. Source: https://modern.ircdocs.horse
"""

import time
from collections.abc import Callable, Iterator, Sequence

from chat.client.irc.news import (
    Away,
    Invited,
    Join,
    Kick,
    Kind,
    Leave,
    NamesEnd,
    News,
    Person,
    Quit,
    Rename,
    Say,
    Seen,
    Topic,
    TopicSetBy,
)
from chat.client.irc.server_news import (
    Acknowledged,
    Answered,
    HistoryRefused,
    Listed,
    ListEnd,
    NickFree,
    Online,
    OwnAway,
    Ponged,
    Refused,
    ServerSaid,
)
from chat.wires.message import Message
from chat.wires.numerics import (
    ERR_NOMOTD,
    RPL_AWAY,
    RPL_ENDOFNAMES,
    RPL_ISON,
    RPL_LIST,
    RPL_LISTEND,
    RPL_MOTD,
    RPL_NOTOPIC,
    RPL_NOWAWAY,
    RPL_TOPIC,
    RPL_TOPICWHOTIME,
    RPL_UNAWAY,
    RPL_WHOISCHANNELS,
    RPL_WHOISIDLE,
    RPL_WHOISSERVER,
    RPL_WHOISUSER,
    RPL_WHOREPLY,
)

RANKS = "~&@%+"  # owner, admin, operator, half operator, voice, the highest first


class Modes:
    """What one server's mode letters mean; to begin with, what they mean nearly everywhere."""

    def __init__(self) -> None:
        self._signs = dict(zip("qaohv", RANKS, strict=True))
        self._always = "beIk"  # these take a parameter, be they set or taken away
        self._when_set = "lfjJLH"

    @property
    def signs(self) -> str:
        """The signs that may precede a nickname in a list of names."""
        return "".join(self._signs.values()) + RANKS

    def learn(self, words: Sequence[str]) -> None:
        """Read the words of one RPL_ISUPPORT."""
        for word in words:
            key, _, value = word.partition("=")
            if key == "PREFIX":
                letters, _, signs = value.removeprefix("(").partition(")")
                self._signs = dict(zip(letters, signs, strict=False))
            elif key == "CHANMODES":
                lists, always, when_set, *_ = [*value.split(","), "", "", ""]
                self._always, self._when_set = lists + always, when_set

    def ranks(self, changes: Sequence[str]) -> Iterator[tuple[str, str, bool]]:
        """Of `+o-v ana ben`: each nickname, the sign of its rank, and whether that is given or taken."""
        params = iter(changes[1:])
        given = True
        for letter in changes[0]:
            if letter in "+-":
                given = letter == "+"
            elif letter in self._signs:
                nick = next(params, "")
                if nick:
                    yield nick, self._signs[letter], given
            elif letter in self._always or (given and letter in self._when_set):
                next(params, "")


_NOBODY = Person("", "", "")
_MONITOR_OFFLINE = "731"


def person(message: Message) -> Person:
    nick, _, rest = message.source.partition("!")
    user, _, host = rest.partition("@")
    return Person(nick, user, host)


def _param(message: Message, index: int) -> str:
    return message.params[index] if len(message.params) > index else ""


def _say(m: Message, at: float) -> News:
    tags = ";".join(tag for tag in m.tags.split(";") if tag.startswith("+"))
    known = (m.tag("msgid") or "", m.tag("label") or "") if m.tags else ("", "")
    return Say(person(m), m.params[0], _param(m, 1), at, Kind(m.verb), tags, *known)


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
    if m.params[0] == "CHATHISTORY" and len(m.params) > 4:
        return HistoryRefused(m.params[-2], m.params[-1], at, m.params[1])
    return Refused("", m.params[-1], at, m.params[1], m.tag("label") or "")


def _modes(m: Message, at: float) -> News:
    modes = " ".join(m.params[2:]).strip()
    words = f"has the modes {modes}" if modes not in ("", "+") else "has no modes"
    return Answered(m.verb, m.params[1], f"{m.params[1]} {words}", at)


def _registered(m: Message, at: float) -> News:
    """An account is registered, or must be verified first: https://ircv3.net/specs/extensions/account-registration"""
    words = m.params[-1].rstrip(".")
    advice = ". To log in to it at each start: Servers …, Edit, Login …" if m.params[0] == "SUCCESS" else "."
    return Answered(m.verb, m.params[1], words + advice, at)


def _listed(m: Message, at: float) -> News:
    return Listed(m.params[1], int(m.params[2]) if m.params[2].isdecimal() else 0, _param(m, 3))


def _monitored(m: Message, at: float) -> News | None:
    return NickFree(m.params[-1].partition(",")[0].partition("!")[0])


def _about(m: Message, at: float, words: str) -> News:
    return Answered(m.verb, m.params[1], f"{m.params[1]} {words}", at)


def _idle(m: Message, at: float) -> News:
    seconds = int(m.params[2]) if m.params[2].isdecimal() and len(m.params[2]) < 10 else 0
    words = f"has said nothing for {_span(seconds)}"
    since = _param(m, 3)
    if since.isdecimal() and len(since) <= 10:
        words += f", and is here since {time.strftime('%d %B %Y %H:%M', time.localtime(int(since)))}"
    return _about(m, at, words)


def _span(seconds: int) -> str:
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"


def plain(verb: str, params: Sequence[str], text: str, at: float) -> News:
    """A numeric that nothing reads: to who asked, where it is about somebody or a room; else the server's words."""
    answer = len(params) > 2 and verb[0] == "3" and verb not in _SERVERS_OWN
    return Answered(verb, params[1], text, at) if answer else ServerSaid(text, at)


_SERVERS_OWN = frozenset({"351", "371", "381", "391", "396"})

# Numerics without news for a person: ends of lists, what the server supports, the frame of the message of the day.
SILENT = frozenset({"004", "010", "315", "318", "321", "366", "368", "369", "374", "375", "376", "730", "732", "733"})

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
    "ACK": (0, lambda m, at: Acknowledged(m.tag("label") or "")),
    "PONG": (1, lambda m, at: Ponged(m.params[-1])),
    "FAIL": (3, _fail),
    "REGISTER": (3, _registered),
    "900": (1, lambda m, at: ServerSaid(f"{m.params[-1]}.".replace("..", "."), at)),  # RPL_LOGGEDIN; before it, masks
    "901": (1, lambda m, at: ServerSaid(f"{m.params[-1]}.".replace("..", "."), at)),  # RPL_LOGGEDOUT
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
    RPL_LIST.code: (3, _listed),
    RPL_LISTEND.code: (0, lambda m, at: ListEnd()),
    RPL_ISON.code: (2, lambda m, at: Online(tuple(m.params[-1].split()))),
    _MONITOR_OFFLINE: (2, _monitored),
    RPL_WHOISUSER.code: (6, lambda m, at: _about(m, at, f"is {m.params[2]}@{m.params[3]}: {m.params[5]}")),
    RPL_WHOISSERVER.code: (4, lambda m, at: _about(m, at, f"is on {m.params[2]} ({m.params[3]})")),
    RPL_WHOISIDLE.code: (4, _idle),
    RPL_WHOISCHANNELS.code: (3, lambda m, at: _about(m, at, f"is in {m.params[2].strip()}")),
    "330": (4, lambda m, at: _about(m, at, f"is logged in as {m.params[2]}")),
    "367": (3, lambda m, at: Answered("367", m.params[1], f"Banned from {m.params[1]}: {m.params[2]}", at)),
    "324": (3, _modes),
    "329": (3, lambda m, at: None),  # when a room came to be
    "341": (3, lambda m, at: Answered("341", m.params[2], f"You asked {m.params[1]} into {m.params[2]}", at)),
    ERR_NOMOTD.code: (9, lambda m, at: None),  # not news: it is no error to have no message of the day
}
