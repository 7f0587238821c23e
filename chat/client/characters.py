"""Find a character's place as Tk counts: before Tk 9, those beyond U+FFFF (most emoji) are two columns of a line."""

import tkinter


def index(widget: tkinter.Misc, text: str, cursor: int, line: int = 1) -> str:
    """Tk's index of the place before `text[cursor]`, in a text widget that shows the text from this line on."""
    before = text[:cursor]
    start = before.rfind("\n") + 1
    column = cursor - start
    if widget.tk.call("string", "length", "\U0001f600") == 2:
        column += sum(character > "\uffff" for character in before[start:])
    return f"{line + before.count(chr(10))}.{column}"
