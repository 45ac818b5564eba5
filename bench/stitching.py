"""What stitching costs: identity merges, late events, identify calls, customers of any size, in one process.

    python -m bench.stitching [--events 60000] [--customers 5000] [--sizes 10,1000,100000] [--json FILE]

The agents' own turns over an embedded store, without a log: their turns are given rows, and what they send is taken. So
a figure is the agents' and the store's work alone, one agent at a time. Each figure is of a store of its own.

    merges          an e-mail that owned a device is followed by a user id: notes -> identities -> journeys
    restitched      customers of 10 touchpoints, all marked: read, stitched, held against what is stored
    mark to fact    one customer marked after one more touchpoint, by how many there are already
    late, identify  the same events in turns of 5,000, some late by up to an hour, or naming their user: CPU beside that
                    of none, of Python and of ClickHouse; the median of some rounds
    memory          what the sessions agent's cache holds of an open session (tracemalloc)
    beside          a customer of that size is marked every second with another one: how long their turn takes. A large
                    one rests between two times, so p50 is mostly without him, p99 with him
    followed        the same of a bot, every event of which a saved funnel follows
    start           a worker's first turn on many devices, none of which it knows
    bot             a device with days of events gets a late one: how long the turn takes
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from agents.identity import IdentityAgent
from agents.journeys import JourneysAgent
from agents.pace import MOST_MS
from agents.ports import Ports, since_boot
from agents.sessions import SessionsAgent
from bench.machines import load
from pipeline.domain.identifiers import Kind, identifier
from pipeline.store.definitions import Definitions
from pipeline.store.embedded import EmbeddedStore
from pipeline.store.facts import Facts
from pipeline.store.migrations import migrate
from schemas.definitions import Funnel, Goal, Project, Step
from schemas.facts import FOREVER, FOREVER_AGO, EventRow, Ownership, Touchpoint
from schemas.log import CHANGES, PAIRS, Mark, PairNote

SHOP = "shop"
START, MINUTE, DAY = 1_760_000_000_000, 60_000, 86_400_000
TURN = 5_000  # events
CLAIMED = (0,)
EVENTS_A_DEVICE = 20
FULL_TURN = 15_000  # events: the setting's default


class Bench:
    """Agents over a store; marks and notes that they send are kept."""

    def __init__(self, folder: str) -> None:
        self.store = EmbeddedStore(Path(folder))
        migrate(self.store)
        self.definitions = Definitions(self.store)
        self.definitions.save(Project(SHOP))
        self.definitions.save(Goal("bought", ("Bought",)), SHOP)
        self.facts = Facts(self.store)
        self.sent: list[tuple[str, bytes]] = []
        self.version = 1
        self.ahead = 0  # ms by which the agents' clock is ahead of the machine's
        ports = Ports(
            self.facts,
            self.definitions,
            self._send,
            lambda _: 1,
            lambda: time.time_ns() // 1_000_000,
            lambda: since_boot() + self.ahead,
        )
        self.sessions, self.journeys, self.identity = SessionsAgent(ports), JourneysAgent(ports), IdentityAgent(ports)

    async def _send(self, topic: str, partition: int, value: bytes) -> None:
        self.sent.append((topic, value))

    async def turn(self, agent: Any, items: Sequence[Any]) -> float:
        """A turn over these; seconds."""
        started = time.perf_counter()
        await agent.claims.hold(set(CLAIMED))
        rules = (self.sessions.rules.projects,) if agent is self.sessions else ()
        await agent.turn([(0, list(items), *rules)])
        return time.perf_counter() - started

    def taken(self, topic: str, kind: type[Any]) -> list[Any]:
        """What was sent to a topic since the last time."""
        decode = msgspec.json.Decoder(kind).decode_lines
        found = [one for to, value in self.sent if to == topic for one in decode(value)]
        self.sent = [one for one in self.sent if one[0] != topic]
        return found

    def write(self, rows: Sequence[Any]) -> None:
        for start in range(0, len(rows), 50_000):
            self.facts.write(rows[start : start + 50_000], [], self.version)
            self.version += 2


@contextmanager
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="wayfare-bench-") as folder:
        made = Bench(folder)
        try:
            yield made
        finally:
            made.store.close()


def device(name: object) -> int:
    return identifier(SHOP, Kind.device, str(name))


def event(number: int, on: int, at: int, *, name: str = "page", user: int = 0, email: int = 0) -> EventRow:
    kind = "page" if name == "page" else "track"
    return EventRow(
        SHOP, on, at, number + 1, 0, number << 12, name, kind, "web", user=user, email=email, path="/a", received_at=at
    )


def traffic(count: int, *, late: float = 0.0, identify: float = 0.0) -> list[EventRow]:
    """Events of visitors who come and go; `late` of them up to an hour before, `identify` of them name their user."""
    random, devices = Random(7), max(1, count // EVENTS_A_DEVICE)
    found = []
    for number in range(count):
        who = random.randrange(devices)
        at = START + number * 4 * 3_600_000 // count
        if random.random() < late:
            at -= random.randrange(60 * MINUTE)
        named = random.random() < identify
        user = identifier(SHOP, Kind.user, f"user {who}") if named else 0
        found.append(event(number, device(who), at, user=user))
    return found


async def cost(rows: Sequence[EventRow]) -> float:
    """CPU seconds a million events."""
    with bench() as on:
        began = time.process_time()
        for start in range(0, len(rows), TURN):
            await on.turn(on.sessions, rows[start : start + TURN])
        return (time.process_time() - began) / len(rows) * 1e6


async def open_session(count: int) -> float:
    """Bytes of the cache an open session."""
    with bench() as on:
        rows = [event(number, device(number % count), START + number) for number in range(3 * count)]
        tracemalloc.start()
        try:
            for start in range(0, len(rows), TURN):
                await on.turn(on.sessions, rows[start : start + TURN])
            with_cache = tracemalloc.get_traced_memory()[0]
            held = len(on.sessions.cache)
            on.sessions.forget()
            return (with_cache - tracemalloc.get_traced_memory()[0]) / held
        finally:
            tracemalloc.stop()


def touchpoint(on: int, number: int) -> Touchpoint:
    return Touchpoint(
        SHOP, on, START + number * MINUTE, number + 1, on, True, "engagement", "web", "direct", "", "", "", "", False,
        int(number % 50 == 49), number % 50 == 49, 0, 0,
    )  # fmt: skip


def owned(on: int) -> Ownership:
    return Ownership(SHOP, on, FOREVER_AGO, FOREVER, on, FOREVER)


def mark(customer: int, at: int = 0) -> Mark:
    return Mark(SHOP, customer, customer, at)


async def restitched(customers: int, touchpoints: int = 10) -> tuple[float, float]:
    """(customers a second, customers a second of CPU: of Python and of ClickHouse)."""
    with bench() as on:
        names = [device(number) for number in range(customers)]
        on.write([owned(name) for name in names])
        on.write([touchpoint(name, number) for name in names for number in range(touchpoints)])
        await on.turn(on.journeys, [mark(names[0])])
        cpu, spent = time.process_time(), await on.turn(on.journeys, map(mark, names))
        return customers / spent, customers / (time.process_time() - cpu)


async def merges(customers: int) -> float:
    """Merges a second, from the notes to the journeys of who is one now."""
    with bench() as on:
        rows = []
        for number in range(customers):
            user = identifier(SHOP, Kind.user, f"u{number}")
            email = identifier(SHOP, Kind.email, f"{number:064x}")
            rows.append(event(2 * number, device(number), START, email=email))
            rows.append(event(2 * number + 1, device(number), START + MINUTE, user=user))
        for start in range(0, len(rows), TURN):
            await on.turn(on.sessions, rows[start : start + TURN])
        notes = on.taken(PAIRS, PairNote)
        on.taken(CHANGES, Mark)
        spent = await on.turn(on.identity, notes)
        spent += await on.turn(on.journeys, on.taken(CHANGES, Mark))
        return customers / spent


Named = Callable[[int, int], Any]  # a row of a device, by its number


async def latencies(size: int, times: int, row: Named = touchpoint) -> tuple[list[float], list[float]]:
    """Seconds of turns: with a mark of a customer of so many rows, and with his, a second later each, and another's."""
    with bench() as on:
        on.definitions.save(Funnel("way", (Step(("page",)), Step(("Bought",)))), SHOP)
        big, small = device("big"), device("small")
        on.write([owned(big), owned(small)])
        on.write([row(big, number) for number in range(size)])
        on.write([touchpoint(small, number) for number in range(3)])
        await on.turn(on.journeys, [mark(big), mark(small)])
        alone, beside = [], []
        for number in range(2 * times):
            on.write([row(big, size + number)])
            if number < times:
                on.ahead += MOST_MS
                alone.append(await on.turn(on.journeys, [mark(big)]))
            else:
                on.ahead += 1_000
                on.write([touchpoint(small, number)])
                beside.append(await on.turn(on.journeys, [mark(big), mark(small)]))
        return alone, beside


def seen(on: int, number: int) -> EventRow:
    return event(number, on, START + number * 3_000)


async def bot(events: int) -> tuple[float, float]:
    """Seconds of a turn in which a device with so many events gets one in order, and of one with a late one."""
    with bench() as on:
        rows = [event(number, device("bot"), START + number * 1_000) for number in range(events)]
        for start in range(0, events, TURN):
            await on.turn(on.sessions, rows[start : start + TURN])
        hot = await on.turn(on.sessions, [event(events, device("bot"), START + events * 1_000)])
        cold = await on.turn(on.sessions, [event(events + 1, device("bot"), START + events * 500 + 1)])
        return hot, cold


async def start(crowd: int) -> float:
    """Seconds of the first turn of a worker that knows nothing: as many events as a turn has, each on another device.

    Every tenth of the devices has a session that is still open.
    """
    with bench() as on:
        names = [device(number) for number in range(crowd)]
        for at in range(0, crowd, 100_000):
            rows = [
                event(number, names[number], START - (DAY if number % 10 else 0))
                for number in range(at, min(crowd, at + 100_000))
            ]
            on.write(rows)
        on.write([owned(name) for name in names])
        items = [event(crowd + number, names[number], START + MINUTE) for number in range(min(crowd, FULL_TURN))]
        return await on.turn(on.sessions, items)


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, round(share * (len(values) - 1)))]


def told(values: Sequence[float]) -> str:
    return f"p50 {statistics.median(values) * 1000:.0f} ms, p99 {percentile(values, 0.99) * 1000:.0f} ms"


async def measure(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    found["merges"] = await merges(options.customers)
    say(f"merges                     {found['merges']:,.0f}/s, with the journeys of who is one now")
    found["restitched"], found["restitched_cpu"] = await restitched(options.customers)
    say(f"customers restitched       {found['restitched']:,.0f}/s, {found['restitched_cpu']:,.0f} per second of CPU")
    await cost(traffic(options.events // 4))  # what is done once in a process is not of these
    kinds = [
        {},
        *({name: share} for name, share in (("late", 0.02), ("late", 0.2), ("identify", 0.05), ("identify", 0.5))),
    ]
    rounds = [[await cost(traffic(options.events, **kind)) for kind in kinds] for _ in range(options.rounds)]
    found["plain"] = statistics.median(each[0] for each in rounds)
    say(f"events in order            {found['plain']:,.0f} CPU seconds a million")
    for at, kind in enumerate(kinds[1:], 1):
        ((name, share),) = kind.items()
        found[f"{name}_{share}"] = times = statistics.median(each[at] / each[0] for each in rounds)
        say(f"{share:4.0%} {name:8}              {times:.2f} times the cost of none")
    found["bytes"] = await open_session(options.customers)
    say(f"an open session            {found['bytes']:,.0f} B of the cache")
    sizes = [int(size) for size in options.sizes.split(",")]
    for size in sizes:
        alone, beside = await latencies(size, options.times)
        found[f"latency_{size}"], found[f"beside_{size}"] = alone, beside
        say(f"{size:7,} touchpoints        mark to fact {told(alone)}; who is marked beside it {told(beside)}")
    alone, beside = await latencies(options.followed, max(2, options.times // 4), seen)
    found["followed"], found["followed_beside"] = alone, beside
    say(f"{options.followed:7,} events followed    mark to fact {told(alone)}; who is marked beside it {told(beside)}")
    found["start"] = await start(options.crowd)
    say(f"{options.crowd:9,} devices          a worker's first turn {found['start']:.1f} s")
    hot, cold = await bot(options.bot)
    found["bot_hot"], found["bot_cold"] = hot, cold
    say(f"{options.bot:7,} events of a bot    the next {hot * 1000:.0f} ms, a late one {cold * 1000:.0f} ms")
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.stitching")
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--customers", type=int, default=5_000)
    parser.add_argument("--sizes", default="10,1000,100000", help="touchpoints of the customers that are marked")
    parser.add_argument("--rounds", type=int, default=3, help="of late events and identify calls")
    parser.add_argument("--times", type=int, default=20, help="marks of each")
    parser.add_argument("--bot", type=int, default=200_000, help="events of the bot's device")
    parser.add_argument("--followed", type=int, default=50_000, help="events of a bot that a saved funnel follows")
    parser.add_argument("--crowd", type=int, default=1_000_000, help="devices that a worker starts on")
    parser.add_argument("--json", help="all figures, to this file")
    options = parser.parse_args(arguments)
    print(f"{load()}; one process, embedded store", flush=True)
    found = asyncio.run(measure(options, lambda line: print(line, flush=True)))
    print(f"everything stitched; {load()}, process {os.getpid()}")
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
