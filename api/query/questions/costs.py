"""Costs: what advertising cost, and what the sessions that it brought came to, by campaign, source or medium.

Sessions are those of the question `sessions`, by the same breakdown: one number, one definition. A campaign is found by
its name or by its id, whichever its links have as utm_campaign.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from api.query.questions.model import MOST_ROWS, Answer, Asking, Solved, ratio
from api.query.questions.ranges import Counted, Range
from api.query.questions.session_values import Values
from api.query.questions.session_where import Chosen
from pipeline.errors import InvalidQuestion
from pipeline.store.port import Row

DAY_MS = 86_400_000


class CostsQuestion(Counted):
    """Costs of the days that begin in the range: ask for whole days, as `last` does by d and w."""

    by: Literal["day", "week", "month"] | None = Field(None, description="a row for each period that has costs")
    breakdown: Literal["campaign", "source", "medium"] = Field("campaign", description="of costs and of sessions")
    limit: int = Field(100, ge=1, le=1000, description="rows, the dearest first")


class CostNumbers(BaseModel):
    currency: str = Field(description="of the cost; costs in two currencies are two rows, never a sum")
    cost_micros: int = Field(description="millionths of the currency")
    impressions: int
    clicks: int
    sessions: int = Field(description="sessions with that value, as the question `sessions` counts them")
    conversions: int
    value_micros: int = Field(description="value of the conversions in the project's currency, millionths")
    cost_per_click_micros: int | None
    cost_per_session_micros: int | None
    cost_per_conversion_micros: int | None
    return_on_spend: float | None = Field(
        description="value / cost; null where the cost is in another currency than the project's"
    )


class CostRow(CostNumbers):
    period: str | None = Field(description="start of the period, a date")
    value: str | None = Field(description="value of the breakdown; null: none")


class CostsResult(BaseModel):
    totals: list[CostNumbers] = Field(description="one for each currency; sessions are those of its rows")
    currency: str = Field(description="the project's, of values")
    rows: list[CostRow] = Field(description="by period, then by cost")
    rows_left_out: int = Field(description="rows beyond `limit`")


class CostsAnswer(Answer[CostsQuestion, CostsResult]):
    """What advertising cost, and what it brought."""


class Brought(NamedTuple):
    """What sessions came to."""

    sessions: int = 0
    conversions: int = 0
    value_micros: int = 0


def solve(asking: Asking, question: CostsQuestion) -> Solved[CostsQuestion, CostsResult]:
    asked = question.range(asking.now)
    first, last = days_of(asked, question.zone or "UTC")
    costs = asking.rows(
        "costs", first=first, last=last, by=question.by or "", breakdown=question.breakdown, rows=MOST_ROWS + 1
    )
    _must_fit(len(costs), "costs")
    brought = _brought(asking, question, asked)
    rows: list[CostRow] = []
    found: dict[str, tuple[list[Row], set[tuple[str, str]]]] = {}
    for row in costs:
        period, value, ids, currency = row[:4]
        told = (value, *ids) if question.breakdown == "campaign" else (value,)
        names = {(period, name) for name in told if name}  # a cost without a name has brought no session that we know
        rows.append(
            CostRow(
                **_numbers(asking, currency, [row], names, brought).model_dump(),
                period=period or None, value=value or None,
            )
        )  # fmt: skip
        of_currency, of_sessions = found.setdefault(currency, ([], set()))
        of_currency.append(row)
        of_sessions |= names
    totals = [_numbers(asking, currency, found[currency][0], found[currency][1], brought) for currency in sorted(found)]
    kept = rows[: question.limit]
    result = CostsResult(
        totals=totals, currency=asking.project.currency, rows=kept, rows_left_out=len(rows) - len(kept)
    )
    return Solved(question, {"costs": 1, "session": 1} | asking.goal_versions(), result)


def days_of(asked: Range, zone: str) -> tuple[int, int]:
    """The first and the last day that begin in a range, as ms of their midnights in UTC; the last is before the first
    where there is none.
    """
    place = ZoneInfo(zone)
    first = _day(asked.start, place)
    if _day(asked.start - 1, place) == first:  # not by the clock: some days begin at one, for summer time
        first += timedelta(days=1)
    return _midnight(first), _midnight(_day(asked.end - 1, place))


def _day(at: int, place: ZoneInfo) -> date:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(place).date()


def _midnight(day: date) -> int:
    return (day.toordinal() - date(1970, 1, 1).toordinal()) * DAY_MS


def _brought(asking: Asking, question: CostsQuestion, asked: Range) -> dict[tuple[str, str], Brought]:
    """By period and value."""
    values = Values(asking, [question.breakdown], question.include_bots)
    rows = asking.rows(
        "sessions",
        0,
        0,
        len(values.columns),
        **asked.bound(),
        by=question.by or "",
        **values.bound(),
        zone=question.zone,
        bots=int(question.include_bots),
        firsts=0,
        **Chosen(asking, [], asked, question.include_bots).bound(),
        rows=MOST_ROWS + 2,
    )
    _must_fit(len(rows) - 1, "sessions")  # one is their total
    told = ((row, values.together(row[2], row[3])[0] or "") for row in rows if not row[0])
    return {(row[1], value): Brought(row[4], row[8], row[14]) for row, value in told}


def _must_fit(count: int, of: str) -> None:
    """Totals are sums of the rows: with some left out they would be wrong."""
    if count > MOST_ROWS:
        told = f"more than {MOST_ROWS:,} rows of {of}: ask for a shorter time, longer periods or another breakdown"
        raise InvalidQuestion(told, field="by")


def _numbers(
    asking: Asking, currency: str, costs: Iterable[Row], names: set[tuple[str, str]],
    brought: dict[tuple[str, str], Brought],
) -> CostNumbers:  # fmt: skip
    impressions, clicks, cost = (sum(row[place] for row in costs) for place in (4, 5, 6))
    found = [brought[name] for name in names if name in brought]
    sessions, conversions, value = (sum(column) for column in zip(*found, strict=True)) if found else Brought()
    is_own = currency == asking.project.currency
    return CostNumbers(
        currency=currency, cost_micros=cost, impressions=impressions, clicks=clicks,
        sessions=sessions, conversions=conversions, value_micros=value,
        cost_per_click_micros=_each(cost, clicks), cost_per_session_micros=_each(cost, sessions),
        cost_per_conversion_micros=_each(cost, conversions),
        return_on_spend=ratio(value, cost) if is_own and cost > 0 else None,
    )  # fmt: skip


def _each(cost: int, count: int) -> int | None:
    return round(cost / count) if count else None
