"""Houses whose parts can be told where to die."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.forked import Forked
from tests.scenarios.house import ClusterHouse, EmbeddedHouse, House
from tests.scenarios.part import started


@pytest.fixture(scope="package")
def mortal_embedded(running_embedded: EmbeddedHouse) -> Iterator[EmbeddedHouse]:
    yield from mortal(running_embedded)


@pytest.fixture(scope="package")
def mortal_cluster(running_cluster: ClusterHouse) -> Iterator[ClusterHouse]:
    yield from mortal(running_cluster)


@pytest.fixture
def mortal_workers(mortal_cluster: ClusterHouse) -> ClusterHouse:
    """The same, of Kafka and ClickHouse alone."""
    disarm(mortal_cluster)
    mortal_cluster.settle()
    return mortal_cluster


@pytest.fixture(params=["embedded", "kafka+clickhouse"])
def mortal_house(request: pytest.FixtureRequest) -> House:
    """The running system on each pair; `Part.arm` tells where one of its processes is to die."""
    name = "mortal_embedded" if request.param == "embedded" else "mortal_cluster"
    house: House = request.getfixturevalue(name)
    disarm(house)
    house.settle()
    return house


def mortal(house: House) -> Iterator[House]:
    for part in house.parts:
        part.fault_file, part.launch = house.folder / f"fault-{part.name}", faulty
    house.restart()
    yield house
    disarm(house)
    for part in house.parts:
        part.fault_file, part.launch = None, started
    house.restart()


def faulty(arguments: tuple[str, ...], environ: dict[str, str], output: Path) -> Forked:
    return Forked(arguments, environ, output, main=_faulty)


def _faulty() -> None:
    from tests.faults.faulty import main  # in the forked process: it patches what it imports

    main()


def disarm(house: House) -> None:
    for part in house.parts:
        if part.fault_file is not None:
            part.fault_file.unlink(missing_ok=True)
