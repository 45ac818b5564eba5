"""When an event happened."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.event_time import EARLIEST, LATEST, to_ms, when
from schemas.definitions import Project
from tests.ingest.sending import DAY, HOUR, MINUTE, NOON, accepted, event, rejected


@pytest.mark.parametrize(
    "stamp",
    [
        "2024-06-01T12:00:00.000Z",
        "2024-06-01T12:00:00Z",
        "2024-06-01T12:00:00z",
        "2024-06-01t12:00:00.000z",
        "2024-06-01 12:00:00",
        "2024-06-01T12:00:00",
        "2024-06-01T12:00",
        "2024-06-01T12:00:00.000000123Z",
        "2024-06-01T14:00:00+02:00",
        "2024-06-01T14:00:00+0200",
        "2024-06-01 14:00:00 +0200",
        "2024-06-01T07:00:00.000-05:00",
        "2024-06-01 12:00:00 UTC",
        "  2024-06-01T12:00:00Z ",
        "20240601T120000Z",
        1_717_243_200,
        1_717_243_200_000,
        1_717_243_200.0,
        "1717243200",
        "1717243200.000",
        "1717243200000",
        "1717243200000000",
        "1717243200000000000",
    ],
)
def test_one_moment_in_every_form_that_clients_send(stamp: str | int | float) -> None:
    assert to_ms(stamp) == NOON


@pytest.mark.parametrize(
    "stamp", ["yesterday", "2024-13-01", "2024-06-01T25:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31", 10**30, "²"]
)
def test_a_time_that_is_none_or_that_no_column_can_hold_is_unreadable(stamp: str | int) -> None:
    assert to_ms(stamp) is None
    row = accepted(event(timestamp=stamp))
    assert (row.occurred_at, row.time_source, row.original_timestamp) == (NOON, "unreadable", str(stamp))


def test_a_day_alone_is_its_midnight() -> None:
    assert to_ms("2024-06-01") == to_ms("20240601") == NOON - 12 * HOUR


def test_times_of_1970_are_kept_and_times_of_2099_lie_in_the_future() -> None:
    assert accepted(event(timestamp="1970-01-01T00:00:01Z")).occurred_at == 1000
    row = accepted(event(timestamp="2099-01-01T00:00:00Z"))
    assert (row.occurred_at, row.time_source, row.original_timestamp) == (NOON, "future", "2099-01-01T00:00:00Z")


def test_a_client_may_be_five_minutes_ahead_and_not_a_millisecond_more() -> None:
    assert when(NOON + 5 * MINUTE, None, NOON) == (NOON + 5 * MINUTE, "")
    assert when(NOON + 5 * MINUTE + 1, None, NOON) == (NOON, "future")


def test_a_wrong_clock_is_corrected_by_what_it_said_when_sending() -> None:
    row = accepted(event(timestamp="2020-01-01T00:00:00Z", sentAt="2020-01-01T00:01:00Z"))
    assert (row.occurred_at, row.time_source) == (NOON - MINUTE, "clock_skew")
    assert row.original_timestamp == "2020-01-01T00:00:00Z"


def test_the_time_of_transport_is_corrected_but_no_wrong_clock() -> None:
    row = accepted(event(timestamp="2024-06-01T11:59:00Z", sentAt="2024-06-01T11:59:59.700Z"))
    assert (row.occurred_at, row.time_source, row.original_timestamp) == (NOON - 59_700, "", "")


def test_a_batchs_sent_at_is_the_collectors_stamp_and_goes_before_the_events() -> None:
    row = accepted(event(timestamp="2020-01-01T00:00:00Z", sentAt="2030-01-01T00:00:00Z"), t="2020-01-01T00:00:30Z")
    assert row.occurred_at == NOON - 30_000


def test_an_unreadable_sent_at_corrects_nothing() -> None:
    row = accepted(event(timestamp="2024-06-01T11:00:00Z", sentAt="soon"))
    assert (row.occurred_at, row.time_source) == (NOON - HOUR, "")


def test_an_import_keeps_its_times() -> None:
    row = accepted(event(timestamp="2020-01-01T00:00:00Z", sentAt="2020-01-01T00:01:00Z"), kind="import")
    assert (row.occurred_at, row.time_source) == (1_577_836_800_000, "")


@pytest.mark.parametrize("missing", [{}, {"timestamp": None}, {"timestamp": ""}])
def test_without_a_time_it_happened_when_it_was_received(missing: dict[str, None]) -> None:
    row = accepted(event(**missing))
    assert (row.occurred_at, row.time_source) == (NOON, "missing")


def test_the_original_timestamp_of_an_sdk_stands_in_for_a_missing_one() -> None:
    assert accepted(event(originalTimestamp="2024-06-01T11:00:00Z")).occurred_at == NOON - HOUR


@pytest.mark.parametrize("stamp", [{"a": 1}, [1], True])
def test_a_timestamp_of_a_wrong_type_is_unreadable_and_kept(stamp: object) -> None:
    row = accepted(event(timestamp=stamp))
    assert row.time_source == "unreadable"
    assert row.original_timestamp


def test_what_is_older_than_the_lateness_limit_when_received_is_too_old() -> None:
    project = Project(name="shop", lateness_ms=DAY)
    assert accepted(event(timestamp=NOON - DAY), project=project).occurred_at == NOON - DAY
    assert rejected(event(timestamp=NOON - DAY - 1), project=project).reason == "too_old"


@pytest.mark.parametrize("stamp", ["1970-01-01T01:59:59+02:00", "1969-12-31T23:59:59.999Z", -1.0])
def test_a_clock_that_stands_before_1970_tells_nothing(stamp: str | float) -> None:
    row = accepted(event(timestamp=stamp))
    assert (row.occurred_at, row.time_source, row.original_timestamp) == (NOON, "unreadable", str(stamp))


def test_a_clock_that_stands_before_1970_is_corrected_by_what_it_said_when_sending() -> None:
    row = accepted(event(timestamp="1969-12-31T22:00:00Z", sentAt="1969-12-31T22:00:40Z"))
    assert (row.occurred_at, row.time_source) == (NOON - 40_000, "clock_skew")


@given(
    st.one_of(st.text(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    st.none() | st.integers(EARLIEST, LATEST),
)
def test_every_time_lies_after_1970_and_at_most_five_minutes_ahead(
    stamp: str | int | float, sent_at: int | None
) -> None:
    occurred_at, _ = when(to_ms(stamp), sent_at, NOON)
    assert 0 <= occurred_at <= NOON + 5 * MINUTE
