"""Recent: what arrived last, events and rejects. To look at, not to count: `trend` and `rejected` count."""

from typing import Final

from pydantic import BaseModel, Field

from api.query.questions.model import Answer, Asking, Solved, hexadecimal
from api.query.questions.ranges import Ranged
from api.query.questions.rejected import RejectedEvent

COPIES: Final = 4  # rows read for each one shown: redeliveries write a row again


class RecentQuestion(Ranged):
    """The range is about when the collector had them, not about when they happened."""

    newest: int = Field(50, ge=1, le=1000, description="how many events and how many rejects")


class RecentEvent(BaseModel):
    received_at: int
    occurred_at: int
    event: str
    type: str
    channel: str
    source: str
    acquisition: str
    host: str
    path: str
    title: str
    country: str
    is_bot: bool
    value_micros: int
    currency: str
    device: str
    message_id: str


class RecentResult(BaseModel):
    events: list[RecentEvent] = Field(description="newest first; bots too")
    rejected: list[RejectedEvent] = Field(description="newest first")


class RecentAnswer(Answer[RecentQuestion, RecentResult]):
    """What arrived last in the range."""


def solve(asking: Asking, question: RecentQuestion) -> Solved[RecentQuestion, RecentResult]:
    bound = question.range(asking.now).bound()
    events = [
        RecentEvent(
            received_at=received,
            occurred_at=occurred,
            event=event,
            type=kind,
            channel=channel,
            source=source,
            acquisition=acquisition,
            host=host,
            path=path,
            title=title,
            country=country,
            is_bot=is_bot,
            value_micros=value,
            currency=currency,
            device=hexadecimal(device),
            message_id=hexadecimal(message_id),
        )
        for (
            device, message_id, received, occurred, event, kind, channel, source, acquisition, host, path, title,
            country, is_bot, value, currency,
        ) in asking.rows("recent_events", **bound, rows=question.newest, copies=COPIES * question.newest)
    ]  # fmt: skip
    rejected = [
        RejectedEvent(
            received_at=received,
            source=source,
            reason=reason,
            field=field,
            message=message,
            payload=payload,
            device=hexadecimal(device),
            message_id=hexadecimal(message_id),
        )
        for received, source, reason, field, message, payload, device, message_id in asking.rows(
            "rejected_newest", **bound, reason="", source="", rows=question.newest
        )
    ]
    return Solved(question, {}, RecentResult(events=events, rejected=rejected))
