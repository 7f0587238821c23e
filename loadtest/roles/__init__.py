"""What the users of a process do, one file for each role that scenarios give them."""

from loadtest.roles.guests import Guests
from loadtest.roles.returners import Returners
from loadtest.roles.role import Member, Role
from loadtest.roles.victims import Victims

ROLES: dict[str, type[Role]] = {"member": Role, "victims": Victims, "returners": Returners, "guests": Guests}

__all__ = ["ROLES", "Member", "Role"]
