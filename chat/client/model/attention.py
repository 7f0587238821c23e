"""What the person looks at, and which words call them. Pure state, one for the whole window."""

import re

from chat.client.model.talk import Talk

_NICK_SIGNS = r"\w\[\]\\`^{|}-"  # what may stand in a nickname: beside one, a word goes on


class Attention:
    """`talk` is the one that is shown. The person reads it while the window has the `focus`."""

    def __init__(self) -> None:
        self.talk: Talk | None = None
        self.focused = True
        self.highlights: tuple[str, ...] = ()  # the person's own words, beside the nickname

    def on(self, talk: Talk) -> bool:
        """Whether words in this talk are read as they come."""
        return self.focused and talk is self.talk

    def named(self, text: str, nick: str) -> bool:
        """Whether the text names us, or holds one of our words."""
        return mentions(text, nick) or any(mentions(text, word) for word in self.highlights)


def mentions(text: str, word: str) -> bool:
    """Whether this stands in the text as a word of its own, in small or capital letters."""
    if not word or word.casefold() not in text.casefold():
        return False
    pattern = rf"(?<![{_NICK_SIGNS}]){re.escape(word)}(?![{_NICK_SIGNS}])"
    return re.search(pattern, text, re.IGNORECASE) is not None
