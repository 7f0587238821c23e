"""Asking about people: WHO, WHOIS, WHOWAS, USERHOST, ISON."""

from chat.server.commands.table import command
from chat.server.hub import Hub, Refusal
from chat.server.user import User
from chat.wires.irc import packed
from chat.wires.message import Message
from chat.wires.names import compile_mask, fold
from chat.wires.numerics import (
    ERR_NONICKNAMEGIVEN,
    ERR_NOSUCHNICK,
    ERR_NOSUCHSERVER,
    ERR_WASNOSUCHNICK,
    RPL_AWAY,
    RPL_ENDOFWHO,
    RPL_ENDOFWHOIS,
    RPL_ENDOFWHOWAS,
    RPL_ISON,
    RPL_USERHOST,
    RPL_WHOISCHANNELS,
    RPL_WHOISIDLE,
    RPL_WHOISSERVER,
    RPL_WHOISUSER,
    RPL_WHOREPLY,
)


@command("WHO")
def who(hub: Hub, user: User, message: Message) -> None:
    mask = message.params[0] if message.params else "*"
    if mask.startswith("#"):
        room = hub.find_room(mask)
        found = hub.members(room, user) if room is not None else []
        place = room.name if room is not None else mask
    else:
        found = [(other, False) for other in _matching(hub, user, mask)]
        place = "*"
    for other, operator in found:
        flags = ("H" if other.away is None else "G") + ("@" if operator else "")
        person = other.person
        user.numeric(
            RPL_WHOREPLY,
            place,
            person.user,
            person.host,
            user.server_name,
            person.nick,
            flags,
            text=f"0 {other.realname}",
        )
    user.numeric(RPL_ENDOFWHO, mask)


def _matching(hub: Hub, user: User, mask: str) -> list[User]:
    """The visible users whose nickname fits: oneself, those in a common room, and who is not invisible."""
    exact = fold(mask)
    pattern = compile_mask(mask)
    return [
        other
        for other in hub.users()
        if pattern.match(fold(other.nick))
        and (not other.invisible or fold(other.nick) == exact or other is user or not _apart(user, other))
    ]


def _apart(user: User, other: User) -> bool:
    return set(user.rooms).isdisjoint(list(other.rooms))  # a copy: others change theirs meanwhile


ROOMS_BYTES = 380  # in a line of RPL_WHOISCHANNELS; beside two nicknames and the longest server name, 63 bytes


@command("WHOIS")
def whois(hub: Hub, user: User, message: Message) -> None:
    if not message.params or not message.params[0]:
        raise Refusal(ERR_NONICKNAMEGIVEN)
    nick = message.params[-1].partition(",")[0]  # TARGMAX promises one; the standard has the others dropped
    if len(message.params) > 1 and fold(message.params[0]) not in (fold(user.server_name), fold(nick)):
        raise Refusal(ERR_NOSUCHSERVER, message.params[0])
    other = hub.find_user(nick)
    if other is None:
        user.numeric(ERR_NOSUCHNICK, nick)
    else:
        _describe(hub, user, other)
    user.numeric(RPL_ENDOFWHOIS, nick)


def _describe(hub: Hub, user: User, other: User) -> None:
    person = other.person
    user.numeric(RPL_WHOISUSER, person.nick, person.user, person.host, "*", text=other.realname)
    rooms = [("@" if room.members.get(other) else "") + room.name for room in list(other.rooms)]
    for line in packed(rooms, ROOMS_BYTES):
        user.numeric(RPL_WHOISCHANNELS, person.nick, text=line)
    user.numeric(RPL_WHOISSERVER, person.nick, user.server_name, text=hub.settings.network)
    if other.away is not None:
        user.numeric(RPL_AWAY, person.nick, text=other.away)
    idle = max(0, int(hub.clock() - other.spoke))
    user.numeric(RPL_WHOISIDLE, person.nick, str(idle), str(int(other.signed_on)))


@command("WHOWAS")
def whowas(hub: Hub, user: User, message: Message) -> None:
    """Nobody is remembered; programs ask by themselves when a WHOIS finds nobody."""
    if not message.params or not message.params[0]:
        raise Refusal(ERR_NONICKNAMEGIVEN)
    user.numeric(ERR_WASNOSUCHNICK, message.params[0])
    user.numeric(RPL_ENDOFWHOWAS, message.params[0])


@command("USERHOST", 1)
def userhost(hub: Hub, user: User, message: Message) -> None:
    """Programs learn their own address so."""
    found = [hub.find_user(nick) for nick in message.params[:5]]
    text = " ".join(
        f"{other.nick}={'+' if other.away is None else '-'}{other.person.user}@{other.person.host}"
        for other in found
        if other is not None
    )
    user.numeric(RPL_USERHOST, text=text)


@command("ISON", 1)
def ison(hub: Hub, user: User, message: Message) -> None:
    """Programs without a better way watch for friends so."""
    found = [hub.find_user(nick) for param in message.params for nick in param.split(" ")]
    user.numeric(RPL_ISON, text=" ".join(other.nick for other in found if other is not None))
