import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.equipment.broker import Broker
from tests.equipment.kafka_fixtures import kafka_broker, own_broker
from tests.log.place import Place, Worker

__all__ = ["kafka_broker", "own_broker"]


@pytest.fixture(params=["sqlite", "kafka"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Either log, empty, under a prefix of the test's own."""
    if request.param == "sqlite":
        return sqlite_in(tmp_path)
    return kafka_at(request.getfixturevalue("kafka_broker"), tmp_path)


@pytest.fixture
def sqlite_place(tmp_path: Path) -> Place:
    return sqlite_in(tmp_path)


@pytest.fixture
def kafka_place(kafka_broker: str, tmp_path: Path) -> Place:
    return kafka_at(kafka_broker, tmp_path)


@pytest.fixture
def own_kafka_place(own_broker: Broker, tmp_path: Path) -> Place:
    return kafka_at(own_broker.address, tmp_path)


@pytest.fixture
def workers() -> Iterator[list[Worker]]:
    """Whatever a test puts in here is killed at its end."""
    started: list[Worker] = []
    yield started
    for worker in started:
        worker.kill()


def sqlite_in(folder: Path) -> Place:
    return Place("sqlite", f"sqlite:///{folder}/log.sqlite", "wayfare", folder)


def kafka_at(address: str, folder: Path) -> Place:
    return Place("kafka", f"kafka://{address}", f"t{uuid.uuid4().hex[:12]}", folder)
