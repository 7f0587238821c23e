"""Runs of coming and going as one row, days apart, and rows that keep in step with the lines."""

import time
from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.irc.news import Join, Kick, Leave, Person, Quit, Rename
from chat.client.irc.server_news import Welcomed
from chat.client.model.network import Network
from chat.client.model.talk import Delivery, Line, LineKind, Move, Moved, Talk, TalkKind
from chat.client.ui.transcript.rows import FEW, Edit, Row, RowKind, Rows, day_line, follows

NOON = datetime(2026, 11, 21, 12).timestamp()


class Shown:
    """A transcript that does what each edit says, beside the lines that it is made of."""

    def __init__(self) -> None:
        self.folding = Rows()
        self.talk = Talk("#lobby", TalkKind.ROOM)
        self.rows: list[Row] = []

    def append(self, line: Line) -> Line:
        line, _ = self.talk.append(line)
        self.apply(self.folding.append(line))
        return line

    def apply(self, edit: Edit | None) -> None:
        assert edit
        self.rows[edit.at : edit.at + edit.gone] = edit.rows
        assert self.rows == self.folding.rows
        for place, row in enumerate(self.rows):
            assert row.follows == follows(self.rows[place - 1] if place else None, row.line) or row.lines > 1

    def forget(self, oldest: int) -> int:
        """How many rows that takes away."""
        before = len(self.rows)
        self.apply(self.folding.forget(oldest))
        return before - len(self.rows)

    def moves(self, moves: str, at: float = NOON) -> None:
        """`+anna -ben carl>dora`: joins, leaves, renames."""
        for move in moves.split():
            nick, _, to = move.lstrip("+-").partition(">")
            how = Moved.RENAMED if to else Moved.JOINED if move[0] == "+" else Moved.LEFT
            self.append(Line(at, LineKind.EVENT, move, move=Move(nick, how, to)))

    def say(self, text: str, at: float = NOON) -> Line:
        return self.append(Line(at, LineKind.SAY, text, "ana"))

    def texts(self) -> list[str]:
        return [row.line.text for row in self.rows]


FOLDED = [
    ("+a +b -c", ["+a", "+b", "-c"]),
    ("+a +b -c +d", ["a, b and d joined; c left"]),
    ("+a +b +c +d", ["a, b and 2 others joined"]),
    ("+a +b +c +d +e -f", ["a, b and 3 others joined; f left"]),
    ("-a -b -c -d", ["a, b and 2 others left"]),
    ("+a -a +b -b", ["a and b joined and left"]),
    ("-a +a -b +b", ["a and b left and came back"]),
    ("-a +a -a +b", ["b joined; a left"]),
    ("+a -a +a +A", ["A joined"]),
    ("a>b b>c +x +y", ["x and y joined; a is now c"]),
    ("a>b b>a +x +y", ["x and y joined"]),
    ("-a +a +a +x", ["x joined; a left and came back"]),
    ("a>b b>a a>b b>a", ["b>a"]),
    ("+a a>b +x +y", ["b, x and y joined"]),
    ("a>b c>d e>f g>h", ["a is now b, c is now d and 2 others have new names"]),
    ("-a +a a>b +x", ["x joined; b left and came back"]),
]


@pytest.mark.parametrize(("moves", "rows"), FOLDED)
def test_many_moves_are_one_row_and_a_few_are_as_they_were(moves: str, rows: list[str]) -> None:
    shown = Shown()
    shown.moves(moves)
    assert shown.texts() == rows


def test_words_end_a_run() -> None:
    shown = Shown()
    shown.moves("+a +b +c +d")
    shown.say("hello")
    shown.moves("+e +f +g +h")
    shown.say("hello again")
    shown.moves("-a")
    assert shown.texts() == ["a, b and 2 others joined", "hello", "e, f and 2 others joined", "hello again", "-a"]


def test_a_folded_row_grows_in_its_place() -> None:
    shown = Shown()
    shown.moves("+a +b +c +d")
    step = shown.folding.append(Line(NOON, LineKind.EVENT, "e joined", move=Move("e", Moved.JOINED), id=5))
    assert (step.at, step.gone, [(row.line.text, row.lines, row.last) for row in step.rows]) == (
        0,
        1,
        [("a, b and 3 others joined", 5, 5)],
    )


def test_a_folded_row_has_nothing_left_of_the_formatting_of_its_last_line() -> None:
    shown = Shown()
    shown.moves("+a +b +c")
    shown.append(Line(NOON, LineKind.EVENT, "d left (bye)", raw="d left (\x02bye)", move=Move("d", Moved.LEFT)))
    assert shown.rows[-1].line.raw == ""


def test_a_line_stands_between_days() -> None:
    shown = Shown()
    shown.say("today")
    shown.say("still today", NOON + 11 * 3600)
    shown.say("tomorrow", NOON + 13 * 3600)
    assert shown.texts() == ["today", "still today", "Sunday, 22 November 2026", "tomorrow"]
    assert [row.kind is RowKind.DAY for row in shown.rows] == [False, False, True, False]
    assert day_line(date(2026, 11, 1)) == "Sunday, 1 November 2026"


def test_a_day_ends_a_run() -> None:
    shown = Shown()
    shown.moves("+a +b +c +d")
    shown.moves("+e", NOON + 86_400)
    assert shown.texts() == ["a, b and 2 others joined", "Sunday, 22 November 2026", "+e"]


def test_rows_go_with_the_lines_that_are_pushed_out() -> None:
    shown = Shown()
    shown.say("one")  # 1
    shown.moves("+a +b +c +d")  # 2 to 5, one row
    shown.say("two", NOON + 86_400)  # 6, and the day before it
    assert shown.forget(oldest=2) == 1
    assert [shown.forget(oldest) for oldest in (3, 4, 5)] == [0, 0, 0], "half a run is still shown"
    assert shown.forget(oldest=6) == 1
    assert [row.line.text for row in shown.folding.rows] == ["Sunday, 22 November 2026", "two"]
    assert shown.forget(oldest=7) == 2


def test_a_run_whose_beginning_was_pushed_out_takes_no_row_of_others() -> None:
    shown = Shown()
    shown.moves("+a +b")
    shown.forget(oldest=2)
    shown.moves("+c +d")
    assert shown.texts() == ["a, b and 2 others joined"]
    shown = Shown()
    shown.say("words")
    shown.moves("+a +b")
    shown.forget(oldest=3)
    shown.moves("+c")
    assert shown.texts() == ["+b", "+c"]


def test_a_line_that_changes_or_goes_is_found() -> None:
    shown = Shown()
    shown.say("yesterday", NOON - 86_400)
    mine = shown.say("mine")
    shown.say("after")
    shown.apply(shown.folding.change(replace(mine, delivery=Delivery.UNSENT)))
    assert shown.folding.rows[2].line.delivery is Delivery.UNSENT
    shown.apply(shown.folding.remove(mine))
    assert [row.line.text for row in shown.folding.rows][-1] == "after"
    assert shown.folding.change(mine) is None
    assert shown.folding.remove(mine) is None


STEPS = st.lists(
    st.sampled_from(["say", "later", "+a", "+b", "-a", "-b", "a>b", "b>a", "+c", "-d", "forget"]), max_size=40
)


@given(STEPS)
def test_rows_stay_in_step_with_the_lines(steps: list[str]) -> None:
    """Invariant: each line is in exactly one row, rows are in order, and no run of more than FEW is shown singly."""
    shown, at = Shown(), NOON
    for step in steps:
        if step == "say":
            shown.say("words", at)
        elif step == "later":
            at += 30_000
        elif step == "forget" and shown.talk.lines:
            shown.talk.lines.popleft()
            oldest = shown.talk.lines[0].id if shown.talk.lines else next(shown.talk._ids)
            shown.forget(oldest)
        elif step != "forget":
            shown.moves(step, at)
    rows = [row for row in shown.rows if row.kind is RowKind.LINE]
    standing = [one for row in rows for one in range(row.last - row.lines + 1, row.last + 1)]
    there = [line.id for line in shown.talk.lines]
    assert standing[len(standing) - len(there) :] == there
    assert len(standing) - len(there) < max((row.lines for row in rows), default=1)
    alone = (row.kind is RowKind.LINE and row.line.move is not None and row.lines == 1 for row in shown.rows)
    single = "".join("m" if one else "." for one in alone)
    assert "m" * (FEW + 1) not in single


def test_a_thousand_people_who_come_are_one_short_row() -> None:
    shown = Shown()
    shown.moves(" ".join(f"+user{number}" for number in range(1000)))
    assert shown.texts() == ["user0, user1 and 998 others joined"]


def test_the_model_says_who_moved_and_removals_stay_by_themselves() -> None:
    def person(nick: str) -> Person:
        return Person(nick, "u", "h")

    network = Network("ana", "#lobby", "server:1", lambda: NOON)
    for news in (
        Welcomed("ana", frozenset(), NOON),
        Join(person("ana"), "#lobby", NOON),
        Join(person("ben"), "#lobby", NOON),
        Rename(person("ben"), "bo", NOON),
        Leave(person("bo"), "#lobby", NOON),
        Join(person("carl"), "#lobby", NOON),
        Quit(person("carl"), NOON, "bye"),
        Join(person("dora"), "#lobby", NOON),
        Kick(person("ana"), "#lobby", person("dora"), NOON),
        Rename(person("ana"), "anna", NOON),
    ):
        network.take(news)
    assert [line.move for line in network.current.lines] == [
        None,
        Move("ben", Moved.JOINED),
        Move("ben", Moved.RENAMED, "bo"),
        Move("bo", Moved.LEFT),
        Move("carl", Moved.JOINED),
        Move("carl", Moved.LEFT),
        Move("dora", Moved.JOINED),
        None,
        None,
    ]


def test_days_are_those_of_this_machines_clock() -> None:
    assert day_line(datetime.fromtimestamp(NOON).date()) == time.strftime("%A, %d %B %Y", time.localtime(NOON))


def test_a_speaker_is_named_once_in_a_run_and_again_after_others_words() -> None:
    shown = Shown()
    shown.say("one")
    shown.say("two")
    shown.append(Line(NOON, LineKind.SAY, "hi", "ben"))
    shown.say("three")
    shown.say("much later", NOON + 3600)
    assert [row.follows for row in shown.rows] == [False, True, False, False, False]


def test_who_followed_a_line_that_goes_is_named() -> None:
    shown = Shown()
    first = shown.say("one")
    shown.say("two")
    shown.apply(shown.folding.remove(first))
    assert [(row.line.text, row.follows) for row in shown.rows] == [("two", False)]
    shown.say("three")
    shown.forget(shown.rows[1].last)
    assert [(row.line.text, row.follows) for row in shown.rows] == [("three", False)]


def test_new_stands_before_the_first_unread_line_until_it_is_read() -> None:
    shown = Shown()
    shown.say("read")
    line, _ = shown.talk.append(Line(NOON, LineKind.SAY, "unread", "ana"))
    shown.apply(shown.folding.append(line, first_unread=line.id))
    assert [row.kind for row in shown.rows] == [RowKind.LINE, RowKind.NEW, RowKind.LINE]
    assert not shown.rows[2].follows
    assert shown.folding.place_of_new() == 1
    shown.apply(shown.folding.change(replace(line, text="changed")))
    shown.apply(shown.folding.unmark())
    assert [(row.line.text, row.follows) for row in shown.rows] == [("read", False), ("changed", True)]
    assert shown.folding.unmark() is None


def test_a_folded_row_opens_to_the_lines_that_it_stands_for() -> None:
    shown = Shown()
    shown.say("words")
    shown.moves("+a +b +c +d")
    shown.apply(shown.folding.unfold(1, shown.talk.lines))
    assert shown.texts() == ["words", "+a", "+b", "+c", "+d"]
    shown.moves("-a")
    assert shown.texts()[-1] == "-a"
