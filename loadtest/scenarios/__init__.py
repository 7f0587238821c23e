"""What the simulated users do. One file a scenario."""

from loadtest.scenarios.broadcast import Broadcast
from loadtest.scenarios.capacity import Capacity
from loadtest.scenarios.churn import Churn
from loadtest.scenarios.crash import Crash
from loadtest.scenarios.room import Room
from loadtest.scenarios.scenario import SCENARIOS, Scenario, Speaker
from loadtest.scenarios.selfcheck import SelfCheck
from loadtest.scenarios.slow import Slow
from loadtest.scenarios.stampede import Stampede

__all__ = [
    "SCENARIOS",
    "Broadcast",
    "Capacity",
    "Churn",
    "Crash",
    "Room",
    "Scenario",
    "SelfCheck",
    "Slow",
    "Speaker",
    "Stampede",
]
