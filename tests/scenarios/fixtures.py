"""The fixtures `house` (on both pairs), `embedded` and `cluster`; registered in tests/conftest.py."""

import os
from collections.abc import Iterator

import pytest

from tests.equipment.broker import Broker, BrokerMissing
from tests.scenarios.endpoint import Endpoint
from tests.scenarios.house import ClusterHouse, EmbeddedHouse, House
from tests.scenarios.part import owed

__all__ = ["cluster", "embedded", "house", "running_cluster", "running_embedded"]
owed |= {"up", "serve", "worker", "migrate"}


@pytest.fixture(scope="session")
def running_embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedHouse]:
    house = EmbeddedHouse(tmp_path_factory.mktemp("embedded"))
    try:
        yield house
    finally:
        house.close()


@pytest.fixture(scope="session")
def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterHouse]:
    folder = tmp_path_factory.mktemp("cluster")
    given = os.environ.get("WAYFARE_TEST_KAFKA")
    try:
        broker = None if given else Broker(folder / "broker")
    except BrokerMissing as missing:
        pytest.skip(str(missing))
    endpoint = Endpoint(folder / "clickhouse")
    house = ClusterHouse(folder / "wayfare", broker.address if broker else str(given), endpoint, broker)
    try:
        if broker:
            broker.start()
        endpoint.start()
        house.migrate()
        yield house
    finally:
        house.close()
        endpoint.stop()
        if broker:
            broker.stop()


@pytest.fixture
def embedded(running_embedded: EmbeddedHouse) -> EmbeddedHouse:
    """`wayfare up`. Shared by tests: make projects, and leave it running."""
    running_embedded.settle()
    return running_embedded


@pytest.fixture
def cluster(running_cluster: ClusterHouse) -> ClusterHouse:
    """`wayfare serve` and `wayfare worker` on Kafka and ClickHouse. Shared by tests: leave every part running."""
    running_cluster.settle()
    return running_cluster


@pytest.fixture(params=["embedded", "kafka+clickhouse"])
def house(request: pytest.FixtureRequest) -> House:
    """The running system, on each pair."""
    found: House = request.getfixturevalue("embedded" if request.param == "embedded" else "cluster")
    return found
