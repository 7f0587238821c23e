"""The secret of cloaks, in a file beside the log. Not in the log: a copy of the log alone gives no address away."""

import os
import secrets
from pathlib import Path

from chat.errors import SetupError
from chat.paths import make_folder
from chat.server.core.cloak import SECRET_BYTES


def cloak_key(folder: Path) -> bytes:
    """The secret in `cloak.key`, which is made when it is missing. Raises SetupError."""
    path = folder / "cloak.key"
    make_folder(folder)
    try:
        if not path.exists():
            _make(path)
        secret = bytes.fromhex(path.read_text())
    except OSError as error:
        raise SetupError(f"{path}, the secret of cloaks: {error.strerror}") from None
    except ValueError:
        secret = b""
    if len(secret) < SECRET_BYTES:
        raise SetupError(f"{path} holds no secret: it must be {2 * SECRET_BYTES} hexadecimal digits")
    return secret


def _make(path: Path) -> None:
    """Whole or not at all: a full disk, or a crash, leaves no file that the next start would refuse."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as lines:
            lines.write(secrets.token_hex(SECRET_BYTES) + "\n")
            lines.flush()
            os.fsync(lines.fileno())
        fresh.rename(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
