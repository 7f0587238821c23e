"""The places of a server's files: data folder, log, admin socket."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from chat.errors import SetupError
from chat.settings import Settings


def data_folder(platform: str = sys.platform, environ: Mapping[str, str] = os.environ) -> Path:
    """Where this system keeps a program's data. FANFARE_DATA_HOME names another place. Raises SetupError."""
    if own := environ.get("FANFARE_DATA_HOME"):
        return Path(own)
    try:
        if platform == "darwin":
            return Path.home() / "Library" / "Application Support" / "fanfare"
        # https://specifications.freedesktop.org/basedir-spec: a path that is not absolute is ignored
        home = environ.get("XDG_DATA_HOME", "")
        return (Path(home) if home.startswith("/") else Path.home() / ".local" / "share") / "fanfare"
    except RuntimeError:
        raise SetupError(
            "there is no home directory for the log and the admin socket: name files, as --log sqlite:PATH"
        ) from None


def log_path(url: str) -> Path:
    """The file that `sqlite:PATH` names; without a path, the one in the data folder. Raises SetupError."""
    name = url.removeprefix("sqlite:")
    return Path(name) if name else data_folder() / "log.sqlite"


def history_path(setting: str) -> Path | None:
    """The file of `sqlite:PATH`; without a path, the one in the data folder. None for no file. Raises SetupError."""
    if not setting.startswith("sqlite:"):
        return None
    name = setting.removeprefix("sqlite:")
    return Path(name) if name else data_folder() / "history.sqlite"


def admin_path(settings: Settings) -> Path | None:
    """The admin socket: by default the log's file with the suffix `.sock`. None when it is off. Raises SetupError."""
    if settings.admin == "off":
        return None
    if settings.admin:
        return Path(settings.admin)
    return log_path(settings.log if settings.log.startswith("sqlite:") else "").with_suffix(".sock")


def make_folder(folder: Path) -> None:
    """The folder of the log, for its owner alone. Raises SetupError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = "there is a file of that name" if isinstance(error, FileExistsError) else error.strerror
        raise SetupError(f"the log's folder {folder} cannot be made: {reason}; --log names another") from None
