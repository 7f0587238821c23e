"""The actions of the menus and their keys; and the places that one can go to from anywhere."""

import tkinter
from collections.abc import Callable, Iterator, Mapping

from chat.client.model import commands
from chat.client.model.talk import Delivery, TalkKind
from chat.client.text.formatting import links
from chat.client.ui.actions import Actions, Host
from chat.client.ui.dialogs.choosers import Place
from chat.client.ui.dialogs.dialogs import Dialogs
from chat.client.ui.menus import ITEMS, Entry, keys_shown

_LINKS = 12  # of the newest that the menu of links offers


class MenuActions:
    def __init__(self, host: Host, dialogs: Dialogs, actions: Actions) -> None:
        self._host = host
        self._dialogs = dialogs
        self._actions = actions

    def by_name(self) -> Mapping[str, Callable[[], object]]:
        host = self._host
        dialogs = self._dialogs
        transcript, find = host.view.transcript, host.view.find
        return {
            "connect": host.pages.connect_elsewhere,
            "servers": dialogs.servers,
            "again": host.again,
            "disconnect": self._actions.leave,
            "preferences": dialogs.preferences,
            "quit": host.ask_to_quit,
            "copy": self.copy,
            "select_all": self._select_all,
            "find": lambda: self._look(find.open),
            "find_next": lambda: self._look(find.next),
            "find_previous": lambda: self._look(find.previous),
            "search_logs": dialogs.search_logs,
            "links": self._post_links,
            "resend": lambda: self._actions.resend_those(lambda line: line.delivery is Delivery.UNSENT),
            "larger": lambda: host.theme.resize(1),
            "smaller": lambda: host.theme.resize(-1),
            "usual": lambda: host.theme.resize(0),
            "part": lambda: self._look(host.view.next_part),
            "go": lambda: self._look(lambda: dialogs.go_to(self._places())),
            "join": lambda: self._begin_to_type("/join #"),
            "rooms": lambda: host.network and host.typed("/list"),
            "query": lambda: self._begin_to_type("/query "),
            "next": lambda: self._step(1),
            "previous": lambda: self._step(-1),
            "unread": self._next_unread,
            "new": lambda: self._look(transcript.to_new),
            "close": lambda: host.network and host.typed("/close"),
            "help": dialogs.help,
        }

    def _places(self) -> Iterator[Place]:
        host = self._host
        for talk in sorted(host.client.talks(), key=lambda talk: (-talk.calls, -talk.unread)):
            network = host.client.network_of(talk)
            where = "server" if talk.kind is TalkKind.SERVER else network.server if network else ""
            unread = f", {talk.unread:,} unread" if talk.unread else ""
            yield talk.name, f"{where}{unread}", lambda talk=talk: self._actions.open(talk)  # type: ignore[misc]
        if host.network:
            for nick in host.network.current.members.nicks():
                yield nick, "person", lambda nick=nick: self._actions.query(nick)  # type: ignore[misc]
        actions = self.by_name()
        for item in ITEMS:
            keys = f"  {keys_shown(item.keys[0])}" if item.keys else ""
            yield item.label, f"menu{keys}", actions[item.name]
        for usage, words in commands.HELP:
            name = usage.split(" ")[0]
            yield name, words, lambda name=name: host.view.composer.set(f"{name} ")  # type: ignore[misc]

    def _look(self, act: Callable[[], object]) -> None:
        """Where there is a talk to look at: the form has none."""
        if self._host.network and self._host.view.winfo_manager():
            act()

    def _step(self, step: int) -> None:
        talks, current = list(self._host.client.talks()), self._host.client.attention.talk
        if current in talks:
            self._actions.open(talks[(talks.index(current) + step) % len(talks)])

    def _next_unread(self) -> None:
        """The talk where somebody called us, else where anything is unread; the next after the one that is shown."""
        talks, current = list(self._host.client.talks()), self._host.client.attention.talk
        if current in talks:
            here = talks.index(current)
            following = talks[here + 1 :] + talks[:here]
            unread = [talk for talk in following if talk.calls] or [talk for talk in following if talk.unread]
            if unread:
                self._actions.open(unread[0])

    def _begin_to_type(self, command: str) -> None:
        if self._host.network:
            self._host.view.composer.set(command)
            self._host.view.composer.text.focus_set()

    def copy(self) -> None:
        """What is selected where the keyboard is, or else in the transcript."""
        here = self._host.root.focus_get()
        text = self._host.view.transcript.text
        if isinstance(here, tkinter.Entry) or (isinstance(here, tkinter.Text) and here.tag_ranges("sel")):
            here.event_generate("<<Copy>>")
        elif text.tag_ranges("sel"):
            text.event_generate("<<Copy>>")

    def _select_all(self) -> None:
        """Of the message box or field where the keyboard is, or else of the transcript."""
        here = self._host.root.focus_get()
        view = self._host.view
        if isinstance(here, tkinter.Entry):
            here.selection_range(0, "end")
        elif here is view.composer.text:
            view.composer.text.tag_add("sel", "1.0", "end-1c")
        else:
            view.transcript.complete()
            view.transcript.text.tag_add("sel", "1.0", "end-1c")

    def _post_links(self) -> None:
        """A menu of the talk's newest links, for the keyboard."""
        network = self._host.network
        if not network:
            return
        urls = dict.fromkeys(link.url for line in reversed(network.current.lines) for link in links(line.text))
        entries: list[Entry] = [(url, lambda url=url: self._actions.visit(url)) for url in list(urls)[:_LINKS]]  # type: ignore[misc]
        text = self._host.view.transcript.text
        nothing: list[Entry] = [("There are no links in this talk", lambda: None)]
        self._host.menus.post(entries or nothing, text.winfo_rootx(), text.winfo_rooty(), first=True)
