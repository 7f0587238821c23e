"""The view while connected: talks, topic, transcript, message box, members, banner, status line. Widgets only.

One grid: a header of the same height over all three panes, the same inset on all sides.
"""

import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import Protocol

from chat.client.model.talk import Talk, TalkKind
from chat.client.text.completion import Candidates
from chat.client.text.formatting import links
from chat.client.text.palette import Palette
from chat.client.ui import look
from chat.client.ui.composer import Composer
from chat.client.ui.lists import MemberList, Sidebar
from chat.client.ui.transcript import transcript
from chat.client.ui.transcript.find import FindBar
from chat.client.ui.transcript.transcript import Transcript
from chat.client.ui.widgets import index

_MOST_LINES = 6


class Topic(ttk.Frame):
    """`visit` is called with a link that is clicked."""

    def __init__(self, parent: tkinter.Misc, visit: Callable[[str], object]) -> None:
        super().__init__(parent)
        self._visit = visit
        self._words = ""
        self.open = False
        self.text = tkinter.Text(self, width=1, height=1, wrap="none", font=look.TEXT, cursor="xterm", takefocus=False)
        self.text.configure(relief="flat", borderwidth=0, highlightthickness=0, padx=0, pady=0, state="disabled")
        self.more = ttk.Button(self, text="▾", width=2, style="Flat.TButton", command=self.toggle, takefocus=False)
        self.text.pack(side="left", fill="x", expand=True)
        self.text.bind("<Configure>", self._fit)
        self.text.tag_bind("link", "<ButtonRelease-1>", self._clicked)

    def paint(self, palette: Palette) -> None:
        self.text.configure(background=palette.surface, foreground=palette.faint)
        self.text.configure(selectbackground=palette.marked, selectforeground=palette.ink)
        self.text.tag_configure("link", foreground=palette.accent, underline=True)

    def show(self, words: str) -> None:
        if words != self._words:
            self._words = words
            self.open = False
            self.text.configure(state="normal")
            self.text.delete("1.0", "end")
            self.text.insert("1.0", words)
            for link in links(words):
                self.text.tag_add("link", *(index(self, words, edge) for edge in (link.start, link.end)))
            self.text.configure(state="disabled")
            self._fit()

    def toggle(self) -> None:
        self.open = not self.open
        self._fit()

    def _fit(self, event: object = None) -> None:
        fits = look.width(self, self._words) <= self.text.winfo_width() or not self._words
        self.open = self.open and not fits
        self.text.configure(wrap="word" if self.open else "none")
        lines = self.text.count("1.0", "end", "update", "displaylines") if self.open else 1
        lines = (lines[0] if isinstance(lines, tuple) else lines) or 1
        self.text.configure(height=min(_MOST_LINES, lines))
        self.more.configure(text="▴" if self.open else "▾")
        if not fits or self.open:
            self.more.pack(side="right", anchor="n", before=self.text)
        elif self.more.winfo_manager() and look.width(self, self._words) <= self.winfo_width():
            self.more.pack_forget()

    def _clicked(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        ends = self.text.tag_prevrange("link", f"@{event.x},{event.y} +1c")
        found = links(self.text.get(*ends)) if ends else []
        if found and not self.text.tag_ranges("sel"):
            self._visit(found[0].url)


_TALKS_WIDTH, _MEMBERS_WIDTH = 184, 160  # pixels to begin with; the sashes between the panes change them
_ROOM_FOR_MEMBERS = 620  # pixels; a narrower window shows no members, or nothing could be read
_HEADER, _INSET = 40, 12  # pixels

_CONTROL, _ALT = 0x4, 0x8  # bits of an event's state


class Actions(transcript.Actions, Protocol):
    """What the view asks for."""

    def typed(self, text: str) -> bool: ...
    def question(self, text: str) -> str: ...
    def candidates(self) -> Candidates: ...
    def open(self, talk: Talk) -> None: ...
    def query(self, nick: str) -> None: ...
    def again(self) -> None: ...
    def edit_server(self) -> None: ...
    def trust(self) -> None: ...
    def stop_sending(self) -> None: ...
    def talk_menu(self, talk: Talk, x: int, y: int) -> None: ...
    def member_menu(self, nick: str, x: int, y: int) -> None: ...
    def box_menu(self, x: int, y: int) -> None: ...
    def typing(self, active: bool) -> None: ...
    def forget_reply(self) -> None: ...


class View(ttk.Frame):
    def __init__(self, parent: tkinter.Misc, actions: Actions, shown: Callable[[str], str]) -> None:
        super().__init__(parent)
        self._inset = look.px(parent, _INSET)
        self._actions = actions
        self._shown = shown  # text as this machine can draw it
        self._in_room = True
        self._make_banner()
        self._make_status()
        # Not ttk's: that of Tk hides a pane and shows it again as wide as it was.
        self.panes = tkinter.PanedWindow(self, orient="horizontal", borderwidth=0, sashwidth=1, sashrelief="flat")
        self.panes.configure(sashpad=0)
        self.panes.pack(fill="both", expand=True)
        left = ttk.Frame(self.panes)
        self.left = left
        self._header(left, ttk.Label(left, text="Talks", style="Header.TLabel"))
        self.sidebar = Sidebar(left, shown, actions.open, actions.talk_menu)
        self.sidebar.pack(fill="both", expand=True)
        self.middle = ttk.Frame(self.panes, style="Paper.TFrame")
        self.people = MemberList(self.panes, shown, actions.query, actions.member_menu, actions.nick_colour)
        self._header(self.people, self.people.count, before=self.people.list)
        self._make_middle()
        for side, width in ((left, _TALKS_WIDTH), (self.people, _MEMBERS_WIDTH)):
            side.configure(width=look.px(self, width))
            side.pack_propagate(False)
        self._widths = [look.px(self, _TALKS_WIDTH), look.px(self, _MEMBERS_WIDTH)]
        self.panes.add(left, minsize=look.px(self, 60), stretch="never")
        self.panes.add(self.middle, minsize=look.px(self, 160), stretch="always")
        self.panes.add(self.people, minsize=look.px(self, 60), stretch="never", hide=True)
        self._has_people = False
        self.panes.bind("<Configure>", self._arrange)
        self.panes.bind("<ButtonRelease-1>", self._sash_moved)
        for event in ("<ButtonRelease-1>", "<Return>"):
            self.sidebar.list.bind(event, lambda event: self.composer.text.focus_set(), add=True)
        for keys, step in (("<Prior>", -1), ("<Next>", 1)):
            self.composer.text.bind(keys, lambda event, step=step: self.transcript.page(step))  # type: ignore[misc]
        for text in (self.transcript.text, self.topic.text):
            text.bind("<KeyPress>", self._write_on, add=True)

    def paint(self, palette: Palette) -> None:
        self.panes.configure(background=palette.edge)
        for part in (self.sidebar, self.transcript, self.composer, self.people, self.topic):
            part.paint(palette)

    def show_talk(self, talk: Talk) -> None:
        """All of this talk: it is another one than before."""
        self.show_title(talk)
        self.transcript.show(talk)
        self.show_members(talk, at_once=True)
        self.composer.set(talk.draft)
        self._in_room = talk.kind is TalkKind.ROOM
        self.find.forget()
        self._arrange()

    def show_title(self, talk: Talk) -> None:
        self.title.configure(text=self._shown(talk.name))
        self.topic.show(self._shown(talk.topic))

    def show_members(self, talk: Talk, at_once: bool = False) -> None:
        self.people.show(talk.members.listed, at_once)

    def show_banner(self, why: str, offer: str, edit: bool = False, trust: bool = False) -> None:
        """Say what is wrong, and offer what mends it; nothing is wrong without `why`."""
        if not why:
            self.banner.pack_forget()
            return
        self.why.configure(text=self._shown(why))
        self.again_button.configure(text=offer)
        for button, wanted in ((self.edit_button, edit), (self.trust_button, trust)):
            if wanted:
                button.pack(side="right", padx=(self._inset // 2, 0), after=self.again_button)
            else:
                button.pack_forget()
        self.banner.pack(side="top", fill="x", before=self.foot)
        self._arrange_banner()

    def show_status(self, words: str, waiting: bool = False) -> None:
        self.status.configure(text=self._shown(words))
        if waiting:
            self.stop.pack(side="right", before=self.status)
        else:
            self.stop.pack_forget()

    @property
    def sashes(self) -> tuple[int, ...]:
        """Widths of the talks and of the members, in pixels, as they were chosen."""
        return tuple(self._widths)

    def place_sashes(self, widths: tuple[int, ...]) -> None:
        """Widths as `sashes` gave them; before the panes are shown."""
        for place, (side, width) in enumerate(zip((self.left, self.people), widths, strict=False)):
            if width > look.px(self, 40):
                self.panes.paneconfigure(side, width=width)  # type: ignore[no-untyped-call]
                self._widths[place] = width

    def next_part(self) -> None:
        """Move the keyboard to the next pane: message box, talks, transcript, members."""
        parts: list[tkinter.Misc] = [self.composer.text, self.sidebar.list, self.transcript.text]
        parts += [self.people.list] if self._has_people else []
        here = self.focus_get()
        at = next((index for index, part in enumerate(parts) if part is here), -1)
        parts[(at + 1) % len(parts)].focus_set()

    def _header(self, parent: tkinter.Misc, label: ttk.Label, before: tkinter.Misc | None = None) -> None:
        """As high as the others, with the label at the inset."""
        label.configure(padding=(self._inset, 0))
        label.pack_configure(fill="x", ipady=(look.px(self, _HEADER) - look.line_height(self)) // 2)
        if before is not None:
            label.pack_configure(before=before)

    def _make_banner(self) -> None:
        self.banner = ttk.Frame(self, style="Alarm.TFrame", padding=(self._inset, self._inset // 2))
        self.again_button = ttk.Button(self.banner, style="Accent.TButton", command=self._actions.again)
        self.edit_button = ttk.Button(self.banner, text="Edit server", command=self._actions.edit_server)
        self.trust_button = ttk.Button(self.banner, text="Trust it", command=self._actions.trust)
        self.again_button.pack(side="right", padx=(self._inset // 2, 0))
        self.why = ttk.Label(self.banner, style="Alarm.TLabel")
        self.why.pack(side="left", fill="x", expand=True)
        self.banner.bind("<Configure>", self._arrange_banner)
        self.why.bind("<Configure>", lambda event: self.why.configure(wraplength=event.width))

    def _arrange_banner(self, event: object = None) -> None:
        """The buttons beside the words, or below them where there is little room."""
        little = 1 < self.winfo_width() < look.px(self, _ROOM_FOR_MEMBERS)
        if little:
            self.why.pack_configure(side="top", before=self.again_button, pady=(0, self._inset // 2))
        else:
            last = next(button for button in reversed(self.banner.pack_slaves()) if button is not self.why)
            self.why.pack_configure(side="left", after=last, pady=0)  # last: long words would leave the buttons no room

    def _make_status(self) -> None:
        self.foot = ttk.Frame(self, padding=(self._inset, self._inset // 3))
        self.foot.pack(side="bottom", fill="x")
        self.status = ttk.Label(self.foot, style="Status.TLabel", width=1)
        self.status.pack(side="left", fill="x", expand=True)
        self.stop = ttk.Button(self.foot, text="Stop", style="Flat.TButton", command=self._actions.stop_sending)

    def _make_middle(self) -> None:
        self.header = ttk.Frame(self.middle)
        self.header.pack(side="top", fill="x")
        pad = (look.px(self, _HEADER) - look.line_height(self, look.TITLE)) // 2
        self.title = ttk.Label(self.header, style="Title.TLabel", anchor="w")
        self.title.pack(side="left", anchor="n", padx=(self._inset, self._inset), pady=pad)
        self.topic = Topic(self.header, self._actions.visit)
        below = (look.px(self, _HEADER) - look.line_height(self)) // 2
        self.topic.pack(side="left", fill="x", expand=True, padx=(0, self._inset), pady=below)
        self.composer = Composer(
            self.middle,
            self._actions.typed,
            self._actions.question,
            self._actions.candidates,
            self._actions.box_menu,
            self._actions.typing,
            self._actions.forget_reply,
        )
        self.composer.configure(style="Paper.TFrame")
        self.composer.pack(side="bottom", fill="x", padx=self._inset, pady=(0, self._inset))  # a small window keeps it
        self.transcript = Transcript(self.middle, self._shown, self._actions)
        self.transcript.pack(fill="both", expand=True)
        self.find = FindBar(self.middle, self.transcript, self.composer.text.focus_set)

    def _sash_moved(self, event: object) -> None:
        self._widths[0] = self.left.winfo_width()
        if self._has_people:
            self._widths[1] = self.people.winfo_width()

    def _arrange(self, event: object = None) -> None:
        """Members only in a room, and only where there is room for them; the talks have a quarter at most."""
        width = self.panes.winfo_width()
        wanted = width >= look.px(self, _ROOM_FOR_MEMBERS) and self._in_room
        if wanted != self._has_people:
            self._has_people = wanted
            self.panes.paneconfigure(self.people, hide=not wanted, width=self._widths[1])  # type: ignore[no-untyped-call]
        talks = min(self._widths[0], max(look.px(self, 90), width // 4))
        if width > 1 and self.left.winfo_width() != talks:
            self.panes.paneconfigure(self.left, width=talks)  # type: ignore[no-untyped-call]

    def _write_on(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        """Whoever types while the transcript or the topic has the keyboard means the message box."""
        modified = int(event.state) & (_CONTROL | _ALT)
        if event.char and event.char.isprintable() and not modified:
            self.composer.text.focus_set()
            self.composer.text.insert("insert", event.char)
