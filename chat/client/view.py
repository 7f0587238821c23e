"""The chat view: title, banner, transcript, members, message box, status line. Widgets only."""

import tkinter
from collections.abc import Callable
from dataclasses import dataclass
from tkinter import ttk

from chat.client import look
from chat.client.model import Model
from chat.client.stage import Stage
from chat.client.transcript import Transcript

_MEMBERS_WIDTH = 170  # pixels to begin with; the sash between the panes changes it


@dataclass(frozen=True, slots=True)
class Actions:
    """What the view asks for."""

    typed: Callable[[str], bool]  # whether the message box may be emptied
    quit: Callable[[], None]
    again: Callable[[], None]  # connect or join once more, whichever the banner offers


class View(ttk.Frame):
    def __init__(self, parent: tkinter.Misc, actions: Actions, shown: Callable[[str], str]) -> None:
        super().__init__(parent, padding=look.GAP)
        self._actions = actions
        self._shown = shown  # text as this machine can draw it
        self._make_header()
        self._make_banner()
        self.status = ttk.Label(self, style="Faint.TLabel")  # from the bottom up, so that a small window keeps these
        self.status.pack(side="bottom", fill="x")
        self._make_message_box()
        self._make_panes()

    def show_members(self, nicks: list[str]) -> None:
        top = self.members.yview()[0]
        self.members.delete(0, "end")
        self.members.insert("end", *(self._shown(nick) for nick in nicks))
        self.members.yview_moveto(top)
        self.count.configure(text=f"Members ({len(nicks)})" if nicks else "Members")

    def show_stage(self, model: Model) -> None:
        self.title.configure(text=self._shown(model.current.name))
        self.status.configure(text=self._shown(model.status))
        lost = model.stage is Stage.LOST
        if lost or model.outside:
            self.why.configure(text=self._shown(model.reason if lost else model.outside))
            self.again_button.configure(text="Connect again" if lost else "Join again")
            self.banner.pack(fill="x", pady=(0, look.GAP), before=self.panes)
        else:
            self.banner.pack_forget()

    def clear(self) -> None:
        """As new, for another conversation."""
        self.transcript.clear()
        self.show_members([])
        self.message.delete(0, "end")

    def _make_header(self) -> None:
        header = ttk.Frame(self)
        header.pack(fill="x", pady=(0, look.GAP))
        self.quit_button = ttk.Button(header, text="Quit", command=self._actions.quit)
        self.quit_button.pack(side="right")
        self.title = ttk.Label(header, style="Title.TLabel")
        self.title.pack(side="left")

    def _make_banner(self) -> None:
        self.banner = ttk.Frame(self, style="Alarm.TFrame", padding=look.GAP)
        self.again_button = ttk.Button(self.banner, style="Main.TButton", command=self._actions.again)
        self.again_button.pack(side="right", padx=(look.GAP, 0))
        self.why = ttk.Label(self.banner, style="Alarm.TLabel")
        self.why.pack(side="left", fill="x", expand=True)
        self.why.bind("<Configure>", lambda event: self.why.configure(wraplength=event.width))

    def _make_message_box(self) -> None:
        row = ttk.Frame(self)
        row.pack(side="bottom", fill="x", pady=look.GAP)
        self.send_button = ttk.Button(row, text="Send", style="Main.TButton", command=self._submit)
        self.send_button.pack(side="right", padx=(look.GAP, 0))
        self.message = ttk.Entry(row, font="TkTextFont")
        self.message.pack(side="left", fill="x", expand=True)
        self.message.bind("<Return>", lambda event: self._submit())
        self.message.bind("<KP_Enter>", lambda event: self._submit())

    def _make_panes(self) -> None:
        self.panes = ttk.PanedWindow(self, orient="horizontal")
        self.panes.pack(fill="both", expand=True)
        self.transcript = Transcript(self.panes, self._shown)
        self.panes.add(self.transcript, weight=1)
        side = ttk.Frame(self.panes, width=_MEMBERS_WIDTH)
        self.count = ttk.Label(side, text="Members", style="Strong.TLabel", padding=(0, 0, 0, 4))
        self.count.pack(fill="x")
        self._bar = ttk.Scrollbar(side)
        self.members = tkinter.Listbox(
            side,
            width=10,  # the pane decides, not this
            relief="flat",
            activestyle="none",
            exportselection=False,  # a click here must not undo what is selected in the transcript
            background=look.PAPER,
            foreground=look.INK,
            selectbackground=look.MARKED,
            selectforeground=look.INK,
            highlightthickness=1,
            highlightbackground=look.EDGE,
            highlightcolor=look.EDGE,
            borderwidth=4,
            yscrollcommand=self._move_bar,
        )
        self._bar.configure(command=self.members.yview)
        self.members.pack(side="left", fill="both", expand=True)
        side.pack_propagate(False)
        self.panes.add(side, weight=0)

    def _move_bar(self, first: float, last: float) -> None:
        """Show the members' scroll bar while there is more than fits. Tk gives the fractions as text."""
        self._bar.set(first, last)
        if float(first) > 0 or float(last) < 1:
            self._bar.pack(side="right", fill="y", before=self.members)
        else:
            self._bar.pack_forget()

    def _submit(self) -> None:
        if self._actions.typed(self.message.get()):
            self.message.delete(0, "end")
