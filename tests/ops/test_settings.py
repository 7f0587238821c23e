"""Where settings come from, which goes first, and what a wrong one is answered with."""

from dataclasses import fields
from pathlib import Path

import pytest

from chat.configuration import GONE, load
from chat.errors import SetupError
from chat.settings import Address, Settings, parse_address

GUARDED = {"listen": ["irc://127.0.0.1"]}  # listeners that a password can guard
POSITIVE_WHOLE = (
    *("unframed_per_address", "unframed_total", "connection_burst", "newcomer_burst"),
    *("rate_burst", "address_burst", "input_limit", "registration_lines", "lag_limit"),
    *("answer_limit", "kernel_limit", "notice_burst", "max_rooms", "rooms_per_address", "rooms_total", "memory_limit"),
)


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
    "text",
    [
        "",
        "irc",
        "127.0.0.1:6667",
        "http://127.0.0.1",
        "irc://",
        "irc://:6667",
        "irc://a\nb",
        "irc://a\0b",
        "irc://\udcff",
        "irc://a:b",
        "irc://a:70000",
        "irc://a:²",
        "irc://a:1 2",
    ],
)
def test_what_is_no_address_is_refused_by_name(text: str) -> None:
    with pytest.raises(SetupError, match=r".+"):
        parse_address(text)


def test_an_option_goes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "fanfare.toml"
    file.write_text('helpers = 2\nping-interval = 10\nping_timeout = 11\nlisten = ["irc://127.0.0.1:1"]\nmotd = "hi"\n')
    environ = {"FANFARE_PING_INTERVAL": "20", "FANFARE_PING_TIMEOUT": "21", "OTHER": "x"}
    settings = load({"ping_timeout": "31"}, str(file), environ)
    assert (settings.helpers, settings.ping_interval, settings.ping_timeout) == (2, 10.0 * 2, 31.0)
    assert settings.listen == (Address("irc", "127.0.0.1", 1),)
    assert settings.motd == "hi"


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "fanfare.toml"
    file.write_text("helpers = 3")
    assert load({}, None, {"FANFARE_CONFIG": str(file)}).helpers == 3


def test_several_addresses_come_from_one_variable() -> None:
    settings = load({}, None, {"FANFARE_LISTEN": "irc://127.0.0.1:1, tilde://127.0.0.1:2"})
    assert [str(address) for address in settings.listen] == ["irc://127.0.0.1:1", "tilde://127.0.0.1:2"]


@pytest.mark.parametrize("off", ["off", "0", 0])
def test_the_rate_limit_can_be_switched_off(off: object) -> None:
    assert load({}, None, {}).limits_rates
    assert not load({"rate_limit": off}, None, {}).limits_rates


@pytest.mark.parametrize("name", ["workers", "inbox_limit", "outbox_limit", "outbox_age", "unframed_limit"])
def test_a_setting_of_an_earlier_version_is_refused_with_what_has_its_place(name: str, tmp_path: Path) -> None:
    file = tmp_path / "fanfare.toml"
    file.write_text(f"{name} = 1")
    sources: list[tuple[dict[str, str], str | None, dict[str, str]]] = [
        ({name: "1"}, None, {}),
        ({}, None, {f"FANFARE_{name.upper()}": "1"}),
        ({}, str(file), {}),
    ]
    for source in sources:
        with pytest.raises(SetupError) as caught:
            load(*source)
        assert str(caught.value) == f"there is no setting {name} any longer: {GONE[name]}"


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("helpers", "many", "helpers is 'many', it must be a whole number"),
        ("helpers", "1.5", "helpers is '1.5', it must be a whole number"),
        ("helpers", 1.5, "helpers is 1.5, it must be a whole number"),
        ("helpers", True, "helpers is True, it must be a whole number"),
        ("helpers", -1, "helpers is -1, the least is 0"),
        *((name, 0, f"{name} is 0, it must be more than 0") for name in POSITIVE_WHOLE),
        ("ping_interval", "soon", "ping_interval is 'soon', it must be a number"),
        ("ping_interval", 0, "ping_interval is 0.0, it must be more than 0"),
        ("ping_interval", "nan", "ping_interval is nan, it must be more than 0"),
        ("ping_interval", "inf", "ping_interval is inf, the most is 1,000,000,000"),
        ("drain", -1, "drain is -1.0, the least is 0"),
        ("motd", 5, "motd is 5, it must be text"),
        ("lobby", "lobby", "lobby is 'lobby', not a room's name"),
        ("name", "two words", "name is 'two words', not a host name"),
        ("helpers", 1_000_000_000, "helpers is 1000000000, the most is 64"),
        ("helpers", 65, "helpers is 65, the most is 64"),
        ("helpers", int("9" * 4000), f"helpers is {'9' * 28}...{'9' * 29}, the most is 1,000,000,000"),
        pytest.param(
            "helpers",
            16**5000,
            "helpers is a number of thousands of digits, the most is 1,000,000,000",
            id="huge-whole",
        ),
        pytest.param(
            "drain", 16**5000, "drain is a number of thousands of digits, the most is 1,000,000,000", id="huge"
        ),
        ("helpers", "9" * 5000, f"helpers is '{'9' * 27}...{'9' * 28}', it must be a whole number"),
        ("helpers", float("nan"), "helpers is nan, it must be a whole number"),
        ("helpers", float("inf"), "helpers is inf, the most is 1,000,000,000"),
        ("rate_limit", float("nan"), "rate_limit is nan, the least is 0"),
        ("rate_limit", "inf", "rate_limit is inf, the most is 1,000,000,000"),
        ("max_connections", [[[1]]], "max_connections is [[[1]]], it must be a whole number"),
        ("drain", {"s": 1}, "drain is {'s': 1}, it must be a number"),
        ("name", "a\r\nb", "name is 'a\\r\\nb', not a host name"),
        ("name", ":a", "name is ':a', not a host name"),
        ("name", "", "name is '', not a host name"),
        ("name", "a" * 64, "name is 64 bytes long, the limit is 63"),
        ("network", "a\rb", "network is 'a\\rb', not a name"),
        ("network", "a\nb", "network is 'a\\nb', not a name"),
        ("network", "a\0b", "network is 'a\\x00b', not a name"),
        ("network", "", "network is '', not a name"),
        ("network", "ж" * 33, "network is 66 bytes long, the limit is 64"),
        ("lobby", "#a\nb", "lobby is '#a\\nb', not a room's name"),
        ("lobby", "#a,#b", "lobby is '#a,#b', not a room's name"),
        ("lobby", "#", "lobby is '#', not a room's name"),
        ("lobby", "#" + "a" * 64, "lobby is 65 bytes long, the limit is 64"),
        ("motd", "a\0b", "motd holds a carriage return or a NUL"),
        ("motd", "a\rQUIT", "motd holds a carriage return or a NUL"),
        ("password", "a\rb", "password holds a carriage return or a NUL"),
        ("password", "a\nb", "password holds a line break"),
        ("password", "a" * 401, "password is 401 bytes long, the limit is 400"),
        ("password", "\udcff", "password is not UTF-8"),
        ("listen", [], "listen names no address"),
        ("listen", ["irc://h:1", "relay://h:1"], "listen names h port 1 twice"),
        ("listen", [["irc://h:1"]], "listen must be a list of addresses"),
        ("listen", 6667, "listen must be a list of addresses"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_what_it_should_be(name: str, value: object, complaint: str) -> None:
    with pytest.raises(SetupError) as caught:
        load({name: value}, None, {})
    assert str(caught.value) == complaint


@pytest.mark.parametrize("name", ["helpers", "drain"])
def test_a_number_that_python_cannot_write_is_refused_too(name: str) -> None:
    with pytest.raises(SetupError) as caught:
        load({name: 16**5000}, None, {})
    assert str(caught.value) == f"{name} is a number of thousands of digits, the most is 1,000,000,000"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("colour = 1", "there is no setting 'colour'"),
        ("[server]\nhelpers = 1", "there is no setting 'server'"),
        (f"{'x' * 1000} = 1", "there is no setting 'xxxxx"),
        ("helpers =", "Invalid value"),
        ("helpers = [", "Invalid value"),
        ("a = " + "[" * 100_000, "nested too deeply|Invalid value"),
        ("a = " + "{a=" * 100_000, "nested too deeply|Invalid"),
        ("helpers = " + "9" * 5000, "Exceeds the limit"),
        ("motd = '" + "x" * 1_048_576 + "'", "longer than 1,048,576 bytes, the limit"),
        ("ping-interval = 1\nping_interval = 2", "given twice"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(SetupError, match=complaint) as caught:
        load({}, str(file), {})
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("/dev/zero", "/dev/zero: it is longer than 1,048,576 bytes, the limit"),
        ("/", "/: Is a directory"),
        ("a\0b", "'a\\x00b' is not a file's name"),
    ],
)
def test_what_is_no_file_of_settings_is_refused(path: str, complaint: str) -> None:
    with pytest.raises(SetupError) as caught:
        load({}, path, {})
    assert str(caught.value) == complaint


def test_a_file_that_is_not_utf_8_is_refused_with_the_place(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(b"motd = '\xff'")
    with pytest.raises(SetupError, match="it is not UTF-8 at byte 8"):
        load({}, str(file), {})


def test_a_message_of_the_day_has_as_many_lines_as_it_needs() -> None:
    assert load({"motd": "Hello\n\n  \x02bold\x02"}, None, {}).motd.count("\n") == 2


@pytest.mark.parametrize("text", ["s e c\tret", "s e c\tret\n", "s e c\tret\r\n"])
def test_a_password_is_the_one_line_of_its_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "password"
    file.write_text(text, newline="")
    config = tmp_path / "fanfare.toml"
    config.write_text(f"password-file = '{file}'\nlisten = ['irc://127.0.0.1']")
    assert load({"password_file": str(file), **GUARDED}, None, {}).password == "s e c\tret"
    assert load(GUARDED, None, {"FANFARE_PASSWORD_FILE": str(file)}).password == "s e c\tret"
    assert load({}, str(config), {}).password == "s e c\tret"


def test_of_two_passwords_the_later_source_wins_and_one_source_has_one(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("filed\n")
    assert load({"password_file": str(file), **GUARDED}, None, {"FANFARE_PASSWORD": "told"}).password == "filed"
    assert load({"password": "told", **GUARDED}, None, {"FANFARE_PASSWORD_FILE": str(file)}).password == "told"
    with pytest.raises(SetupError, match="password and password_file are both given, one is enough"):
        load({"password": "told", "password_file": str(file)}, None, {})


@pytest.mark.parametrize("text", ["", "\n", "one\ntwo\n", "x" * 5000])
def test_a_file_that_is_no_password_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "password"
    file.write_text(text)
    with pytest.raises(SetupError, match=r"password: (the file of the password must hold one line|it is longer)") as no:
        load({"password_file": str(file)}, None, {})
    assert "one\n" not in str(no.value)


def test_a_missing_file_is_refused_with_its_name() -> None:
    with pytest.raises(SetupError, match=r"/nowhere/fanfare\.toml: No such file"):
        load({}, "/nowhere/fanfare.toml", {})


def test_every_setting_says_its_unit_and_its_reason() -> None:
    for setting in fields(Settings):
        assert setting.metadata["unit"], setting.name
        assert setting.metadata["why"] or setting.name == "listen", setting.name


@pytest.mark.parametrize("scheme", ["relay", "joined", "tilde", "nick"])
def test_a_password_guards_every_wire_or_the_server_does_not_start(scheme: str) -> None:
    listen = [Address("irc", "127.0.0.1", 0), Address(scheme, "127.0.0.1", 0)]
    with pytest.raises(SetupError, match=rf"password cannot guard {scheme}://127.0.0.1:0, .* --listen irc://"):
        Settings(listen=tuple(listen), password="secret")
    assert Settings(listen=tuple(listen[:1]), password="secret").password == "secret"
    assert Settings(listen=tuple(listen)).password == ""


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.0.2.7", "[::]", "host"])
def test_ports_that_are_published_for_all_take_a_rate_limit(bind: str) -> None:
    with pytest.raises(SetupError, match=r"rate_limit is off and the ports are published on .* FANFARE_RATE_LIMIT=5"):
        load({}, None, {"FANFARE_BIND": bind, "FANFARE_RATE_LIMIT": "off"})
    assert load({}, None, {"FANFARE_BIND": bind}).bind == bind


@pytest.mark.parametrize("bind", ["", "127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_ports_that_are_published_for_this_machine_need_none(bind: str) -> None:
    assert not load({}, None, {"FANFARE_BIND": bind, "FANFARE_RATE_LIMIT": "off"}).limits_rates


def test_networks_are_a_list_in_every_source(tmp_path: Path) -> None:
    file = tmp_path / "fanfare.toml"
    file.write_text('exempt = ["10.0.0.0/8", "192.0.2.7"]\n')
    assert load({}, str(file), {}).exempt == ("10.0.0.0/8", "192.0.2.7")
    assert load({}, None, {"FANFARE_EXEMPT": "10.0.0.0/8, 192.0.2.7"}).exempt == ("10.0.0.0/8", "192.0.2.7")
    assert load({"exempt": ["10.0.0.0/8", "::1"]}, None, {}).exempt == ("10.0.0.0/8", "::1")
    assert load({"exempt": ["none"]}, None, {}).exempt == ()
    assert load({}, None, {}).exempt == ("127.0.0.0/8", "::1/128")
    with pytest.raises(SetupError, match=r"exempt names '10.0.0.0/99', not an address or a range"):
        load({"exempt": ["10.0.0.0/99"]}, None, {})
    with pytest.raises(SetupError, match="proxy_from must be a list"):
        load({"proxy_from": 3}, None, {})
