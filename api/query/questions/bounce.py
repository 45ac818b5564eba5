"""Bounce: of the sessions with a view, those that bounced by one named definition. Without a view there is no rate.

    engaged         (default, as GA4) neither 10 s engaged nor a conversion nor two views
    no_interaction  (as PostHog) one view, no interaction, under 10 s from first to last event
    single_page     one view and no interaction
    single_event    one event

The predicates themselves are columns of the table `sessions`.
"""

from typing import Literal

from pydantic import BaseModel, Field

from api.query.questions.customer_kinds import written
from api.query.questions.model import MOST_ROWS, Answer, Asking, Solved, ratio
from api.query.questions.ranges import OfCustomers, Period
from api.query.questions.session_values import Breakdown, Values
from api.query.questions.session_where import Chosen
from api.query.questions.sessions import most
from api.query.questions.steps import Where

Definition = Literal["engaged", "no_interaction", "single_page", "single_event"]
VERSION = 1


class BounceQuestion(OfCustomers):
    definition: Definition = Field("engaged", description="what a bounce is")
    where: Where = Field([], description="as of `sessions`")
    by: Period | None = Field(None, description="a row for each period that has sessions, in the zone")
    breakdown: Breakdown | None = Field(None, description="as of `sessions`")
    limit: int = Field(100, ge=1, le=1000, description="values of the breakdown, those with most sessions first")


class BounceNumbers(BaseModel):
    sessions: int
    with_view: int = Field(description="sessions with a page or screen view")
    bounced: int
    rate: float | None = Field(description="bounced / with_view; null where no session has a view")


class BounceRow(BounceNumbers):
    period: str | None = Field(description="start of the period: a date, or the time of the hour")
    value: str | None = Field(description="value of the breakdown, of several a JSON array; null: none")
    values: list[str | None] = Field(description="of each field of the breakdown; null: none")


class BounceResult(BaseModel):
    total: BounceNumbers
    rows: list[BounceRow] = Field(description="by period, then by sessions; empty without `by` and `breakdown`")
    values_left_out: int = Field(description="values of the breakdown beyond `limit`")


class BounceAnswer(Answer[BounceQuestion, BounceResult]):
    """Bounce of the sessions that start in the range."""


def solve(asking: Asking, question: BounceQuestion) -> Solved[BounceQuestion, BounceResult]:
    asked = question.range(asking.now)
    chosen = Chosen(asking, question.where, asked, question.include_bots)
    broken_down = Values(asking, question.breakdown, question.include_bots)
    rows = asking.rows(
        "bounce",
        0,
        len(chosen.names),
        len(broken_down.columns),
        **asked.bound(),
        definition=question.definition,
        by=question.by or "",
        **broken_down.bound(),
        zone=question.zone,
        bots=int(question.include_bots),
        **chosen.bound(),
        rows=MOST_ROWS,
    )
    total = next((_numbers(*row[4:]) for row in rows if row[0]), _numbers(0, 0, 0))
    found: list[BounceRow] = []
    left_out = 0
    if question.by or question.breakdown:
        told = [(row, broken_down.together(row[2], row[3])) for row in rows if not row[0]]
        counts = [(values, row[4]) for row, values in told]
        kept = most(counts, question.limit)
        left_out = len({values for values, _ in counts}) - len(kept)
        found = [
            BounceRow(
                **_numbers(*row[4:]).model_dump(), period=row[1] or None, value=written(values), values=list(values)
            )
            for row, values in told
            if values in kept
        ]
        found.sort(key=lambda row: (row.period or "", -row.sessions, row.value or ""))
    versions = {f"bounce.{question.definition}": VERSION, "session": 1}
    if question.definition == "engaged":
        versions |= asking.goal_versions()
    return Solved(question, versions, BounceResult(total=total, rows=found, values_left_out=left_out))


def _numbers(sessions: int, with_view: int, bounced: int) -> BounceNumbers:
    return BounceNumbers(sessions=sessions, with_view=with_view, bounced=bounced, rate=ratio(bounced, with_view))
