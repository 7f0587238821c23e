"""What `locust -f loadtest/locustfile.py --host irc://HOST:PORT --scenario NAME` loads."""

import sys
from pathlib import Path

from locust import events

if __package__ in (None, ""):  # Locust loads this file by its path, from wherever it was started
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from loadtest.locust import plugin
from loadtest.locust.member import ScenarioUser


class Member(ScenarioUser):
    """A member of the scenario's rooms."""


plugin.install(events, Member)
