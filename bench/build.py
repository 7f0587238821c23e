"""Compile the C programs of a run."""

import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
GENERATOR = HERE / "generator"  # a folder: all its files are one program
BARE_EPOLL = HERE / "peers" / "bare_epoll.c"
BARE_URING = HERE / "peers" / "bare_uring.c"  # includes the former

COMPILERS = ("cc", "gcc", "clang")
OPENSSL = ("-DTLS", "-lssl", "-lcrypto")  # of a generator that can speak TLS
FLAGS = ("-O2", "-std=gnu11", "-D_GNU_SOURCE", "-pthread")
TIMEOUT = 120  # s for one program; it takes about two


class BuildError(Exception):
    """No compiler, or it refused the source. The text is one line."""


def compiler() -> str | None:
    """The C compiler to use: `$CC`, else the first that is installed."""
    wanted = os.environ.get("CC")
    return next(filter(None, map(shutil.which, [wanted] if wanted else COMPILERS)), None)


def has_openssl() -> bool:
    """Whether the compiler finds OpenSSL's headers; without them the generator is built, and speaks no TLS."""
    found = compiler()
    if found is None:
        return False
    command = [found, "-E", "-x", "c", "-"]
    done = subprocess.run(command, input="#include <openssl/ssl.h>", capture_output=True, text=True, timeout=TIMEOUT)
    return done.returncode == 0


def need_openssl() -> None:
    """Raises BuildError where a case of TLS cannot be measured."""
    if compiler() and not has_openssl():
        raise BuildError("the cases with TLS need OpenSSL's headers (apt-get install libssl-dev)")


def compile_c(source: Path, folder: Path) -> Path:
    """Compile one file, or a folder of them, into `folder` and return the program. Raises BuildError."""
    found = compiler()
    if found is None:
        named = os.environ.get("CC")
        tried = f"$CC is {named!r}, which is not a program" if named else f"none of {', '.join(COMPILERS)} is installed"
        raise BuildError(f"the generator needs a C compiler: {tried} (apt-get install gcc libc6-dev)")
    program = folder / source.stem
    files = sorted(source.glob("*.c")) if source.is_dir() else [source]
    command = [found, *FLAGS, "-o", str(program), *map(str, files)]
    command += OPENSSL if source == GENERATOR and has_openssl() else ()
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    if done.returncode:
        complaint = next((line for line in done.stderr.splitlines() if "error" in line), "no reason given")
        raise BuildError(f"{found} cannot compile {source.name}: {complaint}")
    return program
