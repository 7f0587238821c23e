"""`python -m chat.client`: the same as `fanfare client`."""

import sys

from chat.arguments import OneLineParser
from chat.client import run
from chat.errors import SetupError


def main() -> int:
    parser = OneLineParser(prog="python -m chat.client", description="Open the desktop client.")
    parser.add_argument(
        "address",
        nargs="?",
        metavar="irc[s]://HOST:PORT/ROOM",
        help="where to go; ircs:// is encrypted, as are ports 6697 and 6679 without a scheme (default: ask)",
    )
    parser.add_argument("--nick", metavar="NAME", help="your name there; with an address, connect at once")
    options = parser.parse_args()
    try:
        return run(options.address, options.nick)
    except SetupError as error:
        print(f"fanfare: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
