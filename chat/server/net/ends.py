"""Why connections end, as a few kinds that can be counted. The reasons themselves hold numbers and what peers wrote."""

# By how a reason begins. Reasons are made in connection.py, connections.py and loop.py.
KINDS = {
    "Slow reader": "slow_reader",
    "Ping timeout": "ping_timeout",
    "Excess flood": "flood",
    "Registration timed out": "registration_timeout",
    "Server is shutting down": "shutdown",
    "Internal error": "fault",
    "Remote host closed": "closed",
    "Connection reset": "reset",
    "Connection timed out": "network_timeout",
}
MEMORY = "short of memory"  # is in the reason of those dropped for it
OTHER = "other"  # what the wire refuses, errors of the network that are rare
ENDS_COUNTED = (*KINDS.values(), "memory", OTHER)


def kind_of_end(reason: str) -> str:
    for beginning, kind in KINDS.items():
        if reason.startswith(beginning):
            return kind
    return "memory" if MEMORY in reason else OTHER
