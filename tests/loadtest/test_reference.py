"""The load test's reference says what the code says."""

from tests.loadtest.reference import PAGE, page


def test_the_page_is_what_the_code_makes_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.loadtest.reference writes the page"
