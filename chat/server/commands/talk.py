"""Words: PRIVMSG, NOTICE, TAGMSG, and being away from them."""

from chat.events import Kind
from chat.server.commands.isupport import REALNAME_LENGTH, REASON_LENGTH, TARGETS
from chat.server.commands.table import command
from chat.server.hub import Hub, Refusal
from chat.server.user import User
from chat.wires.message import Message
from chat.wires.numerics import (
    ERR_NORECIPIENT,
    ERR_NOTEXTTOSEND,
    ERR_TOOMANYTARGETS,
    RPL_AWAY,
    RPL_NOWAWAY,
    RPL_UNAWAY,
)


@command("PRIVMSG")
def privmsg(hub: Hub, user: User, message: Message) -> None:
    _say(hub, user, message, Kind.MESSAGE)


@command("NOTICE")
def notice(hub: Hub, user: User, message: Message) -> None:
    """Never answered, not even with an error: two programs that answer each other would not stop."""
    _say(hub, user, message, Kind.NOTICE)


@command("TAGMSG")
def tagmsg(hub: Hub, user: User, message: Message) -> None:
    _say(hub, user, message, Kind.TAGS)


def _say(hub: Hub, user: User, message: Message, kind: Kind) -> None:
    params = message.params
    silent = kind is Kind.NOTICE
    targets = [target for target in params[0].split(",") if target] if params else []
    if not targets:
        return None if silent else user.numeric(ERR_NORECIPIENT, text=ERR_NORECIPIENT.text.format(message.verb))
    text = params[1] if len(params) > 1 and kind is not Kind.TAGS else ""
    if not text and kind is not Kind.TAGS:
        return None if silent else user.numeric(ERR_NOTEXTTOSEND)
    if len(targets) > TARGETS:
        words = ERR_TOOMANYTARGETS.text.format(TARGETS)
        return None if silent else user.numeric(ERR_TOOMANYTARGETS, params[0], text=words)
    tags = _client_tags(message.tags) if message.tags else ""
    for target in targets:
        try:
            whom = hub.say(user, target, text, kind, tags)
        except Refusal as refusal:
            if not silent:
                user.numeric(refusal.numeric, *refusal.params)
        else:
            if whom is not None and whom.away is not None and kind is Kind.MESSAGE:
                user.numeric(RPL_AWAY, whom.nick, text=whom.away)
    return None


def _client_tags(tags: str) -> str:
    """Of a client's tags the ones that are for others: their names begin with `+`, and go on."""
    return ";".join(tag for tag in tags.split(";") if tag.startswith("+") and tag.partition("=")[0] != "+")


@command("AWAY")
def away(hub: Hub, user: User, message: Message) -> None:
    text = message.params[0][:REASON_LENGTH] if message.params else ""
    hub.set_away(user, text or None)
    user.numeric(RPL_NOWAWAY if text else RPL_UNAWAY)


@command("SETNAME", 1)
def setname(hub: Hub, user: User, message: Message) -> None:
    realname = message.params[0]
    if not realname or len(realname) > REALNAME_LENGTH:
        text = f"Real name is {len(realname)} characters, it may be 1 to {REALNAME_LENGTH}"
        user.reply("FAIL", "SETNAME", "INVALID_REALNAME", text)
        return
    hub.set_realname(user, realname)
