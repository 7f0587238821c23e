"""The window: brings sessions, model and views together. All of it runs on Tk's thread.

What is due without any news, as the next attempt to connect, has a timer while there is such a thing.
"""

import contextlib
import time
import tkinter
from collections.abc import Callable, Iterable
from dataclasses import replace
from tkinter import messagebox

from chat.client import commands
from chat.client.irc import keys
from chat.client.irc.address import Address, has_room, parse_address
from chat.client.irc.login import Login
from chat.client.irc.problem import Problem
from chat.client.irc.session import Session
from chat.client.model.changes import Called, Change, RoomsListed, TypingChanged
from chat.client.model.client_tags import ACTIVE
from chat.client.model.connection import Reconnect, Stage
from chat.client.model.network import Network
from chat.client.model.settings import Server, Settings
from chat.client.model.talk import Talk
from chat.client.store.archive import Archive
from chat.client.text.palette import Palette
from chat.client.ui import look
from chat.client.ui.actions import Actions
from chat.client.ui.desktop import Desktop, set_icon
from chat.client.ui.dialogs.dialogs import Dialogs
from chat.client.ui.dialogs.form import FIRST_ROOM, Form
from chat.client.ui.display import Display
from chat.client.ui.look import Theme
from chat.client.ui.menu_actions import MenuActions
from chat.client.ui.menus import Menus
from chat.client.ui.notify import Calls
from chat.client.ui.sessions import Sessions, Waker
from chat.client.ui.view import View
from chat.client.ui.widgets import draws_emoji, spell_out

_BATCH = 80  # news in one batch: to draw them takes some 20 ms, and twice that where others want the processor too
_SMALLEST = (420, 300)  # pixels at 96 dpi
_TO_BEGIN_WITH = (960, 640)
_FIRST_SERVER = "127.0.0.1:6667"
_ASK_FOR_NAME = 30_000  # ms


class Window:
    """`connect` makes a session, `desktop` tells the colours: a test may pass its own."""

    def __init__(
        self,
        root: tkinter.Tk,
        address: Address | None = None,
        nick: str | None = None,
        connect: Callable[..., Session] = Session,
        reconnect: Callable[[], Reconnect] = Reconnect,
        desktop: Callable[[], Desktop] = Desktop,
    ) -> None:
        self.root = root
        self.closed = False
        self._archive = Archive(reconnect)
        self.client, self.logs = self._archive.client, self._archive.logs
        self._clock_due: str | None = None
        self._typing_due: str | None = None
        self._editing: Network | None = None  # whose settings the form shows
        self._asked: set[Network] = set()  # those that the person was asked about
        self.waker = Waker(root, self._take_news, _BATCH)
        self.sessions = Sessions(self.client, connect, self.waker.wake)
        self.calls = Calls(root, self.client, self._open_called, self.waker.wake)
        look.fit_density(root)
        look.make_fonts(root)
        root.title("Fanfare")
        set_icon(root)
        root.protocol("WM_DELETE_WINDOW", self.ask_to_quit)
        self._make_parts(desktop())
        known = self.client.settings
        first = known == Settings()  # then the text is as large as this desktop's programs have it
        self.theme.begin(known.theme, look.usual_points(root) if first else known.font_size)
        self._place()
        self._watch()
        self._begin(address, nick)

    def _make_parts(self, desktop: Desktop) -> None:
        shown = str if draws_emoji(self.root.tk.call("tk", "windowingsystem")) else spell_out
        self.theme = Theme(self.root, desktop, self._paint, self._refit)
        self.dialogs = Dialogs(self, shown)
        self.actions = actions = Actions(self)
        self.form = Form(self.root, self.join, keys.available)
        self.view = View(self.root, actions, shown)
        self.display = Display(self.view, self.client)
        self.menu_actions = MenuActions(self, self.dialogs, actions)
        self.menus = Menus(self.root, self.menu_actions.by_name(), self.theme.wear, self.theme.chosen)
        self.menus.reach(self.root)

    def _begin(self, address: Address | None, nick: str | None) -> None:
        """Where one was at last, or where the command line says."""
        if address:
            known = self.client.known(address.server)
            rooms = tuple(dict.fromkeys((address.room, *(known.rooms if known else ()))))
            server = replace(known or Server(address.server), rooms=rooms, name=nick or (known.name if known else ""))
            if nick:
                self.join(server, Login(trusted=server.trusted))
            else:
                self._show_form(server)
            return
        opened = [server for server in self.client.settings.servers if server.opened and server.name]
        for server in opened:
            self._open(server, Login(trusted=server.trusted))
        if not opened:
            first = Server(_FIRST_SERVER, rooms=(FIRST_ROOM,))
            last = self.client.settings.servers[0] if self.client.settings.servers else first
            self._show_form(replace(last, name=nick or last.name))

    @property
    def network(self) -> Network | None:
        """The one whose talk is shown."""
        return self.client.network

    @property
    def connected(self) -> bool:
        return any(network.online for network in self.client.networks)

    def join(self, server: Server, login: Login, keep: bool = False) -> None:
        """Be on this network, or go on with the one that lacked only a name or a password."""
        if self._editing and self.client.server_of(self._editing).address != server.address:
            self.leave(self._editing)
        self._editing = None
        self._open(server, login, keep)
        self.view.composer.text.focus_set()
        self._remember()

    def leave(self, network: Network, words: str = "") -> None:
        """Be on this network no longer; where it was the last, offer another."""
        server = self.client.server_of(network)
        if network is self._editing:
            self._editing = None
        self.display.keep_draft()
        self.sessions.close(network, words)
        self.show(self.client.remove(network))
        self._remember()
        if not self.client.networks:
            self._show_form(replace(server, name=network.me.wanted))

    def again(self) -> None:
        """Connect once more, or join the room that is shown once more: whichever is lacking."""
        network = self.network
        if network and network.connection.stage is Stage.LOST:
            self.show(self.sessions.open(network))
        elif network and network.outside:
            self.show(network.join())
            self.flush()
        self.view.composer.text.focus_set()

    def trust(self) -> None:
        """Take the certificate that could not be verified as the right one, from now on."""
        network = self.network
        if network and network.connection.fingerprint:
            self.client.set_up(network, trusted=network.connection.fingerprint)
            self._remember()
            self.again()

    def edit_server(self) -> None:
        """The form with the settings of the network that is shown."""
        if self.network:
            self.edit(self.client.server_of(self.network))

    def edit(self, server: Server) -> None:
        """The form with these settings."""
        self._editing = self.client.find(server.address)
        self._show_form(server, back=self._show_view if self.client.networks else None)

    def connect_elsewhere(self) -> None:
        """The form for one server more."""
        self._editing = None
        name = self.network.me.wanted if self.network else ""
        back = self._show_view if self.client.networks else None
        if self.form.winfo_manager():
            return
        self._show_form(Server(_FIRST_SERVER, name, (FIRST_ROOM,)), back=back)

    def visit(self, url: str) -> None:
        """Go where a link with irc:// leads, once the person has said so."""
        with contextlib.suppress(Exception):
            address = parse_address(url)
            rooms = (address.room,) if has_room(url) else ()
            known = self.client.known(address.server)
            name = self.network.me.wanted if self.network else ""
            self._show_form(replace(known or Server(address.server, name), rooms=rooms), back=self._show_view)

    def ask_to_quit(self) -> None:
        if not self.connected or messagebox.askyesno("Fanfare", "Do you want to quit?", parent=self.root):
            self.close()

    def close(self) -> None:
        """End the conversations and the window, once."""
        if self.closed:
            return
        self.closed = True
        self.waker.stop()
        for timer in (self._clock_due, self._typing_due):
            if timer is not None:
                self.root.after_cancel(timer)
        self.display.keep_draft()
        self._remember()
        wait = self.sessions.close_all()
        self.root.destroy()
        self._archive.close()
        wait()  # the window is gone already, and the goodbyes should still go out

    def typed(self, text: str) -> bool:
        """Do what the person wrote; whether the message box may be emptied."""
        network = self.network
        if not network:
            return False
        answer = commands.answer(network, text)
        if answer.leave is not None:
            self.leave(network, answer.leave)
            return True
        self.show(answer.changes)
        self.show(self.sessions.send(network, answer.send))
        self.display.show_reply()
        if answer.remember:
            self._remember()
        if answer.browse:
            self.dialogs.rooms(network)
        return answer.taken

    def flush(self) -> None:
        """Send what the networks have to say."""
        self.show(self.sessions.flush_all())

    def show(self, changes: Iterable[Change]) -> None:
        """Draw what changed."""
        changes = list(changes)
        self.display.show(changes)
        self._archive.note(changes)
        for change in changes:
            if isinstance(change, Called):
                self.calls.call(change)
            elif isinstance(change, RoomsListed):
                self.dialogs.rooms_listed(change.complete)
            elif isinstance(change, TypingChanged):
                self._typing_ends()
        self.root.title(self.display.title() if self.view.winfo_manager() else "Fanfare")
        self.calls.calm()

    def apply(self, changed: Settings) -> None:
        """The person has other preferences now."""
        self.client.settings = changed
        self.client.attention.highlights = changed.highlights
        for network in self.client.networks:
            network.tags.enabled = changed.typing
        self._remember()

    def _open(self, server: Server, login: Login, keep: bool = False) -> None:
        new = self.client.find(server.address) is None
        network = self.client.add(server)
        if new:
            self._archive.restore(network)
        self.sessions.log_in(network, login, keep)
        self._show_view()
        self.show(self.sessions.open(network, server.name))

    def _show_form(
        self, server: Server, notice: str = "", wanted: str = "", back: Callable[[], None] | None = None
    ) -> None:
        self.root.title("Fanfare")
        self.view.pack_forget()
        self.form.pack(fill="both", expand=True)
        self.form.fill(server, self.client.settings.servers, notice, wanted, back)
        self._look_for_focus()

    def _show_view(self) -> None:
        self._editing = None
        self.form.pack_forget()
        self.view.pack(fill="both", expand=True)
        self.view.composer.text.focus_set()
        self._look_for_focus()
        self.root.title(self.display.title())

    def _typing_ends(self) -> None:
        """Who says nothing more of it has stopped typing: look again when that is so."""
        if self._typing_due is not None:
            self.root.after_cancel(self._typing_due)
        self._typing_due = self.root.after(int(1000 * ACTIVE) + 100, self._look_at_typing)

    def _look_at_typing(self) -> None:
        self._typing_due = None
        self.display.show_stage()

    def _open_called(self, talk: Talk) -> None:
        """The talk whose notification was clicked."""
        self._show_view()
        self.actions.open(talk)

    def _watch(self) -> None:
        for event in ("<FocusIn>", "<FocusOut>", "<Unmap>", "<Map>"):
            self.root.bind(event, lambda event: self.root.after_idle(self._look_for_focus), add=True)

    def _take_news(self) -> int:
        """A batch of what happened; how much it was."""
        self.calls.open_clicked()
        changes, taken = self.sessions.take(_BATCH)
        if changes:
            self.show(changes)
        self._look_at_stages()
        self._start_clock()
        return taken

    def _look_at_stages(self) -> None:
        """A network that cannot go on without the person: one at a time, and once for each attempt."""
        for network in self.client.networks:
            connection = network.connection
            wanted = {Problem.PASSWORD: "password", Problem.LOGIN: "login"}.get(connection.problem or Problem.CUT, "")
            if not (connection.stage is Stage.NAMELESS or (connection.stage is Stage.LOST and wanted)):
                self._asked.discard(network)
            elif network not in self._asked and not self.form.winfo_manager():
                self._asked.add(network)
                self.sessions.close(network)
                self._editing = network
                server = self.client.server_of(network)
                server = replace(server, name=connection.suggestion or network.me.nick)
                back = self._show_view if len(self.client.networks) > 1 else None
                self._show_form(server, connection.reason, wanted, back)

    def _start_clock(self) -> None:
        """The next time at which something is due without any news; never while all is well."""
        if self._clock_due is not None or self.closed:
            return
        waits = [n.connection.reconnect.left for n in self.client.networks if n.connection.stage is Stage.LOST]
        seconds = [min(1.0, left) for left in waits if left is not None]
        if seconds:
            self._clock_due = self.root.after(int(1000 * min(seconds)) + 1, self._clock)
        elif any(network.online and not network.me.named(network.me.wanted) for network in self.client.networks):
            self._clock_due = self.root.after(_ASK_FOR_NAME, self._clock)

    def _clock(self) -> None:
        self._clock_due = None
        for network in self.client.networks:
            network.tick(time.monotonic())
            if network.connection.due:
                self.show(self.sessions.open(network))
        self.flush()
        self.display.show_stage()  # the seconds to the next attempt
        self._start_clock()

    def _look_for_focus(self) -> None:
        if self.closed:
            return
        here = str(self.root.tk.call("focus", "-displayof", "."))  # as text: a dialog of Tk's own has no widget here
        focused = bool(here and self.view.winfo_manager())  # behind the form, nobody reads the talk
        if focused != self.client.attention.focused:
            self.show(self.client.focus(focused))

    def _paint(self, palette: Palette) -> None:
        self.view.paint(palette)
        self.menus.paint(palette)
        self.form.paint(palette.surface)

    def _refit(self) -> None:
        self.view.transcript.refit()
        self.view.sidebar.refit()
        self.view.people.refit()

    def _place(self) -> None:
        """The window as large and where it was, if that is still on the screen."""
        known = self.client.settings
        width, height = (look.px(self.root, size) for size in _SMALLEST)
        self.root.minsize(width, height)
        usual = "x".join(str(look.px(self.root, size)) for size in _TO_BEGIN_WITH)
        self.root.geometry(look.on_screen(self.root, known.geometry) or usual)
        self.view.place_sashes(known.sashes)

    def _remember(self) -> None:
        known = self.client.remembered()
        self.client.settings = replace(
            known,
            geometry=look.geometry(self.root),
            sashes=self.view.sashes if self.view.winfo_ismapped() else known.sashes,
            theme=self.theme.chosen.get(),
            font_size=self.theme.points,
        )
        self.display.keep_draft()
        self._archive.save()
