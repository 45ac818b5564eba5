"""Salts of the day: shared by collectors, made ahead, and gone from the disk when their day is over."""

from pathlib import Path

import pytest

from pipeline.errors import SaltMissing
from pipeline.store import open_store
from pipeline.store.migrations import migrate
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


def _found(folder: Path, salt: bytes) -> bool:
    """Whether a part of it stands in a file: packing may have taken the whole apart."""
    parts = [salt[start : start + 12] for start in range(len(salt) - 12)]
    contents = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    return any(part in content for part in parts for content in contents)
