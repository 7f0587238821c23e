"""Read the configuration again while the server runs: SIGHUP, and an operator's REHASH."""

from collections.abc import Callable
from dataclasses import fields, replace

from chat.errors import SetupError
from chat.settings import Settings

# What takes effect at once, without anybody being dropped. All else is decided when the server starts.
CHANGEABLE = ("contact", "exempt", "motd", "oper_anywhere", "operators", "password", "proxy_from")
UNCHANGED = "the settings stay as they are"  # begins the line when the new ones cannot be read


def read_again(load: Callable[[], Settings], current: Settings) -> tuple[Settings, str]:
    """The settings from now on, and a line that says what has changed."""
    try:
        wanted = load()
        changed = [name for name in CHANGEABLE if getattr(wanted, name) != getattr(current, name)]
        settings = replace(current, **{name: getattr(wanted, name) for name in changed})
    except SetupError as error:
        return current, f"{UNCHANGED}: {error}"
    others = [field.name for field in fields(Settings) if getattr(wanted, field.name) != getattr(settings, field.name)]
    told = f"changed: {', '.join(changed)}" if changed else "no setting has changed"
    return settings, told + (f"; a restart is what {', '.join(others)} takes" if others else "")
