"""Kafka or ClickHouse goes away and comes back, under load."""

import re
import time
from collections.abc import Callable

import pytest

from pipeline.log.port import Log
from schemas.log import EVENTS
from tests.equipment.broker import Broker
from tests.faults.audit import clean
from tests.faults.checks import seen_live, shop
from tests.faults.faulty import POLL_INTERVAL_S
from tests.faults.load import Load, traffic
from tests.scenarios.house import ClusterHouse
from tests.scenarios.project import Project

MISSING = re.compile(r"(Kafka|clickhouse://)[^\n]*(cannot be reached|does not answer)")
AWAY_S = 12.0  # longer than any pause between two tries, and than a record waits to be acknowledged


def broker_of(house: ClusterHouse) -> Broker:
    if house.broker is None:
        pytest.skip("the broker is a given one: these tests stop theirs")
    return house.broker


@pytest.mark.parametrize(
    ("end", "away_s"), [(Broker.kill, 0.0), (Broker.stop, AWAY_S)], ids=["killed", "stopped for long"]
)
def test_a_broker_that_ends_and_comes_back_loses_and_doubles_nothing(
    cluster: ClusterHouse, end: Callable[[Broker], None], away_s: float
) -> None:
    project, broker = shop(cluster), broker_of(cluster)
    with Load(project, seed=21, pause_s=0.2) as load:
        load.reaches(50)
        end(broker)
        answer = project.post([next(traffic(22, 0))])
        assert answer.status_code == 503, "nothing is acknowledged that the log has not"
        assert answer.json()["error"]["code"] == "log_unavailable"
        assert int(answer.headers["retry-after"]) > 0
        time.sleep(away_s)
        broker.start()
        load.reaches(50)
    assert load.refusals > 0
    seen_live(cluster)
    assert cluster.collector.is_running
    assert cluster.worker.is_running, "a worker outlives its broker"
    clean(project, load.acknowledged, also=[next(traffic(22, 0))])


def test_without_a_broker_parts_that_run_end_when_told_and_parts_that_start_say_what_is_missing(
    cluster: ClusterHouse,
) -> None:
    broker = broker_of(cluster)
    broker.stop()
    try:
        ends_and_cannot_start(cluster)
    finally:
        broker.start()
    cluster.start()
    seen_live(cluster, within_s=20)


def test_without_clickhouse_parts_that_run_end_when_told_and_parts_that_start_say_what_is_missing(
    cluster: ClusterHouse,
) -> None:
    cluster.endpoint.kill()
    try:
        ends_and_cannot_start(cluster)
    finally:
        cluster.endpoint.start()
    cluster.start()
    seen_live(cluster, within_s=20)


def ends_and_cannot_start(cluster: ClusterHouse) -> None:
    for part in (cluster.worker, cluster.collector):
        assert part.stop(within_s=15) == 0, part.tail()
    for part in (cluster.second, cluster.collector):
        part.start()
        assert part.ended(30) == 1, part.tail()
        assert MISSING.search(part.tail(1500)), part.tail()


def test_events_are_taken_while_clickhouse_is_away_and_the_same_worker_counts_them_when_it_is_back(
    mortal_workers: ClusterHouse,
) -> None:
    """It is away for longer than a worker may ask Kafka for nothing: no worker works, and none leaves the group."""
    cluster, pid = mortal_workers, mortal_workers.worker.pid
    project, log = shop(cluster), cluster.log()
    with Load(project, seed=31, pause_s=0.2) as load:
        load.reaches(50)
        cluster.endpoint.kill()
        before, refused = len(load.acknowledged), load.refusals
        lag = [waiting(log)]
        for _ in range(2):
            time.sleep(AWAY_S / 2)
            lag.append(waiting(log))
        assert AWAY_S > POLL_INTERVAL_S
        assert lag[0] < lag[1] < lag[2], "what is taken meanwhile waits in the log"
        assert len(load.acknowledged) > before + 100, "the collector needs no ClickHouse"
        assert load.refusals == refused
        assert unavailable(project) == "store_unavailable"
        assert not cluster.answers(), "/readyz tells that the store is away"
        cluster.endpoint.start()
        load.reaches(50)
    seen_live(cluster)
    clean(project, load.acknowledged)
    assert waiting(log) == 0
    log.close()
    assert (cluster.worker.is_running, cluster.worker.pid) == (True, pid)


def waiting(log: Log) -> int:
    """Records of `events` that no worker has acknowledged."""
    return log.lag()[EVENTS]


def unavailable(project: Project) -> str:
    """The error's code in the answer to a question that cannot be answered."""
    answer = project.house.http.post(
        f"{project.house.url}/api/v1/projects/{project.name}/questions/sessions", json={}, headers=project.admin_headers
    )
    assert answer.status_code == 503
    return str(answer.json()["error"]["code"])
