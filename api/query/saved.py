"""Saved goals and funnels: checked, kept as versions, and told to the agents, which recompute what depends on them.

Saving what is saved already makes no new version; the agents are told again all the same, so that a save whose telling
failed can simply be repeated.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar

import msgspec
from pydantic import Field

from api.query.fills import Change, begin
from api.query.questions.funnel import check_funnel
from api.query.questions.model import Strict
from api.query.questions.segments import check_named
from api.query.questions.steps import (
    DEFAULT_WINDOW_MS,
    LEAST_STEPS,
    MOST_STEPS,
    Constant,
    EventNames,
    Exclusion,
    Exclusions,
    FunnelWindow,
    Order,
    SavedBreakdown,
    Step,
    Where,
    breakdown_of,
    filter_of,
    of_goal,
    steps_of,
    window_of,
)
from api.query.runtime_port import Runtime
from pipeline.domain.funnels import breakdowns
from pipeline.domain.goals import compile_goals
from pipeline.domain.segments import asked_of, made_of
from pipeline.errors import InvalidQuestion
from pipeline.store.definitions import Snapshot
from schemas.definitions import Funnel, Goal, Project
from schemas.log import CHANGES, EVENTS, Line, Mark, Piece

Saved = TypeVar("Saved", Goal, Funnel)
Steps = Annotated[list[Step], Field(min_length=LEAST_STEPS, max_length=MOST_STEPS)]


class GoalBody(Strict):
    """A goal without its name, which is in the address."""

    events: EventNames
    where: Where = []
    kind: Literal["lead", "micro", "macro"] = "macro"
    ends_journey: bool | None = Field(
        None, description="whether a conversion ends the journey; null: a macro goal's does"
    )
    value_property: str = Field("$value", min_length=1, max_length=1000, description="$value: the event's own value")
    value: float | None = Field(None, allow_inf_nan=False, description="a fixed value, instead of the property's")
    currency: str = Field("", pattern=r"^([A-Z]{3})?$", description="ISO code; \"\": the event's, else the project's")

    def definition(self, name: str) -> Goal:
        return Goal(
            name=name,
            events=tuple(self.events),
            where=tuple(one.definition() for one in self.where),
            kind=self.kind,
            ends_journey=self.ends_journey,
            value_property=self.value_property,
            value=self.value,
            currency=self.currency,
        )


class SavedGoal(GoalBody):
    name: str
    version: int

    @classmethod
    def of(cls, goal: Goal) -> "SavedGoal":
        return cls(
            name=goal.name,
            version=goal.version,
            events=list(goal.events),
            where=[filter_of(one) for one in goal.where],
            kind=goal.kind,
            ends_journey=goal.ends_journey,
            value_property=goal.value_property,
            value=goal.value,
            currency=goal.currency,
        )


class FunnelBody(Strict):
    """A funnel without its name, which is in the address."""

    steps: Steps
    window: FunnelWindow = Field(
        DEFAULT_WINDOW_MS, description="session: every step in the session of the first; such a one is never followed"
    )
    order: Order = Field("ordered", description="as in the question")
    exclusions: Exclusions = Field([], description="what must not happen between two steps")
    constant: Constant = Field([], description="properties or $columns that have one value in all of an entry")
    breakdown: SavedBreakdown = Field([], description='a property, or $channel ...; or a list of up to three; "": none')

    def definition(self, name: str, goals: Iterable[Goal]) -> Funnel:
        return Funnel(
            name,
            steps_of(self.steps, goals),
            order=self.order,
            breakdown=breakdown_of(self.breakdown),
            exclusions=tuple(one.definition() for one in self.exclusions),
            constant=tuple(self.constant),
            **window_of(self.window),
        )


class SavedFunnel(FunnelBody):
    name: str
    version: int

    @classmethod
    def of(cls, funnel: Funnel) -> "SavedFunnel":
        return cls(
            name=funnel.name,
            version=funnel.version,
            steps=[Step.of(step) for step in funnel.steps],
            window="session" if funnel.within_session else funnel.window_ms,
            order=funnel.order,
            exclusions=[Exclusion.of(one) for one in funnel.exclusions],
            constant=list(funnel.constant),
            breakdown=list(breakdowns(funnel)),
        )


async def save_goal(runtime: Runtime, project: Project, goal: Goal) -> Goal:
    """The goal with its version. InvalidQuestion, with the field, where it can't be followed."""
    try:
        compile_goals([goal], project.currency)
    except InvalidQuestion as error:
        raise InvalidQuestion(error.message, field=error.field.removeprefix("goals[0].")) from error
    saved = await asyncio.to_thread(_save, runtime, project, goal)
    change = Change(f"goal.{saved.name}", saved.version - 1, saved.version)
    await tell(runtime, project.name, change, restitch="goals")
    for funnel in await asyncio.to_thread(_with_goal, runtime, project, saved.name):
        steps = tuple(of_goal(step, saved) if step.goal == saved.name else step for step in funnel.steps)
        await save_funnel(runtime, project, msgspec.structs.replace(funnel, steps=steps))
    return saved


def _with_goal(runtime: Runtime, project: Project, name: str) -> list[Funnel]:
    """The saved funnels with a step of the goal."""
    found = runtime.definitions.refresh().funnels.get(project.name, ())
    return [funnel for funnel in found if any(step.goal == name for step in funnel.steps)]


async def save_funnel(runtime: Runtime, project: Project, funnel: Funnel) -> Funnel:
    """The funnel with its version. InvalidQuestion, with the field, where it can't be followed."""
    check_funnel(funnel)
    await asyncio.to_thread(_check_segments, runtime, project, funnel)
    saved = await asyncio.to_thread(_save, runtime, project, funnel)
    change = Change(f"funnel.{saved.name}", saved.version - 1, saved.version)
    await tell(runtime, project.name, change, restitch="funnels")
    return saved


def _check_segments(runtime: Runtime, project: Project, funnel: Funnel) -> None:
    """InvalidQuestion for a segment that there is not, and for one that this funnel decides."""
    snapshot = runtime.definitions.refresh()
    known = {one.name: one for one in snapshot.segments.get(project.name, ())}
    funnels = {one.name: one for one in snapshot.funnels.get(project.name, ())} | {funnel.name: funnel}
    check_named(msgspec.to_builtins(funnel), known)
    for name in sorted(asked_of(funnel)):
        if funnel.name in made_of([name], known, funnels).funnels:
            raise InvalidQuestion(f"segment {name!r} is itself made of this funnel", field="steps")


async def roll_back(
    runtime: Runtime, project: Project, kind: Literal["goal", "funnel"], name: str, version: int
) -> Goal | Funnel:
    """Saves an older version once more, as the newest. NotFound where there was none of that number."""
    old = await asyncio.to_thread(runtime.definitions.former, kind, project.name, name, version)
    if isinstance(old, Goal):
        return await save_goal(runtime, project, old)
    assert isinstance(old, Funnel)
    goals = {goal.name: goal for goal in runtime.definitions.snapshot().goals.get(project.name, ())}
    steps = tuple(of_goal(step, goals[step.goal]) if step.goal in goals else step for step in old.steps)
    return await save_funnel(runtime, project, msgspec.structs.replace(old, steps=steps))


def _save(runtime: Runtime, project: Project, wanted: Saved) -> Saved:
    """What is saved so already stays as it is."""
    snapshot: Snapshot = runtime.definitions.refresh()
    for known in (*snapshot.goals.get(project.name, ()), *snapshot.funnels.get(project.name, ())):
        if isinstance(known, type(wanted)) and known == msgspec.structs.replace(wanted, version=known.version):
            return known
    return runtime.definitions.save(wanted, project.name)


async def delete(runtime: Runtime, project: Project, kind: Literal["goal", "funnel"], name: str) -> None:
    """Takes the definition back; the agents take back what followed from it. InvalidQuestion for a goal that a saved
    funnel has a step of."""
    if kind == "goal" and (used := await asyncio.to_thread(_with_goal, runtime, project, name)):
        raise InvalidQuestion(f"funnel {used[0].name!r} has a step of this goal: change the funnel first", field="name")
    before = await asyncio.to_thread(_version, runtime, project, kind, name)
    await asyncio.to_thread(runtime.definitions.delete, kind, project.name, name)
    await tell(runtime, project.name, Change(f"{kind}.{name}", before, 0), restitch="goals" if kind == "goal" else "")


def _version(runtime: Runtime, project: Project, kind: Literal["goal", "funnel"], name: str) -> int:
    """The version in force, 0 where there is none."""
    snapshot = runtime.definitions.refresh()
    known: tuple[Goal | Funnel, ...] = (snapshot.goals if kind == "goal" else snapshot.funnels).get(project.name, ())
    return next((one.version for one in known if one.name == name), 0)


async def tell(
    runtime: Runtime,
    project: str,
    change: Change,
    *,
    restitch: Literal["", "goals", "funnels", "sessions", "channels"] = "",
) -> None:
    """A control record on every partition: journeys follow every definition. With it a fill of history begins.

    `restitch`: sessions follow too, on devices with an event that a goal names or named, or on all ("sessions");
    "channels": on all, and what brought their visits about is judged anew; "funnels": they mark whoever has an event
    that a funnel names, for what came before they knew of the funnel.
    """
    now = time.time_ns() // 1_000_000
    changes, events = runtime.topic(CHANGES), runtime.topic(EVENTS)
    shards = changes.partitions + (events.partitions if restitch else 0)
    fill = (await begin(runtime, project, change, shards),)
    told = [
        (CHANGES, partition, msgspec.json.encode(Mark(p=project, c=partition, i=0, r=now, k="define", f=fill)))
        for partition in range(changes.partitions)
    ]
    if restitch:
        piece = msgspec.Raw(msgspec.json.encode(Piece(fill)))
        told += [
            (EVENTS, at, msgspec.json.encode(Line(p=project, d=at, r=now, c="define", w=restitch, e=piece)))
            for at in range(events.partitions)
        ]
    await asyncio.gather(*(runtime.writer.append(topic, partition, [line]) for topic, partition, line in told))
