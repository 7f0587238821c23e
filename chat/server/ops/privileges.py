"""Give up root, once the ports are bound that only root may have."""

import logging
import os
import pwd

from chat.errors import SetupError

log = logging.getLogger(__name__)


def drop_root(name: str) -> None:
    """Become that user, when the process is root; with `root` it stays. Raises SetupError when it cannot."""
    if os.geteuid() != 0:
        if name and name not in (_name(), str(os.geteuid())):
            raise SetupError(f"only root can become user {name}: start the server as root, or without --user")
        return
    if not name:
        log.warning("the server runs as root, which it does not need: start it as another user, or with --user NAME")
        return
    try:
        user = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except (KeyError, OverflowError):
        raise SetupError(f"there is no user {name} to become: --user takes one that this machine has") from None
    if user.pw_uid == 0:
        return  # its operator knows
    try:
        os.initgroups(user.pw_name, user.pw_gid)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    except OSError as error:
        raise SetupError(f"cannot become user {name}: {error.strerror}") from None
    os.environ.update(HOME=user.pw_dir, USER=user.pw_name, LOGNAME=user.pw_name)  # where the data folder is


def _name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""
