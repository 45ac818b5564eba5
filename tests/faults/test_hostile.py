"""Senders that mean harm, all at once: the collector stays small, and others are served meanwhile."""

import gzip
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx

from tests.scenarios.house import ClusterHouse
from tests.scenarios.part import launched
from tests.scenarios.project import Project

SECONDS = 6.0
MOST_MB = 300
BOMB = gzip.compress(bytes(200_000_000), 9)
LARGE = b'{"batch":[' + b" " * 10_000_000 + b"]}"
DEEP = b'{"batch":' + b"[" * 200_000
MANY = b",".join(b'"k%d":1' % number for number in range(1_000_000))
KEYS = b'{"batch":[{"type":"track","event":"Seen","anonymousId":"a","properties":{%s}}]}' % MANY
NOTE = b'[{"event":"Seen","properties":{"distinct_id":"a",%s}}]' % MANY[:7_800_000].rpartition(b",")[0]
VISITS = b'{"requests":["?idsite=1&rec=1"],%s}' % MANY[:7_800_000].rpartition(b",")[0]
FLOOD = b"POST /v1/batch HTTP/1.1\r\nHost: a\r\n" + b"X-Flood: 0123456789\r\n" * 1_000_000
Attack = Callable[[Project], object]


def posts(body: bytes, path: str = "/v1/batch", *, has_key: bool = True, **headers: str) -> Attack:
    """A whole request, which is refused."""

    def attack(project: Project) -> None:
        own = {"X-Write-Key": project.write_key} if has_key else {}
        answer = httpx.post(f"{project.house.url}{path}", content=body, headers=own | headers, timeout=30)
        assert 400 <= answer.status_code < 500, answer.text

    return attack


def sends(data: bytes, *, waits_s: float = 0.0) -> Attack:
    """Bytes to the port, and no end of a request."""

    def attack(project: Project) -> None:
        url = httpx.URL(project.house.url)
        with socket.create_connection((url.host, url.port), timeout=2) as connection:
            connection.sendall(data)
            time.sleep(waits_s)
            connection.recv(1 << 16)

    return attack


def dawdles(path: str) -> Attack:
    """A body of a size that a known key may send, but for its last bytes."""

    def attack(project: Project) -> None:
        told = f"POST {path} HTTP/1.1\r\nHost: a\r\nX-Write-Key: {project.write_key}\r\nContent-Length: 7900000\r\n\r\n"
        sends(told.encode() + b" " * 7_800_000, waits_s=1.0)(project)

    return attack


def head(length: int) -> bytes:
    return b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length


ATTACKS: dict[str, Attack] = {
    "a body of 10 MB": posts(LARGE),
    "a bomb": posts(BOMB, **{"Content-Encoding": "gzip"}),
    "deep JSON": posts(DEEP),
    "a million keys": posts(KEYS),
    "a compression of the future": posts(b"{}", **{"Content-Encoding": "zap"}),
    "a flood of headers": sends(FLOOD),
    "10 MB behind a false length": sends(head(10) + LARGE),
    "a length without a body": sends(head(400_000) + b" " * 1000, waits_s=1.0),
    "a million keys in Mixpanel's words": posts(NOTE, "/track", has_key=False),
    "the same with a key": posts(NOTE, "/track"),
    "a million keys in Matomo's words": posts(VISITS, "/matomo.php", has_key=False),
    "a large body that does not end": dawdles("/track"),
    "a length beyond all bounds": sends(head(10**18) + b" " * 1000),
}
SLOW = 3  # threads of each attack
MOST_SECONDS = 20.0  # that the honest one may need for his ten, where the machine has other work too


def peak_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no peak is told")


def test_the_collector_stays_small_and_serves_others_while_it_is_attacked(cluster: ClusterHouse) -> None:
    project = cluster.project()
    cluster.collector.stop()
    cluster.collector.launch = launched  # its size is to be its own
    cluster.start()
    end, tried = threading.Event(), dict.fromkeys(ATTACKS, 0)

    def goes_on(name: str) -> None:
        while not end.is_set():
            with suppress(OSError, httpx.TransportError):  # it may hang up on them
                ATTACKS[name](project)
            tried[name] += 1

    threads = [threading.Thread(target=goes_on, args=(name,)) for name in ATTACKS for _ in range(SLOW)]
    for thread in threads:
        thread.start()
    served, begun = 0, time.monotonic()
    try:
        while (passed := time.monotonic() - begun) < SECONDS or (served < 10 and passed < MOST_SECONDS):
            event = {"type": "track", "event": "Served", "anonymousId": "honest", "messageId": f"honest {served}"}
            assert project.post([event]).status_code == 200
            served += 1
    finally:
        end.set()
        for thread in threads:
            thread.join(30)
    peak = peak_mb(cluster.collector.pid)
    assert all(tried.values()), tried
    assert served >= 10
    assert peak < MOST_MB, f"{peak:.0f} MB"
    assert cluster.collector.is_running
    cluster.drained()
    assert project.ask("trend", events=["Served"])["events"] == served
