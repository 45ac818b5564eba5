"""Plain ordered funnels are counted by ClickHouse, and to the digit as the core counts them."""

import json
from datetime import UTC, datetime
from itertools import count, product
from typing import Any

import chdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from api.query import ask
from api.query.questions import funnel, funnel_plain
from api.query.questions.funnel import FunnelQuestion
from api.query.questions.funnel_numbers import FunnelResult, tallied
from api.query.questions.steps import MOST_STEPS
from pipeline.domain.funnels import compile_funnel, entries, order
from pipeline.domain.identifiers import fact_id
from pipeline.domain.rivals import with_rivals
from pipeline.store.sql import load
from schemas.facts import FOREVER, FOREVER_AGO, EventRow, FunnelEntry
from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.api.query.test_saved import put
from tests.story import DAY, DAY_ZERO

HOUR = DAY // 24
months = count(1)
NAMES = ("a", "b", "c", "d", "x")

# device, time, name, user id, e-mail, a bot's
happenings = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.integers(0, 7),
        st.sampled_from(NAMES),
        st.sampled_from([0, 0, 0, 1, 2]),
        st.sampled_from([0, 0, 0, 3]),
        st.sampled_from([False] * 5 + [True]),
    ),
    max_size=18,
)
questions = st.fixed_dictionaries(
    {
        "steps": st.sampled_from(["a b", "a b c", "a|x b c", "b a", "c b a", "a b c d", "d x|c a b"]),
        "window": st.integers(1, 7),
        "range": st.tuples(st.integers(0, 4), st.integers(1, 8)),
        "unit": st.sampled_from([1, HOUR, HOUR // 2, 9 * HOUR, DAY, 11 * DAY]),
        "more": st.fixed_dictionaries(
            {
                "by": st.sampled_from([None, "hour", "day", "week", "month"]),
                "zone": st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"]),
                "entries": st.sampled_from(["all", "closed", "open"]),
                "within_range": st.booleans(),
                "include_bots": st.booleans(),
                "convert": st.sampled_from([{}, {"to": 2}, {"from": 1, "to": 2}]),
            }
        ),
    }
)


def told(
    project: str, base: int, begin: int, unit: int, happened: list[tuple[int, int, str, int, int, bool]]
) -> list[EventRow]:
    """The events; identifiers are counted from `base`, so that those of examples do not meet."""
    return [
        EventRow(
            project=project,
            device=base + device,
            occurred_at=begin + at * unit,
            message_id=fact_id(project, number, begin),
            sequence=0,
            log_position=number,
            event=name,
            type="track",
            channel="web",
            user=user and base + 100 + user,
            email=email and base + 100 + email,
            is_bot=is_bot,
        )
        for number, (device, at, name, user, email, is_bot) in enumerate(happened)
    ]


def both(house: House, question: dict[str, Any], now: int) -> tuple[FunnelResult, FunnelResult]:
    """ClickHouse's numbers and the core's."""
    asking = ask.asking(house, house.definitions.project(house.name))._replace(now=now)
    asked = FunnelQuestion.model_validate(question)
    found, how = funnel.entered(asking, asked)
    counted = funnel_plain.tallied(asking, asked, how)
    assert counted
    return counted, tallied(found.actors, how)


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


@laws(6)
@given(happenings, questions, st.integers(0, 12))
async def test_clickhouse_counts_as_the_core_does(
    house: House, happened: list[tuple[int, int, str, int, int, bool]], asked: dict[str, Any], now: int
) -> None:
    month, unit = next(months), asked["unit"]
    begin = DAY_ZERO + month * 100 * DAY
    house.tell(told(house.name, 1_000 * month, begin, unit, happened))
    first, length = asked["range"]
    question = asked["more"] | {
        "steps": [{"events": step.split("|")} for step in asked["steps"].split()],
        "window": asked["window"] * unit,
        "from": iso(begin + first * unit),
        "to": iso(begin + (first + length) * unit),
    }
    ours, cores = both(house, question, begin + now * unit)
    assert ours == cores


saved_funnels = st.fixed_dictionaries(
    {
        "steps": st.sampled_from(["a b", "a a", "a b? c", "a|b c? a", "* b", "c a? b? d", "a a b? a b a"]),
        "order": st.sampled_from(["ordered", "strict", "any"]),
        "window": st.one_of(st.integers(1, 7), st.just(60 * DAY)),  # of so long ones the columns of steps cannot tell
        "exclusions": st.sampled_from([[], [{"events": "x", "effect": "drop"}]]),
        "more": st.fixed_dictionaries(
            {
                "entries": st.sampled_from(["all", "closed", "open"]),
                "convert": st.sampled_from([{}, {"to": 2}, {"from": 2}]),  # from the second needs a third
                "from": st.one_of(st.none(), st.integers(0, 3).map(lambda at: iso(DAY_ZERO + at))),
                "to": st.one_of(st.just("2099-01-01"), st.integers(4, 9).map(lambda at: iso(DAY_ZERO + at))),
            }
        ),
    }
)
names = (f"saved-{number}" for number in count(1))


@laws(5)
@given(happenings, saved_funnels, st.integers(0, 12), st.sampled_from(["all", "all", "some", "none"]))
async def test_clickhouse_counts_the_entries_of_saved_funnels_as_the_core_does(
    house: House, happened: list[tuple[int, int, str, int, int, bool]], asked: dict[str, Any], now: int, known_of: str
) -> None:
    name = next(names)
    steps = [
        {"events": step.rstrip("?").split("|"), "optional": "?" in step and asked["order"] != "any"}
        for step in asked["steps"].split()
    ]
    await put(
        house,
        f"funnels/{name}",
        {field: asked[field] for field in ("order", "window", "exclusions")} | {"steps": steps},
    )
    (known,) = (each for each in house.definitions.funnels(house.name) if each.name == name)
    events = told(house.name, 0, DAY_ZERO, 1, happened)
    plan = compile_funnel(known)
    for device in (1, 2, 3):
        mine = sorted((event for event in events if event.device == device), key=order)
        found = entries(mine, plan, project=house.name, customer=device)
        are_known = known_of == "all" or (known_of == "some" and device == 1)  # else they are of an older version
        house.write(with_rivals(found) if are_known else found)
    more = asked["more"] | ({"convert": {}} if len(steps) == 2 else {})
    ours, cores = both(house, {"saved": name, **more}, DAY_ZERO + now)
    assert ours == cores


def test_an_entry_stands_in_the_table_where_its_row_says(house: House) -> None:
    times, filled = [FOREVER_AGO, 0, 5, FOREVER], (DAY_ZERO, 0)
    pairs = enumerate(product(times, times))
    rows = [
        FunnelEntry(house.name, "stands", 1, DAY_ZERO, number, 1, 1, filled, (1, 0), (), before, after)
        for number, (before, after) in pairs
    ]
    house.write(rows)
    sql = "SELECT standing FROM funnel_entries WHERE project = {project:String} AND funnel = 'stands' ORDER BY id"
    stored = [standing for (standing,) in house.store.query(sql, {"project": house.name})]
    assert stored == [row.standing for row in rows]
    assert set(stored) == {0, 1, 2, 3}


@pytest.mark.parametrize("known_of", [{1, 2}, {1}, set()], ids=["all", "some", "none"])
@pytest.mark.parametrize(("steps", "window"), [("a b", 2), ("a b c d x a b", 7)], ids=["few", "more than are grouped"])
async def test_at_the_edges_of_ranges_a_saved_funnel_counts_as_the_core_does(
    house: House, steps: str, window: int, known_of: set[int]
) -> None:
    """A range may begin and end at the very time of an entry or of one that would count in its stead."""
    await put(house, "funnels/edges", {"window": window, "steps": [{"events": [step]} for step in steps.split()]})
    (known,) = (each for each in house.definitions.funnels(house.name) if each.name == "edges")
    for device, happened in ((1, "axaabcdxab"), (2, "xaxxabaxbc")):
        mine = told(house.name, 0, DAY_ZERO, 1, [(device, at, name, 0, 0, False) for at, name in enumerate(happened)])
        found = entries(mine, compile_funnel(known), project=house.name, customer=device)
        house.write(with_rivals(found) if device in known_of else found)
    asking = ask.asking(house, house.definitions.project(house.name))._replace(now=DAY_ZERO + DAY)
    for first in (0, 2, 3):
        for end in (4, 8, 10) if first else (2, 3, 10):
            question = {"saved": "edges", "from": iso(DAY_ZERO + first), "to": iso(DAY_ZERO + end)}
            asked = FunnelQuestion.model_validate(question)
            by_core, how = funnel.entered(asking, asked)
            counted = funnel_plain.tallied(asking, asked, how)
            if counted is None:  # the core counts; only where rivals are not known, and times do not fit into a number
                assert len(steps) > 3
                assert len(known_of) < 2
            else:
                assert counted == tallied(by_core.actors, how), question


def test_who_goes_on_while_a_saved_funnel_is_asked_is_in_the_answer(house: House) -> None:
    """An entry after the range that comes further is written right after the statement has looked for one: the row that
    counts is no longer there, and the one in its stead is sorted where none was looked for."""
    first = FunnelEntry(house.name, "meanwhile", 1, DAY_ZERO, 1, 1, 1, (DAY_ZERO, 0), (1, 0), ())
    later = replace(first, entered_at=DAY_ZERO + 9, id=2, steps=2, step_times=(DAY_ZERO + 9,) * 2, step_messages=(2, 3))
    before, after = with_rivals([first]), with_rivals([first, later])
    house.write(before)
    written: list[int] = []

    def arrives(found: int) -> int:
        if not written:
            house.write(after, before)
            written.append(found)
        return found

    def asked() -> tuple[int, list[int]]:
        times = {"begins": "took_1", "ends": "took_2", "from": DAY_ZERO, "to": DAY_ZERO + 5}
        rows = house.store.query(sql, times | {"project": house.name, "funnel": "meanwhile", "funnel_version": 1})
        return rows[0][0], rows[0][1][:2]

    sql = load("api.query.questions", "funnel_saved_short", 2)
    looks = "SELECT count() FROM ("
    assert sql.count(looks) == 2  # for one of or after the range's end, for one before its start
    sql = sql.replace(looks, "SELECT arrives(count()) FROM (").replace("SETTINGS", "SETTINGS max_threads = 2,")
    chdb.create_function("arrives", arrives, ["UInt64"], "UInt64")
    try:
        assert asked() == (0, [1, 0])
        assert written == [0]
        assert asked() == (0, [1, 0])
    finally:
        chdb.drop_function("arrives")


def test_entries_of_other_funnels_do_not_say_what_is_read(house: House) -> None:
    """Where no entry lies outside the range only those are read that nothing comes further than."""
    mine = FunnelEntry(house.name, "alone", 1, DAY_ZERO + DAY, 1, 1, 1, (DAY_ZERO + DAY, 0), (1, 0), ())
    further = replace(mine, entered_at=mine.entered_at + 1, id=2, steps=2, step_times=(mine.entered_at + 1,) * 2)
    house.write(with_rivals([mine, further]))
    others = [replace(mine, entered_at=at, funnel="other", id=at) for at in (DAY_ZERO, DAY_ZERO + 9 * DAY)]
    house.write(with_rivals(others))
    sql = load("api.query.questions", "funnel_saved_short", 2)
    sql = sql.replace("countIf(standing = 3)", "groupArray(standing)").replace("OR standing = 3)", "OR 1)")
    asked = {"begins": "took_1", "ends": "took_2", "project": house.name, "funnel": "alone", "funnel_version": 1}
    for end, read in ((DAY_ZERO + 5 * DAY, [2]), (further.entered_at, [0])):
        assert house.store.query(sql, asked | {"from": DAY_ZERO, "to": end})[0][0] == read


values = st.sampled_from(["x", "xy", "", "10", 10, 10.0, 0.5, True, False, None, ["x", 1], {"k": "x"}, "1.0", "a\nb"])
asked_values = st.sampled_from(["x", "xy", 10, "10", 0.5, True, "k"])
tests = st.one_of(
    st.tuples(st.sampled_from(["is", "is_not", "contains", "not_contains"]), asked_values),
    st.tuples(st.sampled_from(["in", "not_in"]), st.lists(asked_values, min_size=1, max_size=3)),
    st.tuples(st.sampled_from(["set", "not_set"]), st.none()),
    st.tuples(st.just("regex"), st.sampled_from(["^x", "x.?", "1", "a.b", r"\d+"])),
)
filtered = st.lists(st.tuples(st.sampled_from(["p", "q", "$host"]), tests, st.booleans()), min_size=1, max_size=3)


@laws(5)
@given(happenings, filtered, st.lists(values, min_size=18, max_size=18))
async def test_clickhouse_filters_as_the_core_does(
    house: House,
    happened: list[tuple[int, int, str, int, int, bool]],
    filters: list[tuple[str, tuple[str, Any], bool]],
    properties: list[Any],
) -> None:
    month = next(months)
    begin = DAY_ZERO + month * 100 * DAY
    events = told(house.name, 1_000 * month, begin, 1, happened)
    for event, value in zip(events, properties, strict=False):
        event.properties = json.dumps({"p": value, "other": 1})
        event.host = value if isinstance(value, str) else ""
    house.tell(events)
    steps: list[dict[str, Any]] = [{"events": "a", "where": []}, {"events": ["b", "x"], "where": []}]
    for name, (operator, value), is_first in filters:
        steps[not is_first]["where"].append({"property": name, "operator": operator, "value": value})
    ours, cores = both(house, {"steps": steps, "from": iso(begin), "to": iso(begin + 9)}, begin)
    assert ours == cores


async def test_a_device_that_changes_hands_has_the_events_of_each_owner_apart(house: House) -> None:
    house.tell("""
        kiosk  09:00  login ann
        kiosk  09:01  track a
        kiosk  09:02  login bob
        kiosk  09:03  track b
        kiosk  09:04  track a
        kiosk  09:05  track b
    """)
    answer = await house.ask("funnel", steps=[{"events": "a"}, {"events": "b"}])
    assert [step["count"] for step in answer["result"]["steps"]] == [2, 1]


async def test_a_saved_funnel_that_is_asked_otherwise_than_it_is_kept_goes_to_the_core(house: House) -> None:
    await put(house, "funnels/with-bots", {"steps": [{"events": "a"}, {"events": "b"}]})
    asking = ask.asking(house, house.definitions.project(house.name))
    asked = FunnelQuestion.model_validate({"saved": "with-bots", "last": None, "include_bots": True})
    assert funnel_plain.tallied(asking, asked, funnel.entered(asking, asked)[1]) is None


PLAIN = {"steps": [{"events": "a"}, {"events": "b"}], "last": None}


@pytest.mark.parametrize(
    "other",
    [
        {"order": "strict"},
        {"order": "any"},
        {"count": "sessions"},
        {"count": "entries"},
        {"breakdown": "$channel"},
        {"constant": ["$host"]},
        {"exclusions": [{"events": "x"}]},
        {"steps": [{"events": "a"}, {"events": ["b", "a"]}]},
        {"steps": [{"events": "a"}, {"events": "*"}]},
        {"steps": [{"events": "a"}, {"events": "b", "optional": True}, {"events": "c"}]},
        {"steps": [{"events": "a", "where": [{"property": "n", "operator": "gt", "value": 1}]}, {"events": "b"}]},
        {"steps": [{"events": "a", "where": [{"property": "n.m", "value": 1}]}, {"events": "b"}]},
        {"steps": [{"events": "a", "where": [{"property": "$value", "value": 1}]}, {"events": "b"}]},
        {"steps": [{"events": "a", "where": [{"property": "$segment.s", "value": True}]}, {"events": "b"}]},
    ],
)
def test_whatever_else_is_asked_stays_with_the_core(house: House, other: dict[str, Any]) -> None:
    asking = ask.asking(house, house.definitions.project(house.name))
    asked = FunnelQuestion.model_validate(PLAIN | other)
    assert not funnel_plain.is_plain(asking, asked, funnel.entered(asking, asked)[1])


@pytest.mark.parametrize(("filters", "is_plain"), [(64, True), (65, False), (200, False)])
async def test_steps_with_many_filters_are_answered_whoever_counts_them(
    house: House, filters: int, is_plain: bool
) -> None:
    people = [("ann", "x"), ("bob", "v63")]
    house.tell("\n".join(f"{who} 09:0{at} track {name} p={p}" for who, p in people for at, name in enumerate("abcd")))
    where = [{"property": "p", "operator": "is_not", "value": f"v{number}"} for number in range(filters)]
    steps = [{"events": name, "where": where[at * 50 : at * 50 + 50]} for at, name in enumerate("abcd")]
    asking = ask.asking(house, house.definitions.project(house.name))
    asked = FunnelQuestion.model_validate({"steps": steps, "last": None})
    assert funnel_plain.is_plain(asking, asked, funnel.entered(asking, asked)[1]) == is_plain
    assert [step["count"] for step in (await house.ask("funnel", steps=steps))["result"]["steps"]] == [2, 1, 1, 1]


def test_the_longest_statement_is_one_that_clickhouse_parses() -> None:
    assert len(load("api.query.questions", "funnel_plain", MOST_STEPS, 64)) < 200_000  # of 262,144


def test_a_part_for_each_step_is_put_in_up_or_down() -> None:
    sql = load("api.query.questions", "funnel_plain", 4, 2)
    assert "<" not in sql.replace("<<", "").replace("<=", "").replace(" < ", "")
    assert sql.index("AS chain_3") < sql.index("AS chain_2") < sql.index("AS chain_1")
    assert sql.index("AS at_1") < sql.index("AS at_2") < sql.index("AS at_3")
    assert sql.index("{part_1:String}") < sql.index("{part_2:String}")
    assert "chain_0" not in sql
    assert "AS at_4" not in sql
