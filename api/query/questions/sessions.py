"""Sessions: how many, how long, how engaged, what they brought; by period and by fields of them and their customers."""

from pydantic import BaseModel, Field

from api.query.questions.customer_kinds import written
from api.query.questions.model import MOST_ROWS, Answer, Asking, Solved, ratio
from api.query.questions.ranges import OfCustomers, Period
from api.query.questions.session_values import COLUMNS, Breakdown, Values
from api.query.questions.session_where import Chosen
from api.query.questions.steps import Where
from pipeline.domain.asked import SESSION_PROPERTIES


class SessionsQuestion(OfCustomers):
    where: Where = Field(
        [],
        description="all must hold: filters on the session, $segment.NAME, $customer_now.NAME or $stage_now. A "
        f"session's names are {', '.join(SESSION_PROPERTIES)}",
    )
    by: Period | None = Field(None, description="a row for each period that has sessions, in the zone")
    breakdown: Breakdown | None = Field(
        None,
        description="one, or a list of up to three, taken together: a field of the session's entry (exit_page: of its "
        f"end), $segment.NAME, $customer_now.NAME or $stage_now. The fields are {', '.join(COLUMNS)}",
    )
    limit: int = Field(100, ge=1, le=1000, description="values of the breakdown, those with most sessions first")
    new_and_returning: bool = Field(
        False, description="tell new customers from returning ones; for that every session ever is looked at"
    )


class SessionNumbers(BaseModel):
    sessions: int
    customers: int = Field(description="different customers who had them")
    events: int
    views: int
    interactions: int
    conversions: int
    converted_sessions: int = Field(description="sessions with a conversion")
    engaged_sessions: int = Field(description="sessions with a view that did not bounce by definition `engaged`")
    single_event_sessions: int
    engaged_ms: int
    mean_duration_ms: float | None
    median_duration_ms: int | None
    value_micros: int = Field(description="value of the conversions in the project's currency, millionths")
    views_per_session: float | None
    mean_engaged_ms: float | None
    median_engaged_ms: int | None
    new_customers: int | None = Field(
        description="whose first session ever is among them; null unless `new_and_returning` asks for it"
    )
    returning_customers: int | None = Field(
        description="with a session among them that is not their first; who has both is new and returning"
    )


class SessionRow(SessionNumbers):
    period: str | None = Field(description="start of the period: a date, or the time of the hour")
    value: str | None = Field(description="value of the breakdown, of several a JSON array; null: none")
    values: list[str | None] = Field(description="of each field of the breakdown; null: none")


class SessionsResult(BaseModel):
    total: SessionNumbers
    currency: str
    rows: list[SessionRow] = Field(description="by period, then by sessions; empty without `by` and `breakdown`")
    values_left_out: int = Field(description="values of the breakdown beyond `limit`")


class SessionsAnswer(Answer[SessionsQuestion, SessionsResult]):
    """Sessions that start in the range."""


def solve(asking: Asking, question: SessionsQuestion) -> Solved[SessionsQuestion, SessionsResult]:
    asked = question.range(asking.now)
    chosen = Chosen(asking, question.where, asked, question.include_bots)
    broken_down = Values(asking, question.breakdown, question.include_bots)
    rows = asking.rows(
        "sessions",
        0,
        len(chosen.names),
        len(broken_down.columns),
        **asked.bound(),
        by=question.by or "",
        **broken_down.bound(),
        zone=question.zone,
        bots=int(question.include_bots),
        firsts=int(question.new_and_returning),
        **chosen.bound(),
        rows=MOST_ROWS,
    )
    told_who = question.new_and_returning
    total = next((_numbers(row[4:], told_who) for row in rows if row[0]), _numbers((0,) * 16, told_who))
    found: list[SessionRow] = []
    left_out = 0
    if question.by or question.breakdown:
        told = [(row, broken_down.together(row[2], row[3])) for row in rows if not row[0]]
        counts = [(values, row[4]) for row, values in told]
        kept = most(counts, question.limit)
        left_out = len({values for values, _ in counts}) - len(kept)
        found = [
            SessionRow(
                **_numbers(row[4:], told_who).model_dump(),
                period=row[1] or None,
                value=written(values),
                values=list(values),
            )
            for row, values in told
            if values in kept
        ]
        found.sort(key=lambda row: (row.period or "", -row.sessions, row.value or ""))
    result = SessionsResult(total=total, currency=asking.project.currency, rows=found, values_left_out=left_out)
    return Solved(question, {"session": 1, "bounce.engaged": 1} | asking.goal_versions(), result)


def most(counts: list[tuple[tuple[str | None, ...], int]], limit: int) -> set[tuple[str | None, ...]]:
    """The `limit` values with the greatest sums; ties go by name."""
    sums: dict[tuple[str | None, ...], int] = {}
    for value, count in counts:
        sums[value] = sums.get(value, 0) + count
    ranked = sorted(sums.items(), key=lambda item: (-item[1], [one or "" for one in item[0]]))
    return {value for value, _ in ranked[:limit]}


def _numbers(row: tuple[int, ...], told_who: bool) -> SessionNumbers:
    (
        sessions,
        events,
        views,
        interactions,
        conversions,
        converted,
        engaged_ms,
        engaged,
        mean,
        median,
        value,
        single,
        who,
        median_engaged,
        new,
        returning,
    ) = row
    return SessionNumbers(
        sessions=sessions,
        customers=who,
        events=events,
        views=views,
        interactions=interactions,
        conversions=conversions,
        converted_sessions=converted,
        engaged_sessions=engaged,
        single_event_sessions=single,
        engaged_ms=engaged_ms,
        mean_duration_ms=mean if sessions else None,
        median_duration_ms=median if sessions else None,
        value_micros=value,
        views_per_session=ratio(views, sessions),
        mean_engaged_ms=ratio(engaged_ms, sessions),
        median_engaged_ms=median_engaged if sessions else None,
        new_customers=new if told_who else None,
        returning_customers=returning if told_who else None,
    )
