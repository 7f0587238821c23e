"""The connect form and the window in every state: nothing covers anything else, everything is in reach."""

import tkinter
from collections.abc import Callable
from functools import partial

import pytest

from chat.client.irc.address import Address
from chat.client.irc.session import Session
from chat.client.model import settings
from chat.client.model.connection import Reconnect, Stage
from chat.client.model.settings import Server, Settings
from tests.scripted import ScriptedServer

try:
    from tests.client.hands import Hands
except ImportError:
    pytest.skip("this Python has no Tk", allow_module_level=True)

pytestmark = pytest.mark.gui

SIZES = ("420x300", "700x480", "1200x800")
SCALINGS = (96 / 72, 192 / 72)


def overlapping(widget: tkinter.Misc) -> list[tuple[str, str]]:
    """Pairs of mapped siblings anywhere below that cover a part of each other, but for what floats on purpose."""
    found = []
    children = [child for child in widget.winfo_children() if child.winfo_ismapped() and child.winfo_manager() != "wm"]
    floating = [child for child in children if child.winfo_manager() == "place"]
    boxes = [
        (child, child.winfo_x(), child.winfo_y(), child.winfo_width(), child.winfo_height())
        for child in children
        if child not in floating and not isinstance(child, tkinter.Menu)
    ]
    for number, (one, x, y, wide, high) in enumerate(boxes):
        for other, left, top, width, height in boxes[number + 1 :]:
            if x < left + width and left < x + wide and y < top + height and top < y + high:
                found.append((str(one), str(other)))
    for child in children:
        found += overlapping(child)
    return found


def resize(hands: Hands, size: str, scaling: float) -> None:
    factor = scaling / SCALINGS[0]
    width, height = (int(int(side) * factor) for side in size.split("x"))
    hands.root.geometry(f"{width}x{height}")
    hands.until(lambda: (hands.root.winfo_width(), hands.root.winfo_height()) == (width, height))
    hands.root.update()


def plain(hands: Hands) -> None:
    pass


def with_errors(hands: Hands) -> None:
    form = hands.window.form
    for field, text in ((form.server, "here:there"), (form.name, "a b"), (form.room, "#a\x01b c d,e f g,#\x00")):
        field.delete(0, "end")
        field.insert(0, text)
        hands.click(form.button)
        hands.root.update()
    assert any(label.winfo_ismapped() for label in form.errors.values())


def with_login(hands: Hands) -> None:
    hands.window.form.open_more(True)


def with_a_long_notice(hands: Hands) -> None:
    hands.window.form.fill(Server("h:1", "ana", ("#a",)), (), "A reason " * 20, "password", lambda: None)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", [plain, with_errors, with_login, with_a_long_notice])
def test_no_part_of_the_form_covers_another_and_its_button_is_in_reach(
    hands: Hands, state: Callable[[Hands], None], size: str, scaling: float
) -> None:
    hands.root.tk.call("tk", "scaling", scaling)
    window = hands.open(None, "ana")
    resize(hands, size, scaling)
    state(hands)
    hands.root.update()
    assert overlapping(window.form) == []
    for field in (window.form.server, window.form.room, window.form.button):
        field.focus_set()
        hands.root.update()
        if field is not window.form.button:
            box = window.form
            assert box.winfo_rooty() <= field.winfo_rooty()
            assert field.winfo_rooty() + field.winfo_height() <= box.winfo_rooty() + box.winfo_height()
    window.form._canvas.yview_moveto(1.0)
    hands.root.update()
    bottom = window.form.winfo_rooty() + window.form.winfo_height()
    assert window.form.button.winfo_rooty() + window.form.button.winfo_height() <= bottom


def talking(hands: Hands, scripted: ScriptedServer) -> None:
    end = scripted.welcome()
    end.send(f":ben!b@h TOPIC #lobby :{'a long topic ' * 20}")
    hands.wait_for("a long topic")


def with_topic_open(hands: Hands, scripted: ScriptedServer) -> None:
    talking(hands, scripted)
    hands.window.view.topic.toggle()


def cut_off(hands: Hands, scripted: ScriptedServer) -> None:
    scripted.welcome().sock.close()
    hands.until(hands.window.view.banner.winfo_viewable)


def asked_about_a_paste(hands: Hands, scripted: ScriptedServer) -> None:
    scripted.welcome()
    hands.wait_for("You joined")
    hands.window.view.composer.set("line\n" * 300)
    hands.window.view.composer.submit()


def sending_much(hands: Hands, scripted: ScriptedServer) -> None:
    asked_about_a_paste(hands, scripted)
    hands.window.view.composer.submit(asked=True)


def finding(hands: Hands, scripted: ScriptedServer) -> None:
    talking(hands, scripted)
    hands.press("Control-f")


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", [talking, with_topic_open, cut_off, asked_about_a_paste, sending_much, finding])
def test_no_part_of_the_window_covers_another(
    hands: Hands,
    scripted: ScriptedServer,
    state: Callable[[Hands, ScriptedServer], None],
    size: str,
    scaling: float,
) -> None:
    hands.root.tk.call("tk", "scaling", scaling)
    window = hands.open(scripted.target, "ana", Session, partial(Reconnect, 3600.0, 3600.0, chance=lambda: 1.0))
    resize(hands, size, scaling)
    state(hands, scripted)
    hands.root.update()
    assert overlapping(window.view) == []
    bottom = hands.root.winfo_rooty() + hands.root.winfo_height()
    for part in (window.view.composer.button, window.view.status):
        assert part.winfo_viewable()
        assert part.winfo_rooty() + part.winfo_height() <= bottom


def test_a_room_in_the_address_counts(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(None, "ana")
    window.form.server.delete(0, "end")
    window.form.server.insert(0, f"irc://127.0.0.1:{scripted.target.port}/tea")
    window.form.room.delete(0, "end")
    window.form.room.insert(0, "cats, #keyed word")
    hands.click(window.form.button)
    end = scripted.accept()
    end.expect("USER")
    end.send(":s CAP * LS :", ":s 001 ana :Welcome")
    assert [end.expect("JOIN").params for _ in range(3)] == [["#tea"], ["#cats"], ["#keyed", "word"]]


def test_a_server_that_was_mistyped_is_edited_beside_trying_again(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(
        Address("127.0.0.1", 1), "ana", reconnect=partial(Reconnect, 3600.0, 3600.0, chance=lambda: 1.0)
    )
    hands.until(window.view.banner.winfo_viewable)
    hands.click(window.view.edit_button)
    hands.until(window.form.winfo_viewable)
    assert window.form.server.get() == "127.0.0.1:1"
    window.form.server.delete(0, "end")
    window.form.server.insert(0, scripted.target.server)
    hands.click(window.form.button)
    scripted.welcome()
    hands.until(lambda: [name for name, _ in hands.talks()] == [scripted.target.server, "#lobby"])
    assert not window.view.banner.winfo_viewable()


def test_a_name_that_is_too_long_gets_a_shorter_suggestion(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "anastasia_the_first_of_her_name")
    end = scripted.accept()
    end.expect("USER")
    end.send(":s 432 * anastasia_the_first_of_her_name :Nickname too long")
    hands.until(window.form.winfo_viewable)
    suggestion = window.form.name.get()
    assert suggestion == "anastasia_the_fi"
    assert suggestion in window.form.notice["text"]


def test_the_fields_of_a_login_are_used_and_its_password_is_nowhere(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target)
    hands.click(window.form.more)
    for field, text in ((window.form.name, "ana"), (window.form.account, "ana"), (window.form.secret, "hunter2")):
        field.delete(0, "end")
        field.insert(0, text)
    hands.click(window.form.button)
    end = scripted.accept()
    end.expect("USER")
    end.send(":s CAP * LS :sasl=PLAIN")
    end.expect("CAP")
    end.send(":s CAP * ACK :sasl")
    assert end.expect("AUTHENTICATE").params == ["PLAIN"]
    end.send("AUTHENTICATE +")
    end.expect("AUTHENTICATE")
    end.send(":s 904 ana :SASL authentication failed")
    end.sock.close()
    hands.until(lambda: window.form.winfo_viewable() and "does not accept" in window.form.notice["text"])
    assert hands.root.focus_get() is window.form.secret
    assert window.form.secret.get() == ""


def test_of_two_servers_that_want_a_password_one_is_asked_about_at_a_time(
    hands: Hands, scripted: ScriptedServer, other: ScriptedServer
) -> None:
    settings.save(Settings((Server(scripted.target.server, "ana"), Server(other.target.server, "zoe"))))
    window = hands.open()
    for server in (scripted, other):
        end = server.accept()
        end.expect("USER")
        end.send(":s 464 * :Password incorrect", "ERROR :Closing link: Bad password")
        end.sock.close()
    hands.until(lambda: all(n.connection.stage is Stage.LOST for n in window.client.networks))
    hands.until(window.form.winfo_viewable)
    first = window.form.server.get()
    hands.key("s", "e")
    hands.root.update()
    assert (window.form.server.get(), window.form.password.get()) == (first, "se")
    window.form.back.invoke()
    assert window.view.winfo_manager()
    window.waker.wake()
    hands.until(window.form.winfo_viewable)
    assert window.form.server.get() != first, "the other one is asked about"
    window.form.back.invoke()
    window.waker.wake()
    hands.until(lambda: window.waker.idle)
    assert window.view.winfo_manager(), "who went back is left alone"
