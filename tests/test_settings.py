"""Where settings come from, which goes first, and what a wrong one is answered with."""

from dataclasses import fields
from pathlib import Path

import pytest

from chat.errors import SetupError
from chat.settings import Address, Settings, load, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("irc://127.0.0.1:6667", Address("irc", "127.0.0.1", 6667)),
        ("irc://example.org", Address("irc", "example.org", 6667)),
        ("tilde://0.0.0.0", Address("tilde", "0.0.0.0", 1100)),
        ("irc://[::1]:7000", Address("irc", "::1", 7000)),
        ("irc://[::]", Address("irc", "::", 6667)),
        ("nick://localhost:0/", Address("nick", "localhost", 0)),
    ],
)
def test_an_address_is_read_and_written(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text", ["", "irc", "127.0.0.1:6667", "http://127.0.0.1", "irc://", "irc://:6667", "irc://a:b", "irc://a:70000"]
)
def test_what_is_no_address_is_refused_by_name(text: str) -> None:
    with pytest.raises(SetupError, match=r".+"):
        parse_address(text)


def test_an_option_goes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "fanfare.toml"
    file.write_text('workers = 2\nping-interval = 10\nping_timeout = 11\nlisten = ["irc://127.0.0.1:1"]\nmotd = "hi"\n')
    environ = {"FANFARE_PING_INTERVAL": "20", "FANFARE_PING_TIMEOUT": "21", "OTHER": "x"}
    settings = load({"ping_timeout": "31"}, str(file), environ)
    assert (settings.workers, settings.ping_interval, settings.ping_timeout) == (2, 10.0 * 2, 31.0)
    assert settings.listen == (Address("irc", "127.0.0.1", 1),)
    assert settings.motd == "hi"


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "fanfare.toml"
    file.write_text("workers = 3")
    assert load({}, None, {"FANFARE_CONFIG": str(file)}).workers == 3


def test_several_addresses_come_from_one_variable() -> None:
    settings = load({}, None, {"FANFARE_LISTEN": "irc://127.0.0.1:1, tilde://127.0.0.1:2"})
    assert [str(address) for address in settings.listen] == ["irc://127.0.0.1:1", "tilde://127.0.0.1:2"]


@pytest.mark.parametrize("off", ["off", "0", 0])
def test_the_rate_limit_can_be_switched_off(off: object) -> None:
    assert load({"rate_limit": off}, None, {}).rate_limit == 0.0


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("workers", "many", "workers is 'many', it must be a whole number"),
        ("workers", "1.5", "workers is '1.5', it must be a whole number"),
        ("workers", 1.5, "workers is 1.5, it must be a whole number"),
        ("workers", True, "workers is True, it must be a whole number"),
        ("workers", 0, "workers is 0, the least is 1"),
        ("ping_interval", "soon", "ping_interval is 'soon', it must be a number"),
        ("ping_interval", 0, "ping_interval is 0.0, it must be more than 0"),
        ("ping_interval", "nan", "ping_interval is nan, it must be more than 0"),
        ("ping_interval", "inf", "ping_interval is inf, the most is 1,000,000,000"),
        ("drain", -1, "drain is -1.0, the least is 0"),
        ("motd", 5, "motd is 5, it must be text"),
        ("lobby", "lobby", "lobby is 'lobby', not a room's name"),
        ("name", "two words", "name is 'two words', not a host name"),
        ("listen", [], "listen names no address"),
        ("listen", 6667, "listen must be a list of addresses"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_what_it_should_be(name: str, value: object, complaint: str) -> None:
    with pytest.raises(SetupError) as caught:
        load({name: value}, None, {})
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("colour = 1", "there is no setting 'colour'"), ("workers =", "Invalid value"), ("workers = [", "Invalid value")],
)
def test_a_wrong_file_is_refused_with_its_name(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(SetupError, match=complaint) as caught:
        load({}, str(file), {})
    assert str(file) in str(caught.value)


def test_a_missing_file_is_refused_with_its_name() -> None:
    with pytest.raises(SetupError, match=r"/nowhere/fanfare\.toml: No such file"):
        load({}, "/nowhere/fanfare.toml", {})


def test_every_setting_says_its_unit_and_its_reason() -> None:
    for setting in fields(Settings):
        assert setting.metadata["unit"], setting.name
        assert setting.metadata["why"] or setting.name == "listen", setting.name
