"""What the users of a process do, one file for each role that scenarios give them."""

from loadtest.worker.roles.guests import Guests
from loadtest.worker.roles.returners import Returners
from loadtest.worker.roles.role import Member, Role
from loadtest.worker.roles.victims import Victims

ROLES: dict[str, type[Role]] = {"member": Role, "victims": Victims, "returners": Returners, "guests": Guests}

__all__ = ["ROLES", "Member", "Role"]
