"""Cells of `sessions` and `bounce`: the sessions that a number counts."""

from collections.abc import Callable
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from api.query.explain.cases import Case, Cases
from api.query.questions import owned
from api.query.questions.bounce import BounceQuestion
from api.query.questions.customer_kinds import written
from api.query.questions.model import Asking, Strict
from api.query.questions.periods import label
from api.query.questions.session_values import Values
from api.query.questions.session_where import Chosen
from api.query.questions.sessions import SessionsQuestion
from pipeline.domain.bounce import BOUNCES, engaged
from pipeline.errors import InvalidQuestion
from schemas.facts import Session


class Row(Strict):
    """A row of the answer, or all that have the period or the value that is named; without either the total."""

    period: str | None = Field(None, description="of rows by period")
    value: str | None = Field(None, description="of rows of the breakdown; null where it is named: no value")


class SessionsCell(Row):
    number: Literal[
        "sessions",
        "converted_sessions",
        "engaged_sessions",
        "single_event_sessions",
        "new_customers",
        "returning_customers",
    ] = Field("sessions", description="of new and returning customers the sessions that make them so")


class BounceCell(Row):
    number: Literal["sessions", "with_view", "bounced", "stayed"] = Field(
        "bounced", description="stayed: with a view and not bounced"
    )


_SESSIONS: dict[str, Callable[[owned.Owned], bool]] = {
    "sessions": lambda one: True,
    "converted_sessions": lambda one: one.session.conversions > 0,
    "engaged_sessions": lambda one: engaged(one.session) is False,
    "single_event_sessions": lambda one: one.session.events == 1,
    "new_customers": lambda one: one.is_first,
    "returning_customers": lambda one: not one.is_first,
}
_WHY = {"new_customers": "first session ever", "returning_customers": "a later session"}


def of_sessions(asking: Asking, question: SessionsQuestion, cell: SessionsCell) -> Cases:
    why = _WHY.get(cell.number, cell.number.replace("_", " ").removesuffix("s"))
    if cell.number in _WHY and not question.new_and_returning:
        told = "the answer does not tell new from returning customers: ask it to, or leave number out"
        raise InvalidQuestion(told, field="cell.number")
    definitions = {"session": 1, "bounce.engaged": 1} | asking.goal_versions()
    cases = _cases(asking, question, cell, _SESSIONS[cell.number], lambda session: why, definitions)
    return _by_customer(cases, why) if cell.number == "returning_customers" else cases


def _by_customer(cases: Cases, why: str) -> Cases:
    """A case a customer: all of his sessions make him one."""
    mine: dict[int, list[Case]] = {}
    for case in cases.found:
        mine.setdefault(case.customer, []).append(case)
    found = [
        Case(who, min(one.begins for one in all_of), max(one.ends for one in all_of), (), all_of[0].session, why)
        for who, all_of in mine.items()
    ]
    return cases._replace(counted="customers", found=found)


def of_bounce(asking: Asking, question: BounceQuestion, cell: BounceCell) -> Cases:
    bounces = BOUNCES[question.definition]
    told: dict[bool | None, str] = {None: "session without a view", True: "bounced", False: "did not bounce"}
    counts: dict[str, tuple[bool | None, ...]] = {
        "sessions": (None, True, False),
        "with_view": (True, False),
        "bounced": (True,),
        "stayed": (False,),
    }

    def why(session: Session) -> str:
        # The stored figures that the definitions look at, so that the verdict can be judged.
        figures = f"{session.views} views, {session.interactions} interactions, {session.conversions} conversions"
        return f"{told[bounces(session)]} ({question.definition}): {figures}, {session.engaged_ms} ms engaged"

    definitions = {f"bounce.{question.definition}": 1, "session": 1}
    wanted = counts[cell.number]
    return _cases(asking, question, cell, lambda one: bounces(one.session) in wanted, why, definitions)


def _cases(
    asking: Asking,
    question: SessionsQuestion | BounceQuestion,
    cell: Row,
    holds: Callable[[owned.Owned], bool],
    why: Callable[[Session], str],
    definitions: dict[str, int],
) -> Cases:
    check_row(cell, question.by, question.breakdown)
    zone = ZoneInfo(question.zone or "UTC")
    named = cell.model_fields_set
    firsts = isinstance(question, SessionsQuestion) and question.new_and_returning
    asked = question.range(asking.now)
    chosen = Chosen(asking, question.where, asked, question.include_bots)
    values = Values(asking, question.breakdown, question.include_bots)
    found = [
        _case(one, why(one.session))
        for one in owned.sessions(asking, asked, question.include_bots, firsts=firsts)
        if holds(one)
        and chosen.holds(one.session, one.customer)
        and ("period" not in named or label(one.session.started_at, question.by or "day", zone) == cell.period)
        and ("value" not in named or written(values.of(one.session, one.customer)) == cell.value)
    ]
    return Cases("sessions", found, definitions)


def _case(one: owned.Owned, why: str) -> Case:
    return Case(one.customer, one.session.started_at, one.session.last_at, (), one.session.id, why)


def check_row(cell: Row, by: str | None, breakdown: object) -> None:
    """InvalidQuestion where the answer has no such rows."""
    if "period" in cell.model_fields_set and by is None:
        raise InvalidQuestion("the answer has no periods: ask by day, or leave period out", field="cell.period")
    if "value" in cell.model_fields_set and not breakdown:
        raise InvalidQuestion("the answer has no values: name a breakdown, or leave value out", field="cell.value")
