"""A steady stream of events into a collector, in a process of its own.

    python -m bench.paced HOST:PORT KEY EVENTS_A_SECOND SECONDS

Batches of 10 are sent when their time has come, answered or not: a collector that is too slow makes them late, and how
late is told. Figures go to stdout as JSON.
"""

import asyncio
import json
import sys
import time
from base64 import b64encode

import uvloop

from bench.events import sent_now

BATCH, CONNECTIONS = 10, 32


def requests(host: str, key: str, count: int) -> list[bytes]:
    found = list(sent_now(count))
    head = f"POST /v1/batch HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nAuthorization: Basic "
    start = head.encode() + b64encode(f"{key}:".encode()) + b"\r\nContent-Length: "
    bodies = (b'{"batch":[' + b",".join(found[at : at + BATCH]) + b"]}" for at in range(0, count, BATCH))
    return [b"%b%d\r\n\r\n%b" % (start, len(body), body) for body in bodies]


async def send(host: str, made: list[bytes], rate: float) -> dict[str, object]:
    """Sends request n at n / rate seconds."""
    name, _, port = host.rpartition(":")
    free: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.LifoQueue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection(name, int(port)))
    late: list[float] = []
    answers: dict[int, int] = {}

    async def one(request: bytes, due: float) -> None:
        reader, writer = await free.get()
        late.append(time.perf_counter() - due)
        writer.write(request)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):  # it had been idle for longer than the server keeps one
            reader, writer = await asyncio.open_connection(name, int(port))
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        await reader.readexactly(length)
        answers[int(head[9:12])] = answers.get(int(head[9:12]), 0) + 1
        free.put_nowait((reader, writer))

    started = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number, request in enumerate(made):
            due = started + number / rate
            await asyncio.sleep(due - time.perf_counter())
            tasks.create_task(one(request, due))
    took = time.perf_counter() - started
    while not free.empty():
        free.get_nowait()[1].close()
    late.sort()
    return {
        "requests": len(made),
        "seconds": took,
        "answers": answers,
        "late_p99_ms": late[int(0.99 * len(late))] * 1000,
    }


def main() -> None:
    host, key, rate, seconds = sys.argv[1:]
    made = requests(host, key, int(float(rate) * float(seconds)))
    print("ready", flush=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(send(host, made, float(rate) / BATCH))))


if __name__ == "__main__":
    main()
