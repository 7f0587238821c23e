"""Accounts are a function of the log: they are made, changed and removed by requests, and survive a snapshot."""

import pytest

from chat.server.core.apply import apply
from chat.server.core.snapshot import load
from chat.server.core.state import Failure, Limits, Refusal, State
from chat.server.log.entry import parse_entry
from tests.asking import entry_of

LIMITS = Limits(10, 10, 10)
SERVER = "fanfare.local"


def after(*lines: str) -> State:
    """The state after these requests, each as a log keeps it."""
    state = State(LIMITS)
    for line in lines:
        do(state, line)
    return state


def do(state: State, line: str) -> None:
    entry = entry_of(state, len(state.by_id) + 1, 1000.0, SERVER, line)
    apply(state, parse_entry(entry.line))


ANA = ":ana!~u@host USER ~u 0 * :Ana"
REGISTERED = f":{SERVER} REGISTER Ana verifier"


def refused(state: State, line: str) -> Refusal:
    before = state.dump()
    with pytest.raises(Refusal) as caught:
        do(state, line)
    assert state.dump() == before
    return caught.value


def test_an_account_has_the_name_as_registered_and_is_found_by_any_case_of_it() -> None:
    state = after(REGISTERED)
    account = state.accounts.find("aNA")
    assert account is not None
    assert (account.name, account.verifier, account.registered) == ("Ana", "verifier", 1000.0)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (":bob!~u@host REGISTER ANA other", "ACCOUNT_EXISTS"),
        (":bob!~u@host REGISTER carl verifier", "BAD_ACCOUNT_NAME"),  # somebody is called that
        (":bob!~u@host REGISTER 1st verifier", "BAD_ACCOUNT_NAME"),
        (":bob!~u@host REGISTER NickServ verifier", "BAD_ACCOUNT_NAME"),
        (f":{SERVER} SETPASS nobody verifier", "ACCOUNT_UNKNOWN"),
        (f":{SERVER} DROP nobody", "ACCOUNT_UNKNOWN"),
        (":carl!~u@host ACCOUNT nobody", "ACCOUNT_UNKNOWN"),
    ],
)
def test_what_the_rules_do_not_allow_changes_nothing_and_names_the_code(line: str, code: str) -> None:
    state = after(REGISTERED, ":carl!~u@host USER ~u 0 * :Carl", ":bob!~u@host USER ~u 0 * :Bob")
    failure = refused(state, line)
    assert isinstance(failure, Failure)
    assert failure.code == code


def test_the_operator_may_register_a_name_that_somebody_bears() -> None:
    state = after(ANA, REGISTERED)
    assert state.accounts.find("ana") is not None


def test_a_user_logs_in_with_its_registration_or_later_and_out_again() -> None:
    state = after(REGISTERED, ":ana!~u@host USER ~u 0 ana :Ana", ":bob!~u@host USER ~u 0 * :Bob")
    ana, bob = state.get_user("ana"), state.get_user("bob")
    assert (ana.account, bob.account) == ("Ana", "")
    do(state, ":bob!~u@host ACCOUNT ana")
    assert bob.account == "Ana"
    account = state.accounts.find("ana")
    assert account is not None
    assert list(account.users) == [ana, bob]
    do(state, ":bob!~u@host ACCOUNT *")
    assert bob.account == ""
    do(state, ":ana!~u@host QUIT :bye")
    assert not account.users


def test_a_registered_nickname_belongs_to_its_account() -> None:
    state = after(REGISTERED, ":bob!~u@host USER ~u 0 * :Bob")
    assert refused(state, ":ana!~u@host USER ~u 0 * :Somebody").numeric.code == "433"
    assert refused(state, ":bob!~u@host NICK ANA").numeric.code == "433"
    do(state, ":bob!~u@host ACCOUNT ana")
    do(state, ":bob!~u@host NICK ANA")
    assert state.find_user("ana") is not None


def test_who_comes_with_an_account_that_is_gone_comes_without_one() -> None:
    state = after(":ana!~u@host USER ~u 0 gone :Ana")
    assert state.get_user("ana").account == ""


def test_of_an_account_that_is_dropped_nothing_stays() -> None:
    state = after(
        REGISTERED, f":{SERVER} CERT ana + ff00", ":ana!~u@host USER ~u 0 ana :Ana", f":{SERVER} DROP ANA", REGISTERED
    )
    assert state.get_user("ana").account == ""
    account = state.accounts.find("ana")
    assert account is not None
    assert not account.users
    assert not account.fingerprints
    assert not state.accounts.by_fingerprint


def test_a_certificate_is_one_accounts() -> None:
    state = after(REGISTERED, f":{SERVER} REGISTER bob verifier", f":{SERVER} CERT ana + ff00")
    assert state.accounts.by_fingerprint["ff00"].name == "Ana"
    refused(state, f":{SERVER} CERT bob + ff00")
    do(state, f":{SERVER} CERT bob - ff00")
    assert state.accounts.by_fingerprint["ff00"].name == "Ana"
    for number in range(15):
        do(state, f":{SERVER} CERT ana + {number:x}")
    refused(state, f":{SERVER} CERT ana + aaaa")
    do(state, f":{SERVER} CERT ana - ff00")
    do(state, f":{SERVER} CERT bob + ff00")
    assert state.accounts.by_fingerprint["ff00"].name == "bob"


def test_a_snapshot_holds_accounts_and_who_is_logged_in() -> None:
    state = after(REGISTERED, f":{SERVER} CERT ana + ff00", ":ana!~u@host USER ~u 0 ana :Ana")
    copy = State(LIMITS)
    load(copy, state.dump())
    assert copy.dump() == state.dump()
    do(copy, f":{SERVER} DROP ana")
    assert copy.get_user("ana").account == ""
    assert not copy.accounts.by_fingerprint


@pytest.mark.parametrize("line", ["SETPASS Ana stolen", "CERT Ana + ff"])
def test_what_comes_after_an_account_was_made_again_changes_nothing_of_the_new_one(line: str) -> None:
    state = after(ANA, REGISTERED, ":ana!~u@host ACCOUNT Ana")
    do(state, f":ana!~u@host {line}")
    do(state, f":{SERVER} DROP Ana")
    do(state, f":{SERVER} REGISTER Ana another")
    failure = refused(state, f":ana!~u@host {line}")
    assert isinstance(failure, Failure)
    assert failure.code == "ACCOUNT_UNKNOWN"
