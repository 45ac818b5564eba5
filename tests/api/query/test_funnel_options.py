"""Order, exclusions, optional steps, attribution, times, periods, open and closed entries; saved equals ad hoc."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.identifiers import fact_id
from schemas.definitions import Exclusion, Funnel, Step
from schemas.facts import EventRow
from tests import funnel_account
from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.api.query.test_saved import put
from tests.story import DAY, DAY_ZERO

SHOP = """
    ann    09:00     page /home acquisition=email
    ann    09:05     track Added color=red
    ann    09:30     track Paid color=blue
    bob    10:00     page /home
    bob    10:01     track Removed
    bob    10:02     track Added color=blue
    cleo   11:00     page /home
    cleo   11:10     track Paid
    dan    11:00     track Paid
    dan    11:30     page /home
    dan    11:31     track Added color=green
"""
STEPS = [{"events": "page"}, {"events": "Added"}, {"events": "Paid"}]
OPTIONAL = [STEPS[0], STEPS[1] | {"optional": True}, STEPS[2]]


def counts(answer: dict[str, Any]) -> list[int]:
    return [step["count"] for step in answer["result"]["steps"]]


def groups(answer: dict[str, Any]) -> list[tuple[Any, str, list[int]]]:
    found = answer["result"]["groups"]
    return [(group["value"], group["kind"], [step["count"] for step in group["steps"]]) for group in found]


async def test_in_strict_order_nothing_may_lie_between(house: House) -> None:
    house.tell(SHOP)
    assert counts(await house.ask("funnel", steps=STEPS)) == [4, 3, 1]
    assert counts(await house.ask("funnel", steps=STEPS, order="strict")) == [4, 2, 1]


async def test_in_any_order_every_step_may_begin_and_rows_are_numbers_of_steps(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("funnel", steps=STEPS, order="any")
    assert counts(answer) == [4, 4, 2]
    assert [step["label"] for step in answer["result"]["steps"]] == ["1 of 3", "2 of 3", "3 of 3"]
    assert [step["events"] for step in answer["result"]["steps"]] == [[], [], []]


async def test_an_exclusion_removes_or_drops(house: House) -> None:
    house.tell(SHOP)
    removed = {"events": "Removed"}
    assert counts(await house.ask("funnel", steps=STEPS, exclusions=[removed])) == [3, 2, 1]
    dropped = removed | {"effect": "drop"}
    assert counts(await house.ask("funnel", steps=STEPS, exclusions=[dropped])) == [4, 2, 1]
    later = removed | {"after": 2}
    assert counts(await house.ask("funnel", steps=STEPS, exclusions=[later])) == [4, 3, 1]


async def test_an_exclusion_that_is_no_event_is_told(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("funnel", steps=STEPS, exclusions=[{"events": "Remved"}])
    assert answer["warnings"] == ["no event named 'Remved' has ever arrived; similar: 'Removed'"]


async def test_who_leaves_an_optional_step_out_goes_on(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("funnel", steps=OPTIONAL)
    assert counts(answer) == [4, 3, 2]
    steps = answer["result"]["steps"]
    assert [(step["step_rate"], step["dropped"], step["optional"]) for step in steps] == [
        (1.0, 0, False),
        (3 / 4, 1, True),
        (1 / 2, 2, False),
    ]
    assert [step["median_step_ms"] for step in steps] == [0, 120_000, 1_500_000]


@pytest.mark.parametrize(
    ("attribution", "expected"),
    [
        ("first", [(None, "none", [4, 3, 1])]),
        ("last", [("blue", "value", [2, 2, 1]), (None, "none", [1, 0, 0]), ("green", "value", [1, 1, 0])]),
        (
            2,
            [
                ("blue", "value", [1, 1, 0]),
                ("green", "value", [1, 1, 0]),
                ("red", "value", [1, 1, 1]),
                (None, "not_reached", [1, 0, 0]),
            ],
        ),
        (
            "all",
            [
                (None, "none", [4, 3, 1]),
                ("blue", "value", [2, 2, 1]),
                ("green", "value", [1, 1, 0]),
                ("red", "value", [1, 1, 1]),
            ],
        ),
    ],
)
async def test_the_breakdown_is_read_where_attribution_says(house: House, attribution: Any, expected: Any) -> None:
    house.tell(SHOP)
    answer = await house.ask("funnel", steps=STEPS, breakdown="color", attribution=attribution)
    assert groups(answer) == expected


async def test_values_beyond_the_limit_are_one_group(house: House) -> None:
    house.tell(SHOP)
    question = {"steps": STEPS, "breakdown": "color", "limit": 1}
    answer = await house.ask("funnel", question, attribution=2)
    assert groups(answer) == [
        ("blue", "value", [1, 1, 0]),
        (None, "not_reached", [1, 0, 0]),
        (None, "other", [2, 2, 1]),
    ]
    assert answer["result"]["groups_left_out"] == 2
    everybody_once = await house.ask("funnel", question, attribution="all")
    assert groups(everybody_once) == [(None, "none", [4, 3, 1]), (None, "other", [3, 3, 1])]


async def test_times_are_taken_between_any_two_steps(house: House) -> None:
    house.tell(SHOP)
    result = (await house.ask("funnel", steps=STEPS, convert={"to": 2}))["result"]
    assert (result["convert_ms"]["min"], result["convert_ms"]["p50"], result["convert_ms"]["max"]) == (
        60_000,
        120_000,
        300_000,
    )
    assert [(each["from_ms"], each["to_ms"], each["count"]) for each in result["histogram"]] == [
        (60_000, 120_000, 1),
        (120_000, 300_000, 1),
        (300_000, 600_000, 1),
    ]
    result = (await house.ask("funnel", steps=STEPS, convert={"from": 2, "to": 3}))["result"]
    assert result["convert_ms"]["mean"] == 1_500_000
    assert sum(each["count"] for each in result["histogram"]) == 1


async def test_periods_in_which_a_window_may_still_run_are_marked(house: House, monkeypatch: Any) -> None:
    house.tell(SHOP)
    range_ = {"from": "2023-11-15", "to": "2023-11-17", "by": "day", "window": "1h"}
    for now, unfinished in (
        (DAY_ZERO + DAY + 3_600_000 - 1, [True, True]),
        (DAY_ZERO + DAY + 3_600_000, [False, True]),
        (DAY_ZERO + 2 * DAY + 3_600_000, [False, False]),
    ):
        monkeypatch.setattr("api.query.ask.time.time_ns", lambda now=now: now * 1_000_000)
        periods = (await house.ask("funnel", range_, steps=STEPS))["result"]["periods"]
        assert [period["unfinished"] for period in periods] == unfinished


async def test_weeks_and_months_are_of_the_zone(house: House) -> None:
    house.tell("""
        ann  23:30     page /home
        bob  +1 09:00  page /home
    """)
    answer = await house.ask("funnel", steps=STEPS, by="day", zone="Europe/Berlin")
    assert [(each["period"], each["counts"][0]) for each in answer["result"]["periods"]] == [("2023-11-16", 2)]
    answer = await house.ask("funnel", steps=STEPS, by="week")
    assert [each["period"] for each in answer["result"]["periods"]] == ["2023-11-13"]
    answer = await house.ask("funnel", steps=STEPS, by="month")
    assert [each["period"] for each in answer["result"]["periods"]] == ["2023-11-01"]


async def test_closed_entries_are_those_whose_window_has_ended(house: House, monkeypatch: Any) -> None:
    house.tell(SHOP)
    nine = DAY_ZERO + 9 * 3_600_000
    monkeypatch.setattr("api.query.ask.time.time_ns", lambda: (nine + 2 * 3_600_000) * 1_000_000)
    for state, expected in (("all", [4, 3, 1]), ("closed", [1, 1, 1]), ("open", [3, 2, 0])):
        assert counts(await house.ask("funnel", steps=STEPS, window="1h", entries=state)) == expected
    monkeypatch.setattr("api.query.ask.time.time_ns", lambda: (nine + 3_600_000) * 1_000_000)
    assert counts(await house.ask("funnel", steps=STEPS, window="1h", entries="closed")) == [0, 0, 0]


async def test_all_entries_may_be_counted_and_no_event_fills_a_step_of_two(house: House) -> None:
    house.tell("""
        ann  09:00  page /home
        ann  09:01  page /home
        ann  09:02  track Added
        ann  09:03  page /home
        ann  09:04  track Added
        bob  09:00  page /home
    """)
    assert counts(await house.ask("funnel", steps=STEPS[:2])) == [2, 1]
    answer = await house.ask("funnel", steps=STEPS[:2], count="entries")
    assert counts(answer) == [4, 2]
    assert answer["result"]["convert_ms"]["max"] == 60_000  # of two that lead to one event the newer has it


async def test_what_is_held_constant_has_one_value_in_an_entry(house: House) -> None:
    house.tell("""
        ann  09:00  track Viewed item=1
        ann  09:01  track Bought item=2
        bob  09:00  track Viewed item=1
        bob  09:01  track Bought item=1
    """)
    steps = [{"events": "Viewed"}, {"events": "Bought"}]
    assert counts(await house.ask("funnel", steps=steps)) == [2, 2]
    assert counts(await house.ask("funnel", steps=steps, constant=["item"])) == [2, 1]


async def test_later_steps_may_be_kept_within_the_range(house: House) -> None:
    house.tell(SHOP)
    range_ = {"from": "2023-11-15T09:00", "to": "2023-11-15T09:30"}
    assert counts(await house.ask("funnel", range_, steps=STEPS)) == [1, 1, 1]
    assert counts(await house.ask("funnel", range_, steps=STEPS, within_range=True)) == [1, 1, 0]


# ---- saved = ad hoc = the account of the design's words

months = count(1)
NAMES = ("a", "b", "c")
one_step = st.tuples(st.sampled_from(["a", "b", "c", "a|b", "*"]), st.booleans())


@st.composite
def funnels(draw: st.DrawFn) -> Funnel:
    order = draw(st.sampled_from(["ordered", "strict", "any"]))
    told = draw(st.lists(one_step, min_size=2, max_size=4))
    steps = [
        Step(tuple(name.split("|")), optional=optional and order != "any" and 0 < number < len(told) - 1)
        for number, (name, optional) in enumerate(told)
    ]
    excluded = draw(
        st.lists(
            st.tuples(st.sampled_from(["x", "c"]), st.integers(1, len(steps) - 1), st.sampled_from(["remove", "drop"])),
            max_size=2,
        )
    )
    exclusions = tuple(Exclusion((name,), after=after, effect=effect) for name, after, effect in excluded)
    constant = draw(st.sampled_from([(), (), ("$host",)]))
    return Funnel("random", tuple(steps), draw(st.integers(1, 6)), order, "$acquisition", exclusions, constant)


happenings = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.integers(0, 7),
        st.sampled_from([*NAMES, "x"]),
        st.sampled_from(["k", "m", ""]),
        st.booleans(),
    ),
    max_size=14,
    unique_by=lambda each: (each[0], each[1]),
)
asked = st.fixed_dictionaries(
    {
        "attribution": st.sampled_from(["first", "last", "all", 1, 2]),
        "limit": st.sampled_from([1, 2, 100]),
        "by": st.sampled_from(["hour", "day"]),
        "entries": st.sampled_from(["all", "closed", "open"]),
        "count": st.sampled_from(["customers", "entries"]),
        "convert": st.sampled_from([{}, {"to": 2}]),
    }
)


def told(house: House, month: int, happened: Sequence[tuple[int, int, str, str, bool]]) -> list[EventRow]:
    """Each example is a history in a month of its own, so that the examples do not meet."""
    begin = DAY_ZERO + month * 40 * DAY
    return [
        EventRow(
            project=house.name,
            device=1_000 * month + customer,
            occurred_at=begin + at,
            message_id=fact_id(house.name, number, begin),
            sequence=0,
            log_position=number,
            event=name,
            type="track",
            channel="web",
            acquisition=group,
            is_passive=is_passive,
            host="xy"[number % 2],
        )
        for number, (customer, at, name, group, is_passive) in enumerate(happened)
    ]


def body_of(funnel: Funnel) -> dict[str, Any]:
    return {
        "steps": [{"events": list(step.events), "optional": step.optional} for step in funnel.steps],
        "window": funnel.window_ms,
        "order": funnel.order,
        "breakdown": funnel.breakdown,
        "constant": list(funnel.constant),
        "exclusions": [
            {"events": list(one.events), "after": one.after, "effect": one.effect} for one in funnel.exclusions
        ],
    }


@laws(8)
@given(happenings, funnels(), asked)
async def test_saved_and_ad_hoc_give_the_numbers_of_the_account(
    house: House, happened: list[tuple[int, int, str, str, bool]], funnel: Funnel, more: dict[str, Any]
) -> None:
    month = next(months)
    begin = DAY_ZERO + month * 40 * DAY
    events = told(house, month, happened)
    await put(house, "funnels/random", body_of(funnel))
    (known,) = house.definitions.funnels(house.name)
    house.tell(events, funnels=[known])
    question = {"from": _iso(begin), "to": _iso(begin + 8)} | more
    saved = await house.ask("funnel", question, saved="random")
    ad_hoc = await house.ask("funnel", question | body_of(funnel))
    assert saved["result"] == ad_hoc["result"]
    whole = await house.ask("funnel", question | body_of(funnel) | {"entries": "all"})
    customers = [[one for one in events if one.device == 1_000 * month + number] for number in (1, 2, 3)]
    account = [funnel_account.entries(mine, funnel) for mine in customers]
    if more["count"] == "entries":  # each as if it were a customer's only one
        account = [[one] for found in account for one in funnel_account.each_once(found)]
        periods = [period["counts"] for period in whole["result"]["periods"]]
        assert [sum(column) for column in zip(*periods, strict=True)] == counts(whole)
    assert counts(whole) == funnel_account.counts(account, funnel)
    _check_groups(whole, account, funnel, more)


def _check_groups(answer: dict[str, Any], account: Any, funnel: Funnel, more: dict[str, Any]) -> None:
    """Breakdown sums to the total, unless one counts under each of his values; each group has whom the account has."""
    sums = [sum(column) for column in zip(*(counted for _, _, counted in groups(answer)), strict=True)]
    if more["attribution"] != "all":
        assert (sums or [0] * len(funnel.steps)) == counts(answer)
    expected: dict[tuple[str | None, str], int] = {}
    for found in account:
        best = funnel_account.counted(found)
        if best is None:
            continue
        where = more["attribution"]
        numbers = {"first": [min(best)], "last": [max(best)], "all": sorted(best)}.get(where, [where])
        values = {best[number].acquisition if number in best else None for number in numbers}
        for value in values:
            key = (None, "not_reached") if value is None else (value or None, "value" if value else "none")
            expected[key] = expected.get(key, 0) + 1
    shown = {(value, kind): counted[0] for value, kind, counted in groups(answer) if kind != "other"}
    assert shown.items() <= expected.items()
    if more["limit"] == 100:
        assert shown == expected


@laws(7)
@given(happenings, funnels(), st.integers(1, 6))
async def test_a_wider_window_never_lowers_a_required_step_without_remove(
    house: House, happened: list[tuple[int, int, str, str, bool]], funnel: Funnel, wider: int
) -> None:
    month = next(months)
    house.tell(told(house, month, happened))
    begin = DAY_ZERO + month * 40 * DAY
    question = {"from": _iso(begin), "to": _iso(begin + 8)} | body_of(funnel)
    question["exclusions"] = [one | {"effect": "drop"} for one in question["exclusions"]]
    narrow = await house.ask("funnel", question)
    wide = await house.ask("funnel", question | {"window": funnel.window_ms + wider})
    for before, after in zip(narrow["result"]["steps"], wide["result"]["steps"], strict=True):
        assert before["optional"] or before["count"] <= after["count"]


@laws(7)
@given(happenings, funnels())
async def test_conversions_of_entries_never_outnumber_the_events_and_convert_whoever_has_converted(
    house: House, happened: list[tuple[int, int, str, str, bool]], funnel: Funnel
) -> None:
    month = next(months)
    events = [one for one in told(house, month, happened) if one.device == 1_000 * month + 1]
    house.tell(events)
    begin = DAY_ZERO + month * 40 * DAY
    question = {"from": _iso(begin), "to": _iso(begin + 8)} | body_of(funnel)
    entries = (await house.ask("funnel", question, count="entries"))["result"]
    customers = (await house.ask("funnel", question))["result"]
    for number, step in enumerate(funnel.steps):
        fitting = sum(funnel_account.fits(one, step) for one in events)
        assert funnel.order == "any" or entries["steps"][number]["count"] <= fitting
    assert (entries["converted"] > 0) == (customers["converted"] == 1)


async def test_a_strict_funnel_of_a_saved_kind_is_followed_by_every_event(house: House) -> None:
    body = {"steps": STEPS[:2], "order": "strict"}
    await put(house, "funnels/next", body)
    house.tell(SHOP, funnels=list(house.definitions.funnels(house.name)))
    assert counts(await house.ask("funnel", saved="next")) == counts(await house.ask("funnel", body)) == [4, 2]


async def test_filters_of_steps_and_exclusions_read_columns_and_properties(house: House) -> None:
    house.tell(SHOP)
    blue = {"events": "Added", "where": [{"property": "color", "value": "blue"}]}
    assert counts(await house.ask("funnel", steps=[STEPS[0], STEPS[2]], exclusions=[blue])) == [3, 2]
    mail = {"events": "page", "where": [{"property": "$acquisition", "value": "email"}]}
    assert counts(await house.ask("funnel", steps=[STEPS[0], STEPS[2]], exclusions=[mail])) == [4, 2]
    assert counts(await house.ask("funnel", steps=[STEPS[0], STEPS[1]], exclusions=[mail | {"events": "*"}])) == [4, 3]


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()
