"""What is remembered comes back, and what is broken keeps nobody from starting."""

import json
import os
import stat
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.model import settings
from chat.client.model.settings import Server, Settings, folder, load, save

CHAT = Server("chat.example:7000", "ana", ("#dev", "#keyed word"), "ana", "/c.pem", "AB:CD", ("spam!*@*",), False)
FULL = Settings((CHAT,), ("fanfare",), False, True, False, False, "900x600+10+20", (180, 700), "dark", 14)


def file_in(place: Path, content: bytes) -> Path:
    file = place / "client.json"
    file.write_bytes(content)
    return file


def test_the_first_start_remembers_nothing(tmp_path: Path) -> None:
    assert load(tmp_path / "none") == Settings()


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "fanfare"
    assert save(FULL, place)
    assert load(place) == FULL
    assert save(replace(FULL, theme="light"), place)
    assert load(place) == replace(FULL, theme="light")
    assert os.listdir(place) == ["client.json"]


@pytest.mark.skipif(os.name != "posix", reason="rights of a file as POSIX has them")
def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    save(FULL, tmp_path)
    assert stat.S_IMODE((tmp_path / "client.json").stat().st_mode) == 0o600


def test_there_is_no_place_for_a_password() -> None:
    names = [field.name for kind in (Settings, Server) for field in fields(kind)]
    assert not [name for name in names if "pass" in name or "secret" in name]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"[" * 60_000, b'{"a":"%s"}' % (b"x" * 65_536)]
)
def test_a_broken_file_is_put_aside(tmp_path: Path, content: bytes) -> None:
    file = file_in(tmp_path, content)
    assert load(tmp_path) == Settings()
    assert not file.exists()
    assert (tmp_path / "client.json.broken").read_bytes() == content
    assert save(FULL, tmp_path)
    assert load(tmp_path) == FULL


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("servers", 5),
        ("servers", [{"name": "without an address"}]),
        ("servers", ["chat.example"]),
        ("servers", [{"address": "a:1"}] * 201),
        ("highlights", ["a\nb"]),
        ("notify", 1),
        ("geometry", None),
        ("sashes", [1, "2"]),
        ("sashes", [True]),
        ("sashes", [-1]),
        ("sashes", [1] * 201),
        ("sashes", 7),
        ("theme", "pink"),
        ("theme", ["dark"]),
        ("font_size", 5),
        ("font_size", 41),
        ("font_size", "11"),
        ("font_size", True),
        ("password", "geheim"),
    ],
)
def test_a_field_that_makes_no_sense_does_not_cost_the_others(tmp_path: Path, name: str, value: Any) -> None:
    file_in(tmp_path, json.dumps({"geometry": "9x9", "sound": True, name: value}).encode())
    expected = {field: kept for field, kept in (("geometry", "9x9"), ("sound", True)) if field != name}
    assert load(tmp_path) == Settings(**expected)  # type: ignore[arg-type]


def test_a_field_of_a_server_that_makes_no_sense_does_not_cost_the_server(tmp_path: Path) -> None:
    file_in(tmp_path, json.dumps({"servers": [{"address": "a:1", "rooms": 5, "opened": False}]}).encode())
    assert load(tmp_path) == Settings((Server("a:1", opened=False),))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([field.name for field in fields(Settings)]), JSON))
def test_whatever_the_file_says_the_client_starts(found: dict[str, Any]) -> None:
    """Invariant: any JSON object becomes a Settings whose theme and size can be used."""
    understood = settings._understood(found)
    assert understood.theme in settings.THEMES
    assert understood.font_size in settings.FONT_SIZES
    hash(understood)


def test_a_place_that_cannot_be_written_or_read_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert not save(FULL, tmp_path / "file" / "fanfare")
    assert load(tmp_path / "file" / "fanfare") == Settings()
    (tmp_path / "client.json").mkdir()
    assert not save(FULL, tmp_path)
    assert load(tmp_path) == Settings()
    assert sorted(os.listdir(tmp_path)) == ["client.json", "file"], "something half written was left"


def test_a_save_that_fails_half_way_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(FULL, tmp_path)

    def fail(descriptor: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    assert not save(replace(FULL, theme="light"), tmp_path)
    assert load(tmp_path) == FULL
    assert os.listdir(tmp_path) == ["client.json"]


PLACES: list[tuple[str, dict[str, str], Path]] = [
    ("linux", {"XDG_CONFIG_HOME": "/c"}, Path("/c/fanfare")),
    ("linux", {"XDG_CONFIG_HOME": "relative"}, Path.home() / ".config" / "fanfare"),
    ("linux", {}, Path.home() / ".config" / "fanfare"),
    ("darwin", {"XDG_CONFIG_HOME": "/c"}, Path.home() / "Library" / "Application Support" / "fanfare"),
    ("win32", {"APPDATA": "/a"}, Path("/a/fanfare")),
    ("win32", {}, Path.home() / "AppData" / "Roaming" / "fanfare"),
    ("linux", {"XDG_CONFIG_HOME": "/c", "FANFARE_CONFIG_HOME": "/own"}, Path("/own")),
]


@pytest.mark.parametrize(("platform", "environ", "place"), PLACES)
def test_each_system_has_its_folder(platform: str, environ: dict[str, str], place: Path) -> None:
    assert folder(platform, environ) == place


def test_by_default_it_is_the_folder_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FANFARE_CONFIG_HOME", str(tmp_path))
    assert save(FULL)
    assert load() == FULL
    assert (tmp_path / "client.json").exists()
