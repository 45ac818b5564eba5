"""Fixtures of the Kafka broker: `from tests.equipment.kafka_fixtures import *` in a conftest.

WAYFARE_TEST_KAFKA=host:port names a broker that runs already; else one is started, where Java and Maven are there.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.equipment.broker import Broker, BrokerMissing

__all__ = ["kafka_broker", "own_broker"]


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a broker that all tests share: use a topic prefix of your own, and never stop it."""
    if given := os.environ.get("WAYFARE_TEST_KAFKA"):
        yield given
        return
    broker = started(tmp_path_factory.mktemp("broker"))
    yield broker.address
    broker.stop()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of the test's own, to stop, kill and start again."""
    broker = started(tmp_path / "broker")
    yield broker
    broker.kill()


def started(folder: Path) -> Broker:
    try:
        return Broker(folder).start()
    except BrokerMissing as missing:
        pytest.skip(str(missing))
