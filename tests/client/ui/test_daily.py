"""What one does every day at the window: menus, rooms, servers, where one left off, the topic, long pastes."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from chat.client.irc.address import Address
from chat.client.irc.server_news import Lost, Problem
from chat.client.irc.session import Session
from chat.client.model import settings
from chat.client.model.connection import Reconnect
from chat.client.model.settings import Server, Settings
from chat.client.model.talk import Line, LineKind
from chat.client.store import archive
from tests.scripted import ScriptedServer
from tests.support import RunningServer, running_server

try:
    from tests.client.hands import Hands
except ImportError:
    pytest.skip("this Python has no Tk", allow_module_level=True)

pytestmark = pytest.mark.gui


def choose(hands: Hands, label: str) -> None:
    """This entry of the menu that is posted."""
    menu = hands.window.menus.context
    place = menu.index(label) or 0
    menu.unpost()
    hands.root.update()
    menu.invoke(place)
    hands.root.update()


def labels(hands: Hands) -> list[str]:
    menu = hands.window.menus.context
    last = menu.index("end")
    places = range(0 if last is None else last + 1)
    return [menu.entrycget(place, "label") for place in places if menu.type(place) != "separator"]


def test_what_was_open_is_opened_again_at_the_next_start(
    hands: Hands, scripted: ScriptedServer, other: ScriptedServer
) -> None:
    servers = (
        Server(other.target.server, "zoe", ("#tea", "#keyed word")),
        Server(scripted.target.server, "ana", ("#lobby",)),
        Server("127.0.0.1:1", "nobody", opened=False),
    )
    settings.save(Settings(servers))
    window = hands.open()
    end = other.accept()
    assert end.expect("NICK").params == ["zoe"]
    end.expect("USER")
    end.send(":s CAP * LS :", ":s 001 zoe :Welcome")
    assert [end.expect("JOIN").params for _ in range(2)] == [["#tea"], ["#keyed", "word"]]
    scripted.welcome()
    hands.until(lambda: hands.members() == ("ana", "ben"))
    assert [name for name, _ in hands.talks()] == [
        *(other.target.server, "#tea", "#keyed"),
        *(scripted.target.server, "#lobby"),
    ]
    window.leave(window.client.networks[0])
    window.close()
    kept = {server.address: server.opened for server in settings.load().servers}
    assert kept == {other.target.server: False, scripted.target.server: True, "127.0.0.1:1": False}


def test_a_second_server_is_joined_beside_the_first(
    hands: Hands, scripted: ScriptedServer, other: ScriptedServer
) -> None:
    window = hands.open(scripted.target, "ana")
    first = scripted.welcome()
    hands.wait_for("You joined #lobby")
    hands.press("Control-o")
    hands.until(window.form.winfo_viewable)
    window.form.server.delete(0, "end")
    window.form.server.insert(0, other.target.server)
    hands.click(window.form.button)
    end = other.welcome()
    hands.until(lambda: len(hands.talks()) == 4)
    hands.until(lambda: hands.members() == ("ana", "ben"))
    end.send(":ben!b@h PRIVMSG #lobby :from the second")
    hands.wait_for("from the second")
    first.send(":ben!b@h PRIVMSG #lobby :from the first")
    hands.until(lambda: hands.talks()[1] == ("#lobby", "1"))
    hands.type("to the second")
    assert end.expect("PRIVMSG").params == ["#lobby", "to the second"]


def test_the_servers_are_managed_in_a_window_of_their_own(hands: Hands, scripted: ScriptedServer) -> None:
    known = (Server("h:1", "ana", ("#a",), opened=False), Server(scripted.target.server, "ana", opened=False))
    settings.save(Settings(known))
    window = hands.open()
    window.dialogs.servers()
    page = window.dialogs.open_servers
    assert page
    assert [page.list.item(row, "values")[0] for row in page.list.get_children()] == ["h:1", scripted.target.server]
    page.list.selection_set("h:1")
    page.toggle()
    assert settings.load().servers[0].opened
    page.forget()
    assert [server.address for server in settings.load().servers] == [scripted.target.server]
    page.connect()
    end = scripted.accept()
    end.expect("USER")
    hands.until(window.view.winfo_viewable)


def test_a_member_is_written_to_asked_about_ignored_and_removed_by_a_menu(hands: Hands, server: RunningServer) -> None:
    window = hands.open(Address("127.0.0.1", server.ports["irc"]), "ana")
    hands.wait_for("You joined #lobby")
    ben, zoe = server.irc("ben", "#lobby"), server.irc("zoe", "#lobby")
    hands.until(lambda: hands.members() == ("ana", "ben", "zoe"))
    window.actions.member_menu("ben", 10, 10)
    assert {"Write to ben", "Who Is This?", "Ignore", "Make Operator", "Remove ben", "Ban ben"} <= set(labels(hands))
    choose(hands, "Who Is This?")
    hands.wait_for("ben is in #lobby")
    window.actions.member_menu("ben", 10, 10)
    choose(hands, "Make Operator")
    hands.until(lambda: window.view.people.list.get(0, "end") == ("@ana", "@ben", "zoe"))
    window.actions.member_menu("ben", 10, 10)
    choose(hands, "Ignore")
    ben.say("#lobby", "unheard")
    ben.sync()
    zoe.say("#lobby", "after that")
    hands.wait_for("after that")
    window.actions.member_menu("ben", 10, 10)
    choose(hands, "Stop Ignoring")
    ben.say("#lobby", "heard")
    hands.wait_for("ben  heard")
    assert "unheard" not in hands.transcript()
    window.actions.member_menu("ben", 10, 10)
    choose(hands, "Remove ben")
    assert ben.expect("KICK").params[:2] == ["#lobby", "ben"]
    window.actions.member_menu("ben", 10, 10)
    choose(hands, "Write to ben")
    assert hands.root.title().startswith("ben")


def test_the_transcript_has_a_menu_for_links_and_for_who_spoke(
    hands: Hands, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    visited: list[str] = []
    monkeypatch.setattr("webbrowser.open", visited.append)
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    end.send(":ben!b@h PRIVMSG #lobby :see https://one.example/a now")
    hands.wait_for("see https")
    text = window.view.transcript.text
    left, top, _, height = text.bbox(text.search("one.example", "1.0")) or (0, 0, 0, 0)
    text.event_generate("<Button-3>", x=left + 2, y=top + height // 2)
    hands.root.update()
    assert labels(hands)[:2] == ["Open Link", "Copy Link"]
    assert "Write to ben" in labels(hands)
    choose(hands, "Copy Link")
    assert hands.root.clipboard_get() == "https://one.example/a"
    window.actions.text_menu(None, "https://one.example/a", 5, 5)
    choose(hands, "Open Link")
    assert visited == ["https://one.example/a"]
    window.actions.text_menu(Line(1.0, LineKind.SAY, "hi", "ben"), "", 5, 5)
    choose(hands, "Mention")
    assert window.view.composer.get() == "ben: "


def test_talks_and_the_message_box_have_menus(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    hands.wait_for("You joined")
    talk = window.client.attention.talk
    assert talk
    window.actions.talk_menu(talk, 5, 5)
    choose(hands, "Leave")
    assert end.expect("PART").params == ["#lobby"]
    window.view.composer.set("words")
    window.actions.box_menu(5, 5)
    assert labels(hands) == ["Undo", "Redo", "Cut", "Copy", "Paste", "Select All"]
    choose(hands, "Select All")
    window.actions.box_menu(5, 5)
    choose(hands, "Cut")
    assert window.view.composer.get() == ""
    assert hands.root.clipboard_get() == "words"


def test_the_rooms_of_a_server_are_searched_and_joined(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    hands.wait_for("You joined")
    hands.type("/list")
    assert end.expect("LIST")
    end.send(":s 321 ana Channel :Users", ":s 322 ana #cats 5 :miaow", ":s 322 ana #dogs 9 :cats forbidden")
    end.send(":s 322 ana #tea 1 :", ":s 323 ana :End")
    page = window.dialogs.room_list
    assert page
    hands.until(lambda: page.count["text"] == "3 of 3 rooms")
    assert [page.list.item(row, "values")[0] for row in page.list.get_children()] == ["#dogs", "#cats", "#tea"]
    narrow = page.list.column("room", "width")
    window.client.networks[0].room_list[0] = replace(window.client.networks[0].room_list[0], room="#" + "wide-" * 7)
    page.draw(complete=True)
    assert page.list.column("room", "width") > narrow, "a long name is not cut short"
    window.client.networks[0].room_list[0] = replace(window.client.networks[0].room_list[0], room="#cats")
    page.words.set("cats")
    assert [page.list.item(row, "values")[0] for row in page.list.get_children()] == ["#dogs", "#cats"]
    page.list.selection_set(page.list.get_children()[1])
    page.join()
    assert end.expect("JOIN").params == ["#cats"]


def test_a_long_paste_is_asked_about_and_can_be_edited_left_or_sent(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    hands.wait_for("You joined")
    box = window.view.composer
    paste = "\n".join(f"line {number}" for number in range(20))
    box.set("one\ntwo\nthree\nfour\nfive")
    hands.key("Return")
    hands.root.update()
    assert not box.bar.winfo_ismapped()
    assert [end.expect("PRIVMSG").params[1] for _ in range(5)] == ["one", "two", "three", "four", "five"]
    end.send(f":s PONG s :{end.expect('PING').params[0]}")
    hands.until(lambda: "pending" not in hands.looks("five"))
    box.set(paste)
    hands.key("Return")
    hands.root.update()
    assert box.bar.winfo_ismapped()
    assert box.asked["text"] == "Send 20 lines to #lobby?"
    hands.key("Escape")
    hands.root.update()
    assert not box.bar.winfo_ismapped()
    assert box.get() == paste
    hands.key("Return")
    hands.root.update()
    hands.key("Return")
    hands.root.update()
    assert box.get() == ""
    assert [end.expect("PRIVMSG").params[1] for _ in range(8)] == [f"line {number}" for number in range(8)]
    hands.until(window.view.stop.winfo_ismapped)
    assert "12 lines waiting to be sent" in window.view.status["text"]
    hands.click(window.view.stop)
    hands.until(lambda: hands.transcript().count("Not sent. Send again") == 12)
    assert not window.view.stop.winfo_ismapped()
    box.set("x\n" * 600)
    box.submit(asked=True)
    hands.wait_for("600 lines more cannot be kept")
    assert box.get() == "x\n" * 600


def test_a_line_whose_fate_is_unknown_says_perhaps(hands: Hands, scripted: ScriptedServer) -> None:
    much_later = partial(Reconnect, base=3600.0, cap=3600.0, chance=lambda: 1.0)
    hands.open(scripted.target, "ana", Session, much_later)
    end = scripted.welcome("echo-message")
    hands.wait_for("You joined")
    hands.type("did it arrive?")
    end.expect("PRIVMSG")
    end.sock.close()
    hands.wait_for("did it arrive?  Perhaps not sent. Send again")
    hands.type("this did not")
    hands.wait_for("this did not  Not sent. Send again")


def test_a_password_for_a_service_is_not_recalled(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    hands.wait_for("You joined")
    hands.type("hello")
    window.view.composer.set("/msg NickServ IDENTIFY hunter2")
    hands.key("Return")
    assert [end.expect("PRIVMSG").params[1] for _ in range(2)] == ["hello", "IDENTIFY hunter2"]
    hands.key("Up")
    assert window.view.composer.get() == "hello"


def test_the_free_space_above_a_first_row_that_calls_is_not_tinted(hands: Hands, scripted: ScriptedServer) -> None:
    text = hands.open(scripted.target, "ana").view.transcript.text
    end = scripted.welcome()
    hands.wait_for("You joined")
    hands.type("/clear")
    end.send(":ben!b@h PRIVMSG #lobby :ana: \x0301,08look", ":ben!b@h PRIVMSG #lobby :after")
    hands.wait_for("after")
    for place in ("1.0", text.search("look", "1.0"), "1.0 lineend"):
        tags = text.tag_names(place)
        grounds = [tag for tag in tags if text.tag_cget(tag, "background")]
        assert grounds[-1] == "top", place


def test_a_folded_row_opens_by_a_click(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    end.send(*(f":user{number}!u@h JOIN #lobby" for number in range(6)), ":ben!b@h PRIVMSG #lobby :hi all")
    hands.wait_for("user0, user1 and 4 others joined  Show")
    hands.wait_for("hi all")
    hands.click_at(window.view.transcript.text.search("Show", "1.0"))
    hands.wait_for("user3 joined\n")
    assert "Show" not in hands.transcript()


def test_one_gets_to_where_one_left_off(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    end.send(*(f":ben!b@h PRIVMSG #lobby :line {number}" for number in range(50)))
    hands.wait_for("line 49")
    hands.press("Control-Prior")
    end.send(*(f":ben!b@h PRIVMSG #lobby :more {number}" for number in range(100)))
    hands.until(lambda: hands.talks()[1] == ("#lobby", "100"))
    hands.press("Control-Next")
    hands.wait_for("more 99")
    text = window.view.transcript.text
    assert text.yview()[1] == 1.0
    hands.press("Control-Shift-U")
    hands.root.update()
    top = int(text.index("@0,0").split(".")[0])
    assert "new" in text.get(f"{top + 1}.0", f"{top + 1}.end") or "new" in text.get(f"{top}.0", f"{top}.end")


def test_each_talk_is_found_where_one_had_scrolled_to(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    end.send(*(f":ben!b@h PRIVMSG #lobby :line {number}" for number in range(500)))
    hands.wait_for("line 499")
    text = window.view.transcript.text
    window.view.transcript.complete()
    window.view.transcript.look_at(text.search("line 100", "1.0"))
    hands.root.update()
    top = text.get("@0,0", "@0,0 lineend")
    hands.press("Control-Prior")
    end.send(":ben!b@h PRIVMSG #lobby :line 500")
    hands.until(lambda: hands.talks()[1] == ("#lobby", "1"))
    hands.press("Control-Next")
    hands.wait_for("line 500")
    hands.root.update()
    assert text.get("@0,0", "@0,0 lineend").split()[-1] == top.split()[-1]


def test_history_leaves_the_end_in_sight_and_more_of_it_what_one_has_scrolled_to(hands: Hands, tmp_path: Path) -> None:
    with running_server(log=f"sqlite:{tmp_path / 'log.db'}") as server:
        ben = server.irc("ben", "#lobby")
        for number in range(320):
            ben.say("#lobby", f"line {number}")
        ben.sync()
        window = hands.open(Address("127.0.0.1", server.ports["irc"]), "ana")
        text = window.view.transcript.text
        hands.wait_for("line 319")
        hands.until(lambda: text.bbox("end-1c linestart"))
        first = text.get("1.0", "1.0 lineend")
        while text.yview()[0] > 0 and "line 121\n" not in text.get("1.0", "end"):  # or it would go on into that part
            window.view.transcript.page(-1)
            hands.root.update()
        hands.wait_for("line 121\n")
        assert text.get("@0,0 linestart", "@0,0 lineend").split()[-1] == first.split()[-1]
        window.close()


def test_one_stays_where_one_has_scrolled_to_when_all_is_drawn_from_the_start(
    hands: Hands, scripted: ScriptedServer
) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    end.send(*(f":ben!b@h PRIVMSG #lobby :line {number}" for number in range(400)))
    hands.wait_for("line 399")
    transcript = window.view.transcript
    hands.until(lambda: transcript.text.yview()[1] == 1.0)
    for _ in range(4):
        transcript.page(-1)
    hands.root.update()
    top = transcript.text.get("@0,0 linestart", "@0,0 lineend")
    assert "line 399" not in top
    window.menus.themes.invoke(2)
    hands.root.update()
    assert transcript.text.get("@0,0 linestart", "@0,0 lineend") == top


def test_the_topic_opens_to_its_length_has_links_and_goes_with_the_room(
    hands: Hands, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    visited: list[str] = []
    monkeypatch.setattr("webbrowser.open", visited.append)
    window = hands.open(Address("127.0.0.1", server.ports["irc"]), "ana")
    hands.wait_for("You joined #lobby")
    ben = server.irc("ben", "#lobby", "#bare")
    ben.send("PART #lobby")
    window.typed(f"/topic see https://one.example/ {'and more ' * 30}")
    topic = window.view.topic
    hands.until(lambda: topic.text.get("1.0", "end-1c").startswith("see https"))
    hands.until(topic.more.winfo_ismapped)
    height = topic.text.winfo_height()
    hands.click(topic.more)
    hands.until(lambda: topic.text.winfo_height() > height)
    topic.text.tag_add("sel", "1.0", "1.3")
    topic.text.event_generate("<<Copy>>")
    assert hands.root.clipboard_get() == "see"
    topic.text.tag_remove("sel", "1.0", "end")
    left, top, _, high = topic.text.bbox("1.8") or (0, 0, 0, 0)
    for what in ("<Motion>", "<ButtonPress-1>", "<ButtonRelease-1>"):
        topic.text.event_generate(what, x=left + 2, y=top + high // 2)
    assert visited == ["https://one.example/"]
    hands.type("/join #bare")
    hands.wait_for("You joined #bare")
    assert topic.text.get("1.0", "end-1c") == ""
    assert not topic.more.winfo_ismapped()


def test_control_backspace_takes_a_word_away(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    scripted.welcome()
    hands.wait_for("You joined")
    window.view.composer.set("one 😀two  three  ")
    for left in ("one 😀two  ", "one ", ""):
        hands.press("Control-BackSpace")
        assert window.view.composer.get() == left


def test_one_field_leads_to_talks_people_and_commands(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    scripted.welcome()
    hands.until(lambda: hands.members() == ("ana", "ben"))
    hands.press("Control-k")
    page = window.dialogs.open_go_to
    assert page
    page.words.set("ben")
    assert [(name, what) for name, what, _ in page.found] == [("ben", "person")]
    page.go()
    assert hands.root.title().startswith("ben")
    window.menu_actions.by_name()["go"]()
    page = window.dialogs.open_go_to
    assert page
    page.words.set("lob")
    page.go()
    assert hands.root.title().startswith("#lobby")
    window.menu_actions.by_name()["go"]()
    page = window.dialogs.open_go_to
    assert page
    page.words.set("/topic")
    page.go()
    assert window.view.composer.get() == "/topic "


def test_a_certificate_that_cannot_be_verified_is_trusted_by_a_button(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana", reconnect=partial(Reconnect, 3600.0, 3600.0, chance=lambda: 1.0))
    scripted.welcome()
    hands.wait_for("You joined")
    network = window.network
    assert network
    window.show(network.take(Lost("The certificate of h:1 is signed by nobody.", 1.0, Problem.CERTIFICATE, "AB:CD")))
    hands.until(window.view.trust_button.winfo_viewable)
    assert "AB:CD" in window.view.why["text"]
    hands.click(window.view.trust_button)
    scripted.welcome()
    hands.until(lambda: not window.view.banner.winfo_viewable())
    assert settings.load().servers[0].trusted == "AB:CD"


def test_drafts_come_back_at_the_next_start(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    scripted.welcome()
    hands.wait_for("You joined")
    window.view.composer.set("half a")
    window.close()
    assert [(draft.talk, draft.text) for draft in archive.load()] == [("#lobby", "half a")]
    assert json.loads((settings.folder() / "drafts.json").read_text())


def test_the_logs_are_searched_in_a_window_of_their_own(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    end.send(":ben!b@h PRIVMSG #lobby :the Umbrella is blue", ":ben!b@h PRIVMSG #lobby :nothing else")
    hands.wait_for("nothing else")

    def written() -> bool:
        return "nothing else" in "".join(file.read_text() for file in Path(window.logs).rglob("*.txt"))

    hands.until(written)
    window.dialogs.search_logs()
    page = window.dialogs.open_log_search
    assert page
    page.field.insert(0, "umbrella")
    page.search()
    hands.until(lambda: page.found["text"] == "1 line")
    assert "the Umbrella is blue" in page.text.get("1.0", "end")
    page.window.destroy()


def test_right_to_left_words_that_are_typed_are_shown_as_they_will_be_read(
    hands: Hands, scripted: ScriptedServer
) -> None:
    pytest.importorskip("bidi")
    composer = hands.open(scripted.target, "ana").view.composer
    if hands.root.tk.call("tk", "windowingsystem") != "x11":
        pytest.skip("Tk orders the text by itself here")
    composer.set("hello\nשלום 42")
    hands.until(lambda: str(composer.in_order.cget("text")) == "42\N{NO-BREAK SPACE}םולש")
    assert composer.in_order.winfo_ismapped()
    assert composer.get() == "hello\nשלום 42", "what is sent is in the order of writing"
    composer.set("hello")
    hands.until(lambda: not composer.in_order.winfo_ismapped())


def test_a_link_to_a_server_fills_in_the_form(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    scripted.welcome()
    hands.wait_for("You joined")
    window.actions.visit("ircs://chat.example/tea")
    assert window.form.winfo_manager()
    assert (window.form.server.get(), window.form.room.get()) == ("chat.example:6697", "#tea")
    window.form.back.invoke()
    assert window.view.winfo_manager()


def test_right_to_left_words_are_drawn_as_one_reads_them_and_copied_as_they_were_written(
    hands: Hands, scripted: ScriptedServer
) -> None:
    pytest.importorskip("bidi")
    window = hands.open(scripted.target, "ana")
    if hands.root.tk.call("tk", "windowingsystem") != "x11":
        pytest.skip("Tk orders the text by itself here")
    end = scripted.welcome()
    written = "שלום לכולם https://one.example/ ana"
    end.send(f":ben!b@h PRIVMSG #lobby :{written}", ":ben!b@h PRIVMSG #lobby :after")
    hands.wait_for("after")
    text = window.view.transcript.text
    assert "םולש" in hands.transcript()
    assert "link" in hands.looks("https://one.example/")
    row = text.search("one.example", "1.0").split(".")[0]
    text.tag_add("sel", f"{row}.0", f"{row}.end")
    text.event_generate("<<Copy>>")
    assert hands.root.clipboard_get().endswith(f"\tben\t{written}")
    text.tag_remove("sel", "1.0", "end")
    place = text.search("םולש", "1.0")
    text.tag_add("sel", place, f"{place}+4c")
    text.event_generate("<<Copy>>")
    assert hands.root.clipboard_get() == "שלום"
    text.tag_remove("sel", "1.0", "end")
    hands.root.geometry("430x400")
    hands.until(lambda: hands.root.winfo_width() == 430)
    assert "םולש" in hands.transcript()


def test_a_long_fingerprint_leaves_the_buttons_beside_it_in_sight(hands: Hands) -> None:
    view = hands.open(Address("127.0.0.1", 1), "ana").view
    why = f"The certificate of ircs://127.0.0.1:44229 is signed by nobody. Its fingerprint:\n{':'.join(['AB'] * 32)}"
    view.show_banner(why, "Connect again", edit=True, trust=True)
    buttons = (view.again_button, view.edit_button, view.trust_button)
    hands.until(lambda: all(button.winfo_viewable() for button in buttons))
