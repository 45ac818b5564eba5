"""A customer's events, the newest first, page by page, each with the session that holds it."""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel, Field

from api.query.questions.model import Asking, hexadecimal
from pipeline.domain.sessions import SESSION_CHANNELS
from pipeline.errors import InvalidQuestion
from pipeline.store.facts import Facts
from schemas.facts import Session

_LAST_MOMENT: Final = 4_102_444_800_000
_CURSOR = re.compile(r"(-?[0-9]{1,13})\.([0-9]{1,10})\.([0-9a-f]{16})\.([0-9a-f]{16})")

Cursor = tuple[int, int, int, int]  # at, sequence, message id, device of the event before which a page begins


class TimelineEvent(BaseModel):
    at: int
    event: str
    type: str
    channel: str
    device: str
    message_id: str
    session: str | None = Field(description="id of the session that holds it")
    host: str
    path: str
    url: str
    title: str
    source: str
    acquisition: str
    campaign: str
    contact: str
    is_bot: bool
    value_micros: int
    currency: str
    properties: dict[str, Any]


def timeline(
    asking: Asking, owners: Sequence[int], limit: int, before: Cursor
) -> tuple[list[TimelineEvent], str | None]:
    """A page of a customer's events, the newest first, and where the next one begins. `owners`: his identifiers."""
    at, sequence, message, device = before
    rows = asking.rows(
        "customer_timeline",
        owners=owners,
        before=at,
        before_sequence=sequence,
        before_message=message,
        before_device=device,
        rows=limit + 1,
    )
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        last = rows[-1]
        following = f"{last[1]}.{last[2]}.{last[3]:016x}.{last[0]:016x}"
    if not rows:
        return [], None
    devices = sorted({row[0] for row in rows})
    details = {
        (row[0], row[1], row[2]): row[5:]
        for row in asking.rows(
            "customer_details",
            events=sorted({row[4] for row in rows}),
            devices=devices,
            messages=sorted({row[3] for row in rows}),
            **{"from": rows[-1][1], "to": rows[0][1] + 1},
        )
    }
    sessions = Facts(asking.store).sessions(asking.project.name, devices)
    shown = []
    for (
        device,
        at,
        _,
        message,
        event,
        kind,
        channel,
        host,
        path,
        acquisition,
        campaign,
        contact,
        is_bot,
        value,
        currency,
        sender,
    ) in rows:
        url, title, source, properties = details.get((device, message, at), ("", "", "", "{}"))
        own = sender if asking.project.sessions.sender_sessions else None
        holds = _holding(sessions[device], at, own) if channel in SESSION_CHANNELS and not contact else None
        shown.append(
            TimelineEvent(
                at=at,
                event=event,
                type=kind,
                channel=channel,
                device=hexadecimal(device),
                message_id=hexadecimal(message),
                session=hexadecimal(holds.id) if holds else None,
                host=host,
                path=path,
                url=url,
                title=title,
                source=source,
                acquisition=acquisition,
                campaign=campaign,
                contact=contact,
                is_bot=is_bot,
                value_micros=value,
                currency=currency,
                properties=json.loads(properties),
            )
        )
    return shown, following


def _holding(sessions: Sequence[Session], at: int, sender: int | None) -> Session | None:
    """The session of a device whose time holds the moment; `sender`: of that own id of the sender's.

    Of those that begin in one millisecond it is the one that goes on.
    """
    begun = (one for one in sessions if one.started_at <= at and sender in (None, one.sender_session))
    last = max(begun, key=lambda one: (one.started_at, one.last_at), default=None)
    return last if last is not None and at <= last.last_at else None


def cursor(before: str | None) -> Cursor:
    """(at, sequence, message id, device) of the event before which the page begins."""
    if before is None:
        return _LAST_MOMENT, 0, 0, 0
    match = _CURSOR.fullmatch(before)
    if not match:
        raise InvalidQuestion("must be `next` of the page before", field="before")
    return min(int(match[1]), _LAST_MOMENT), int(match[2]), int(match[3], 16), int(match[4], 16)
