"""Rejected: what was acknowledged and could not be used, by reason and source, the newest with their payload."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from api.query.errors import near
from api.query.questions.model import Answer, Asking, Solved, hexadecimal
from api.query.questions.ranges import Ranged
from schemas.rejects import REASONS


def _reason(name: str) -> str:
    if name not in REASONS:
        raise ValueError(f"is no reason{near(name, tuple(REASONS))}")
    return name


Reason = Annotated[str, AfterValidator(_reason), Field(json_schema_extra={"enum": list(REASONS)})]


class RejectedQuestion(Ranged):
    """The range is about when the collector had them, not about when they happened."""

    reason: Reason | None = Field(None, description="this reason only")
    source: str | None = Field(None, max_length=200, description="this source only")
    newest: int = Field(20, ge=0, le=1000, description="how many to show with their payload")


class RejectedCount(BaseModel):
    reason: str
    meaning: str
    source: str
    count: int
    last_at: int


class RejectedEvent(BaseModel):
    received_at: int
    source: str
    reason: str
    field: str
    message: str
    payload: str = Field(description="as it was sent")
    device: str
    message_id: str


class RejectedResult(BaseModel):
    count: int
    counts: list[RejectedCount] = Field(description="most first")
    newest: list[RejectedEvent] = Field(description="newest first")


class RejectedAnswer(Answer[RejectedQuestion, RejectedResult]):
    """What was received in the range and rejected."""


def solve(asking: Asking, question: RejectedQuestion) -> Solved[RejectedQuestion, RejectedResult]:
    bound = {
        **question.range(asking.now).bound(),
        "reason": question.reason or "",
        "source": question.source or "",
    }
    counts = [
        RejectedCount(reason=reason, meaning=REASONS.get(reason, ""), source=source, count=count, last_at=last)
        for reason, source, count, last in asking.rows("rejected", **bound)
    ]
    newest = [
        RejectedEvent(
            received_at=at,
            source=source,
            reason=reason,
            field=field,
            message=message,
            payload=payload,
            device=hexadecimal(device),
            message_id=hexadecimal(message_id),
        )
        for at, source, reason, field, message, payload, device, message_id in (
            asking.rows("rejected_newest", **bound, rows=question.newest) if question.newest else ()
        )
    ]
    result = RejectedResult(count=sum(each.count for each in counts), counts=counts, newest=newest)
    return Solved(question, {}, result, [] if counts else _unseen(asking, question, bound))


def _unseen(asking: Asking, question: RejectedQuestion, bound: dict[str, Any]) -> list[str]:
    """A warning where the source that is asked for has no rejects at all in the range, with those that have."""
    if not question.source:
        return []
    sources = {source for _, source, _, _ in asking.rows("rejected", **bound | {"reason": "", "source": ""})}
    if question.source in sources:
        return []
    close = near(question.source, sorted(sources))
    return [f"nothing of a source {question.source!r} was rejected in this time{close}"]
