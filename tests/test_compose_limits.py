"""What bounds a container of the project: memory, processes, rights. Read from the files; needs no Docker."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


@pytest.mark.parametrize("name", ["server", "node-1", "node-2", "node-3", "users"])
def test_a_server_and_its_users_have_limits_and_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["mem_limit"]
    assert service["pids_limit"] > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", ["server", "load"])
def test_nothing_in_an_image_of_ours_makes_anybody_root(name: str) -> None:
    """The programs of Debian's base that are setuid lose that before the image's user is set."""
    lines = (ROOT / "docker" / f"{name}.Dockerfile").read_text().splitlines()
    cleared = next(number for number, line in enumerate(lines) if "-perm /6000 -exec chmod ug-s" in line)
    users = [line for line in lines[cleared:] if line.startswith("USER ")]
    assert users
    assert "root" not in users[-1]
    assert not any(line.startswith(("RUN apt", "COPY --from=0", "USER root")) for line in lines[cleared:])
