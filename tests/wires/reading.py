"""Read bytes with a wire as the server does: hand over what one `recv` returned, then cut what there is to cut."""

from collections.abc import Iterator

from chat.wires.wire import Command, Wire


def each(wire: Wire, *parts: bytes) -> Iterator[Command]:
    """The commands of all parts, each of them one `recv`, up to the one that the wire refuses."""
    for part in parts:
        wire.receive(part)
        while (command := wire.next()) is not None:
            yield command


def read(wire: Wire, *parts: bytes) -> list[Command]:
    """The commands of all parts, each of them one `recv`."""
    return list(each(wire, *parts))


def read_late(wire: Wire, *parts: bytes) -> list[Command]:
    """As `read`, by a server that is busy until everything has come."""
    for part in parts:
        wire.receive(part)
    return read(wire, b"")
