"""A scroll bar that is there while there is more than fits. Widgets only."""

import tkinter
from tkinter import ttk


class PassingBar(ttk.Scrollbar):
    """Stands at the right of a list that is packed in the same frame."""

    def __init__(self, parent: tkinter.Misc, beside: tkinter.Listbox | ttk.Treeview) -> None:
        super().__init__(parent, command=beside.yview)
        self._beside = beside
        beside.configure(yscrollcommand=self.move)

    def move(self, first: float, last: float) -> None:
        """Tk gives the fractions as text."""
        self.set(first, last)
        if float(first) > 0 or float(last) < 1:
            self.pack(side="right", fill="y", before=self._beside)
        else:
            self.pack_forget()
