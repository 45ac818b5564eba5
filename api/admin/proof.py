"""The pipeline's proof of its own numbers: the pure core over stored events against the stored facts."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Self

import msgspec
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, model_validator

from api.admin.access import administration, writer
from api.admin.installation import progress_of
from api.admin.repair import Requests, needs_every_device, requests
from api.query.ask import asking
from api.query.profiles import number_of
from api.query.questions.model import Strict, hexadecimal
from api.runtime import Runtime
from pipeline.store.evidence import MOST, Evidence
from pipeline.store.facts import Facts
from pipeline.store.sql import load
from pipeline.store.verify import COPIES, Difference, Report, settled, verify
from schemas.definitions import Project
from schemas.facts import Event
from schemas.log import MAX_LINES_PER_RECORD, TOPICS

MOST_EXAMPLES = 100
MOST_LOOKS = 3
PATIENCE_MS = 15_000  # data_until moves every 10 s, also where nothing is sent
LOOKS_AGAIN_S = 0.2
_IDS = {"device", "id", "owner", "customer", "identifier", "other", "message_id", "journey", "evidence_message"}


class Scope(Strict):
    all: bool = Field(False, description="everything; else a sample of devices, or a customer")
    sample: int = Field(100, ge=1, le=100_000, description="devices, and all that hangs together with them")
    customer: str = Field(
        "", max_length=1_000, description="only this customer's devices: 16 hex digits, user:ID or email:ADDRESS"
    )
    repair: bool = Field(False, description="ask the agents to make anew whatever differs; ask again when they have")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.all and self.customer:
            raise ValueError("give either all or customer")
        return self


class EventShown(BaseModel):
    device: str
    message_id: str
    occurred_at: int = Field(description="UTC ms")
    event: str


class DifferenceShown(BaseModel):
    table: str
    kind: str = Field(description="missing, surplus or differs")
    key: dict[str, Any]
    stored: dict[str, Any] | None
    expected: dict[str, Any] | None
    events: list[EventShown] = Field(description=f"what it comes from, at most {MOST}")


class Proof(BaseModel):
    project: str
    events: int
    facts: int
    differences: int
    examples: list[DifferenceShown] = Field(description=f"at most {MOST_EXAMPLES}")
    requests: int = Field(description="devices, customers and identifiers that the agents were asked to do anew")


def router(runtime: Runtime) -> APIRouter:
    routes = administration("/projects/{project}")
    writes = Depends(writer(runtime))

    @routes.post("/verify", operation_id="verify", summary="Recompute facts from events and report any difference")
    async def verify_project(scope: Scope, project: Project = writes) -> Proof:
        proof, asked = await asyncio.to_thread(_prove, runtime, project, scope)
        for (topic, partition), lines in asked.items():
            for start in range(0, len(lines), MAX_LINES_PER_RECORD):
                await runtime.writer.append(topic, partition, lines[start : start + MAX_LINES_PER_RECORD])
        return proof

    return routes


def _prove(runtime: Runtime, project: Project, scope: Scope) -> tuple[Proof, Requests]:
    """What was found, and what to ask of the agents."""
    devices = None if scope.all else _devices(runtime, project, scope)
    report = _looked(runtime, project.name, devices)
    asked = _asked(runtime, project.name, report) if scope.repair else {}
    evidence = Evidence(report.used, report.expected)
    proof = Proof(
        project=project.name,
        events=report.events,
        facts=report.facts,
        differences=len(report.differences),
        examples=[
            DifferenceShown(
                table=each.table,
                kind=each.kind,
                key=_readable(each.key),
                stored=each.stored and _readable(each.stored),
                expected=each.expected and _readable(each.expected),
                events=[_event(event) for event in evidence.of(each)],
            )
            for each in report.differences[:MOST_EXAMPLES]
        ],
        requests=sum(map(len, asked.values())),
    )
    return proof, asked


def _asked(runtime: Runtime, project: str, report: Report) -> Requests:
    partitions, every = {name: runtime.topic(name).partitions for name in TOPICS}, list[int]()
    if needs_every_device(report.differences):
        every = Facts(runtime.store).devices_of_shard(project, (), 0, 1)
    return requests(project, report.differences, every, partitions)


def _event(event: Event) -> EventShown:
    return EventShown(
        device=hexadecimal(event.device),
        message_id=hexadecimal(event.message_id),
        occurred_at=event.occurred_at,
        event=event.event,
    )


def _looked(runtime: Runtime, project: str, devices: list[int] | None) -> Report:
    """What `verify` finds, also while events come.

    caught up ──── verify reads events, sessions, journeys ... ──── who moved since?
    """

    def look() -> Look:
        progress = progress_of(runtime)
        since = progress.now if progress.drained else progress.data_until or 0
        snapshot = runtime.definitions.refresh()
        report = verify(runtime.store, snapshot, project, devices=devices)
        if not report.differences:
            return Look(report, [], False)
        return Look(report, *settled(runtime.store, snapshot, project, report.differences, since))

    return agreed(look, lambda: _catch_up(runtime))


class Look(NamedTuple):
    report: Report  # with all differences
    remaining: list[Difference]  # those that are not about what moved meanwhile
    has_moved: bool


def agreed(look: Callable[[], Look], catch_up: Callable[[], None]) -> Report:
    """A difference counts where it is there at every look, and at the last is not about what moved meanwhile.

    Where nothing moves the first look is enough. What moved at one is looked at again when the agents have done it.
    """
    found: set[tuple[Any, ...]] | None = None
    for number in range(1, MOST_LOOKS + 1):
        report, remaining, has_moved = look()
        named = set(map(_name, report.differences))
        report.differences = [each for each in remaining if found is None or _name(each) in found]
        found = named if found is None else named & found
        if not has_moved or not found or number == MOST_LOOKS:
            break
        catch_up()
    return report


def _catch_up(runtime: Runtime) -> None:
    """Waits until all that was received before is done, but not for agents that are not there."""
    begun = time.time_ns() // 1_000_000
    while True:
        progress = progress_of(runtime)
        if progress.drained or (progress.data_until or 0) >= begun or progress.now - begun > PATIENCE_MS:
            return
        time.sleep(LOOKS_AGAIN_S)


def _name(difference: Difference) -> tuple[Any, ...]:
    """What makes it the same difference at another look. Of a copy of a table only counts are known."""
    key = () if difference.table in {*COPIES, "events"} else tuple(difference.key.values())
    return difference.table, difference.kind, key


def _devices(runtime: Runtime, of: Project, scope: Scope) -> list[int]:
    project = of.name
    if not scope.customer:
        parameters = {"project": project, "rows": scope.sample, "salt": secrets.randbits(63)}
        return [device for (device,) in runtime.store.query(load("api.admin.reads", "some_devices"), parameters)]
    facts, identifier = Facts(runtime.store), number_of(asking(runtime, of), scope.customer, "customer")
    customer = facts.customers(project, [identifier])[identifier]
    members = facts.members(project, [customer])[customer]
    owned = facts.ownerships_of(project, members)
    return sorted({one.device for found in owned.values() for one in found} | {identifier})


def _readable(values: dict[str, Any]) -> dict[str, Any]:
    """Ids as 16 hex digits: JSON's numbers lose bits in browsers."""
    return {
        name: hexadecimal(value) if name in _IDS and isinstance(value, int) else msgspec.to_builtins(value)
        for name, value in values.items()
    }
