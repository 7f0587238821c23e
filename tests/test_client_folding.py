"""Runs of coming and going as one row, days apart, and rows that keep in step with the lines."""

import time
from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.folding import FEW, Folding, Row, day_line
from chat.client.model import Model
from chat.client.news import Welcomed
from chat.client.talk import Line, Look, Move, Moved, State, Talk, TalkKind
from chat.events import Join, Kick, Leave, Person, Quit, Rename

NOON = datetime(2026, 11, 21, 12).timestamp()


class Shown:
    """A transcript that does what each step says, beside the lines that it is made of."""

    def __init__(self) -> None:
        self.folding = Folding()
        self.talk = Talk("#lobby", TalkKind.ROOM)
        self.rows: list[Row] = []

    def append(self, line: Line) -> Line:
        line, _ = self.talk.append(line)
        step = self.folding.append(line)
        self.rows = [*self.rows[: len(self.rows) - step.gone], *step.rows]
        assert self.rows == self.folding.rows
        return line

    def moves(self, moves: str, at: float = NOON) -> None:
        """`+anna -ben carl>dora`: joins, leaves, renames."""
        for move in moves.split():
            nick, _, to = move.lstrip("+-").partition(">")
            how = Moved.RENAMED if to else Moved.JOINED if move[0] == "+" else Moved.LEFT
            self.append(Line(at, Look.HAPPENING, move, move=Move(nick, how, to)))

    def say(self, text: str, at: float = NOON) -> Line:
        return self.append(Line(at, Look.SAY, text, "ana"))

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
    step = shown.folding.append(Line(NOON, Look.HAPPENING, "e joined", move=Move("e", Moved.JOINED), id=5))
    assert (step.gone, [(row.line.text, row.lines, row.last) for row in step.rows]) == (
        1,
        [("a, b and 3 others joined", 5, 5)],
    )


def test_a_folded_row_has_nothing_left_of_the_formatting_of_its_last_line() -> None:
    shown = Shown()
    shown.moves("+a +b +c")
    shown.append(Line(NOON, Look.HAPPENING, "d left (bye)", raw="d left (\x02bye)", move=Move("d", Moved.LEFT)))
    assert shown.rows[-1].line.raw == ""


def test_a_line_stands_between_days() -> None:
    shown = Shown()
    shown.say("today")
    shown.say("still today", NOON + 11 * 3600)
    shown.say("tomorrow", NOON + 13 * 3600)
    assert shown.texts() == ["today", "still today", "Sunday, 22 November 2026", "tomorrow"]
    assert [row.day for row in shown.rows] == [False, False, True, False]
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
    assert shown.folding.forget(oldest=2) == 1
    assert [shown.folding.forget(oldest) for oldest in (3, 4, 5)] == [0, 0, 0], "half a run is still shown"
    assert shown.folding.forget(oldest=6) == 1
    assert [row.line.text for row in shown.folding.rows] == ["Sunday, 22 November 2026", "two"]
    assert shown.folding.forget(oldest=7) == 2


def test_a_run_whose_beginning_was_pushed_out_takes_no_row_of_others() -> None:
    shown = Shown()
    shown.moves("+a +b")
    del shown.rows[: shown.folding.forget(oldest=2)]
    shown.moves("+c +d")
    assert shown.texts() == ["a, b and 2 others joined"]
    shown = Shown()
    shown.say("words")
    shown.moves("+a +b")
    del shown.rows[: shown.folding.forget(oldest=3)]
    shown.moves("+c")
    assert shown.texts() == ["+b", "+c"]


def test_a_line_that_changes_or_goes_is_found() -> None:
    shown = Shown()
    shown.say("yesterday", NOON - 86_400)
    mine = shown.say("mine")
    shown.say("after")
    assert shown.folding.change(replace(mine, state=State.UNSENT)) == 2
    assert shown.folding.rows[2].line.state is State.UNSENT
    assert shown.folding.remove(mine) == 2
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
            del shown.rows[: shown.folding.forget(oldest)]
        elif step != "forget":
            shown.moves(step, at)
    rows = [row for row in shown.rows if not row.day]
    standing = [one for row in rows for one in range(row.last - row.lines + 1, row.last + 1)]
    there = [line.id for line in shown.talk.lines]
    assert standing[len(standing) - len(there) :] == there
    assert len(standing) - len(there) < max((row.lines for row in rows), default=1)
    single = "".join("." if row.day or row.line.move is None or row.lines > 1 else "m" for row in shown.rows)
    assert "m" * (FEW + 1) not in single


def test_a_thousand_people_who_come_are_one_short_row() -> None:
    shown = Shown()
    shown.moves(" ".join(f"+user{number}" for number in range(1000)))
    assert shown.texts() == ["user0, user1 and 998 others joined"]


def test_the_model_says_who_moved_and_removals_stay_by_themselves() -> None:
    def person(nick: str) -> Person:
        return Person(nick, "u", "h")

    model = Model("ana", "#lobby", "server:1", lambda: NOON)
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
        model.take(news)
    assert [line.move for line in model.current.lines] == [
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
