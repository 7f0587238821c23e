"""What a room allows, whom it keeps out, and whose ranks it keeps, is there after a restart."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chat.server.disk.sqlite import SqliteLog
from chat.server.log.log import Log
from chat.settings import Settings
from tests.core.chat import Chat


def on_disk(path: Path) -> Chat:
    settings = Settings(log=f"sqlite:{path}")

    def make(node: str, kept: int, clock: Callable[[], float]) -> Log:
        return SqliteLog(settings, node, kept, clock)

    chat = Chat(make, log=f"sqlite:{path}")
    chat.node.log.start(lambda callback: None, lambda reason: None)
    return chat


def test_modes_lists_key_and_ranks_survive_and_hold_against_the_first_who_comes(tmp_path: Path) -> None:
    chat = on_disk(tmp_path / "log")
    ana, bob = chat.member("ana"), chat.member("bob")
    chat.log_in(ana, "ana")
    chat.log_in(bob, "bob")
    chat.run(ana, "JOIN #a", "MODE #a +imsRk-t secret", "MODE #a +beI eve ~a:eva *!*@10.0.0.0/8", "INVITE bob #a")
    chat.run(bob, "JOIN #a")
    chat.run(ana, "MODE #a +ol bob 5")
    before = chat.answers(ana, "MODE #a", "MODE #a beI")
    chat.node.log.close()

    again = on_disk(tmp_path / "log")
    assert not again.node.state.rooms
    eve = again.member("eve")
    assert again.answers(eve, "JOIN #a secret") == ["474 eve #a :Cannot join channel (+b)"]
    assert again.answers(eve, "NICK zoe", "JOIN #a secret")[1].startswith("477 zoe #a ")
    bob = again.member("bobby")  # the nickname belongs to the account
    again.log_in(bob, "bob")
    again.run(bob, "JOIN #a")  # a kept operator needs neither key nor invitation
    assert again.answers(bob, "NAMES #a")[0] == "353 bobby @ #a :@bobby"
    ana = again.member("anna")
    again.log_in(ana, "ana")
    again.run(ana, "JOIN #a")
    assert again.answers(ana, "NAMES #a")[0] == "353 anna @ #a :@bobby ~anna"
    again.run(ana, "NICK ana")
    assert again.answers(ana, "MODE #a", "MODE #a beI") == before
    again.node.log.close()


@pytest.mark.parametrize("owned", [True, False])
def test_an_empty_room_that_keeps_out_who_comes_stays_or_is_made_new(tmp_path: Path, owned: bool) -> None:
    """Nobody could ever come into one again that no account operates. What was said in it is shown to nobody then."""
    chat = on_disk(tmp_path / "log")
    ana = chat.member("ana")
    if owned:
        chat.log_in(ana, "ana")
    chat.run(ana, "JOIN #a", "TOPIC #a :plans", "MODE #a +k secret", "PART #a")
    created = chat.node.state.remembered["#a"].created
    chat.now += 10
    eve = chat.member("eve")
    answers = chat.answers(eve, "JOIN #a")
    if owned:
        assert answers == ["475 eve #a :Cannot join channel (+k)"]
        assert chat.answers(eve, "JOIN #a secret")[0] == ":eve!~u@host JOIN #a"
        assert chat.answers(eve, "NAMES #a")[0] == "353 eve = #a :eve"
        assert chat.room().created == created
    else:
        assert answers == [":eve!~u@host JOIN #a", "353 eve = #a :@eve", "366 eve #a :End of /NAMES list"]
        assert chat.answers(eve, "MODE #a")[0] == "324 eve #a +nt"
        assert chat.room().created > created
    chat.node.log.close()
