"""The secret of cloaks, in a file beside the log. Not in the log: a copy of the log alone gives no address away."""

import os
import secrets
from pathlib import Path

from chat.errors import SetupError
from chat.server.core.cloak import SECRET_BYTES


def cloak_key(folder: Path) -> bytes:
    """The secret in `cloak.key`, which is made when it is missing. Raises SetupError."""
    path = folder / "cloak.key"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            text = path.read_text()
        else:
            text = secrets.token_hex(SECRET_BYTES) + "\n"
            with open(file, "w") as lines:
                lines.write(text)
        secret = bytes.fromhex(text)
    except OSError as error:
        raise SetupError(f"{path}, the secret of cloaks: {error.strerror}") from None
    except ValueError:
        secret = b""
    if len(secret) < SECRET_BYTES:
        raise SetupError(f"{path} holds no secret: it must be {2 * SECRET_BYTES} hexadecimal digits")
    return secret
