"""Salts of the day: shared by collectors, made ahead, and gone from the disk when their day is over."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import SaltMissing
from pipeline.store import open_store
from pipeline.store.migrations import migrate
from pipeline.store.port import Store
from pipeline.store.salts import AHEAD_MS, DAY_MS, Salts

DAY = 20_000


def test_a_salt_is_shared_made_ahead_and_taken_from_the_disk_after_its_day(tmp_path: Path) -> None:
    store = open_store(f"chdb:///{tmp_path / 'store'}")
    try:
        migrate(store)
        now = DAY * DAY_MS
        one, other = Salts(store, lambda: now), Salts(store, lambda: now)
        for each in (one, other):
            each.refresh()
        salt = one.of(DAY)
        assert (len(salt), other.of(DAY)) == (43, salt)
        assert _found(tmp_path, salt)
        now += DAY_MS - AHEAD_MS
        for each in (one, other):
            each.refresh()
        assert one.of(DAY) == salt
        assert one.of(DAY + 1) == other.of(DAY + 1) != salt
        following = one.of(DAY + 1)
        now += AHEAD_MS
        one.refresh()
        assert one.of(DAY + 1) == following
        assert _found(tmp_path, following)
        with pytest.raises(SaltMissing):
            one.of(DAY)
        assert not _found(tmp_path, salt)
    finally:
        store.close()


class Beside:
    """A store beside which something happens right before salts are written."""

    def __init__(self, store: Store, happens: Callable[[], None]) -> None:
        self._store, self._happens = store, happens
        self.query, self.command = store.query, store.command

    def insert(self, table: str, columns: list[list[Any]]) -> None:
        happens, self._happens = self._happens, lambda: None
        happens()
        self._store.insert(table, columns)


def test_collectors_agree_on_the_day_though_one_looks_while_the_other_destroys_what_is_over(tmp_path: Path) -> None:
    """The table is empty for a moment then: who knew the salt, and who has only just started, had each his own."""
    store = open_store(f"chdb:///{tmp_path / 'store'}")
    try:
        migrate(store)
        now = (DAY + 1) * DAY_MS - AHEAD_MS
        other, late = Salts(store, lambda: now), Salts(store, lambda: now + 1)

        def look() -> None:
            other.refresh()
            late.refresh()

        beside: Any = Beside(store, look)
        one = Salts(store, lambda: now)
        one.refresh()
        other.refresh()
        one_of_before, following = one.of(DAY), one.of(DAY + 1)
        one._store = beside
        now += AHEAD_MS
        one.refresh()
        assert one.of(DAY + 1) == other.of(DAY + 1) == following
        late.refresh()
        assert late.of(DAY + 1) == following
        assert late.of(DAY + 1) != one_of_before
    finally:
        store.close()


def test_one_that_starts_while_the_table_is_empty_takes_the_first_salt_when_it_looks_again(tmp_path: Path) -> None:
    store = open_store(f"chdb:///{tmp_path / 'store'}")
    try:
        migrate(store)
        now = DAY * DAY_MS
        late, one = Salts(store, lambda: now + 1), Salts(store, lambda: now)
        beside: Any = Beside(store, late.refresh)
        one._store = beside  # it has found no salt, and before it writes one the other does
        one.refresh()
        assert one.of(DAY) != late.of(DAY)
        late.refresh()
        assert late.of(DAY) == one.of(DAY)
    finally:
        store.close()


def test_what_another_leaves_of_a_day_that_is_over_is_destroyed_too(tmp_path: Path) -> None:
    """A collector whose clock is behind writes a salt of the day before."""
    store = open_store(f"chdb:///{tmp_path / 'store'}")
    try:
        migrate(store)
        now = (DAY + 1) * DAY_MS
        one, behind = Salts(store, lambda: now), Salts(store, lambda: now - 1)
        one.refresh()
        behind.refresh()
        left = behind.of(DAY)
        assert _found(tmp_path, left)
        one.refresh()
        assert not _found(tmp_path, left)
        assert behind.of(DAY + 1) == one.of(DAY + 1)
    finally:
        store.close()


def _found(folder: Path, salt: bytes) -> bool:
    """Whether a part of it stands in a file: packing may have taken the whole apart."""
    parts = [salt[start : start + 12] for start in range(len(salt) - 12)]
    contents = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    return any(part in content for part in parts for content in contents)
