"""Passwords in what a person types: kept out of transcripts, logs and the recall of the message box. Pure functions."""

import re

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
_RAW = re.compile(r"(?:PASS|OPER|AUTHENTICATE|NICKSERV|NS|(?:PRIVMSG|NOTICE|SQUERY)\s+\w*serv)\b", re.IGNORECASE)


def redacted(to: str, text: str) -> str:
    """The words as they may be shown: of those that give a service a password, only which command it is."""
    found = _SECRET.match(text) if _SERVICE.fullmatch(to) else None
    return f"{found['verb']} {HIDDEN}" if found else text


def holds_secret(typed: str) -> bool:
    """Whether what was typed holds a password, and so is not to be recalled."""
    found = _COMMAND.match(typed)
    if not found:
        return typed.lower().startswith("/oper ")
    if found["raw"]:
        return _RAW.match(found["text"]) is not None
    return redacted(found["to"] or "nickserv", found["text"]) != found["text"]
