"""What one sees of a connection: talks, topic, transcript, message box, members, banner, status line. Widgets only."""

import tkinter
from collections.abc import Callable
from dataclasses import dataclass
from tkinter import ttk

from chat.client import look
from chat.client.completion import Candidates
from chat.client.composer import Composer
from chat.client.find import FindBar
from chat.client.palette import Palette
from chat.client.people import People
from chat.client.sidebar import Sidebar
from chat.client.talk import Talk, TalkKind
from chat.client.transcript import Transcript, Wishes

_TALKS_WIDTH, _MEMBERS_WIDTH = 170, 160  # pixels to begin with; the sashes between the panes change them
_ROOM_FOR_MEMBERS = 620  # pixels; a narrower window shows no members, or nothing could be read


@dataclass(frozen=True, slots=True)
class Actions:
    """What the view asks for."""

    typed: Callable[[str], bool]  # whether the message box may be emptied
    candidates: Callable[[], Candidates]  # what Tab may complete
    open: Callable[[Talk], None]
    query: Callable[[str], None]  # talk to this person alone
    again: Callable[[], None]  # connect or join once more, whichever the banner offers
    wishes: Wishes


class View(ttk.Frame):
    def __init__(self, parent: tkinter.Misc, actions: Actions, shown: Callable[[str], str]) -> None:
        gap = look.px(parent, 8)
        super().__init__(parent, padding=(gap, gap, gap, 0))
        self._gap = gap
        self._actions = actions
        self._shown = shown  # text as this machine can draw it
        self._in_room = True
        self._make_banner()
        self.status = ttk.Label(self, style="Status.TLabel", padding=(0, gap // 2))
        self.status.pack(side="bottom", fill="x")
        self.panes = ttk.PanedWindow(self, orient="horizontal")
        self.panes.pack(fill="both", expand=True)
        self.sidebar = Sidebar(self.panes, shown, actions.open)
        self.middle = ttk.Frame(self.panes)
        self.people = People(self.panes, shown, actions.query)
        self._make_middle()
        for side, width in ((self.sidebar, _TALKS_WIDTH), (self.people, _MEMBERS_WIDTH)):
            side.configure(width=look.px(self, width))
            side.pack_propagate(False)
        self.panes.add(self.sidebar, weight=0)
        self.panes.add(self.middle, weight=1)
        self.panes.bind("<Configure>", self._arrange)

    def paint(self, palette: Palette) -> None:
        for part in (self.sidebar, self.transcript, self.composer, self.people):
            part.paint(palette)

    def show_talk(self, talk: Talk) -> None:
        """All of this talk: it is another one than before."""
        self.show_title(talk)
        self.transcript.show(talk.lines)
        self.show_members(talk, at_once=True)
        self.composer.set(talk.draft)
        self._in_room = talk.kind is TalkKind.ROOM
        self.find.forget()
        self._arrange()

    def show_title(self, talk: Talk) -> None:
        self.title.configure(text=self._shown(talk.name))
        self.topic.configure(text=self._shown(talk.topic))

    def show_members(self, talk: Talk, at_once: bool = False) -> None:
        self.people.show(talk.members.listed, at_once)

    def show_banner(self, why: str, offer: str) -> None:
        """Say what is wrong, and offer what mends it; nothing is wrong without `why`."""
        if why:
            self.why.configure(text=self._shown(why))
            self.again_button.configure(text=offer)
            self.banner.pack(side="top", fill="x", pady=(0, self._gap), before=self.status)
        else:
            self.banner.pack_forget()

    def show_status(self, words: str) -> None:
        self.status.configure(text=self._shown(words))

    @property
    def sashes(self) -> tuple[int, ...]:
        """Widths of the talks and of the members, in pixels."""
        return (self.sidebar.winfo_width(), self.people.winfo_width() if self._has_people() else 0)

    def place_sashes(self, widths: tuple[int, ...]) -> None:
        """Widths as `sashes` gave them; they take effect when the panes are shown."""
        for side, width in zip((self.sidebar, self.people), widths, strict=False):
            if width > look.px(self, 40):
                side.configure(width=width)

    def next_part(self) -> None:
        """Move the keyboard to the next pane: message box, talks, transcript, members."""
        parts = [self.composer.text, self.sidebar.list, self.transcript.text]
        parts += [self.people.list] if self._has_people() else []
        here = self.focus_get()
        at = next((index for index, part in enumerate(parts) if part is here), -1)
        parts[(at + 1) % len(parts)].focus_set()

    def _make_banner(self) -> None:
        self.banner = ttk.Frame(self, style="Alarm.TFrame", padding=self._gap)
        self.again_button = ttk.Button(self.banner, style="Accent.TButton", command=self._actions.again)
        self.again_button.pack(side="right", padx=(self._gap, 0))
        self.why = ttk.Label(self.banner, style="Alarm.TLabel")
        self.why.pack(side="left", fill="x", expand=True)
        self.why.bind("<Configure>", lambda event: self.why.configure(wraplength=event.width))

    def _make_middle(self) -> None:
        header = ttk.Frame(self.middle)
        header.pack(side="top", fill="x", pady=(0, self._gap // 2))
        self.title = ttk.Label(header, style="Title.TLabel")
        self.title.pack(side="left")
        self.topic = ttk.Label(header, style="Faint.TLabel", width=1)  # takes what is left, and is cut there
        self.topic.pack(side="left", fill="x", expand=True, padx=(self._gap, 0))
        self.composer = Composer(self.middle, self._actions.typed, self._actions.candidates)
        self.composer.pack(side="bottom", fill="x", pady=(self._gap, 0))  # first, so that a small window keeps it
        self.transcript = Transcript(self.middle, self._shown, self._actions.wishes)
        self.transcript.pack(fill="both", expand=True)
        self.find = FindBar(self.middle, self.transcript, self.composer.text.focus_set)

    def _has_people(self) -> bool:
        return str(self.people) in self.panes.panes()  # type: ignore[no-untyped-call]

    def _arrange(self, event: object = None) -> None:
        """Members only in a room, and only where there is room for them."""
        wanted = self.panes.winfo_width() >= look.px(self, _ROOM_FOR_MEMBERS) and self._in_room
        if wanted and not self._has_people():
            self.panes.add(self.people, weight=0)
        elif not wanted and self._has_people():
            self.panes.forget(self.people)
