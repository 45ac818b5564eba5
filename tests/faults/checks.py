"""What holds again after a fault: new events are in answers within seconds."""

import time

from tests.faults.load import FUNNEL, GOAL
from tests.scenarios.house import House
from tests.scenarios.part import until
from tests.scenarios.project import Project

WITNESSES = 12  # devices: enough that every partition has one


def shop(house: House) -> Project:
    """A project with a goal and a saved funnel, which agents follow."""
    project = house.project()
    project.save("goals", GOAL)
    project.save("funnels", FUNNEL)
    return project


def seen_live(house: House, within_s: float = 30.0) -> float:
    """Events on many devices that are acknowledged now are in an answer within seconds; how many."""
    name = f"Live {time.time_ns()}"
    house.own.deliver(
        [
            {"type": "track", "event": name, "messageId": f"{name} {n}", "anonymousId": f"witness {n}"}
            for n in range(WITNESSES)
        ]
    )

    def is_seen() -> bool:
        return bool(house.own.ask("trend", events=[name])["events"] == WITNESSES)

    return until(is_seen, f"{name} is in an answer", within_s, every_s=0.05)
