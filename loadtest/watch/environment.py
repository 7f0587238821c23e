"""Where a run was made and how it was started, so that another can repeat it. Names neither host nor user."""

import os
import platform
import resource
import shlex
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any


def environment() -> dict[str, Any]:
    """The machine and the programs of this process; null where the system does not tell."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return {
        "kernel": f"{platform.system()} {platform.release()}",
        "cpu": _cpu(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": _memory_bytes(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "locust": version("locust"),
        "gevent": version("gevent"),
        "open_files": None if soft == resource.RLIM_INFINITY else soft,
    }


def command() -> str:
    """What this process was started with, quoted for a shell. Of the programs that began it only the names are told."""
    if Path(sys.argv[0]).name == "locust":
        return shlex.join(["locust", *_without_secrets(sys.argv[1:])])
    program, *words = sys.orig_argv
    return shlex.join([Path(program).name, *_without_secrets(words)])


def _without_secrets(words: list[str]) -> list[str]:
    shown, hide = [], False
    for word in words:
        name, equals, _ = word.partition("=")
        shown.append("…" if hide else f"{name}=…" if name.endswith("-password") and equals else word)
        hide = name.endswith("-password") and not equals
    return shown


def _cpu() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.machine()


def _memory_bytes() -> int | None:
    with suppress(OSError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None
