"""How many files this process may open. A user is a socket, and a socket is an open file."""

import os
import resource
from math import ceil

from chat.errors import SetupError

_MOST = 1_048_576  # Linux's own ceiling for a process; more makes starting other programs slow
_MARGIN = 32  # beside the users' sockets and what is open already: the report, a child's pipes, a look into /proc
_KEPT = 16  # of the margin: the last files are for the report, or a process without any could not even say so
_OPEN = "/proc/self/fd"
_OPEN_ELSEWHERE = 64  # where there is no such list


def raise_limit() -> None:
    """Take all that the hard limit allows. Locust asks for 10,000."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(_limit(), _MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def check(users: int, all_users: int) -> None:
    """Raises SetupError when this process, or a child of its, cannot hold so many of the run's users."""
    beside = _open_files() + _MARGIN
    limit = _limit()
    if users + beside > limit:
        raise SetupError(
            f"{users:,} users need {users + beside:,} open files in this process, the hard limit is {limit:,}: "
            f"use --processes {ceil(all_users / max(1, limit - beside))}, or raise `ulimit -n`"
        )


def is_kept(number: int) -> bool:
    """Whether an open file's number is one of those that users must not take: the system gives the lowest first."""
    return number >= resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _KEPT


def _limit() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return _MOST if hard == resource.RLIM_INFINITY else hard


def _open_files() -> int:
    try:
        return len(os.listdir(_OPEN))
    except OSError:  # not Linux
        return _OPEN_ELSEWHERE
