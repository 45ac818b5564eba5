"""Workers come, go, die and freeze while others work: each shard's facts are written by one at a time."""

import signal
import time

from pipeline.log import open_log
from tests.faults.audit import clean
from tests.faults.checks import seen_live, shop
from tests.faults.load import Load
from tests.scenarios.house import ClusterHouse
from tests.scenarios.part import until

SESSION_TIMEOUT_S = 6.0


def test_two_workers_that_come_and_go_lose_and_double_nothing(cluster: ClusterHouse) -> None:
    project, first, second = shop(cluster), cluster.worker, cluster.second
    with Load(project, seed=41) as load:
        load.reaches(30)
        # The first has shards, has them not, and has them again: what it knew of their devices is old by then.
        for end in (signal.SIGTERM, signal.SIGINT):
            cluster.working(second)
            load.reaches(100)
            assert second.stop(end) == 0, "a worker that is told to end hands over and ends"
            load.reaches(100)
        cluster.working(second)
        load.reaches(50)
        assert first.stop() == 0
        load.reaches(50)
        cluster.working(first)
        load.reaches(50)
        second.kill()
        load.reaches(50)
    seen_live(cluster, within_s=20)
    clean(project, load.acknowledged)


def test_a_worker_that_wakes_when_others_have_its_shards_writes_no_further_table(mortal_workers: ClusterHouse) -> None:
    cluster, first, second = mortal_workers, mortal_workers.worker, mortal_workers.second
    project = shop(cluster)
    with Load(project, seed=42) as load:
        load.reaches(30)
        cluster.working(second)
        load.reaches(50)
        first.arm("freezing events 1")
        until(lambda: first.is_frozen, "it stands still")
        time.sleep(SESSION_TIMEOUT_S + 2)
        load.reaches(50)
        first.thaw()
        cluster.working(first)
        load.reaches(50)
    seen_live(cluster, within_s=20)
    assert second.stop() == 0
    clean(project, load.acknowledged)


def test_the_one_insert_that_a_frozen_worker_was_at_is_swept(mortal_workers: ClusterHouse) -> None:
    cluster, first, second = mortal_workers, mortal_workers.worker, mortal_workers.second
    project, now = cluster.project(), time.time_ns() // 1_000_000
    cluster.working(second)
    first.arm("freezing sessions 1")
    visits = [{"type": "page", "anonymousId": f"d{n}", "messageId": f"v{n}", "timestamp": now} for n in range(60)]
    project.deliver(visits)
    until(lambda: first.is_frozen, "it stands still")
    # Who has its shards next finds these beside them, and never knew of the sessions that it was about to write.
    project.deliver([visit | {"messageId": f"{visit['messageId']} before", "timestamp": now - 1} for visit in visits])
    until(lambda: bool(project.ask("sessions")["total"]["events"] == 120), "the other worker has done both")
    first.thaw()
    cluster.working(first)
    unswept = "SELECT count() FROM claims FINAL WHERE agent = 'sessions' AND NOT is_swept"
    until(lambda: cluster.store.query(unswept) == [(0,)], "every shard is swept", within_s=90, every_s=1)
    assert second.stop() == 0
    cluster.drained()
    report = project.proof()
    assert (report["events"], report["differences"]) == (120, 0)


def test_topics_with_another_partition_count_take_over_under_load(cluster: ClusterHouse) -> None:
    settings, project = cluster.settings, shop(cluster)
    log = open_log(settings["log"], group=settings["group"], prefix=settings["topic_prefix"])
    with Load(project, seed=44) as load:
        load.reaches(100)
        cluster.cut(7)
        load.reaches(30)  # still into the older topics
        cluster.collector.stop()
        cluster.start()
        load.reaches(50)
        # The worker comes to the end of the older ones, and would see so by itself after half a minute.
        until(lambda: log.due() == 2, "the older topics are worked off", 30)
        cluster.worker.stop()
        cluster.working(cluster.worker)
        load.reaches(50)
    log.close()
    seen_live(cluster, within_s=20)
    clean(project, load.acknowledged)
