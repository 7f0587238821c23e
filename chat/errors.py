"""Errors, by whose fault they are. Knows no sockets, rooms or wires."""


class FanfareError(Exception):
    """The root of every error that Fanfare raises on purpose."""


class WireError(FanfareError):
    """The peer sent what its wire does not allow. The text says what, with both numbers where there is a limit."""


class SetupError(FanfareError):
    """A setting, an option or the machine does not allow what was asked: one line for the person who asked."""
