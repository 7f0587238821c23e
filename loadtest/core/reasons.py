"""Count why things went wrong, by the words that a server or a network gave. Knows nothing of what went wrong."""

import errno
from collections import Counter
from collections.abc import Iterable

MOST = 20  # different texts kept of each process; a server may put anything into them, a number for each user too
_MORE = "other reasons"


def printable(text: str) -> str:
    """With nothing that steers a terminal: a server may say anything."""
    return "".join(character if character.isprintable() else "?" for character in text)


def count(reasons: Counter[str], reason: str) -> None:
    """One more of it; of many different ones, the later are counted together."""
    reasons[reason if reason in reasons or len(reasons) < MOST else _MORE] += 1


# What the generator's own machine refuses it, and what to do. No server is at fault for these.
_OWN = {
    errno.EMFILE: "raise the limit of open files (ulimit -n), or use more --processes",
    errno.ENFILE: "raise the machine's limit of open files (sysctl fs.file-max)",
    errno.EADDRNOTAVAIL: "no port is left: use more --source-addresses, or widen net.ipv4.ip_local_port_range",
    errno.ENOBUFS: "the generator's machine has no memory for more sockets",
    errno.ENOMEM: "the generator's machine has no memory for more sockets",
}


def advice(reason: str) -> str:
    """What to do about it where it is the generator's own fault; else empty."""
    return next((words for number, words in _OWN.items() if f"[Errno {number}]" in reason), "")


def own_faults(reasons: Iterable[str]) -> list[str]:
    """A line for each of these reasons that is no server's."""
    return [f"the generator could not connect: {each}; {words}" for each in reasons if (words := advice(each))]
