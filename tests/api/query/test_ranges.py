from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query.questions.periods import all_between, end_of, label
from api.query.questions.ranges import BEGINNING, END, Counted, Range, Ranged, preceding

NOW = int(datetime(2024, 3, 31, 12, 34, 56, tzinfo=UTC).timestamp() * 1000)  # clocks went forward in Berlin that night


def asked(**question: object) -> tuple[str, str]:
    """Both ends of the range that a question asks for, in its zone."""
    model = Counted.model_validate(question)
    zone = ZoneInfo(model.zone or "UTC")
    found = model.range(NOW)
    return tuple(datetime.fromtimestamp(ms / 1000, zone).isoformat() for ms in found)  # type: ignore[return-value]


def test_days_are_whole_days_of_the_zone_and_today_is_the_last() -> None:
    assert asked(last="2d", zone="Europe/Berlin") == ("2024-03-30T00:00:00+01:00", "2024-04-01T00:00:00+02:00")
    assert asked(last="today", zone="Europe/Berlin") == ("2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00")
    assert asked(last="yesterday", zone="Europe/Berlin") == ("2024-03-30T00:00:00+01:00", "2024-03-31T00:00:00+01:00")
    assert asked(last="1w") == ("2024-03-25T00:00:00+00:00", "2024-04-01T00:00:00+00:00")


def test_hours_and_minutes_end_with_the_running_one() -> None:
    assert asked(last="24h") == ("2024-03-30T13:00:00+00:00", "2024-03-31T13:00:00+00:00")
    assert asked(last="5m") == ("2024-03-31T12:30:00+00:00", "2024-03-31T12:35:00+00:00")


def test_by_default_it_is_the_last_30_days() -> None:
    assert asked() == asked(last="30d") == ("2024-03-02T00:00:00+00:00", "2024-04-01T00:00:00+00:00")


def test_null_leaves_an_end_open() -> None:
    for question in ({"from": None}, {"to": None}, {"last": None}):
        assert Counted.model_validate(question).range(NOW) == Range(BEGINNING, END)
    assert Counted.model_validate({"from": "2024-01-01"}).range(NOW).end == END
    assert Counted.model_validate({"to": "2024-01-01"}).range(NOW).start == BEGINNING


def test_1970_begins_when_it_begins_in_utc_and_2099_ends_so() -> None:
    for zone in ("Asia/Tokyo", "America/New_York"):
        question = Counted.model_validate({"from": "1970-01-01", "to": "2099-12-31T23:59:59", "zone": zone})
        assert BEGINNING <= question.range(NOW).start <= question.range(NOW).end <= END


def test_dates_are_in_the_zone_and_times_may_bring_their_own_offset() -> None:
    both = {"from": "2024-03-31", "to": "2024-03-31T10:00:00Z"}
    assert asked(zone="Europe/Berlin", **both) == ("2024-03-31T00:00:00+01:00", "2024-03-31T12:00:00+02:00")


@pytest.mark.parametrize(("by", "count"), [("hour", 23), ("day", 1), ("week", 1), ("month", 1)])
def test_the_day_on_which_clocks_go_forward_has_23_hours(by: str, count: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    day = Counted.model_validate({"last": "today", "zone": "Europe/Berlin"}).range(NOW)
    assert len(all_between(day, by, zone, ())) == count  # type: ignore[arg-type]


def test_the_hour_that_clocks_repeat_is_two_periods() -> None:
    zone = ZoneInfo("Europe/Berlin")
    first = int(datetime(2024, 10, 27, 0, 30, tzinfo=UTC).timestamp() * 1000)
    assert label(first, "hour", zone) == "2024-10-27T02:00:00+0200"
    assert label(first + 3_600_000, "hour", zone) == "2024-10-27T02:00:00+0100"


def test_an_hour_that_begins_with_a_change_of_clocks_is_named_by_it() -> None:
    """In Lord Howe they change by half an hour: 01:59+11:00 is followed by 01:30+10:30, 01:59+10:30 by 02:30+11:00."""
    zone = ZoneInfo("Australia/Lord_Howe")
    for change, names in (
        ("2026-04-04T15:00", ["2026-04-05T01:00:00+1100", "2026-04-05T01:30:00+1030", "2026-04-05T02:00:00+1030"]),
        ("2026-10-03T15:30", ["2026-10-04T01:00:00+1030", "2026-10-04T02:30:00+1100", "2026-10-04T03:00:00+1100"]),
    ):
        at = int(datetime.fromisoformat(change).replace(tzinfo=UTC).timestamp() * 1000)
        around = Range(at - 1_800_000, at + 3_600_000)
        assert all_between(around, "hour", zone, ()) == names
        assert [label(ms, "hour", zone) for ms in (at - 1, at, at + 1_799_999, at + 1_800_000)] == [
            names[0], names[1], names[1], names[2],
        ]  # fmt: skip
        assert [end_of(name, "hour", zone) - at for name in names] == [0, 1_800_000, 5_400_000]


def test_a_day_that_begins_at_one_is_a_day_of_the_time_before() -> None:
    """In Sao Paulo 4 November 2018 began at 01:00, an hour after 3 November had ended."""
    zone = ZoneInfo("America/Sao_Paulo")
    day = Ranged.model_validate({"from": "2018-11-04", "to": "2018-11-05", "zone": "America/Sao_Paulo"}).range(0)
    before = preceding(day, zone, "compare")
    assert datetime.fromtimestamp(before.start / 1000, zone).isoformat() == "2018-11-03T00:00:00-03:00"
    assert before.end == day.start
    assert preceding(before, zone, "compare").end - preceding(before, zone, "compare").start == 86_400_000


@given(
    st.integers(0, 4_000_000_000_000),
    st.integers(1, 40 * 86_400_000),
    st.sampled_from(["hour", "day", "week", "month"]),
    st.sampled_from(
        ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"]
    ),
    st.data(),
)
def test_every_time_of_a_range_has_its_period_among_all(
    start: int, length: int, by: str, name: str, data: st.DataObject
) -> None:
    zone, asked = ZoneInfo(name), Range(max(1, start), start + 1 + length)
    names = all_between(asked, by, zone, ())  # type: ignore[arg-type]
    assert len(set(names)) == len(names)
    at = data.draw(st.integers(asked.start, asked.end - 1))
    assert label(at, by, zone) in names  # type: ignore[arg-type]
