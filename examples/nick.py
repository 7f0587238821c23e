from loadtest import Refused, Wire


class Nick(Wire, scheme="nick", end=b""):
    def enter(self, room):
        if (yield b"") != b"NICK":
            raise Refused("no question")
        yield self.nick.encode()

    def say(self, room, text):
        return f"{self.nick}: {text}\n".encode()
