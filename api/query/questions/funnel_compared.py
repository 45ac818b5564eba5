"""A funnel's numbers beside those of the time before: of the same length, and right before the range.

the time before  [from -------- to)[from -------- to)  the range
an entry of it      A ---- B ---- C                       its window may reach into the range
"""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from api.query.questions.funnel_numbers import FunnelGroup, FunnelPeriod, FunnelResult, StepNumbers
from api.query.questions.ranges import Range


class StepBefore(StepNumbers):
    count_change: int = Field(description="the range's less this one, as all changes are")
    rate_change: float | None
    step_rate_change: float | None
    median_ms_change: int | None
    median_step_ms_change: int | None


class GroupBefore(FunnelGroup):
    """Changes are against the range's group of the same value; null where it has none of its own, and for `other`,
    which sums up other values."""

    entered_change: int | None = Field(description="null where the range has no such group of its own, and for `other`")
    converted_change: int | None
    rate_change: float | None


class FunnelBefore(BaseModel):
    from_: int = Field(alias="from", description="ms")
    to: int = Field(description="ms, exclusive; the range begins here")
    entered: int
    converted: int
    rate: float | None
    interval: list[float] | None = Field(description="of the rate, as that of the range")
    entered_change: int
    converted_change: int
    rate_change: float | None = Field(description="null where nobody entered, now or before")
    steps: list[StepBefore]
    convert_ms: dict[str, int] | None
    convert_ms_change: dict[str, int] | None
    groups: list[GroupBefore] = Field(description="by the breakdown, most entered first, as those of the range")
    periods: list[FunnelPeriod]


class FunnelCompared(FunnelResult):
    previous: FunnelBefore | None = Field(description="the time of the same length before; null without `compare`")


def compared(result: FunnelResult, before: FunnelResult | None, asked: Range | None) -> FunnelCompared:
    """The numbers of the range, and those `before`, of the time `asked`, where there are any."""
    parts = {name: getattr(result, name) for name in FunnelResult.model_fields}
    if before is None or asked is None:
        return FunnelCompared(**parts, previous=None)
    return FunnelCompared(**parts, previous=_beside(result, before, asked))


def _beside(now: FunnelResult, before: FunnelResult, asked: Range) -> FunnelBefore:
    return FunnelBefore(
        **{"from": asked.start},
        to=asked.end,
        entered=before.entered,
        converted=before.converted,
        rate=before.rate,
        interval=before.interval,
        entered_change=now.entered - before.entered,
        converted_change=now.converted - before.converted,
        rate_change=_rise(now.rate, before.rate),
        steps=[_step(one, other) for one, other in zip(now.steps, before.steps, strict=True)],
        convert_ms=before.convert_ms,
        convert_ms_change=_rises(now.convert_ms, before.convert_ms),
        groups=[_group(one, _same(one, now.groups)) for one in before.groups],
        periods=before.periods,
    )


def _step(now: StepNumbers, before: StepNumbers) -> StepBefore:
    return StepBefore(
        **{name: getattr(before, name) for name in StepNumbers.model_fields},
        count_change=now.count - before.count,
        rate_change=_rise(now.rate, before.rate),
        step_rate_change=_rise(now.step_rate, before.step_rate),
        median_ms_change=_later(now.median_ms, before.median_ms),
        median_step_ms_change=_later(now.median_step_ms, before.median_step_ms),
    )


def _same(before: FunnelGroup, groups: Sequence[FunnelGroup]) -> FunnelGroup | None:
    """The group of the same value."""
    found = (one for one in groups if (one.kind, one.value) == (before.kind, before.value) and one.kind != "other")
    return next(found, None)


def _group(before: FunnelGroup, now: FunnelGroup | None) -> GroupBefore:
    first, last = before.steps[0], before.steps[-1]
    return GroupBefore(
        **{name: getattr(before, name) for name in FunnelGroup.model_fields},
        entered_change=now.steps[0].count - first.count if now else None,
        converted_change=now.steps[-1].count - last.count if now else None,
        rate_change=_rise(now.steps[-1].rate, last.rate) if now else None,
    )


def _rise(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before


def _later(now: int | None, before: int | None) -> int | None:
    return None if now is None or before is None else now - before


def _rises(now: dict[str, int] | None, before: dict[str, int] | None) -> dict[str, int] | None:
    return None if now is None or before is None else {name: now[name] - value for name, value in before.items()}
