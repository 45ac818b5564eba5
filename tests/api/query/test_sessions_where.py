"""Filters on sessions and bounce, held against going through every session by hand; and each number is explained."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from schemas.facts import Session
from tests.api.query.conftest import House
from tests.api.query.test_explain import explain
from tests.api.query.test_saved import put
from tests.api.query.test_sessions_broken_down import KNOWN, SHOP
from tests.story import device, user


class One(NamedTuple):
    session: Session
    is_payer: str
    plan: str | None


def of(name: str, operator: str = "is", value: Any = None) -> dict[str, Any]:
    return {"property": name, "operator": operator} | ({} if value is None else {"value": value})


CASES: list[tuple[list[dict[str, Any]], Callable[[One], bool]]] = [
    ([of("acquisition", value="email")], lambda one: one.session.acquisition == "email"),
    ([of("$path", "is_not", "/home")], lambda one: one.session.entry_path != "/home"),
    (
        [of("$session.views", "gte", 1), of("events", "between", [1, 2])],
        lambda one: one.session.views > 0 and one.session.events <= 2,
    ),
    ([of("duration_ms", "gt", 60_000)], lambda one: one.session.last_at - one.session.started_at > 60_000),
    ([of("entry_page", "regex", "^/s")], lambda one: one.session.entry_path.startswith("/s")),
    ([of("entry_page", "not_set")], lambda one: not one.session.entry_path),
    ([of("$segment.payers", value=True)], lambda one: one.is_payer == "true"),
    ([of("$segment.payers", value="false")], lambda one: one.is_payer == "false"),
    ([of("$customer_now.plan", value="pro")], lambda one: one.plan == "pro"),
    ([of("$customer_now.plan", "is_not", "pro")], lambda one: one.plan != "pro"),
    (
        [of("$customer_now.plan", "set"), of("$segment.payers", value="false"), of("acquisition", "set")],
        lambda one: one.plan is not None and one.is_payer == "false" and one.session.acquisition != "",
    ),
    ([of("channel", value="none such")], lambda one: False),
]  # fmt: skip


def every(house: House) -> list[One]:
    whose = {user(who, house.name): told for who, told in KNOWN.items()}
    whose |= {device(who, house.name): told for who, told in KNOWN.items()}
    return [One(session, *whose[session.owner]) for session in house.told.sessions]


async def test_sessions_are_those_for_which_all_filters_hold_and_they_are_explained(house: House) -> None:
    await put(house, "segments/payers", {"conditions": [{"kind": "did", "events": "Paid"}]})
    house.tell(SHOP)
    for where, holds in CASES:
        mine = [one.session for one in every(house) if holds(one)]
        total = (await house.ask("sessions", where=where))["result"]["total"]
        assert (total["sessions"], total["events"]) == (len(mine), sum(one.events for one in mine)), where
        bounce = (await house.ask("bounce", where=where, definition="single_page"))["result"]["total"]
        seen = [one for one in mine if one.views]
        bounced = [one for one in seen if one.views == 1 and not one.interactions]
        assert (bounce["sessions"], bounce["with_view"], bounce["bounced"]) == (len(mine), len(seen), len(bounced)), (
            where
        )
        told = await explain(house, "sessions", {"where": where}, cell={})
        assert told["count"] == len(mine), where


async def test_of_segments_and_filters_both_hold(house: House) -> None:
    await put(house, "segments/payers", {"conditions": [{"kind": "did", "events": "Paid"}]})
    house.tell(SHOP)
    for where in ([of("$customer_now.plan", "not_set")], [of("$customer_now.plan", "set")]):
        wanted = [
            one
            for one in every(house)
            if one.is_payer == "true" and (one.plan is None) == (where[0]["operator"] == "not_set")
        ]
        for question in ("sessions", "bounce"):
            answer = await house.ask(question, where=where, segments=["payers"])
            assert answer["result"]["total"]["sessions"] == len(wanted)
            assert "segment.payers" in answer["definitions"]


async def test_periods_and_a_breakdown_add_up_to_the_filtered_total(house: House) -> None:
    house.tell(SHOP)
    where = [of("entry_page", value="/home")]
    for question in ("sessions", "bounce"):
        result = (await house.ask(question, where=where, by="day", breakdown="acquisition"))["result"]
        assert sum(row["sessions"] for row in result["rows"]) == result["total"]["sessions"]
        assert result["total"]["sessions"] == sum(one.session.entry_path == "/home" for one in every(house))


@pytest.mark.parametrize(
    ("one", "field", "hint"),
    [
        (of("acquisiton", value="email"), "where[0].property", "did you mean $session.acquisition?"),
        (of("$nope", value="email"), "where[0].property", "a session has no 'nope'"),
        (of("$customer.plan", value="pro"), "where[0].property", "$customer_now.plan"),
        (of("$segment.payer", value=True), "where[0].property", "did you mean 'payers'?"),
        (of("$segment.", value=True), "where[0].property", "there is no segment"),
        (of("views", "gt"), "where[0].value", "number"),
        (of("entry_page", "regex", "(?=x)"), "where[0].value", "RE2"),
        (of("entry_page", "like", "x"), "where[0].operator", "'contains'"),
    ],
)
async def test_a_filter_that_cannot_be_is_422_with_its_field(house: House, one: Any, field: str, hint: str) -> None:
    await put(house, "segments/payers", {"conditions": [{"kind": "did", "events": "Paid"}]})
    for question in ("sessions", "bounce"):
        error = await house.refused(question, {"where": [one]})
        assert (error["field"], hint in error["message"]) == (field, True), error
