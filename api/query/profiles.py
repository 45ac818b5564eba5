"""One customer: who he is by all his identifiers, what he amounts to, and his timeline.

An id is 16 hex digits. Every identifier leads to its customer: an e-mail that became a user's, a device that a user
owns, a customer's old id. `user:ID`, `email:ADDRESS` and the search by either begin from what the sender wrote.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, Field

from api.query.questions.journeys import JourneyShown, state_of
from api.query.questions.model import Asking, hexadecimal
from api.query.timeline import TimelineEvent, cursor, timeline
from pipeline.domain.goals import total_micros
from pipeline.domain.identifiers import Kind, hashed, identifier, kind_of, normal_email, usable
from pipeline.domain.journeys import VISITOR, stage_after
from pipeline.errors import InvalidQuestion, NotFound
from pipeline.ingest.redaction import redacted_id
from pipeline.store.facts import Facts
from schemas.facts import Journey, Ownership

_HEX = re.compile(r"[0-9a-fA-F]{16}")


class Identifier(BaseModel):
    id: str
    kind: str = Field(description="user, email, phone, vendor or device")


class Profile(BaseModel):
    id: str = Field(description="the customer's id now; an old one leads here")
    asked: str
    kind: str
    identifiers: list[Identifier] = Field(description="that belong to the customer, devices included")
    user_ids: list[str] = Field(description="as sent")
    group_ids: list[str] = Field(description="as sent")
    traits: dict[str, Any] = Field(description="of identify calls; of each the newest value")
    stage: str = Field(description="visitor, lead, customer, returning or lapsed")
    first_at: int | None
    last_at: int | None
    events: int
    sessions: int
    views: int
    engaged_ms: int
    conversions: int = Field(description="events that met a goal, wherever they happened")
    value_micros: int = Field(description="of the conversions in the project's currency, millionths")
    currency: str
    journeys: list[JourneyShown] = Field(description="the newest 50, newest first")
    timeline: list[TimelineEvent] = Field(description="newest first")
    next: str | None = Field(description="give it as `before` to read on; null at the beginning of the timeline")


class CustomerFound(BaseModel):
    id: str
    kind: str


class CustomersFound(BaseModel):
    customers: list[CustomerFound]


class Held(NamedTuple):
    """What belongs to a customer. `members` are identifiers, the customer's own first."""

    customer: int
    members: list[int]
    intervals: Sequence[Ownership]  # when they owned which device, by device and time


def found(asking: Asking, user_id: str | None, email: str | None) -> CustomersFound:
    """The customer of a user id or an e-mail address; an empty list where nobody is known by it."""
    if (user_id is None) == (email is None):
        raise InvalidQuestion("give either user_id or email", field="user_id")
    number = _of_user(asking, user_id) if user_id is not None else _of_email(asking, email or "")
    held = _held(asking, number) if number else None
    return CustomersFound(
        customers=[CustomerFound(id=hexadecimal(held.customer), kind=kind_of(held.customer).name)] if held else []
    )


def profile(asking: Asking, asked: str, limit: int, before: str | None) -> Profile:
    """The customer that an id leads to, with a page of the timeline. NotFound where there is none."""
    begins = cursor(before)
    held = customer_of(asking, number_of(asking, asked, "id"))
    facts = Facts(asking.store)
    journeys = sorted(
        facts.journeys(asking.project.name, [held.customer])[held.customer],
        key=lambda one: (one.started_at, one.last_at, one.stage),  # as customer_stages.sql has it
        reverse=True,
    )
    events, first, last = asking.rows("customer_totals", owners=held.members)[0]
    met = facts.conversions(asking.project.name, [held.customer])[held.customer]
    sessions, views, engaged_ms = asking.rows("customer_sessions", owners=held.members)[0]
    user_ids, group_ids, traits = _traits(asking, held)
    events_shown, following = timeline(asking, held.members, limit, begins)
    devices = {each.device for each in held.intervals} - set(held.members)
    return Profile(
        id=hexadecimal(held.customer),
        asked=asked,
        kind=kind_of(held.customer).name,
        identifiers=[
            Identifier(id=hexadecimal(one), kind=kind_of(one).name) for one in (*sorted(held.members), *sorted(devices))
        ],
        user_ids=user_ids,
        group_ids=group_ids,
        traits=traits,
        stage=_stage(journeys, asking.now),
        first_at=first if events else None,
        last_at=last if events else None,
        events=events,
        sessions=sessions,
        views=views,
        engaged_ms=engaged_ms,
        conversions=len(met),
        value_micros=total_micros(one.value_micros for one in met if one.currency == asking.project.currency),
        currency=asking.project.currency,
        journeys=[_shown(one, asking.now) for one in journeys[:50]],
        timeline=events_shown,
        next=following,
    )


def number_of(asking: Asking, asked: str, field: str) -> int:
    """The identifier that a text names; 0 for a placeholder. InvalidQuestion where it names none."""
    if asked.startswith("user:"):
        return _of_user(asking, asked.removeprefix("user:"))
    if asked.startswith("email:"):
        return _of_email(asking, asked.removeprefix("email:"), field)
    if _HEX.fullmatch(asked):
        return int(asked, 16)
    raise InvalidQuestion("an id is 16 hex digits, or user: and the user id, or email: and the address", field=field)


def customer_of(asking: Asking, number: int, field: str = "") -> Held:
    """The customer that an identifier leads to. NotFound where there is none."""
    held = _held(asking, number) if number else None
    if held is None:
        raise NotFound("no customer is known by this id", field=field)
    return held


def _of_user(asking: Asking, user_id: str) -> int:
    text = redacted_id(usable(user_id), asking.project.privacy.redact_emails)
    return identifier(asking.project.name, Kind.user, text) if text else 0


def _of_email(asking: Asking, email: str, field: str = "email") -> int:
    normal = normal_email(email)
    if not normal:
        raise InvalidQuestion("is no e-mail address", field=field)
    return identifier(asking.project.name, Kind.email, hashed(normal))


def _held(asking: Asking, number: int) -> Held | None:
    """The customer of an identifier and what belongs to him; None where nothing is known by it."""
    facts, project = Facts(asking.store), asking.project.name
    customer = facts.customers(project, [number])[number]
    held = _all_of(facts, project, customer)
    if held.intervals:
        return held
    of_device = sorted(facts.ownerships(project, [number])[number], key=lambda one: one.owned_from)
    if of_device:  # a device that was its own customer until somebody became known on it
        return _all_of(facts, project, facts.customers(project, [of_device[0].owner])[of_device[0].owner])
    return held if len(held.members) > 1 or customer != number else None


def _all_of(facts: Facts, project: str, customer: int) -> Held:
    members = facts.members(project, [customer])[customer]
    intervals = [one for found in facts.ownerships_of(project, members).values() for one in found]
    intervals.sort(key=lambda one: (one.device, one.owned_from))
    return Held(customer, members, intervals)


def _traits(asking: Asking, held: Held) -> tuple[list[str], list[str], dict[str, Any]]:
    """User ids and group ids as sent, and the newest value of every trait."""
    users, groups = asking.rows("customer_ids", owners=held.members)[0]
    traits: dict[str, Any] = {}
    for (properties,) in asking.rows("customer_traits", owners=held.members):
        traits = {**json.loads(properties), **traits}
    return sorted(users), sorted(groups), traits


def _stage(journeys: Sequence[Journey], now: int) -> str:
    """The newest journey's stage; lapsed where a customer has been silent for longer than a journey may be."""
    if not journeys:
        return VISITOR
    return stage_after(journeys[0].stage, journeys[0].last_at, now)


def _shown(one: Journey, now: int) -> JourneyShown:
    return JourneyShown(
        id=hexadecimal(one.id),
        customer=hexadecimal(one.customer),
        started_at=one.started_at,
        last_at=one.last_at,
        state=state_of(one.is_converted, one.last_at, now),
        stage=one.stage,
        touchpoints=one.touchpoints,
        sessions=one.sessions,
        conversions=one.conversions,
        value_micros=one.value_micros,
        cost_micros=one.cost_micros,
        path=list(one.path),
    )
