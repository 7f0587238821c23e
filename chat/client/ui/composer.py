"""The message box: Enter sends, Tab completes, Up and Down recall what was sent. Widgets only.

It grows with what is written, up to a few lines; Shift+Enter begins a new one, which is sent as a message of its own.
Before a long paste is sent, a question stands above the box. So does right-to-left text, as it will be read: a text of
Tk on X11 shows letters from left to right in the order in which they are typed.
"""

import re
import tkinter
from collections.abc import Callable
from tkinter import ttk

from chat.client.text.bidi import reordered
from chat.client.text.clean import holds_secret
from chat.client.text.completion import Candidates, Completion, Recall
from chat.client.text.palette import Palette
from chat.client.ui import look
from chat.client.ui.widgets import index, menu_buttons

_MOST_LINES = 5  # that it grows to; more are scrolled
BLINKING = 10_000  # ms that the cursor blinks after a key, as GTK's: each blink wakes the program
_DARK = 300  # ms of each blink; Tk's own default


class Composer(ttk.Frame):
    """`send` says whether the box may be emptied, `question` what to ask before, `candidates` what Tab may complete."""

    def __init__(
        self,
        parent: tkinter.Misc,
        send: Callable[[str], bool],
        question: Callable[[str], str],
        candidates: Callable[[], Candidates],
        menu: Callable[[int, int], None],
        typing: Callable[[bool], None] = lambda active: None,
        forget_reply: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(parent)
        self._send = send
        self._question = question
        self._candidates = candidates
        self._completion: Completion | None = None
        self._recall = Recall()
        self._seen = ""  # what the box held when it was last looked at
        self._stops_blinking: str | None = None
        self._typing = typing
        self._forget_reply = forget_reply
        self._make_question()
        self._make_reply()
        self.in_order = ttk.Label(self, style="Order.TLabel", anchor="e", justify="right")
        self.button = ttk.Button(self, text="Send", style="Accent.TButton", command=self.submit, takefocus=False)
        self.button.pack(side="right", fill="y", padx=(look.px(self, 8), 0))
        self.text = tkinter.Text(self, width=10, height=1, wrap="word", font=look.TEXT, undo=True, maxundo=200)
        self.text.configure(relief="flat", borderwidth=0, highlightthickness=1)
        self.text.configure(padx=look.px(self, 10), pady=look.px(self, 7))
        self.text.pack(side="left", fill="x", expand=True)
        for keys, act in (
            ("<Return>", self._entered),
            ("<KP_Enter>", self._entered),
            ("<Shift-Return>", self._new_line),
            ("<Tab>", lambda event: self._complete(back=False)),
            ("<Shift-Tab>", lambda event: self._complete(back=True)),
            ("<Up>", lambda event: self._page(up=True)),
            ("<Down>", lambda event: self._page(up=False)),
            ("<Control-BackSpace>", self._delete_word),
            ("<Escape>", lambda event: self._close_question()),
        ):
            self.text.bind(keys, act)
        for event in ("<FocusIn>", "<KeyPress>", "<Button-1>"):
            self.text.bind(event, self._blink, add=True)
        self.text.bind("<Destroy>", lambda event: self._forget_blinking())
        for button in menu_buttons(self):
            self.text.bind(button, lambda event: menu(event.x_root, event.y_root))
        if self._windows() == "x11":
            self.text.bind("<ISO_Left_Tab>", lambda event: self._complete(back=True))
        for happening in ("<<Modified>>", "<Configure>"):
            self.text.bind(happening, self._fit)

    def paint(self, palette: Palette) -> None:
        self.text.configure(background=palette.paper, foreground=palette.ink, insertbackground=palette.ink)
        self.text.configure(selectbackground=palette.marked, selectforeground=palette.ink)
        self.text.configure(highlightbackground=palette.edge, highlightcolor=palette.accent)

    def get(self) -> str:
        return self.text.get("1.0", "end-1c")

    def set(self, text: str, cursor: int | None = None) -> None:
        """Put this into the box, with the cursor so many characters from the beginning, or at its end."""
        self.text.delete("1.0", "end")
        self.text.insert("1.0", text)
        self._seen = self.get()  # nobody typed it
        self.text.mark_set("insert", "end-1c" if cursor is None else index(self, text, cursor))
        self.text.see("insert")

    def submit(self, asked: bool = False) -> None:
        """Send what the box holds, if it is short or was `asked` about."""
        text = self.get()
        self._close_question()
        question = "" if asked else self._question(text)
        if question:
            self.asked.configure(text=question)
            self.bar.pack(side="top", fill="x", before=self.button, pady=(0, look.px(self, 8)))
            self.sure.focus_set()
            return
        if text.strip():
            self.set("")  # first: what the box holds when another talk is opened becomes the draft of this one
            if self._send(text):
                if not holds_secret(text):
                    self._recall.add(text)
                self.text.edit_reset()
            else:
                self.set(text)
        self.text.focus_set()

    def _make_question(self) -> None:
        self.bar = ttk.Frame(self, style="Paper.TFrame")
        self.asked = ttk.Label(self.bar, style="Strong.TLabel")
        gap = look.px(self, 6)
        for text, act in (("Cancel", self._cancel), ("Edit", self._edit), ("Send", lambda: self.submit(asked=True))):
            button = ttk.Button(self.bar, text=text, command=act)
            button.pack(side="right", padx=(gap, 0))
            for keys in ("<Return>", "<KP_Enter>"):
                button.bind(keys, lambda event, act=act: act())
            button.bind("<Escape>", lambda event: self._edit())
        self.sure = button
        self.asked.pack(side="left", fill="x", expand=True)

    def show_reply(self, quoted: str) -> None:
        """Show the line that is replied to, with a button to forget it."""
        if quoted:
            self.replied.configure(text=f"Reply to {quoted}")
            self.reply.pack(side="top", fill="x", before=self.button, pady=(0, look.px(self, 4)))
        else:
            self.reply.pack_forget()

    def _make_reply(self) -> None:
        self.reply = ttk.Frame(self, style="Paper.TFrame")
        self.replied = ttk.Label(self.reply, style="Reply.TLabel", width=1)
        ttk.Button(self.reply, text="✕", style="Flat.TButton", command=self._forget_reply).pack(side="right")
        self.replied.pack(side="left", fill="x", expand=True)

    def _show_order(self) -> None:
        """Show how the line with the cursor is read, if that is not as it stands in the box."""
        line = self.text.get("insert linestart", "insert lineend")
        room = max(1, self.winfo_width() - look.px(self, 8))
        order = reordered(line, lambda text: look.width(self, text) <= room) if self._windows() == "x11" else None
        if order:
            self.in_order.configure(text=order.shown, wraplength=room)
            self.in_order.pack(side="top", fill="x", before=self.button, pady=(0, look.px(self, 4)))
        else:
            self.in_order.pack_forget()

    def _edit(self) -> None:
        self._close_question()
        self.text.focus_set()

    def _cancel(self) -> None:
        self.set("")
        self._edit()

    def _close_question(self) -> None:
        self.bar.pack_forget()

    def _blink(self, event: object = None) -> None:
        """Have the cursor blink, until nobody has pressed a key for a while."""
        if self._stops_blinking is not None:
            self._forget_blinking()
        elif int(str(self.text.cget("insertofftime"))) == 0:
            self.text.configure(insertofftime=_DARK)
        self._stops_blinking = self.after(BLINKING, self._stop_blinking)

    def _forget_blinking(self) -> None:
        if self._stops_blinking is not None:
            self.after_cancel(self._stops_blinking)

    def _stop_blinking(self) -> None:
        self._stops_blinking = None
        self.text.configure(insertofftime=0)

    def _delete_word(self, event: object) -> str:
        """The word before the cursor, as everywhere else: blanks first, then the word."""
        before = self.text.get("insert linestart", "insert")
        kept = before.rstrip()
        kept = kept[: len(kept) - len(re.split(r"\s", kept)[-1])]
        line = int(str(self.text.index("insert")).split(".")[0])
        start = index(self, kept, len(kept), line) if before else "insert -1c"
        self.text.delete(start, "insert")
        return "break"

    def _windows(self) -> str:
        return str(self.tk.call("tk", "windowingsystem"))

    def _entered(self, event: object) -> str:
        self.submit()
        return "break"

    def _new_line(self, event: object) -> str:
        self.text.insert("insert", "\n")
        self.text.see("insert")
        return "break"

    def _complete(self, back: bool) -> str | None:
        """Tab in an empty box leads to the next part of the window, as everywhere."""
        text = self.get()
        if not text.strip():
            return None if back else self._leave()
        cursor = len(self.text.get("1.0", "insert"))
        if not (self._completion and self._completion.goes_on(text, cursor)):
            self._completion = Completion(text, cursor, self._candidates())
        self.set(*self._completion.next(back))
        return "break"

    def _leave(self) -> str:
        following = self.text.tk_focusNext()
        if following:
            following.focus_set()
        return "break"

    def _page(self, up: bool) -> str | None:
        """At the first or last line only; within a text of several the cursor moves as usual."""
        edge = "1.0" if up else "end-1c"
        if self.text.count("insert", edge, "displaylines") not in (None, 0, (0,)):
            return None
        recalled = self._recall.up(self.get()) if up else self._recall.down(self.get())
        if recalled is not None:
            self.set(recalled)
        return "break"

    def _fit(self, event: object = None) -> None:
        self.text.edit_modified(False)
        words = self.get()
        if words != self._seen and self.text.focus_get() is self.text:
            self._typing(bool(words.strip()) and not words.startswith("/"))
        self._seen = words
        self._show_order()
        found = self.text.count("1.0", "end", "displaylines")
        lines = (found[0] if isinstance(found, tuple) else found) or 1
        height = min(_MOST_LINES, lines)
        if height != int(self.text.cget("height")):
            self.text.configure(height=height)
            self.text.see("insert")
