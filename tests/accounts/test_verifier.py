"""Verifiers, passwords and limits of attempts, apart from any server."""

import base64

import pytest

from chat.server.accounts import verifier
from chat.server.accounts.attempts import Attempts, LoginLimits


def test_a_verifier_is_what_rfc_7677_says_and_survives_being_written() -> None:
    """The example of RFC 7677, section 3."""
    made = verifier.make("pencil", 4096, base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    assert str(made) == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )
    assert verifier.parse(str(made)) == made
    assert verifier.proves("pencil", made)
    assert not verifier.proves("pencils", made)
    assert verifier.make("pencil", 4096) != verifier.make("pencil", 4096)


@pytest.mark.parametrize("text", ["", "x", "SCRAM-SHA-1$1:YQ==$YQ==:YQ==", "SCRAM-SHA-256$1:Y$YQ==:YQ==", "a$b:c$d:e"])
def test_what_is_no_verifier_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        verifier.parse(text)


@pytest.mark.parametrize(
    ("password", "prepared"),
    [
        ("user", "user"),
        ("USER", "USER"),
        ("I\u00adX", "IX"),  # RFC 4013, section 3
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("é\u00a0è", "é è"),
        ("two words", "two words"),
    ],
)
def test_passwords_that_look_alike_are_one(password: str, prepared: str) -> None:
    assert verifier.prepare(password) == prepared


@pytest.mark.parametrize("password", ["", "\x07", "a\0b", "\u0627\u0031", "é\u0007", "\ue000", "x" * 301, "é" * 151])
def test_what_no_password_may_hold_is_refused(password: str) -> None:
    with pytest.raises(ValueError):
        verifier.prepare(password)


def test_attempts_run_out_and_come_back_one_at_a_time() -> None:
    attempts = Attempts(3, 10.0)
    for _ in range(3):
        assert attempts.wait("a", 0.0) == 0.0
        attempts.spend("a", 0.0)
    assert attempts.wait("a", 0.0) == 10.0
    assert attempts.wait("a", 4.0) == 6.0
    assert attempts.wait("b", 0.0) == 0.0
    assert attempts.wait("a", 10.0) == 0.0
    attempts.spend("a", 10.0)
    assert attempts.wait("a", 10.0) == 10.0
    attempts.give_back("a")
    assert attempts.wait("a", 10.0) == 0.0


def test_a_million_addresses_leave_little_behind() -> None:
    attempts = Attempts(3, 10.0)
    for number in range(30_000):
        attempts.spend(str(number), float(number))
    assert len(attempts) <= 10_001


def test_known_addresses_are_a_bounded_number() -> None:
    limits = LoginLimits(3, 10.0)
    for number in range(10_500):
        limits.spend("ana", f"10.0.{number // 250}.{number % 250}", 0.0)
        limits.succeeded("ana", f"10.0.{number // 250}.{number % 250}")
    assert len(limits._known) == 10_000
