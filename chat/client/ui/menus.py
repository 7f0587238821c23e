"""The menus: every action with its keys, in one table. Widgets only; what an action does, others know."""

import tkinter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chat.client.text.palette import Palette

_KEYS = "FanfareKeys"  # the bind tag that comes before a widget's own: Ctrl+F finds, though a text would go forward

_LONGEST = 70  # characters of an entry in a menu

Entry = tuple[str, Callable[[], object]] | None  # a label and what it does; None for a line between


@dataclass(frozen=True, slots=True)
class Item:
    """`name` is the action's. `keys` are written as Tk does, with `Mod` for Control or, on a Mac, Command."""

    menu: str
    label: str
    name: str
    keys: tuple[str, ...] = ()


ITEMS = (
    Item("Fanfare", "Connect to Another Server …", "connect", ("Mod-o",)),
    Item("Fanfare", "Servers …", "servers"),
    Item("Fanfare", "Try to Connect Now", "again", ("F5",)),
    Item("Fanfare", "Disconnect", "disconnect", ("Mod-Shift-D",)),
    Item("Fanfare", "Preferences …", "preferences", ("Mod-comma",)),
    Item("Fanfare", "Quit", "quit", ("Mod-q",)),
    Item("Edit", "Copy", "copy", ("Mod-c",)),
    Item("Edit", "Select All", "select_all", ("Mod-a",)),
    Item("Edit", "Find …", "find", ("Mod-f",)),
    Item("Edit", "Find Next", "find_next", ("F3", "Mod-g")),
    Item("Edit", "Find Previous", "find_previous", ("Shift-F3",)),
    Item("Edit", "Search All Logs …", "search_logs", ("Mod-Shift-F",)),
    Item("Edit", "Open a Link …", "links", ("Mod-l",)),
    Item("Edit", "Send Unsent Lines Again", "resend", ("Mod-r",)),
    Item("View", "Larger Text", "larger", ("Mod-plus", "Mod-equal", "Mod-KP_Add")),
    Item("View", "Smaller Text", "smaller", ("Mod-minus", "Mod-KP_Subtract")),
    Item("View", "Usual Text", "usual", ("Mod-0",)),
    Item("View", "Next Part of the Window", "part", ("F6",)),
    Item("Talk", "Go to …", "go", ("Mod-k",)),
    Item("Talk", "Join a Room …", "join", ("Mod-j",)),
    Item("Talk", "Rooms of This Server …", "rooms"),
    Item("Talk", "Talk to Somebody …", "query", ("Mod-t",)),
    Item("Talk", "Next Talk", "next", ("Mod-Next", "Alt-Down")),
    Item("Talk", "Previous Talk", "previous", ("Mod-Prior", "Alt-Up")),
    Item("Talk", "Next Unread Talk", "unread", ("Mod-u",)),
    Item("Talk", "Where I Left Off", "new", ("Mod-Shift-U",)),
    Item("Talk", "Close Talk", "close", ("Mod-w",)),
    Item("Help", "Keys and Commands", "help", ("F1",)),
)
THEMES = {"system": "As the Desktop", "light": "Light", "dark": "Dark"}

_WORDS = {"Next": "PageDown", "Prior": "PageUp", "plus": "+", "minus": "-", "comma": ",", "Mod": "Ctrl"}


def keys_shown(keys: str) -> str:
    """As a menu shows them: `Ctrl+PageDown`."""
    return "+".join(_WORDS.get(part, part.upper() if len(part) == 1 else part) for part in keys.split("-"))


def all_keys(item: Item) -> str:
    """All that do the same, but for those that only stand for a sign on another part of the keyboard."""
    return ", ".join(keys_shown(keys) for keys in item.keys if not keys.endswith(("equal", "KP_Add", "KP_Subtract")))


class Menus:
    """The menu bar of a window. `theme` is Tk's variable of the theme that is chosen."""

    def __init__(
        self,
        root: tkinter.Tk,
        actions: Mapping[str, Callable[[], object]],
        wear: Callable[[], None],
        theme: tkinter.StringVar,
    ) -> None:
        self._root = root
        self._actions = actions
        mac = root.tk.call("tk", "windowingsystem") == "aqua"
        self._modifier = "Command" if mac else "Control"
        self.bar = tkinter.Menu(root, tearoff=False)
        self.menus = {name: tkinter.Menu(self.bar, tearoff=False) for name in dict.fromkeys(i.menu for i in ITEMS)}
        for name, menu in self.menus.items():
            self.bar.add_cascade(label=name, menu=menu, underline=0)
        for item in ITEMS:
            self._add(self.menus[item.menu], item)
            for keys in item.keys:
                root.bind_class(_KEYS, f"<{keys.replace('Mod', self._modifier)}>", self._press(item.name))
        self.themes = tkinter.Menu(self.menus["View"], tearoff=False)
        for value, label in THEMES.items():
            self.themes.add_radiobutton(label=label, value=value, variable=theme, command=wear)
        self.menus["View"].add_cascade(label="Colours", menu=self.themes, underline=0)
        self.context = tkinter.Menu(root, tearoff=False)
        root.configure(menu=self.bar)

    def reach(self, widget: tkinter.Misc) -> None:
        """Let the keys work in this widget and all within it, before its own."""
        if _KEYS not in widget.bindtags():
            widget.bindtags((_KEYS, *widget.bindtags()))
        for child in widget.winfo_children():
            self.reach(child)

    def paint(self, palette: Palette) -> None:
        if self._modifier == "Command":
            return  # the system's own menus
        for menu in self._all():
            menu.configure(background=palette.surface, foreground=palette.ink, borderwidth=0, relief="flat")
            menu.configure(activebackground=palette.marked, activeforeground=palette.ink, activeborderwidth=0)
            menu.configure(selectcolor=palette.accent, disabledforeground=palette.faint)
        for menu in (*self.menus.values(), self.themes, self.context):
            menu.configure(borderwidth=1, relief="solid")

    def post(self, entries: Sequence[Entry], x: int, y: int, first: bool = False) -> None:
        """Offer these at this place of the screen; the `first` is chosen already where keys opened the menu."""
        self.context.delete(0, "end")
        for entry in entries:
            if entry is None:
                self.context.add_separator()
                continue
            label, act = entry
            shown = label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"
            self.context.add_command(label=shown, command=act)
        self.context.tk_popup(x, y, *([0] if first else []))

    def entry(self, name: str) -> Entry:
        """The action of this name as an entry of a menu that is posted."""
        item = next(item for item in ITEMS if item.name == name)
        return item.label, self._actions[name]

    def _add(self, menu: tkinter.Menu, item: Item) -> None:
        keys = keys_shown(item.keys[0]) if item.keys else ""
        menu.add_command(label=item.label, accelerator=keys, command=self._actions[item.name])

    def _press(self, name: str) -> Callable[[object], str]:
        def press(event: object) -> str:
            self._actions[name]()
            return "break"

        return press

    def _all(self) -> Iterator[tkinter.Menu]:
        yield from (self.bar, self.context, self.themes, *self.menus.values())
