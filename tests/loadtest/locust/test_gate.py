"""Another site's page starts no load: neither by posting across, nor by a name that was rebound to this address."""

import pytest

from loadtest.locust.page import refusal

NAMES = frozenset(("localhost", "load.example.org"))


@pytest.mark.parametrize("host", ["127.0.0.1:8089", "[::1]:8089", "localhost:8089", "load.example.org", "10.1.2.3"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_page_itself_and_programs_are_let_in(method: str, host: str) -> None:
    assert refusal(method, host, None, NAMES) == ""
    assert refusal(method, host, f"http://{host}", NAMES) == ""


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:9999", "null", "https://localhost.evil.example"]
)
def test_what_another_page_posts_is_refused_by_its_origin(origin: str) -> None:
    assert "may not ask" in refusal("POST", "127.0.0.1:8089", origin, NAMES)
    assert refusal("GET", "127.0.0.1:8089", origin, NAMES) == ""


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_name_that_is_not_the_pages_is_refused(method: str) -> None:
    assert "not called 'evil.example'" in refusal(method, "evil.example:8089", "http://evil.example:8089", NAMES)
