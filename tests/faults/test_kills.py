"""A process dies at its worst moment, under load: nothing acknowledged is lost or counted twice, facts are right."""

import pytest

from tests.faults.audit import clean
from tests.faults.checks import seen_live, shop
from tests.faults.faulty import DEATH
from tests.faults.load import Load
from tests.scenarios.house import ClusterHouse, House
from tests.scenarios.project import Event

MOMENTS = {  # by what dies, in the order in which it does, between any two writes; a new start follows each death
    "sessions": [
        "inserted events 1",
        "inserted events 4",
        "inserted rejected 1",
        "stalling sessions 2",
        "inserted sessions 2",
        "inserted touchpoints 1",
        "inserted owners_by_owner 1",
        "inserted owners 1",
        "inserted pairs 1",
        "sending pairs 1",
        "sending changes 2",
        "acking events 3",
    ],
    "identity": [
        "inserted refusals 1",
        "stalling identities 1",
        "inserted identities_by_customer 1",
        "inserted identities 1",
        "acking pairs 1",
    ],
    "journeys": [
        "stalling journeys 1",
        "inserted journeys 1",
        "inserted conversions 1",
        "inserted funnel_entries 1",
        "acking changes 2",
    ],
    "collector": ["appending events 3", "appended events 3"],
}


@pytest.mark.parametrize("part", MOMENTS)
def test_whoever_dies_at_its_worst_moments_loses_and_doubles_nothing(mortal_house: House, part: str) -> None:
    house, project = mortal_house, shop(mortal_house)
    dying = house.collector if part == "collector" else house.worker
    acknowledged: list[Event] = []
    for number, moment in enumerate(MOMENTS[part]):
        with Load(project, seed=number, devices=60, pause_s=0.03) as load:
            load.reaches(60)
            dying.arm(moment)
            assert dying.ended(30) == DEATH, moment
            load.halt()  # these devices and people are heard of no more: what was left undone is not done by chance
            if isinstance(house, ClusterHouse) and dying is house.worker:
                house.bury()
            house.settle()
        acknowledged += load.acknowledged
    seen_live(house)
    clean(project, acknowledged)
