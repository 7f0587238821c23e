"""Random lines of IRC: what people's programs send, and what they never would."""

from collections.abc import Callable
from random import Random

from chat.wires.irc import CAPABILITIES

MASKS = [
    "ana",
    "d*!*@*",
    "*!*@10.0.0.3",
    "*!*@10.0.0.8/30",
    "~q:*!~u5@*",
    "~q:?o!*@*",
    "~a:*",
    "*!*@*",
    "*!*e*@*0?",
    "b",
]
KEYS = ["k1", "k2", ":"]
ROOMS = ["#lobby", "#a", "#A", "#b", "#c", "#Ä", "#d-e"]
PASSWORD = "sesame-open"
MARKERS = ["timestamp=1970-01-02T00:00:00.000Z", "timestamp=2970-01-02T00:00:00.000Z", "*"]
_numbers = iter(range(10**9))


def random_text(random: Random) -> str:
    """Words that nobody has said before, so that each can be told from all others."""
    return f"w{next(_numbers)}" + random.choice(["", "", " and more", " é", " \x02bold", f" {'x' * 400}"])


def _some(random: Random, names: list[str], most: int = 3) -> str:
    return ",".join(random.choice(names) for _ in range(random.randrange(1, most + 1)))


def _room(random: Random) -> str:
    return random.choice(ROOMS)


def _say(random: Random, nicks: list[str]) -> str:
    verb = random.choice(["PRIVMSG", "PRIVMSG", "PRIVMSG", "NOTICE", "TAGMSG"])
    tags = random.choice(["", "", "@+typing=active ", "@+a=b;+c;d=e "])
    return f"{tags}{verb} {_some(random, [*ROOMS, *ROOMS, *nicks])} :{random_text(random)}"


def _mode(random: Random, nicks: list[str]) -> str:
    """`n` stays on in the lobby: to users of unframed wires, who know no modes, words from outside are a fault."""
    room = _room(random)
    some = "+-oovtqmbeIimskKlLRE" + ("n" if room != "#lobby" else "")
    letters = "".join(random.choice(some) for _ in range(random.randrange(1, 5)))
    params = [*random.choices(nicks, k=3), *random.choices(MASKS, k=2), random.choice(["1", "3", "x", "0"])]
    return f"MODE {room} {letters} {' '.join(random.choices(params, k=random.randrange(5)))}"


def operator_line(random: Random, room: str, members: list[str]) -> str:
    """What an operator of a room does with it."""
    nick = random.choice(members)
    off_topic = random.choice(["+t", "-t", *(["+n", "-n"] if room != "#lobby" else [])])
    return random.choice(
        [
            *[f"MODE {room} +o {nick}"] * 3,
            f"MODE {room} -o {nick}",
            f"MODE {room} +o-o{off_topic} {nick} {random.choice(members)}",
            f"MODE {room} {off_topic}",
            f"MODE {room} {random.choice('+-')}v {nick}",
            f"MODE {room} {random.choice('+--')}{random.choice('imsR')}",
            f"MODE {room} {random.choice('+--')}k {random.choice(KEYS)}",
            random.choice([f"MODE {room} +l {random.randrange(1, 9)}", f"MODE {room} -l"]),
            *[f"MODE {room} {random.choice('+-')}{random.choice('bbeI')} {random.choice(MASKS)}"] * 4,
            f"MODE {room} {random.choice(['b', 'e', 'I', 'beI', '+b-b+e ana *!*@10.0.0.3 ' + nick])}",
            f"KICK {room} {nick},{random.choice(members)} :both",
            f"PRIVMSG {random.choice('@+')}{room} :{random_text(random)}",
            f"KICK {room} {nick}" + random.choice(["", " :out"]),
            f"KICK {room} {nick}" + random.choice(["", " :out"]),
            f"TOPIC {room} :{random.choice(['', 'é' * 200, random_text(random)])}",
        ]
    )


_KINDS: list[tuple[int, Callable[[Random, list[str]], str]]] = [
    (20, _say),
    (16, lambda random, nicks: f"JOIN {_some(random, ROOMS)}" + random.choice(["", "", f" {_some(random, KEYS)}"])),
    (4, lambda random, nicks: f"INVITE {random.choice(nicks)} {_room(random)}"),
    (1, lambda random, nicks: "INVITE"),
    (1, lambda random, nicks: f"MODE {_room(random)} {random.choice(['b', '+b', 'e', 'I'])}"),
    (1, lambda random, nicks: f"PRIVMSG {random.choice('@+')}{_room(random)} :{random_text(random)}"),
    (1, lambda random, nicks: "JOIN 0"),
    (8, lambda random, nicks: f"PART {_some(random, ROOMS)}" + random.choice(["", " :bye now"])),
    (9, lambda random, nicks: f"NICK {random.choice(nicks)}"),
    (5, lambda random, nicks: f"KICK {_room(random)} {random.choice(nicks)}" + random.choice(["", " :out"])),
    (7, _mode),
    (3, lambda random, nicks: f"MODE {_room(random)}"),
    (1, lambda random, nicks: f"MODE {random.choice(nicks)} {random.choice(['+i', '-i', ''])}"),
    (3, lambda random, nicks: f"TOPIC {_room(random)} :{random.choice(['', 't1', 't2 ' + 'é' * 200])}"),
    (3, lambda random, nicks: f"TOPIC {_room(random)}"),
    (5, lambda random, nicks: f"NAMES {_some(random, ROOMS)}"),
    (5, lambda random, nicks: f"WHO {random.choice([*ROOMS, *nicks, '*', '?[]'])}"),
    (3, lambda random, nicks: f"WHOIS {random.choice(nicks)}"),
    (2, lambda random, nicks: f"LIST {random.choice(['', _some(random, ROOMS), '>2', '<3,!*a*', 'C>0', 'T<9,*'])}"),
    (2, lambda random, nicks: f"USERHOST {' '.join(random.sample(nicks, 3))}"),
    (1, lambda random, nicks: f"ISON {' '.join(random.sample(nicks, 3))}"),
    (4, lambda random, nicks: random.choice(["AWAY", "AWAY :tea", "AWAY :lunch"])),
    (2, lambda random, nicks: f"SETNAME :{random.choice(['One', 'Another', ''])}"),
    (3, lambda random, nicks: _capabilities(random)),
    (5, lambda random, nicks: _account(random, nicks)),
    (2, lambda random, nicks: f"MARKREAD {random.choice([*ROOMS, *nicks])} {random.choice(['', *MARKERS])}"),
    (2, lambda random, nicks: f"MONITOR {random.choice(['+', '+', '+', 'S', 'L'])} {_some(random, nicks)}"),
    (1, lambda random, nicks: f"MODE {random.choice(nicks)} {random.choice('+-')}B"),
    (3, lambda random, nicks: f"PING {next(_numbers)}"),
    (1, lambda random, nicks: random.choice(["QUIT", "QUIT :gone", *["PING"] * 2])),
    (4, lambda random, nicks: _broken(random, nicks)),
]
_WEIGHTS = [weight for weight, _ in _KINDS]


def _account(random: Random, nicks: list[str]) -> str:
    """All accounts have the same password, so that people get into each other's."""
    name = random.choice(nicks)
    return random.choice(
        [
            f"REGISTER {random.choice(['*', name])} * {PASSWORD}",
            f"PRIVMSG NickServ :REGISTER {PASSWORD}",
            *[f"NS IDENTIFY {name} {PASSWORD}"] * 4,
            f"NS IDENTIFY {name} wrong",
            f"NS SET PASSWORD {PASSWORD}",
            *["NS LOGOUT"] * 2,
            f"NS GHOST {name}",
            f"NS GHOST {name} {PASSWORD}",
            "AUTHENTICATE PLAIN",
            "AUTHENTICATE AGFuYQBzZXNhbWUtb3Blbg==",
            "AUTHENTICATE *",
        ]
    )


def _capabilities(random: Random) -> str:
    wanted = [random.choice(["", "-"]) + name for name in random.sample(CAPABILITIES, random.randrange(1, 4))]
    return random.choice(
        [f"CAP REQ :{' '.join(wanted)}", f"CAP REQ :{' '.join(wanted)}", "CAP LIST", "CAP REQ :nothing"]
    )


def _broken(random: Random, nicks: list[str]) -> str:
    return random.choice(
        [
            "",
            " ",
            ":",
            "@",
            "JOIN",
            "JOIN ,",
            "JOIN a,#a,,#b",
            "PART #nowhere,#a",
            "KICK #a",
            "NICK 9",
            "NICK :",
            "MODE #a +oooo ana",
            "MODE #a +xyz-n ana bob",
            "MODE #a +bbbbb a b c d e",
            "MODE #a +b " + "*a" * 60,
            "MODE #a +b ~z:x",
            "MODE #a +lk 0 a,b",
            "MODE #a " + "+b-b+k-k+l-l" * 30,
            "INVITE ana",
            "INVITE ana #nowhere",
            "KICK #a a,b,c,d,e",
            "LIST >x,<,C<,!",
            "PRIVMSG @ :x",
            "PRIVMSG @@#a :x",
            "MODE",
            "TOPIC",
            "PRIVMSG",
            "PRIVMSG #a",
            "PRIVMSG ,, :x",
            "NOTICE nobody,#a :" + random_text(random),
            "WHO",
            "WHOIS",
            "NAMES",
            "CAP",
            "CAP END",
            "USER a b c d",
            "PASS x",
            "\0\1\2",
            "PRIVMSG #a :\udcff\udcfe",
            "x" * 600,
            "PRIVMSG #a :" + "é" * 300,
            "@" + "a" * 5000 + " PING 1",
            f"@+x={'y' * 600};+z PRIVMSG {random.choice(nicks)} :{random_text(random)}",
            "NOSUCH a b",
        ]
    )


def random_line(random: Random, nicks: list[str]) -> str:
    ((_, kind),) = random.choices(_KINDS, _WEIGHTS)
    return kind(random, nicks)


def is_whole(line: str) -> bool:
    """The line holds a command that can be read, so a label in front of it is answered."""
    return (
        line.strip(" ")[:1] not in ("", ":", "@") and "\0" not in line and len(line.encode("utf-8", "replace")) <= 510
    )
