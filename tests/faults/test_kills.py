"""A process dies at its worst moment, under load: nothing acknowledged is lost or counted twice, facts are right."""

import pytest

from tests.faults.audit import clean
from tests.faults.checks import seen_live, shop
from tests.faults.faulty import DEATH
from tests.faults.load import Load
from tests.scenarios.house import ClusterHouse, House

MOMENTS = {  # by what dies, in the order in which it does; each death is followed by a new start
    "sessions": [
        "inserted events 1",
        "inserted events 4",
        "inserted sessions 2",
        "sending changes 2",
        "acking events 3",
    ],
    "identity": ["inserted identities 1", "acking pairs 1"],
    "journeys": ["inserted journeys 1", "acking changes 2"],
    "collector": ["appending events 3", "appended events 3"],
}


@pytest.mark.parametrize("part", MOMENTS)
def test_whoever_dies_at_its_worst_moments_loses_and_doubles_nothing(mortal_house: House, part: str) -> None:
    house, project = mortal_house, shop(mortal_house)
    dying = house.collector if part == "collector" else house.worker
    with Load(project, seed=len(part)) as load:
        for moment in MOMENTS[part]:
            load.reaches(30)
            (house.folder / "fault").write_text(moment)
            assert dying.ended(30) == DEATH, moment
            if isinstance(house, ClusterHouse) and dying is house.worker:
                house.bury()
            house.settle()
        load.reaches(50)
    seen_live(house)
    clean(project, load.acknowledged)
