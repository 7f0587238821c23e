"""A user is killed and another takes the nickname, while a request of the first is still on its way to the log."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from chat.server.core.client import Client
from chat.server.core.node import Node
from chat.wires.message import Message
from tests.support import PATIENCE, RunningServer

MARKER = "timestamp=2001-01-02T00:00:00.000Z"
REQUESTS = [
    "PRIVMSG #a words",
    "PRIVMSG bob words",
    "NOTICE #a words",
    "TAGMSG #a -",
    "MODE #a +i",
    "MODE #a +v bob",
    "MODE #a +b bob!*@*",
    "MODE ana +iBw",
    "KICK #a bob out",
    "PART #a bye",
    "JOIN #b",
    "NICK anna",
    "TOPIC #a words",
    "AWAY tea",
    "SETNAME other",
    "QUIT bye",
    "ACCOUNT chief",
    "ACCOUNT *",
    "GHOST bob!~bob@127.0.0.1 bobs",
    "CERT anas + ff",
    "SETPASS anas other",
    "REGISTER eve2 other",
    f"MARKREAD #a {MARKER}",
    "OPER root",
    "WALLOPS words",
    "KILL bob!~bob@127.0.0.1 out",
    "BAN 10.9.9.9 0 no",
]

Clients = Mapping[str, Client]  # ana and eve, who operate #a, and bob, by nickname


def prepare(node: Node, clients: Clients) -> None:
    """Ana and eve are all that a request may need: operators of the room and of the server, and logged in."""
    node.ask(clients["ana"], Message("REGISTER", ["chief", "-"], node.name))
    node.ask(clients["ana"], Message("MODE", ["#a", "+o", "eve"], clients["ana"].nick))
    for nick, client in clients.items():
        node.ask(client, Message("REGISTER", [f"{nick}s", "-"], node.name))
        node.ask(client, Message("ACCOUNT", [f"{nick}s"], nick))
        if nick == "bob":
            node.ask(client, Message("MODE", [nick, "+w"], nick))
        else:
            node.ask(client, Message("OPER", [nick], nick))


def succeed(node: Node, clients: Clients, request: str) -> None:
    """Ana is killed, eve takes her name, and then comes what ana asks: all three are on their way at once."""
    ana, eve = clients["ana"].user, clients["eve"].user
    assert ana is not None
    assert eve is not None
    verb, *params = request.split(" ")
    node.ask(clients["bob"], Message("KILL", [ana.mask, "enough"], node.name))
    node.ask(clients["eve"], Message("NICK", ["ana"], eve.mask))
    node.ask(clients["ana"], Message(verb, params, ana.mask))


def standing(node: Node, gone: int) -> list[Any]:
    """All that a request may change, but for what becomes of the user with that number, and eve's nickname."""
    state = node.state
    facts: list[Any] = [
        (number, user.realname, user.account, user.away, user.invisible, user.operator, user.wallops, user.person.bot)
        for number, user in state.by_id.items()
        if number != gone
    ]
    facts += [(user.id, user.invited, len(user.rooms)) for user in state.by_id.values() if user.id != gone]
    for room in state.rooms.values():
        ranks = {member.id: rank for member, rank in room.members.items() if member.id != gone}
        facts.append((room.name, sorted(room.modes), room.topic, list(room.lists), ranks))
    facts += [
        (account.name, account.verifier, list(account.fingerprints), dict(account.read))
        for account in state.accounts.by_name.values()
    ]
    return [*facts, [ban.mask for ban in state.bans]]


def hold_on_a_running_server(server: RunningServer, request: str) -> None:
    """Nothing of what ana asked for happens, and bob hears nothing of it."""
    for nick in ("ana", "eve"):
        server.irc(nick, "#a").sync()
    bob = server.irc("bob", "#a")

    def do(deed: Callable[[Node, Clients], object]) -> None:
        """Have the loop do it, and wait until all that it asked for has been applied."""
        loop, done = server.server.loop, threading.Event()

        def run() -> None:
            clients = {connection.nick: connection for connection in loop.connections}
            deed(loop.node, clients)
            last = Message("AWAY", [], clients["bob"].nick)
            loop.node.ask(clients["bob"], last, done.set, lambda _: done.set())

        loop.mailbox.post(run)
        assert done.wait(PATIENCE)

    seen: list[list[Any]] = []
    gone: list[int] = []
    do(prepare)
    do(lambda node, clients: gone.append(number_of(clients["ana"])))
    do(lambda node, clients: seen.append(standing(node, *gone)))
    bob.sync()
    do(lambda node, clients: succeed(node, clients, request))
    do(lambda node, clients: seen.append(standing(node, *gone)))
    heard = [f"{message.nick} {message.verb}" for message in bob.sync()]
    assert heard == ["ana QUIT", "eve NICK"]
    assert seen[0] == seen[1]


def number_of(client: Client) -> int:
    assert client.user is not None
    return client.user.id
