"""Text on its way in and out: make a peer's text harmless to show, cut one's own to lines that fit. Pure functions."""

import re

LINE_BYTES = 512  # a line with its line end, without its tags; as old as IRC

_ACTION = "\x01ACTION "

# Bold, italics, colours and the like as mIRC sends them; a colour's digits belong to its code, here foreground and
# background. What they mean: chat.client.text.formatting.
FORMATTING = re.compile(
    r"\x03(?:([0-9]{1,2})(?:,([0-9]{1,2}))?)?|\x04(?:([0-9A-Fa-f]{6})(?:,([0-9A-Fa-f]{6}))?)?"
    r"|[\x02\x0f\x11\x16\x1d\x1e\x1f]"
)
BLANKS = "\t\n\v\f\r\x85\u2028\u2029"  # each would break or bend a line of the transcript
_BLANKS = re.compile(f"[{BLANKS}]+")
# Other control characters, and the marks that turn the writing direction of whatever stands after them.
_HARMFUL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")


def clean(text: str) -> str:
    """A peer's text as one line without formatting codes, control characters or half characters."""
    if text.isprintable():
        return text  # as most is; neither a control character nor a mark of direction nor half a character is printable
    return whole_characters(one_line(FORMATTING.sub("", text)))


def one_line(text: str) -> str:
    """Blanks of any kind as spaces; no control characters."""
    return _HARMFUL.sub("", _BLANKS.sub(" ", text))


def whole_characters(text: str) -> str:
    """Two halves of a character as one, a half alone as a replacement character."""
    # Tk hands out and takes in characters beyond U+FFFF as two halves; a half alone cannot be encoded.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def read_action(text: str) -> str | None:
    """What somebody does in `/me waves`: the CTCP ACTION in a message's text; None when it is not one."""
    return text[len(_ACTION) :].rstrip("\x01") if text.startswith(_ACTION) else None


def write_action(text: str) -> str:
    return f"{_ACTION}{text}\x01"


def room_for_text(mask: str, to: str) -> int:
    """Bytes of text in a message that the server relays whole, with `mask` (nick!user@host) as its source."""
    return LINE_BYTES - len(f":{mask} PRIVMSG {to} :\r\n".encode())


def split(text: str, limit: int) -> list[str]:
    """Cut text to pieces of at most `limit` bytes of UTF-8, between words where it can be."""
    pieces = []
    data = text.encode()
    while len(data) > limit:
        head = data[:limit].decode("utf-8", "ignore")
        space = head.rfind(" ")
        if space > len(head) // 2:  # a space nearer to the front would waste more of the line than it is worth
            head = head[:space]
        pieces.append(head)
        data = data[len(head.encode()) :].removeprefix(b" ")
    return [*pieces, data.decode()] if data else pieces


HIDDEN = "••••"

_SERVICE = re.compile(r"(?:\w*serv|[QX]|userserv)(?:@.*)?", re.IGNORECASE)
_SECRET = re.compile(
    r"(?P<verb>identify|id|login|auth|register|ghost|recover|release|regain|group|drop|confirm|resetpass|setpass"
    r"|set\s+passw(?:or)?d)\s+\S.*",
    re.IGNORECASE | re.DOTALL,
)
_COMMAND = re.compile(
    r"/(?:(?:msg|query|notice)\s+(?P<to>\S+)|(?P<short>ns|as|us)|(?P<raw>quote|raw))\s+(?P<text>.*)", re.I | re.DOTALL
)
_RAW = re.compile(
    r"(?:PASS|OPER|AUTHENTICATE|REGISTER|NICKSERV|NS|(?:PRIVMSG|NOTICE|SQUERY)\s+\w*serv)\b", re.IGNORECASE
)


def redacted(to: str, text: str) -> str:
    """The words as they may be shown: of those that give a service a password, only which command it is."""
    found = _SECRET.match(text) if _SERVICE.fullmatch(to) else None
    return f"{found['verb']} {HIDDEN}" if found else text


def holds_secret(typed: str) -> bool:
    """Whether what was typed holds a password, and so is not to be recalled."""
    found = _COMMAND.match(typed)
    if not found:
        return typed.lower().startswith(("/oper ", "/register "))
    if found["raw"]:
        return _RAW.match(found["text"]) is not None
    return redacted(found["to"] or "nickserv", found["text"]) != found["text"]
