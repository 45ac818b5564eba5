"""Houses whose parts can be told where to die."""

from collections.abc import Iterator

import pytest

from tests.scenarios.house import ClusterHouse, EmbeddedHouse, House


@pytest.fixture(scope="module")
def mortal_embedded(running_embedded: EmbeddedHouse) -> Iterator[EmbeddedHouse]:
    yield from mortal(running_embedded)


@pytest.fixture(scope="module")
def mortal_cluster(running_cluster: ClusterHouse) -> Iterator[ClusterHouse]:
    yield from mortal(running_cluster)


@pytest.fixture(params=["embedded", "kafka+clickhouse"])
def mortal_house(request: pytest.FixtureRequest) -> House:
    """The running system on each pair; `arm` tells where one of its processes is to die."""
    name = "mortal_embedded" if request.param == "embedded" else "mortal_cluster"
    house: House = request.getfixturevalue(name)
    (house.folder / "fault").unlink(missing_ok=True)
    house.settle()
    return house


def mortal(house: House) -> Iterator[House]:
    for part in house.parts:
        part.fault_file = house.folder / "fault"
    house.restart()
    yield house
    (house.folder / "fault").unlink(missing_ok=True)
    for part in house.parts:
        part.fault_file = None
    house.restart()
