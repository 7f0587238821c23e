"""What the menus and the view's parts ask for, done. Between widgets and model; opens no connection by itself."""

from __future__ import annotations

import tkinter
import webbrowser
from collections.abc import Callable, Mapping
from tkinter import messagebox
from typing import TYPE_CHECKING

from chat.client.model import commands
from chat.client.model.changes import TalksChanged
from chat.client.model.network import Network
from chat.client.model.talk import Delivery, Line, Talk, TalkKind
from chat.client.text.completion import Candidates, by_speech
from chat.client.text.links import links
from chat.client.ui.menus import Entry

if TYPE_CHECKING:
    from chat.client.ui.window import Window

_LINKS = 12  # of the newest that the menu of links offers
_REACTIONS = ("👍", "❤", "😄", "🎉")
_MANY_LINES = 5  # more than these are asked about before they are sent


class Actions:
    def __init__(self, window: Window) -> None:
        self._window = window

    def for_menus(self) -> Mapping[str, Callable[[], object]]:
        window = self._window
        transcript, find = window.view.transcript, window.view.find
        return {
            "connect": window.connect_elsewhere,
            "servers": window.dialogs.servers,
            "again": window.again,
            "disconnect": self._leave,
            "preferences": window.dialogs.preferences,
            "quit": window.ask_to_quit,
            "copy": self.copy,
            "select_all": self._select_all,
            "find": lambda: self._look(find.open),
            "find_next": lambda: self._look(find.next),
            "find_previous": lambda: self._look(find.previous),
            "search_logs": window.dialogs.search_logs,
            "links": self._post_links,
            "resend": lambda: self._resend_those(lambda line: line.delivery is Delivery.UNSENT),
            "larger": lambda: window.theme.resize(1),
            "smaller": lambda: window.theme.resize(-1),
            "usual": lambda: window.theme.resize(0),
            "part": lambda: self._look(window.view.next_part),
            "go": lambda: self._look(window.dialogs.go_to),
            "join": lambda: self._begin_to_type("/join #"),
            "rooms": lambda: window.network and window.typed("/list"),
            "query": lambda: self._begin_to_type("/query "),
            "next": lambda: self._step(1),
            "previous": lambda: self._step(-1),
            "unread": self._next_unread,
            "new": lambda: self._look(transcript.to_new),
            "close": lambda: window.network and window.typed("/close"),
            "help": window.dialogs.help,
        }

    def typed(self, text: str) -> bool:
        return self._window.typed(text)

    def question(self, text: str) -> str:
        """What to ask before this is sent; empty for a few lines."""
        lines = commands.lines_of(text)
        network = self._window.network
        if len(lines) <= _MANY_LINES or network is None:
            return ""
        return f"Send {len(lines):,} lines to {network.current.name}?"

    def candidates(self) -> Candidates:
        network = self._window.network
        if not network:
            return Candidates()
        talk = network.current
        others = [nick for nick in talk.members.nicks() if not network.me.named(nick)]
        if talk.kind is TalkKind.PERSON:
            others.append(talk.name)
        spoke = [line.nick for line in talk.lines if line.words]
        return Candidates(by_speech(others, spoke), commands.NAMES, [room.name for room in network.talks.rooms()])

    def open(self, talk: Talk) -> None:
        window = self._window
        network = window.client.network_of(talk)
        if network and talk is not window.client.attention.talk:
            window.show(network.open(talk))
            if window.root.focus_get() is not window.view.sidebar.list:  # who goes through the talks by keys goes on
                window.view.composer.text.focus_set()

    def query(self, nick: str) -> None:
        network = self._window.network
        if network:
            changes = list(network.talk_with(nick))
            talk = network.talks.find(nick)
            assert talk
            self._window.show([*changes, *network.open(talk), TalksChanged()])
            self._window.view.composer.text.focus_set()

    def again(self) -> None:
        self._window.again()

    def edit_server(self) -> None:
        self._window.edit_server()

    def trust(self) -> None:
        self._window.trust()

    def stop_sending(self) -> None:
        if self._window.network:
            self._window.typed("/stop")

    def visit(self, url: str) -> object:
        if url.lower().startswith(("irc://", "ircs://")):
            self._window.visit(url)
            return True
        return webbrowser.open(url)

    def resend(self, line: int) -> None:
        """This line of the talk that is shown, which is not sent."""
        self._resend_those(lambda unsent: unsent.id == line)

    def load_more(self) -> None:
        """Somebody has scrolled to the beginning of what is known."""
        network = self._window.network
        if network:
            self._window.show(network.history.load_more(network.current))
            self._window.flush()

    def nick_colour(self, nick: str) -> str:
        palette, talk = self._window.theme.palette, self._window.client.attention.talk
        number = talk.members.colour(nick, len(palette.nicks)) if talk else 0
        return palette.nicks[number]

    def text_menu(self, line: Line | None, url: str, x: int, y: int) -> None:
        """On the transcript: what can be done with the text, a link, who said it."""
        menus, entries = self._window.menus, list[Entry]()
        if url:
            entries += [("Open Link", lambda: self.visit(url)), ("Copy Link", lambda: self._put(url)), None]
        entries += [menus.entry(name) for name in ("copy", "select_all", "find", "links", "resend", "new")]
        network = self._window.network
        if line and line.msgid and network and network.tags.understood:
            entries += [None, ("Reply", lambda: self._reply(line))]
            entries += [(f"React {sign}", lambda sign=sign: self._react(line, sign)) for sign in _REACTIONS]  # type: ignore[misc]
        if line and line.nick and network and not network.me.named(line.nick):
            entries += [None, *self._of_person(network, line.nick)]
        menus.post(entries, x, y)

    def typing(self, active: bool) -> None:
        network = self._window.network
        if network and network.reaches(network.current):
            network.tags.we_type(network.current, active)
            self._window.flush()

    def forget_reply(self) -> None:
        if self._window.network:
            self._window.network.current.reply_to = None
            self._window.display.show_reply()

    def _reply(self, line: Line) -> None:
        if self._window.network:
            self._window.network.current.reply_to = line
            self._window.display.show_reply()
            self._window.view.composer.text.focus_set()

    def _react(self, line: Line, sign: str) -> None:
        network = self._window.network
        if network:
            network.tags.react(network.current, line, sign)
            self._window.flush()

    def member_menu(self, nick: str, x: int, y: int) -> None:
        network = self._window.network
        if network:
            self._window.menus.post(self._of_person(network, nick), x, y)

    def talk_menu(self, talk: Talk, x: int, y: int) -> None:
        network = self._window.client.network_of(talk)
        if network is None:
            return
        self.open(talk)
        do = self._typing
        entries: list[Entry] = []
        if talk.kind is TalkKind.ROOM:
            entries += [("Leave", do("/part")) if talk.joined else ("Join Again", do("/join")), None]
            entries += [("Close", do("/close"))]
        elif talk.kind is TalkKind.PERSON:
            entries += [("Who Is This?", do(f"/whois {talk.name}")), ("Close", do("/close"))]
        else:
            entries += [("Rooms …", do("/list")), ("Edit Server …", self._window.edit_server), None]
            entries += [("Disconnect", self._leave)]
        self._window.menus.post(entries, x, y)

    def box_menu(self, x: int, y: int) -> None:
        text = self._window.view.composer.text
        names = ("Undo", "Redo", "", "Cut", "Copy", "Paste")
        entries: list[Entry] = [
            (name, lambda name=name: text.event_generate(f"<<{name}>>")) if name else None  # type: ignore[misc]
            for name in names
        ]
        entries += [None, ("Select All", lambda: text.tag_add("sel", "1.0", "end-1c"))]
        self._window.menus.post(entries, x, y)

    def _of_person(self, network: Network, nick: str) -> list[Entry]:
        """What can be done about somebody; what only operators may, where we are one."""
        do = self._typing
        mask = f"{nick}!*@*".lower()
        ignored = mask in network.speech.ignored
        entries: list[Entry] = [
            (f"Write to {nick}", lambda: self.query(nick)),
            ("Who Is This?", do(f"/whois {nick}")),
            ("Mention", lambda: self._mention(nick)),
            ("Copy Name", lambda: self._put(nick)),
            ("Hear Again", do(f"/unignore {nick}")) if ignored else ("Ignore", do(f"/ignore {nick}")),
        ]
        talk = network.current
        me = next((member for member in talk.members.listed() if network.me.named(member.nick)), None)
        them = next((member for member in talk.members.listed() if member.nick == nick), None)
        if me and them and set(me.ranks) & set("~&@%"):
            op, voice = ("@" in them.ranks), ("+" in them.ranks)
            entries += [None, ("Take Operator Away" if op else "Make Operator", do(f"/{'de' * op}op {nick}"))]
            entries += [("Take Voice Away" if voice else "Give Voice", do(f"/{'de' * voice}voice {nick}"))]
            entries += [(f"Remove {nick}", do(f"/kick {nick}")), (f"Ban {nick}", do(f"/ban {nick}"))]
        return entries

    def _typing(self, command: str) -> Callable[[], object]:
        return lambda: self._window.typed(command)

    def _mention(self, nick: str) -> None:
        box = self._window.view.composer.text
        box.insert("insert", f"{nick}: " if not box.get("1.0", "insert") else f"{nick} ")
        box.focus_set()

    def _put(self, text: str) -> None:
        """Into the clipboard."""
        self._window.root.clipboard_clear()
        self._window.root.clipboard_append(text)

    def _look(self, act: Callable[[], object]) -> None:
        """Where there is a talk to look at: the form has none."""
        if self._window.network and self._window.view.winfo_manager():
            act()

    def _leave(self) -> None:
        """Be on this network no longer; whoever is connected is asked first."""
        window = self._window
        if window.network and (not window.network.online or self._sure("Do you want to disconnect?")):
            window.leave(window.network)

    def _sure(self, question: str) -> bool:
        return messagebox.askyesno("Fanfare", question, parent=self._window.root)

    def _step(self, step: int) -> None:
        talks, current = list(self._window.client.talks()), self._window.client.attention.talk
        if current in talks:
            self.open(talks[(talks.index(current) + step) % len(talks)])

    def _next_unread(self) -> None:
        """The talk where somebody called us, else where anything is unread; the next after the one that is shown."""
        talks, current = list(self._window.client.talks()), self._window.client.attention.talk
        if current in talks:
            here = talks.index(current)
            following = talks[here + 1 :] + talks[:here]
            unread = [talk for talk in following if talk.calls] or [talk for talk in following if talk.unread]
            if unread:
                self.open(unread[0])

    def _begin_to_type(self, command: str) -> None:
        if self._window.network:
            self._window.view.composer.set(command)
            self._window.view.composer.text.focus_set()

    def _resend_those(self, wanted: Callable[[Line], bool]) -> None:
        network = self._window.network
        if network:
            lines = [line for line in network.outgoing.unsent(network.current) if wanted(line)]
            self._window.show(network.resend(*lines))
            self._window.flush()

    def copy(self) -> None:
        """What is selected where the keyboard is, or else in the transcript."""
        here = self._window.root.focus_get()
        text = self._window.view.transcript.text
        if isinstance(here, tkinter.Entry) or (isinstance(here, tkinter.Text) and here.tag_ranges("sel")):
            here.event_generate("<<Copy>>")
        elif text.tag_ranges("sel"):
            text.event_generate("<<Copy>>")

    def _select_all(self) -> None:
        """Of the message box or field where the keyboard is, or else of the transcript."""
        here = self._window.root.focus_get()
        view = self._window.view
        if isinstance(here, tkinter.Entry):
            here.selection_range(0, "end")
        elif here is view.composer.text:
            view.composer.text.tag_add("sel", "1.0", "end-1c")
        else:
            view.transcript.complete()
            view.transcript.text.tag_add("sel", "1.0", "end-1c")

    def _post_links(self) -> None:
        """A menu of the talk's newest links, for the keyboard."""
        network = self._window.network
        if not network:
            return
        urls = dict.fromkeys(link.url for line in reversed(network.current.lines) for link in links(line.text))
        entries: list[Entry] = [(url, lambda url=url: self.visit(url)) for url in list(urls)[:_LINKS]]  # type: ignore[misc]
        text = self._window.view.transcript.text
        nothing: list[Entry] = [("There are no links in this talk", lambda: None)]
        self._window.menus.post(entries or nothing, text.winfo_rootx(), text.winfo_rooty(), first=True)
