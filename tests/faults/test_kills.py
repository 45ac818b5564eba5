"""A process dies at its worst moment, under load: nothing acknowledged is lost or counted twice, facts are right."""

import pytest

from tests.faults.audit import clean
from tests.faults.checks import seen_live, shop
from tests.faults.faulty import DEATH
from tests.faults.load import Load
from tests.scenarios.house import ClusterHouse, House
from tests.scenarios.part import Part

WORKER_MOMENTS = [
    "inserted events 1",
    "inserted events 4",
    "inserted sessions 2",
    "sending changes 2",
    "acking events 3",
    "inserted identities 1",
    "acking pairs 1",
    "inserted journeys 1",
    "acking changes 2",
]
COLLECTOR_MOMENTS = ["appending events 3", "appended events 3"]


@pytest.mark.parametrize("moment", WORKER_MOMENTS)
def test_a_worker_that_dies_at_its_worst_moment_loses_and_doubles_nothing(mortal_house: House, moment: str) -> None:
    dies(mortal_house, mortal_house.worker, moment)


@pytest.mark.parametrize("moment", COLLECTOR_MOMENTS)
def test_a_collector_that_dies_between_request_and_answer_loses_and_doubles_nothing(
    mortal_house: House, moment: str
) -> None:
    dies(mortal_house, mortal_house.collector, moment)


def dies(house: House, part: Part, moment: str) -> None:
    project = shop(house)
    with Load(project, seed=len(moment)) as load:
        load.reaches(30)
        (house.folder / "fault").write_text(moment)
        assert part.ended(30) == DEATH
        if isinstance(house, ClusterHouse) and part is house.worker:
            house.bury()
        house.start()
        load.reaches(50)
    seen_live(house)
    clean(project, load.acknowledged)
