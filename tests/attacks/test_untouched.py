"""The four who must never feel the limits, with the limits as they come.

A person; a bouncer that comes back to 50 rooms; ordinary programs that ask MODE and WHO as they join a big room; an
office of 50 people behind one address.
"""

import re
from random import Random

from bench.still import StillServer, StillSocket
from tests.attacks.siege import attackers, ghosts, members, say, siege
from tests.attacks.transports import each_scheme

OFFICE = "192.0.2.1"


def waits(server: StillServer, sock: StillSocket) -> bool:
    """Its rate holds a command of the client back."""
    return server.connection(sock).resume_at is not None


def test_a_person_who_types_pastes_and_asks_waits_for_nothing() -> None:
    """A line every two seconds for ten minutes, WHOIS and NAMES between, and now and then a paste of 30 lines."""
    with siege() as besieged:
        server = besieged.server
        ghosts(server, 500, "#room")
        person = server.connect("person", "#room", host="10.3.0.1")
        for turn in range(300):
            lines = [f"PRIVMSG #room :line {turn} of somebody who has something to say"]
            if turn % 5 == 0:
                lines += ["WHOIS innocent1", "NAMES #room", "PING x"]
            if turn % 60 == 30:
                lines += [f"PRIVMSG #room :{'pasted ' * 10}"] * 30
            person.heard.clear()
            server.say(person, *lines, f"PING last{turn}")
            assert not waits(server, person)
            assert person.lines()[-1].endswith(f" last{turn}")
            server.advance(2.0)


@each_scheme
def test_a_bouncer_that_comes_back_to_50_rooms_has_all_at_once(scheme: str) -> None:
    """JOIN in lines, then MODE and WHO of each room of up to 250 members."""
    with siege(scheme=scheme) as besieged:
        server, random = besieged.server, Random(1)
        rooms = [f"#room{number}" for number in range(50)]
        for room in rooms:
            ghosts(server, random.randrange(50, 251), room)
        sock = server.visit("10.3.0.1")
        lines = ["CAP LS 302", "CAP REQ :server-time message-tags", "NICK bouncer", "USER b 0 * :b", "CAP END"]
        lines += [f"JOIN {','.join(rooms[first : first + 10])}" for first in range(0, 50, 10)]
        for room in rooms:
            lines += [f"MODE {room}", f"WHO {room}"]
        say([sock], "".join(f"{line}\r\n" for line in lines).encode())
        server.settle()
        assert not waits(server, sock)
        heard = b"".join(sock.heard)
        assert len(re.findall(rb" JOIN #", heard)) == len(re.findall(rb" 324 ", heard)) == 50
        assert len(re.findall(rb" 315 ", heard)) == 50
        assert (
            len(re.findall(rb" 352 ", heard)) == sum(len(room.members) for room in server.node.state.rooms.values()) - 2
        )


@each_scheme
def test_a_bouncer_reads_its_answers_over_a_slow_line_and_is_not_dropped(scheme: str) -> None:
    """55 rooms of 250, at 1 Mbit/s: 1.2 MB that it asked for."""
    with siege(scheme=scheme) as besieged:
        server = besieged.server
        for number in range(55):
            ghosts(server, 250, f"#room{number}")
        sock = server.connect("bouncer", host="10.3.0.1")
        sock.heard.clear()
        for number in range(55):
            sock.said += f"JOIN #room{number}\r\nWHO #room{number}\r\n".encode()
        for _ in range(400):
            sock.room = 6_250
            server.step()
            server.now += 0.05
        assert not sock.closed
        assert sum(line.count(" 315 ") for line in sock.lines()) == 55


@each_scheme
def test_a_hundred_programs_that_join_a_room_of_3000_are_all_answered_and_delay_no_word(scheme: str) -> None:
    """Each with JOIN, MODE and WHO, of addresses of their own, at once."""
    with siege(scheme=scheme) as besieged:
        server = besieged.server
        members(server, 300, "#big")
        ghosts(server, 2_700, "#big")
        programs = members(server, 100, name="program")
        say(programs, b"JOIN #big\r\nMODE #big\r\nWHO #big\r\n")
        done: list[StillSocket] = []
        for _ in range(200):
            besieged.word()
            for _ in range(5):
                server.step()
            server.now += 0.2  # the innocent have a rate of their own
            done = [sock for sock in programs if any(b":End of WHO list" in data for data in sock.heard)]
            if len(done) == len(programs):
                break
        assert len(done) == len(programs)
        assert not any(waits(server, sock) for sock in programs)
        besieged.hold(passes=2, made=12_000_000)
        for sock in programs:
            heard = b"".join(sock.heard)
            assert heard.count(b" 324 ") == 1
            assert 3_000 < heard.count(b" 352 ") <= 3_100


def test_an_office_of_50_behind_one_address_comes_works_and_comes_back() -> None:
    with siege() as besieged:
        server, random = besieged.server, Random(2)
        ghosts(server, 200, "#all", "#help")

        def come() -> list[StillSocket]:
            """Everybody at once, with their programs' questions about five rooms."""
            socks = [server.visit(OFFICE) for _ in range(50)]
            for number, sock in enumerate(socks):
                lines = [f"NICK clerk{number}", "USER clerk 0 * :clerk"]
                for room in ("#all", "#help", f"#team{number % 5}", f"#team{number % 7}", "#quietly"):
                    lines += [f"JOIN {room}", f"MODE {room}", f"WHO {room}"]
                say([sock], "".join(f"{line}\r\n" for line in lines).encode())
            server.settle()
            assert not any(waits(server, sock) for sock in socks)
            return socks

        socks = come()
        for second in range(600):  # somebody says something every second, with a question now and then
            server.advance(1.0)
            if second % 60 == 0:
                server.say_all(socks, "PONG x")
            sock = random.choice(socks)
            server.say(sock, "PRIVMSG #all :what does the customer want", *random.choice([[], [], ["WHOIS clerk1"]]))
            assert not waits(server, sock)
        for sock in socks:
            sock.ended = True
        server.settle()
        come()  # the line to the office was down


def test_an_office_is_not_silenced_by_one_of_them() -> None:
    with siege() as besieged:
        server = besieged.server
        ghosts(server, 3_000, "#big")
        people = [server.connect(f"clerk{number}", "#team", host="127.0.0.1") for number in range(20)]
        server.advance(60.0)
        (bad,) = attackers(server, 1)
        for _ in range(200):
            if not server.connection(bad).wire.waiting:
                say([bad], b"WHO #big\r\n" * 60)
            server.step()
            server.now += 0.05
            bad.heard.clear()
        for number, sock in enumerate(people):
            people[0].heard.clear()
            server.say(sock, f"PRIVMSG #team :word {number}")
            assert number == 0 or f"word {number}" in people[0].lines()[-1]
