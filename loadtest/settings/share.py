"""A number of users, or a share of them, as people write it: `50` or `10%`."""


def check_share(text: str) -> str:
    """The text, when it is one. Raises ValueError with what is wrong."""
    _parse(text)
    return text


def share_of(text: str, users: int) -> int:
    """How many that is of so many users; of a share at least one."""
    value, is_share = _parse(text)
    return min(users, max(1, round(users * value / 100)) if is_share else int(value))


def _parse(text: str) -> tuple[float, bool]:
    number, sign, rest = text.strip().partition("%")
    try:
        value = float(number) if sign else float(int(number))
    except ValueError:
        raise ValueError(f"must be a number of users, or a share of them like 10%, got {text!r}") from None
    if rest or not value > 0 or (sign and value > 100):
        raise ValueError(f"must be more than 0 and, as a share, at most 100%, got {text!r}")
    return value, bool(sign)
