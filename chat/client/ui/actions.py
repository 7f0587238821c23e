"""The actions of the view's parts. Between widgets and model; opens no connection by itself."""

import tkinter
from collections.abc import Callable, Iterable
from pathlib import Path
from tkinter import messagebox
from typing import Protocol

from chat.client.irc.login import Login
from chat.client.model import commands
from chat.client.model.changes import Change, TalksChanged
from chat.client.model.client import Client
from chat.client.model.network import Network
from chat.client.model.settings import Server, Settings
from chat.client.model.talk import Line, Talk, TalkKind
from chat.client.text.completion import Candidates, by_speech
from chat.client.ui.display import Display
from chat.client.ui.look import Theme
from chat.client.ui.menus import Entry, Menus
from chat.client.ui.pages import Pages
from chat.client.ui.view import View

_LINKS = 12  # of the newest that the menu of links offers
_REACTIONS = ("👍", "❤", "😄", "🎉")
_MANY_LINES = 5  # more than these are asked about before they are sent


class Host(Protocol):
    """The window, for those of its parts that need more than their own widgets."""

    root: tkinter.Tk
    client: Client
    logs: Path
    theme: Theme
    view: View
    display: Display
    menus: Menus
    pages: Pages

    @property
    def network(self) -> Network | None: ...

    def typed(self, text: str) -> bool: ...
    def show(self, changes: Iterable[Change]) -> None: ...
    def flush(self) -> None: ...
    def join(self, server: Server, login: Login, keep: bool = False) -> None: ...
    def leave(self, network: Network, words: str = "") -> None: ...
    def again(self) -> None: ...
    def trust(self) -> None: ...
    def apply(self, changed: Settings) -> None: ...
    def ask_to_quit(self) -> None: ...


class Actions:
    def __init__(self, host: Host) -> None:
        self._host = host

    def typed(self, text: str) -> bool:
        return self._host.typed(text)

    def question(self, text: str) -> str:
        """What to ask before this is sent; empty for a few lines."""
        lines = commands.lines_of(text)
        network = self._host.network
        if len(lines) <= _MANY_LINES or network is None:
            return ""
        return f"Send {len(lines):,} lines to {network.current.name}?"

    def candidates(self) -> Candidates:
        network = self._host.network
        if not network:
            return Candidates()
        talk = network.current
        others = [nick for nick in talk.members.nicks() if not network.me.named(nick)]
        if talk.kind is TalkKind.PERSON:
            others.append(talk.name)
        spoke = [line.nick for line in talk.lines if line.words]
        return Candidates(by_speech(others, spoke), commands.NAMES, [room.name for room in network.talks.rooms()])

    def open(self, talk: Talk) -> None:
        host = self._host
        network = host.client.network_of(talk)
        if network and talk is not host.client.attention.talk:
            host.show(network.open(talk))
            if host.root.focus_get() is not host.view.sidebar.list:  # who goes through the talks by keys goes on
                host.view.composer.text.focus_set()

    def query(self, nick: str) -> None:
        network = self._host.network
        if network:
            changes = list(network.talk_with(nick))
            talk = network.talks.find(nick)
            assert talk
            self._host.show([*changes, *network.open(talk), TalksChanged()])
            self._host.view.composer.text.focus_set()

    def again(self) -> None:
        self._host.again()

    def edit_server(self) -> None:
        self._host.pages.edit_shown()

    def trust(self) -> None:
        self._host.trust()

    def stop_sending(self) -> None:
        if self._host.network:
            self._host.typed("/stop")

    def visit(self, url: str) -> object:
        if url.lower().startswith(("irc://", "ircs://")):
            self._host.pages.visit(url)
            return True
        import webbrowser  # here: few sessions of the client ever need it

        return webbrowser.open(url)

    def resend(self, line: int) -> None:
        """This line of the talk that is shown, which is not sent."""
        self.resend_those(lambda unsent: unsent.id == line)

    def load_more(self) -> None:
        """Somebody has scrolled to the beginning of what is known."""
        network = self._host.network
        if network:
            self._host.show(network.history.load_more(network.current))
            self._host.flush()

    def nick_colour(self, nick: str) -> str:
        palette, talk = self._host.theme.palette, self._host.client.attention.talk
        number = talk.members.colour(nick, len(palette.nicks)) if talk else 0
        return palette.nicks[number]

    def text_menu(self, line: Line | None, url: str, x: int, y: int) -> None:
        """On the transcript: what can be done with the text, a link, who said it."""
        menus, entries = self._host.menus, list[Entry]()
        if url:
            entries += [("Open Link", lambda: self.visit(url)), ("Copy Link", lambda: self._put(url)), None]
        entries += [menus.entry(name) for name in ("copy", "select_all", "find", "links", "resend", "new")]
        network = self._host.network
        if line and line.msgid and network and network.tags.understood:
            entries += [None, ("Reply", lambda: self._reply(line))]
            entries += [(f"React {sign}", lambda sign=sign: self._react(line, sign)) for sign in _REACTIONS]  # type: ignore[misc]
        if line and line.nick and network and not network.me.named(line.nick):
            entries += [None, *self._of_person(network, line.nick)]
        menus.post(entries, x, y)

    def typing(self, active: bool) -> None:
        network = self._host.network
        if network and network.reaches(network.current):
            network.tags.we_type(network.current, active)
            self._host.flush()

    def forget_reply(self) -> None:
        if self._host.network:
            self._host.network.current.reply_to = None
            self._host.display.show_reply()

    def _reply(self, line: Line) -> None:
        if self._host.network:
            self._host.network.current.reply_to = line
            self._host.display.show_reply()
            self._host.view.composer.text.focus_set()

    def _react(self, line: Line, sign: str) -> None:
        network = self._host.network
        if network:
            network.tags.react(network.current, line, sign)
            self._host.flush()

    def member_menu(self, nick: str, x: int, y: int) -> None:
        network = self._host.network
        if network:
            self._host.menus.post(self._of_person(network, nick), x, y)

    def talk_menu(self, talk: Talk, x: int, y: int) -> None:
        network = self._host.client.network_of(talk)
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
            entries += [("Rooms …", do("/list")), ("Edit Server …", self._host.pages.edit_shown), None]
            entries += [("Disconnect", self.leave)]
        self._host.menus.post(entries, x, y)

    def box_menu(self, x: int, y: int) -> None:
        text = self._host.view.composer.text
        names = ("Undo", "Redo", "", "Cut", "Copy", "Paste")
        entries: list[Entry] = [
            (name, lambda name=name: text.event_generate(f"<<{name}>>")) if name else None  # type: ignore[misc]
            for name in names
        ]
        entries += [None, ("Select All", lambda: text.tag_add("sel", "1.0", "end-1c"))]
        self._host.menus.post(entries, x, y)

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
            ("Stop Ignoring", do(f"/unignore {nick}")) if ignored else ("Ignore", do(f"/ignore {nick}")),
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
        return lambda: self._host.typed(command)

    def _mention(self, nick: str) -> None:
        box = self._host.view.composer.text
        box.insert("insert", f"{nick}: " if not box.get("1.0", "insert") else f"{nick} ")
        box.focus_set()

    def _put(self, text: str) -> None:
        """Into the clipboard."""
        self._host.root.clipboard_clear()
        self._host.root.clipboard_append(text)

    def resend_those(self, wanted: Callable[[Line], bool]) -> None:
        network = self._host.network
        if network:
            lines = [line for line in network.outgoing.unsent(network.current) if wanted(line)]
            self._host.show(network.resend(*lines))
            self._host.flush()

    def leave(self) -> None:
        """Be on this network no longer; whoever is connected is asked first."""
        host = self._host
        if host.network and (not host.network.online or self._sure("Do you want to disconnect?")):
            host.leave(host.network)

    def _sure(self, question: str) -> bool:
        return messagebox.askyesno("Fanfare", question, parent=self._host.root)
