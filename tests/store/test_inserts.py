"""Rows go in column by column, come out as they were, and what cannot be stored is told before anything is lost."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.errors import StoreRefused
from pipeline.store.blocks import MAX_PARTITIONS
from pipeline.store.port import Store
from tests.store.rows import T0, columns

WEEK_MS = 7 * 86_400_000


def test_every_type_of_our_tables_comes_out_as_it_went_in(store: Store) -> None:
    texts = ["", "it's", "a\nb\\", "\0", "é☃😀", "x" * 20_000]
    numbers = [0, 1, 2**31, 2**63 - 1, 2**63, 2**64 - 1]
    store.insert(
        "events",
        columns(
            "events", 6,
            device=numbers, message_id=range(6), occurred_at=[T0, T0 + 1, 0, 1, T0 + 999, 4_000_000_000_000],
            vendors=[(), (1,), numbers, [2**64 - 1], (), (3, 4)], is_bot=[True, False, True, False, 1, 0],
            value_micros=[0, -1, 2**63 - 1, -(2**63), 5, 6], event=texts, url=texts,
            engaged_ms=[0, 2**32 - 1, 1, 2, 3, 4],
        ),
    )  # fmt: skip
    rows = store.query(
        "SELECT device, toUnixTimestamp64Milli(occurred_at), vendors, is_bot, value_micros, event, url, engaged_ms "
        "FROM events ORDER BY message_id"
    )
    assert rows == list(
        zip(
            numbers, [T0, T0 + 1, 0, 1, T0 + 999, 4_000_000_000_000],
            [[], [1], numbers, [2**64 - 1], [], [3, 4]], [True, False, True, False, True, False],
            [0, -1, 2**63 - 1, -(2**63), 5, 6], texts, texts, [0, 2**32 - 1, 1, 2, 3, 4], strict=True,
        )
    )  # fmt: skip


def test_arrays_of_texts_and_times_come_out_as_they_went_in(store: Store) -> None:
    paths = [(), ("direct",), ("email", "it's", "direct", "direct")]
    store.insert("journeys", columns("journeys", 3, path=paths, id=[1, 2, 3]))
    groups = [[], ["a", "", "\\"], ["é"] * 200]
    times = [[], [-1, 0, 2**63 - 1], list(range(200))]
    store.insert("funnel_entries", columns("funnel_entries", 3, step_groups=groups, step_times=times, id=[1, 2, 3]))
    assert store.query("SELECT path FROM journeys ORDER BY id") == [(list(path),) for path in paths]
    found = store.query("SELECT step_groups, step_times FROM funnel_entries ORDER BY id")
    assert found == list(zip(groups, times, strict=True))


def test_a_thousand_names_fit_a_low_cardinality_column(store: Store) -> None:
    """Positions of one byte reach 256 names, of two 65,536."""
    for count in (256, 257, 70_000):
        names = [f"name {number}" for number in range(count)]
        store.insert(
            "rejected", columns("rejected", count, reason=names, message_id=range(count), field=[str(count)] * count)
        )
        found = store.query(
            "SELECT reason FROM rejected WHERE field = {f:String} ORDER BY message_id", {"f": str(count)}
        )
        assert found == [(name,) for name in names]


def test_the_narrow_copies_have_the_rows_when_the_insert_returns(store: Store) -> None:
    store.insert("events", columns("events", 500, message_id=range(500)))
    assert store.query("SELECT count() FROM timeline") == [(500,)]


def test_no_rows_are_no_insert(store: Store) -> None:
    store.insert("events", columns("events", 0))
    assert store.query("SELECT count() FROM events") == [(0,)]


def test_two_years_in_random_order_go_in_as_one_call(store: Store) -> None:
    """More than a hundred weeks, which ClickHouse refuses in one block."""
    times = [T0 + week * WEEK_MS + hour * 3_600_000 for week in range(130) for hour in range(3)]
    random.Random(1).shuffle(times)
    store.insert("events", columns("events", len(times), occurred_at=times, message_id=range(len(times))))
    found = store.query("SELECT toUnixTimestamp64Milli(occurred_at) FROM events ORDER BY message_id")
    assert found == [(time,) for time in times]


def test_times_of_1970_and_2099_are_far_apart_and_both_there(store: Store) -> None:
    late = int(datetime(2099, 12, 31, tzinfo=UTC).timestamp() * 1000)
    times = [0, late] + [T0 + week * WEEK_MS for week in range(2 * MAX_PARTITIONS)]
    store.insert("events", columns("events", len(times), occurred_at=times, message_id=range(len(times))))
    assert store.query("SELECT count() FROM events") == [(len(times),)]


BAD: dict[str, dict[str, Any]] = {
    "a number below zero in an unsigned column": {"device": [1, -1]},
    "a number of more than 64 bits": {"device": [1, 2**64]},
    "a fraction": {"device": [1, 1.5]},
    "a text in a number's column": {"sequence": [1, "2"]},
    "nothing": {"url": ["", None]},
    "a number in a text's column": {"url": ["", 1]},
    "a lone surrogate": {"url": ["", "\ud800"]},
    "a lone surrogate in a column of few names": {"event": ["", "\ud800"]},
    "a datetime": {"occurred_at": [datetime.now(UTC), datetime.now(UTC)]},
    "a column that is too short": {"url": [""]},
}


def test_what_a_column_cannot_hold_is_refused_and_leaves_nothing(store: Store) -> None:
    for what, given in BAD.items():
        with pytest.raises(StoreRefused, match=r"events|" + next(iter(given))) as refused:
            store.insert("events", columns("events", 2, **given))
        assert refused.value.code == "unfit_value", what
    store.insert("events", columns("events", 1))
    assert store.query("SELECT count() FROM events") == [(1,)]


def test_missing_columns_are_refused(store: Store) -> None:
    with pytest.raises(StoreRefused, match="51 columns"):
        store.insert("events", columns("events", 1)[:-1])


def test_an_unknown_table_is_refused(store: Store) -> None:
    with pytest.raises(StoreRefused) as refused:
        store.insert("nowhere", [[1]])
    assert refused.value.code == "unknown_table"


def test_a_table_that_is_not_there_yet_is_refused(empty_store: Store) -> None:
    for rows in (1, 5000):  # more than a pipe holds: the writer must not wait for a reader that never comes
        with pytest.raises(StoreRefused) as refused:
            empty_store.insert("events", columns("events", rows))
        assert refused.value.code == "unknown_table"


REFUSING = {
    "a constraint": ["ALTER TABLE events ADD CONSTRAINT few CHECK device < 3"],
    "a view that throws": [
        "CREATE TABLE seen (a UInt8) ENGINE = MergeTree ORDER BY a",
        "CREATE MATERIALIZED VIEW seen_of_events TO seen AS SELECT throwIf(device = 7, 'seven') AS a FROM events",
    ],
}


@pytest.mark.parametrize("preparation", REFUSING.values(), ids=REFUSING.keys())
@pytest.mark.parametrize("rows", [9, 5000])
def test_what_the_table_or_its_views_refuse_is_told(own_store: Store, preparation: list[str], rows: int) -> None:
    for statement in preparation:
        own_store.command(statement)
    with pytest.raises(StoreRefused):
        own_store.insert("events", columns("events", rows))
    own_store.insert("events", columns("events", 1, device=[1], project=["after"]))
    assert own_store.query("SELECT count() FROM events WHERE project = 'after'") == [(1,)]


def test_the_greatest_version_of_a_key_counts_and_a_deleted_one_does_not(store: Store) -> None:
    for version, owner, is_deleted in ((1, 5, 0), (3, 7, 0), (2, 6, 1)):
        one = columns(
            "owners", 1, device=[1], owned_from=[0], owner=[owner], version=[version], is_deleted=[is_deleted]
        )
        store.insert("owners", one)
    assert store.query("SELECT owner, version FROM owners FINAL") == [(7, 3)]
    store.insert("owners", columns("owners", 1, device=[1], owned_from=[0], version=[4], is_deleted=[1]))
    assert store.query("SELECT owner FROM owners FINAL") == []
