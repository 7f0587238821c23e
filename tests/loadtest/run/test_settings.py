import argparse

import pytest

from loadtest.run.settings import check_share, one_of, share_of, some_of


@pytest.mark.parametrize(
    ("text", "users", "count"),
    [("10%", 1000, 100), ("10%", 3, 1), ("50", 1000, 50), ("50", 10, 10), ("100%", 7, 7), ("0.5%", 1000, 5)],
)
def test_a_share_is_a_number_of_users(text: str, users: int, count: int) -> None:
    assert share_of(check_share(text), users) == count


@pytest.mark.parametrize("text", ["", "0", "-1", "0%", "101%", "ten", "10%%", "1.5", "5%x", "nan%", "inf"])
def test_what_is_no_share_is_refused_with_what_was_typed(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        check_share(text)


def test_an_option_of_names_takes_those_of_its_list_and_says_which_there_are() -> None:
    names = ("quit", "fin")
    assert one_of("way", names)("fin") == "fin"
    assert some_of("way", names)("fin,quit,fin") == "fin,quit,fin"
    for parse in (one_of("way", names), some_of("way", names)):
        for text in ("", "quit,", "quit, fin", "QUIT", "nap"):
            with pytest.raises(argparse.ArgumentTypeError, match=r"^there is no way '.*', choose from quit, fin$"):
                parse(text)
