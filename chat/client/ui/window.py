"""The window: brings sessions, model and views together. All of it runs on Tk's thread."""

import time
import tkinter
from collections.abc import Callable, Iterable
from dataclasses import replace
from tkinter import messagebox

from chat.client.irc.address import Address
from chat.client.irc.login import Login
from chat.client.irc.session import Session
from chat.client.model import commands
from chat.client.model.changes import Called, Change, RoomsListed, TypingChanged
from chat.client.model.connection import Reconnect, Stage
from chat.client.model.network import Network
from chat.client.model.settings import Server, Settings
from chat.client.model.talk import Talk
from chat.client.store.archive import Archive, has_keyring
from chat.client.text.palette import Palette
from chat.client.ui import look
from chat.client.ui.actions import Actions
from chat.client.ui.desktop import Desktop, set_icon
from chat.client.ui.dialogs.dialogs import Dialogs
from chat.client.ui.dialogs.form import Form
from chat.client.ui.display import Display
from chat.client.ui.look import Theme
from chat.client.ui.menu_actions import MenuActions
from chat.client.ui.menus import Menus
from chat.client.ui.notify import Calls
from chat.client.ui.pages import Pages
from chat.client.ui.sessions import Clock, Sessions, Waker
from chat.client.ui.view import View
from chat.client.ui.widgets import draws_emoji, spell_out

_BATCH = 80  # news in one batch: to draw them takes some 20 ms, and twice that where others want the processor too
_SMALLEST = (420, 300)  # pixels at 96 dpi
_TO_BEGIN_WITH = (960, 640)


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
        self.form = Form(self.root, self.join, has_keyring)
        self.view = View(self.root, actions, shown)
        self.display = Display(self.view, self.client)
        self._clock = Clock(self.root, self.client, self._tick, self.display.show_stage)
        self.pages = Pages(
            self.root, self.client, self.form, self.view, self.display, self.sessions, self._look_for_focus
        )
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
                self.pages.show_form(server)
            return
        opened = [server for server in self.client.settings.servers if server.opened and server.name]
        for server in opened:
            self._open(server, Login(trusted=server.trusted))
        if not opened:
            self.pages.begin(nick)

    @property
    def network(self) -> Network | None:
        """The one whose talk is shown."""
        return self.client.network

    @property
    def connected(self) -> bool:
        return any(network.online for network in self.client.networks)

    def join(self, server: Server, login: Login, keep: bool = False) -> None:
        """Be on this network, or go on with the one that lacked only a name or a password."""
        editing, self.pages.editing = self.pages.editing, None
        if editing and self.client.server_of(editing).address != server.address:
            self.leave(editing)
        self._open(server, login, keep)
        self.view.composer.text.focus_set()
        self._remember()

    def leave(self, network: Network, words: str = "") -> None:
        """Be on this network no longer; where it was the last, offer another."""
        server = self.client.server_of(network)
        if network is self.pages.editing:
            self.pages.editing = None
        self.display.keep_draft()
        self.sessions.close(network, words)
        self.show(self.client.remove(network))
        self._remember()
        if not self.client.networks:
            self.pages.show_form(replace(server, name=network.me.wanted))

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

    def ask_to_quit(self) -> None:
        if not self.connected or messagebox.askyesno("Fanfare", "Do you want to quit?", parent=self.root):
            self.close()

    def close(self) -> None:
        """End the conversations and the window, once."""
        if self.closed:
            return
        self.closed = True
        self.waker.stop()
        self._clock.stop()
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
                self._clock.somebody_types()
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
        self.pages.show_view()
        self.show(self.sessions.open(network, server.name))

    def _open_called(self, talk: Talk) -> None:
        """The talk whose notification was clicked."""
        self.pages.show_view()
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
        self.pages.ask()
        self._clock.start()
        return taken

    def _tick(self) -> None:
        """Some time has passed: connect once more where that is due."""
        for network in self.client.networks:
            network.tick(time.monotonic())
            if network.connection.due:
                self.show(self.sessions.open(network))
        self.flush()
        self.display.show_stage()  # the seconds to the next attempt

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
