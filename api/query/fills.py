"""History that is filled anew after a changed definition: how it begins, how far it is, and what answers say of it.

    saved            v2 ─────────────────────────────────────────────────────────
    the facts        v1 .......... some devices v1, some v2 .......... v2
    answers say      v1, with a warning that tells how far it is      v2

A fill is done when every shard has no more pieces and `data_until` has passed the last of them: then whatever it marked
has been worked on, too.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel, Field

from api.query.runtime_port import Runtime
from pipeline.ingest.acquisition import VERSION
from pipeline.store.port import Store
from pipeline.store.sql import load
from schemas.definitions import Project

ACQUISITION, PROJECT = "acquisition", "project"
FIRST_ACQUISITION: Final = 1  # by whose rules events were judged before fills were recorded


class Change(NamedTuple):
    """What history is filled anew for."""

    notion: str  # goal.NAME, funnel.NAME, project or acquisition
    from_version: int  # 0: there was none
    to_version: int  # 0: it was taken back


class Fill(NamedTuple):
    id: int  # when it began, UTC ms
    change: Change
    shards: int
    shards_done: int
    done: int  # devices and customers
    total: int
    last_at: int  # when a shard told last, UTC ms

    def is_done(self, until: int | None) -> bool:
        """By `data_until`."""
        return self.shards_done >= self.shards and (not self.shards or (until or 0) > self.last_at)

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1; shards that have not begun yet are not counted as nothing to do."""
        if self.shards_done >= self.shards:
            return 1.0
        told = self.done / self.total if self.total else 0.0
        return min(told, (self.shards_done + 1) / (self.shards + 1))


class FillShown(BaseModel):
    id: int = Field(description="when it began, UTC ms")
    notion: str = Field(description="goal.NAME, funnel.NAME, project or acquisition")
    from_version: int = Field(description="answers say this one until it is done; 0: there was none")
    to_version: int = Field(description="0: the definition was taken back")
    state: Literal["filling", "done"]
    share: float = Field(description="how much is done, 0 to 1")
    done: int = Field(description="devices and customers that are as the new version says")


class FillsShown(BaseModel):
    fills: list[FillShown] = Field(description="newest first")


def fills(store: Store, project: str) -> list[Fill]:
    """All fills of a project, oldest first."""
    rows = store.query(load("api.query.questions", "fills"), {"project": project})
    return [Fill(one, Change(*change), *numbers) for one, *rest in rows for change, numbers in [(rest[:3], rest[3:])]]


def shown(found: Iterable[Fill], until: int | None) -> FillsShown:
    return FillsShown(
        fills=[
            FillShown(
                id=one.id,
                **one.change._asdict(),
                state="done" if one.is_done(until) else "filling",
                share=one.share,
                done=one.done,
            )
            for one in sorted(found, reverse=True)
        ]
    )


def standing(found: Sequence[Fill], until: int | None) -> dict[str, list[Fill]]:
    """By notion the fills that are not done: those since the last that is, which did everything before it as well."""
    waiting: dict[str, list[Fill]] = {}
    for one in found:
        if one.is_done(until):
            waiting.pop(one.change.notion, None)
        else:
            waiting.setdefault(one.change.notion, []).append(one)
    return waiting


def told(
    versions: Mapping[str, int], project: Project, found: Sequence[Fill], until: int | None
) -> tuple[dict[str, int], list[str]]:
    """The versions that the numbers of an answer are of, and a warning for each notion that is being filled anew.

    `versions` are those in force that the question depends on; none: it asks about events as they came.
    """
    if not versions:
        return {}, []
    judged = [one.change.to_version for one in found if one.change.notion == ACQUISITION and one.is_done(until)]
    used = {**versions, PROJECT: project.version, ACQUISITION: judged[-1] if judged else FIRST_ACQUISITION}
    warnings = []
    for notion, waiting in standing(found, until).items():
        is_gone = notion.startswith("goal.") and not waiting[-1].change.to_version
        if notion not in used and not (is_gone and "session" in used):
            continue
        used[notion] = min(one.change.from_version for one in waiting)
        share = min(min(one.share for one in waiting), 0.99)  # what was marked last is still being worked on
        wanted = waiting[-1].change.to_version
        of = f"version {wanted}" if wanted else "the time after it was taken back"
        warnings.append(f"{notion} is being filled anew: {share:.0%} of the numbers are of {of}")
    return used, warnings


async def begin(runtime: Runtime, project: str, change: Change, shards: int) -> int:
    """Records that a fill begins in so many shards; its id."""
    return await asyncio.to_thread(_begin, runtime.store, project, change, shards)


def _begin(store: Store, project: str, change: Change, shards: int) -> int:
    now = time.time_ns() // 1_000_000
    known = {one.id for one in fills(store, project)}
    while now in known:
        now += 1
    row: list[Any] = [project, now, "", shards, *change, 0, 0, 0, 0, now]
    store.insert("fills", [[value] for value in row])
    return now


def judged_first(store: Store, project: str) -> None:
    """A project that is new has nothing that older rules have judged."""
    _begin(store, project, Change(ACQUISITION, 0, VERSION), 0)
