"""From the first byte to the welcome: password, capabilities, login. Sans-IO, a part of the protocol."""

import base64
import binascii

from chat.client.irc.login import Login, Mechanism, chunks, mechanism
from chat.errors import WireError
from chat.wires.message import Message, build

WANTED = frozenset(
    {
        *("server-time", "echo-message", "message-tags", "away-notify", "multi-prefix", "batch", "labeled-response"),
        *("draft/chathistory", "znc.in/playback", "invite-notify"),
    }
)
_LOGGED_IN, _ALREADY = "903", "907"
_MECHANISMS = "908"


class Registration:
    """`failure` says why the account's login came to nothing; the connection ends then."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._offered: dict[str, str] = {}
        self._mechanism: Mechanism | None = None
        self._challenge = ""
        self._output: list[bytes] = []
        self.granted: frozenset[str] = frozenset()
        self.failure = ""

    def begin(self, nick: str) -> list[bytes]:
        password = [build("PASS", self._login.password)] if self._login.password else []
        return [*password, build("CAP", "LS", "302"), build("NICK", nick), build("USER", nick, "0", "*", nick)]

    def take_output(self) -> list[bytes]:
        output, self._output = self._output, []
        return output

    def read(self, message: Message, welcomed: bool) -> str:
        """What the person is to know of this line."""
        if message.verb == "CAP":
            return self._capabilities(message, welcomed)
        if self._mechanism is None:
            return ""
        if message.verb == "AUTHENTICATE":
            self._authenticate(message.params[0])
        elif message.verb in (_LOGGED_IN, _ALREADY):
            self._mechanism = None
            self._send("CAP", "END")
            return f"You are logged in as {self._login.account or 'the owner of your certificate'}."
        elif message.verb != _MECHANISMS:
            account = self._login.account or "your certificate"
            self._fail(f"the server does not accept the login of {account}: {message.params[-1]}")
        return ""

    def _capabilities(self, message: Message, welcomed: bool) -> str:
        verb = message.params[1].upper()
        words = message.params[-1].split()
        if verb == "LS":
            self._offered |= {name: value for name, _, value in (word.partition("=") for word in words)}
            if message.params[2] == "*":
                return ""  # more of the list follows
            wanted = sorted(name for name in WANTED if name in self._offered)
            if self._login.wanted:
                self._mechanism = self._choose()
                wanted += ["sasl"] if self._mechanism else []
            self._send(*(("CAP", "REQ", " ".join(wanted)) if wanted else ("CAP", "END")))
            if self._login.wanted and not self._mechanism:
                return "This server has no way to log in that you could use (SASL): you are not logged in."
        elif verb in ("ACK", "NAK") and not welcomed:
            if verb == "ACK":
                self.granted |= WANTED & set(words)
            if verb == "ACK" and self._mechanism and "sasl" in words:
                self._send("AUTHENTICATE", self._mechanism.name)
            else:
                self._mechanism = None
                self._send("CAP", "END")
        return ""

    def _choose(self) -> Mechanism | None:
        if "sasl" not in self._offered:
            return None
        return mechanism(self._login, self._offered["sasl"].upper().split(",") if self._offered["sasl"] else ())

    def _authenticate(self, part: str) -> None:
        """A part of the server's challenge; one shorter than 400 characters is the last."""
        assert self._mechanism
        self._challenge += "" if part == "+" else part
        if len(part) == 400:
            return
        challenge, self._challenge = self._challenge, ""
        try:
            answer = self._mechanism.answer(base64.b64decode(challenge, validate=True))
        except (WireError, binascii.Error) as error:
            self._send("AUTHENTICATE", "*")
            self._fail(str(error))
            return
        for piece in chunks(answer):
            self._send("AUTHENTICATE", piece)

    def _fail(self, why: str) -> None:
        self._mechanism = None
        self.failure = why
        self._send("QUIT")

    def _send(self, *words: str) -> None:
        self._output.append(build(*words))
