"""Workers come, go, die and freeze while others work: each shard's facts are written by one at a time."""

import signal
import time

from tests.faults.audit import clean
from tests.faults.checks import seen_live, shop
from tests.faults.load import Load
from tests.scenarios.house import ClusterHouse

SESSION_TIMEOUT_S = 6.0


def test_two_workers_that_come_and_go_lose_and_double_nothing(cluster: ClusterHouse) -> None:
    project, second = shop(cluster), cluster.second
    with Load(project, seed=41) as load:
        load.reaches(30)
        cluster.working(second)
        load.reaches(50)
        assert cluster.worker.stop() == 0, "a worker that is told to end hands over and ends"
        load.reaches(50)
        cluster.working(cluster.worker)
        load.reaches(50)
        second.kill()
        load.reaches(50)
        cluster.working(second)
        load.reaches(50)
        assert second.stop(signal.SIGINT) == 0
        load.reaches(50)
    seen_live(cluster, within_s=20)
    clean(project, load.acknowledged)


def test_a_worker_that_was_frozen_until_others_had_its_shards_does_no_harm(cluster: ClusterHouse) -> None:
    project, second = shop(cluster), cluster.second
    with Load(project, seed=42) as load:
        load.reaches(30)
        cluster.working(second)
        load.reaches(50)
        cluster.worker.freeze()
        time.sleep(SESSION_TIMEOUT_S + 3)
        load.reaches(50)
        cluster.worker.thaw()
        load.reaches(50)
        cluster.working(cluster.worker)
        load.reaches(50)
    seen_live(cluster, within_s=20)
    assert second.stop() == 0
    seen_live(cluster, within_s=20)
    clean(project, load.acknowledged)
