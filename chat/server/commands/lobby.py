"""What the unframed wires can ask for: to come in, to be called something, to speak in the lobby."""

from chat.server.hub import Hub, Refusal
from chat.server.user import User
from chat.wires.wire import Enter, Speak, TakeName


def arrive(hub: Hub, user: User, name: str) -> None:
    """Register under `name`, or the nearest that is free, and join the lobby."""
    hub.enter(user, name)
    welcome = user.dialect.welcome(user.nick)
    if welcome:
        user.send(*welcome)
    hub.join(user, hub.settings.lobby)


def run_unframed(hub: Hub, user: User, command: Enter | TakeName | Speak) -> None:
    """Carry out one command. There is no way to answer on these wires: what is refused is not done."""
    try:
        if isinstance(command, Enter):
            if not user.registered:
                arrive(hub, user, command.name)
        elif isinstance(command, TakeName):
            hub.take_name(user, command.name)
        elif user.registered:
            hub.say(user, hub.settings.lobby, command.text)
    except Refusal:
        pass
