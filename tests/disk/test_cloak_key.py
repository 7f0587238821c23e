"""The secret of cloaks outlives the server, is its user's alone, and a bad file is one clear line."""

import errno
import os
from pathlib import Path

import pytest

from chat.errors import SetupError
from chat.server.disk.cloak_key import cloak_key
from tests.support import running_server


def test_the_secret_is_made_once_and_is_its_users_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    secret = cloak_key(folder)
    assert cloak_key(folder) == secret
    assert len(secret) == 32
    assert cloak_key(tmp_path) != secret
    assert (folder / "cloak.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "ab", "not hexadecimal" * 10])
def test_a_file_that_holds_no_secret_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "cloak.key").write_text(text)
    with pytest.raises(SetupError, match=r"cloak.key holds no secret: it must be 64 hexadecimal digits"):
        cloak_key(tmp_path)


def test_a_folder_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        SetupError, match=r"folder .*/file cannot be made: there is a file of that name; --log names an"
    ):
        cloak_key(tmp_path / "file")


def test_a_full_disk_leaves_no_file_that_the_next_start_would_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(SetupError, match=r"cloak.key, the secret of cloaks: No space left on device$"):
            cloak_key(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert cloak_key(tmp_path)


def test_a_cloak_survives_a_restart_and_the_file_of_the_log_holds_no_secret(tmp_path: Path) -> None:
    hosts = []
    for _ in range(2):
        with running_server(log=f"sqlite:{tmp_path}/log", cloak="on") as server:
            ana = server.raw()
            welcome = ana.register("ana")
            hosts.append(next(message.params[1] for message in welcome if message.verb == "396"))
    assert hosts[0] == hosts[1]
    assert hosts[0].endswith(".ip")
    secret = (tmp_path / "cloak.key").read_bytes().strip()
    assert not any(secret in file.read_bytes() for file in tmp_path.glob("log*"))
