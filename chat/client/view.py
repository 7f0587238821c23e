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

_TALKS_WIDTH, _MEMBERS_WIDTH = 184, 160  # pixels to begin with; the sashes between the panes change them
_ROOM_FOR_MEMBERS = 620  # pixels; a narrower window shows no members, or nothing could be read

_CONTROL, _ALT = 0x4, 0x8  # bits of an event's state


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
        # Not ttk's: that of Tk hides a pane and shows it again as wide as it was.
        self.panes = tkinter.PanedWindow(self, orient="horizontal", borderwidth=0, sashwidth=gap, sashrelief="flat")
        self.panes.pack(fill="both", expand=True)
        self.sidebar = Sidebar(self.panes, shown, actions.open)
        self.middle = ttk.Frame(self.panes)
        self.people = People(self.panes, shown, actions.query)
        self._make_middle()
        for side, width in ((self.sidebar, _TALKS_WIDTH), (self.people, _MEMBERS_WIDTH)):
            side.configure(width=look.px(self, width))
            side.pack_propagate(False)
        self._widths = [look.px(self, _TALKS_WIDTH), look.px(self, _MEMBERS_WIDTH)]
        self.panes.add(self.sidebar, minsize=look.px(self, 60), stretch="never")
        self.panes.add(self.middle, minsize=look.px(self, 160), stretch="always")
        self.panes.add(self.people, minsize=look.px(self, 60), stretch="never", hide=True)
        self._has_people = False
        self.panes.bind("<Configure>", self._arrange)
        self.panes.bind("<ButtonRelease-1>", self._sash_moved)
        for event in ("<ButtonRelease-1>", "<Return>"):
            self.sidebar.list.bind(event, lambda event: self.composer.text.focus_set(), add=True)
        for keys, step in (("<Prior>", -1), ("<Next>", 1)):
            self.composer.text.bind(keys, lambda event, step=step: self.transcript.page(step))  # type: ignore[misc]
        self.transcript.text.bind("<KeyPress>", self._write_on, add=True)

    def paint(self, palette: Palette) -> None:
        self.panes.configure(background=palette.surface)
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
        """Widths of the talks and of the members, in pixels, as they were chosen."""
        return tuple(self._widths)

    def place_sashes(self, widths: tuple[int, ...]) -> None:
        """Widths as `sashes` gave them; before the panes are shown."""
        for place, (side, width) in enumerate(zip((self.sidebar, self.people), widths, strict=False)):
            if width > look.px(self, 40):
                self.panes.paneconfigure(side, width=width)  # type: ignore[no-untyped-call]
                self._widths[place] = width

    def next_part(self) -> None:
        """Move the keyboard to the next pane: message box, talks, transcript, members."""
        parts = [self.composer.text, self.sidebar.list, self.transcript.text]
        parts += [self.people.list] if self._has_people else []
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

    def _sash_moved(self, event: object) -> None:
        self._widths[0] = self.sidebar.winfo_width()
        if self._has_people:
            self._widths[1] = self.people.winfo_width()

    def _arrange(self, event: object = None) -> None:
        """Members only in a room, and only where there is room for them; the talks have a third at most."""
        width = self.panes.winfo_width()
        wanted = width >= look.px(self, _ROOM_FOR_MEMBERS) and self._in_room
        if wanted != self._has_people:
            self._has_people = wanted
            self.panes.paneconfigure(self.people, hide=not wanted, width=self._widths[1])  # type: ignore[no-untyped-call]
        talks = min(self._widths[0], max(look.px(self, 90), width // 3))
        if width > 1 and self.sidebar.winfo_width() != talks:
            self.panes.paneconfigure(self.sidebar, width=talks)  # type: ignore[no-untyped-call]

    def _write_on(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        """Whoever types while looking at the transcript means the message box."""
        modified = int(event.state) & (_CONTROL | _ALT)
        if event.char and event.char.isprintable() and not modified:
            self.composer.text.focus_set()
            self.composer.text.insert("insert", event.char)
