"""Workers come, go, die and freeze while others work: each shard's facts are written by one at a time."""

import signal
import time

from tests.equipment.broker import free_ports
from tests.faults.audit import clean
from tests.faults.checks import seen_live, shop
from tests.faults.conftest import faulty
from tests.faults.load import Load
from tests.scenarios.house import ClusterHouse
from tests.scenarios.part import Part, until

SESSION_TIMEOUT_S = 6.0


CROWDS, CROWD = 4, 3


def test_workers_that_join_or_leave_two_dozen_times_lose_and_double_nothing(mortal_workers: ClusterHouse) -> None:
    """The first has shards, has most of them not, and has them again: what it knew of their devices is old by then."""
    cluster, first = mortal_workers, mortal_workers.worker
    project, crowd = shop(cluster), crowd_of(cluster)
    with Load(project, seed=41, pause_s=0.25) as load:
        load.reaches(30)
        for number in range(CROWDS):
            for part in crowd:
                part.start()
            until(lambda: has_written(cluster, crowd), "each of them has worked", within_s=30)
            load.reaches(30)
            if number == CROWDS // 2:
                assert first.stop() == 0
            ends = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL if number == CROWDS - 1 else signal.SIGTERM)
            for part, end in zip(crowd, ends, strict=True):
                part.send(end)
            for part, end in zip(crowd, ends, strict=True):
                wanted = -end if end == signal.SIGKILL else 0
                assert part.ended(15) == wanted, "a worker that is told to end hands over and ends"
            cluster.working(first)
            load.reaches(30)
    seen_live(cluster, within_s=20)
    clean(project, load.acknowledged)


def crowd_of(cluster: ClusterHouse) -> list[Part]:
    """Workers that do not run yet; as many as there are partitions, with the one that runs."""
    made = []
    for number, port in enumerate(free_ports(CROWD)):
        part = cluster.part(f"worker-{number}", "worker", "--health-port", str(port))
        part.launch = faulty
        made.append(part)
    return made


def has_written(cluster: ClusterHouse, crowd: list[Part]) -> bool:
    """Each has claimed a shard of `events`, which it does when it begins its first turn."""
    told = cluster.store.query("SELECT DISTINCT worker FROM claims WHERE agent = 'sessions'")
    workers = {int(str(name).rpartition(":")[2]) for (name,) in told}
    return all(part.is_running and part.pid in workers for part in crowd)


def test_a_worker_that_wakes_when_others_have_its_shards_writes_no_further_table(mortal_workers: ClusterHouse) -> None:
    cluster, first, second = mortal_workers, mortal_workers.worker, mortal_workers.second
    project = shop(cluster)
    with Load(project, seed=42, pause_s=0.2) as load:
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
    project, log = shop(cluster), cluster.log()
    with Load(project, seed=44, pause_s=0.2) as load:
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
