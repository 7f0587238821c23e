"""Asking about the server: MOTD, LUSERS, VERSION, TIME."""

import time

from chat import __version__
from chat.server.commands.isupport import send_isupport
from chat.server.commands.table import command
from chat.server.hub import Hub, Refusal
from chat.server.user import User
from chat.wires.message import Message
from chat.wires.names import compile_mask, fold
from chat.wires.numerics import (
    ERR_NOMOTD,
    ERR_NOSUCHSERVER,
    RPL_ENDOFMOTD,
    RPL_GLOBALUSERS,
    RPL_LOCALUSERS,
    RPL_LUSERCHANNELS,
    RPL_LUSERCLIENT,
    RPL_LUSERME,
    RPL_LUSEROP,
    RPL_MOTD,
    RPL_MOTDSTART,
    RPL_TIME,
    RPL_VERSION,
)


def asks_here(hub: Hub, user: User, message: Message) -> None:
    """The question is meant for this server, by its name, a mask of it or somebody on it; else raises Refusal."""
    target = message.params[0] if message.params else ""
    if target and not compile_mask(target).match(fold(user.server_name)) and hub.find_user(target) is None:
        raise Refusal(ERR_NOSUCHSERVER, target)


def motd(hub: Hub, user: User) -> None:
    text = hub.settings.motd
    if not text:
        user.numeric(ERR_NOMOTD)
        return
    user.numeric(RPL_MOTDSTART, text=RPL_MOTDSTART.text.format(user.server_name))
    for line in text.splitlines():
        user.numeric(RPL_MOTD, text=f"- {line}")
    user.numeric(RPL_ENDOFMOTD)


def lusers(hub: Hub, user: User) -> None:
    now, most = hub.registered, hub.most_registered
    user.numeric(RPL_LUSERCLIENT, text=RPL_LUSERCLIENT.text.format(now))
    user.numeric(RPL_LUSEROP, "0")
    user.numeric(RPL_LUSERCHANNELS, str(len(hub.rooms())))
    user.numeric(RPL_LUSERME, text=RPL_LUSERME.text.format(now))
    user.numeric(RPL_LOCALUSERS, str(now), str(most), text=RPL_LOCALUSERS.text.format(now, most))
    user.numeric(RPL_GLOBALUSERS, str(now), str(most), text=RPL_GLOBALUSERS.text.format(now, most))


@command("MOTD")
def ask_motd(hub: Hub, user: User, message: Message) -> None:
    asks_here(hub, user, message)
    motd(hub, user)


@command("LUSERS")
def ask_lusers(hub: Hub, user: User, message: Message) -> None:
    lusers(hub, user)


@command("VERSION")
def version(hub: Hub, user: User, message: Message) -> None:
    asks_here(hub, user, message)
    user.numeric(RPL_VERSION, f"fanfare-{__version__}", user.server_name, text="a threaded broadcast server")
    send_isupport(hub, user)


@command("TIME")
def tell_time(hub: Hub, user: User, message: Message) -> None:
    asks_here(hub, user, message)
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(hub.clock()))
    user.numeric(RPL_TIME, user.server_name, text=now)
