"""Where a shared log is, from its URL; and the store's own rules about repeated, late and foreign appends."""

from pathlib import Path
from typing import Any

import pytest

from chat.errors import SetupError
from chat.server.shared.place import Place
from chat.server.shared.scripts import ENTRY_VERSION
from chat.server.shared.store import DeclaredGone, Snapshot, Store, StoreDown
from tests.shared.store_process import RedisProcess, running_store


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://h", Place("redis", (("h", 6379),), None, None, 0, "", "fanfare:", None)),
        ("rediss://h:1/3", Place("rediss", (("h", 1),), None, None, 3, "", "fanfare:", None)),
        ("redis://u:p%40@[::1]:2/0?prefix=x:", Place("redis", (("::1", 2),), "u", "p@", 0, "", "x:", None)),
        ("redis://:secret@h", Place("redis", (("h", 6379),), None, "secret", 0, "", "fanfare:", None)),
        ("redis://h?replica=r:7", Place("redis", (("h", 6379),), None, None, 0, "", "fanfare:", ("r", 7))),
        ("unix:///run/r.sock?db=2", Place("unix", (), None, None, 2, "/run/r.sock", "fanfare:", None)),
        (
            "sentinel://a,b:3/chat/1",
            Place("sentinel", (("a", 26_379), ("b", 3)), None, None, 1, "chat", "fanfare:", None),
        ),
    ],
)
def test_a_url_names_a_store(url: str, place: Place) -> None:
    assert Place.of(url) == place


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("mysql://h", "log is mysql://..., not one of redis://, rediss://, unix://, sentinel://"),
        ("redis://", "log is redis:// and nothing behind it: redis://HOST/DB, unix:///PATH, sentinel://HOST/NAME"),
        ("redis://h:x", "'h:x' is not HOST:PORT"),
        ("redis://h:70000", "'h:70000' is not HOST:PORT"),
        ("redis://h/x", "the database is 'x', it must be a number"),
        ("redis://h?colour=red", "there is no parameter colour; prefix, replica, db, ca, cert, key are known"),
    ],
)
def test_a_url_that_names_none_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(SetupError) as refused:
        Place.of(url)
    assert complaint in str(refused.value)


def test_a_store_is_shown_without_its_password() -> None:
    assert str(Place.of("redis://user:secret@h:1/2")) == "redis://h:1"


def test_a_store_lets_in_by_password_and_as_a_user_and_refuses_in_one_line(tmp_path: Path) -> None:
    users = ("--requirepass", "secret", "--user", "chat", "on", ">word", "~fanfare:*", "+@all")
    with running_store(tmp_path, 0, *users) as store:
        for login in (":secret", "chat:word"):
            opened = Store(Place.of(f"unix://{login}@{store.path}"))
            opened.check({})
            assert opened.enter(login, "token", 60.0, "new")
            opened.close()
        for login in ("chat:secret@", ":word@", ""):
            refused = Store(Place.of(f"unix://{login}{store.path}"))
            with pytest.raises(SetupError, match="does not let us in") as reason:
                refused.check({})
            assert "\n" not in str(reason.value)
            assert "secret" not in str(reason.value)
            refused.close()
        foreign = Store(Place.of(f"unix://chat:word@{store.path}?prefix=others:"))
        with pytest.raises(SetupError, match="does not let us in"):
            foreign.check({"lobby": "#lobby"})
        foreign.close()


@pytest.fixture
def line(store: RedisProcess) -> "Line":
    return Line(Store(Place.of(store.url)))


class Line:
    """A store, and what its stream says."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def lines(self) -> list[str]:
        return [item.line for item in self.store.read("0-0", 100, None)]


def test_a_repeated_append_adds_only_what_is_missing(line: Line) -> None:
    epoch = line.store.enter("a", "token", 60.0, "new")
    line.store.append("a", epoch, 1, [(7, "one"), (8, "two")])
    line.store.append("a", epoch, 1, [(7, "one"), (8, "two"), (9, "three")])
    assert line.lines() == [f":a NODE new {epoch}", "one", "two", "three"]
    assert [item.number for item in line.store.read("0-0", 100, None)] == [1, 2, 3, 4]
    line.store.close()


def test_nothing_is_taken_of_a_node_that_was_declared_gone(line: Line, store: RedisProcess) -> None:
    epoch = line.store.enter("a", "token", 60.0, "new")
    assert not line.store.declare_gone("a", epoch)  # its lease runs
    store.client().delete("fanfare:lease:a")
    assert line.store.without_lease() == [("a", epoch)]
    assert line.store.declare_gone("a", epoch)
    assert not line.store.declare_gone("a", epoch)  # once
    with pytest.raises(DeclaredGone):
        line.store.append("a", epoch, 1, [(7, "too late")])
    assert not line.store.renew("a", epoch, "token", 60.0)
    again = line.store.enter("a", "token", 60.0, "back")
    assert again > epoch
    line.store.append("a", again, 1, [(7, "again")])
    assert line.lines() == [f":a NODE new {epoch}", f":a NODE down {epoch}", f":a NODE back {again}", "again"]
    line.store.close()


def test_a_name_belongs_to_one_process_while_its_lease_runs(line: Line, store: RedisProcess) -> None:
    one = line.store.enter("a", "token", 60.0, "new")
    assert one
    assert line.store.enter("a", "other", 60.0, "new") == 0
    store.client().delete("fanfare:lease:a")
    two = line.store.enter("a", "other", 60.0, "new")
    assert two > one
    assert not line.store.renew("a", one, "token", 60.0)
    assert line.lines() == [f":a NODE new {one}", f":a NODE down {one}", f":a NODE new {two}"]
    line.store.close()


def test_two_that_came_in_by_entries_of_which_a_failover_lost_one_are_not_taken_for_each_other(
    line: Line, store: RedisProcess
) -> None:
    client = store.client(decode=False)
    assert line.store.enter("a", "other", 60.0, "new")
    client.delete("fanfare:lease:a")
    before = {key: client.dump(key) for key in ("fanfare:log", "fanfare:meta")}
    lost = line.store.enter("a", "token", 60.0, "new")
    client.delete("fanfare:lease:a")
    for key, value in before.items():
        assert isinstance(value, bytes)
        client.restore(key, 0, value, replace=True)
    epoch = line.store.enter("a", "theirs", 60.0, "new")
    line.store.append("a", epoch, 1, [(7, "theirs")])
    client.delete("fanfare:lease:a")
    assert not line.store.renew("a", lost, "token", 60.0)
    with pytest.raises(DeclaredGone):
        line.store.append("a", lost, 1, [(7, "left out as a repetition"), (7, "taken for theirs")])
    assert line.lines()[-1] == "theirs"
    line.store.close()


def test_a_snapshot_is_there_for_the_newest_entry_and_for_the_first_that_the_log_has(line: Line) -> None:
    store = line.store
    epoch = store.enter("a", "token", 60.0, "new")
    store.append("a", epoch, 1, [(0, f"{number}") for number in range(2, 101)])
    ids = [item.id for item in store.read("0-0", 200, None)]
    snapshots = [Snapshot(ids[number - 1], number, f"state {number}") for number in (10, 50, 90)]
    for snapshot in snapshots[:2]:
        assert store.write_snapshot(snapshot, 95)
        assert not store.write_snapshot(snapshots[0], 95)  # there is one that is as new
    assert store.read_snapshot() == snapshots[1]
    assert store.read_snapshot(49) == snapshots[0]
    assert store.read_snapshot(9) == Snapshot()  # all that there ever was is there
    entries, size = store.size()
    assert entries == 100
    assert 1_000 < size < 100_000
    assert store.write_snapshot(snapshots[2], 40)
    assert [store.read_snapshot(upto) for upto in (9, 89, 90)] == [snapshots[1], *snapshots[1:]]
    assert line.lines() == [f"{number}" for number in range(50, 101)]
    store.close()


def test_a_claim_is_given_up_by_who_holds_it_and_in_one_step(line: Line, store: RedisProcess) -> None:
    one, other = line.store, Store(Place.of(store.url))
    one._redis.hset("fanfare:meta", "version", ENTRY_VERSION)
    assert one.claim_snapshot("one", 60.0)
    other.release_snapshot("other")
    assert not other.claim_snapshot("other", 60.0)
    command: Any = one._redis.execute_command
    commands: list[Any] = []

    def run_out(*arguments: Any, **options: Any) -> Any:
        """Between two commands the claim runs out, and the other has it."""
        commands.append(arguments[0])
        if len(commands) > 1:
            other._redis.set("fanfare:snapshots:claim", "other")
        return command(*arguments, **options)

    one._redis.execute_command = run_out  # type: ignore[method-assign]
    one.release_snapshot("one")
    assert other._redis.get("fanfare:snapshots:claim") == ("other" if len(commands) > 1 else None), commands
    one.close()
    other.close()


def test_a_store_that_is_away_can_be_asked_again(line: Line, store: RedisProcess) -> None:
    store.stop()
    with pytest.raises(StoreDown, match="cannot be reached"):
        line.store.newest()
    store.start()
    assert line.store.newest() == "0-0"
    line.store.close()
