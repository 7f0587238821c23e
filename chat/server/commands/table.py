"""The table of IRC commands, and the way into it: who may use a command when, labels, refusals."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from chat.server.hub import Hub, Refusal
from chat.server.posts import Copy
from chat.server.user import User
from chat.wires.message import Message, build_tags
from chat.wires.numerics import ERR_NEEDMOREPARAMS, ERR_NOTREGISTERED, ERR_UNKNOWNCOMMAND
from chat.wires.wire import Reject

Handler = Callable[[Hub, User, Message], None]


@dataclass(frozen=True, slots=True)
class Command:
    handler: Handler
    params: int  # the least it needs; fewer is 461
    anytime: bool  # also before registration


COMMANDS: dict[str, Command] = {}

LABEL_BYTES = 64  # of a label's value: the standard's limit, which keeps the server's tags within their 510 bytes
LABEL_CAPABILITIES = frozenset({"labeled-response", "batch"})  # the first must not be used without the second

_batches = count(1)


def command(verb: str, params: int = 0, anytime: bool = False) -> Callable[[Handler], Handler]:
    """Enter the decorated handler into the table."""

    def enter(handler: Handler) -> Handler:
        COMMANDS[verb] = Command(handler, params, anytime)
        return handler

    return enter


def run(hub: Hub, user: User, message: Message | Reject) -> None:
    """Carry out one message of an IRC client; every answer goes to the user's inbox."""
    if isinstance(message, Reject):
        params = ["*"] if message.numeric.code == "400" else []
        user.numeric(message.numeric, *params, text=message.reason)
        return
    label = _label_of(message) if message.tags and user.capabilities >= LABEL_CAPABILITIES else ""
    if not label:
        _run(hub, user, message)
        return
    user.begin_answers()
    try:
        _run(hub, user, message)
    finally:
        _label(user, label, user.end_answers())


def _run(hub: Hub, user: User, message: Message) -> None:
    known = COMMANDS.get(message.verb)
    if known is None:
        user.numeric(ERR_UNKNOWNCOMMAND, message.verb)
    elif not (user.registered or known.anytime):
        user.numeric(ERR_NOTREGISTERED)
    elif len(message.params) < known.params:
        user.numeric(ERR_NEEDMOREPARAMS, message.verb)
    else:
        try:
            known.handler(hub, user, message)
        except Refusal as refusal:
            user.numeric(refusal.numeric, *refusal.params)


def _label_of(message: Message) -> str:
    """The label, where it is one: a value of at most 64 bytes."""
    label = message.tag("label") or ""
    return label if len(label.encode()) <= LABEL_BYTES else ""


def _label(user: User, label: str, answers: list[Copy]) -> None:
    """IRCv3 labeled-response: the label on one answer, a batch around several, an ACK for none."""
    tag = build_tags([("label", label)])
    lines = [line for answer in answers for line in answer.sends]
    if not lines:
        user.send(f"@{tag} :{user.server_name} ACK\r\n".encode())
    elif len(lines) == 1:
        answers[0].sends = (_tagged(tag, lines[0]),)
    else:
        batch = f"b{next(_batches)}"
        for answer in answers:
            answer.sends = tuple(_tagged(f"batch={batch}", line) for line in answer.sends)
        start = f"@{tag} :{user.server_name} BATCH +{batch} labeled-response\r\n".encode()
        answers[0].sends = (start, *answers[0].sends)
        answers[-1].sends = (*answers[-1].sends, f":{user.server_name} BATCH -{batch}\r\n".encode())


def _tagged(tag: str, line: bytes) -> bytes:
    if line.startswith(b"@"):
        return f"@{tag};".encode() + line[1:]
    return f"@{tag} ".encode() + line
