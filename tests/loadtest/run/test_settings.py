import pytest

from loadtest.run.settings import check_share, share_of


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
