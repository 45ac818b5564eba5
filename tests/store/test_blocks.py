"""An insert is cut into blocks of few partitions, and nowhere else."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import StoreRefused
from pipeline.store.blocks import MAX_PARTITIONS, split_blocks, table_named
from tests.store.rows import columns

HOUR_MS = 3_600_000
EVENTS, SESSIONS, OWNERS = table_named("events"), table_named("sessions"), table_named("owners")
TIME, ID = 2, 3  # columns of events: occurred_at, message_id
LATEST = 4_102_444_799_999  # the last ms of 2099


def monday(ms: int) -> str:
    day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).date()
    return str(day - timedelta(days=day.weekday()))


def month(ms: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).strftime("%Y-%m")


@given(st.lists(st.integers(0, LATEST), max_size=300))
def test_weeks_are_cut_so_that_no_block_has_more_than_fifty(times: list[int]) -> None:
    rows = columns("events", len(times), occurred_at=times, message_id=range(len(times)))
    blocks = list(split_blocks(EVENTS, rows))
    assert all(len({monday(time) for time in block[TIME]}) <= MAX_PARTITIONS for block in blocks)
    assert sorted((i, t) for block in blocks for i, t in zip(block[ID], block[TIME], strict=True)) == list(
        enumerate(times)
    )
    assert len(blocks) == -(-len({monday(time) for time in times}) // MAX_PARTITIONS)


@given(st.lists(st.integers(0, LATEST), max_size=300))
def test_months_are_cut_so_that_no_block_has_more_than_fifty(times: list[int]) -> None:
    blocks = list(split_blocks(SESSIONS, columns("sessions", len(times), started_at=times)))
    assert all(len({month(time) for time in block[2]}) <= MAX_PARTITIONS for block in blocks)
    assert sum(len(block[2]) for block in blocks) == len(times)


def test_a_year_less_some_weeks_is_one_block_and_is_not_copied() -> None:
    rows = columns("events", 48 * 7 * 24, occurred_at=range(0, 48 * 7 * 24 * HOUR_MS, HOUR_MS))
    (block,) = split_blocks(EVENTS, rows)
    assert block is rows


def test_few_partitions_far_apart_are_one_block() -> None:
    rows = columns("events", 2, occurred_at=[0, LATEST])
    (block,) = split_blocks(EVENTS, rows)
    assert block is rows


def test_a_table_without_partitions_is_one_block() -> None:
    rows = columns("owners", 3, owned_from=[-(1 << 62), 0, 1 << 62])
    assert list(split_blocks(OWNERS, rows)) == [rows]


def test_only_tables_of_the_migrations_are_known() -> None:
    with pytest.raises(StoreRefused, match="nowhere"):
        table_named("nowhere")
