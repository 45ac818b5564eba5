"""The salts of the days: shared by all collectors through the store, and gone when their day is over.

The collector that first looks writes it; of several the first counts. That of the next day is made an hour ahead, so
that all know it by midnight (UTC). A salt that is over is taken from the disk and from memory: what was hashed with it
can be told from nothing then. The table is empty for a moment while that is done, so each collector remembers what it
has read and looks at every refresh whether another has written an earlier one.
"""

import secrets
import threading
from collections.abc import Callable
from typing import Any

from pipeline.errors import SaltMissing
from pipeline.store.port import Store
from pipeline.store.sql import load

DAY_MS = 86_400_000
AHEAD_MS = 3_600_000
BYTES = 32

Row = tuple[int, str]  # ms when it was made, salt


class Salts:
    """State: the salts that are in force, by day (days since 1970)."""

    def __init__(self, store: Store, now: Callable[[], int]) -> None:
        """`now` in ms."""
        self._store, self._now = store, now
        self._known: dict[int, Row] = {}
        self._lock = threading.Lock()

    def of(self, day: int) -> bytes:
        """Raises SaltMissing where it is not there: a sender comes again."""
        found = self._known.get(day)
        if found is None:
            raise SaltMissing("the salt of the day is not there yet")
        return found[1].encode()

    def refresh(self) -> None:
        """Makes what will be needed and destroys what is over. Blocks."""
        with self._lock:
            now = self._now()
            days = sorted({now // DAY_MS, (now + AHEAD_MS) // DAY_MS})
            self._known = {day: row for day, row in self._known.items() if day in days}
            stored = self._stored()
            if any(day not in days for day in stored):
                kept = {day: self._first(day, stored) for day in days if day in stored}
                self._store.command(load("pipeline.store.statements", "salts_truncate"))
                self._write(kept)
                stored = kept
            # What is known and gone was destroyed by one whose clock is ahead, but for the last, which was not over.
            missing = [day for day in days if day not in stored and (day not in self._known or day == days[-1])]
            if missing:
                self._write({day: self._known.get(day) or (now, secrets.token_urlsafe(BYTES)) for day in missing})
                stored = self._stored()  # another collector may have been first
            self._known = {day: self._first(day, stored) for day in days if day in stored or day in self._known}

    def _first(self, day: int, stored: dict[int, Row]) -> Row:
        return min(rows[day] for rows in (stored, self._known) if day in rows)

    def _stored(self) -> dict[int, Row]:
        found: dict[int, Row] = {}
        for day, made_at, salt in self._store.query(load("pipeline.store.statements", "salts")):
            found.setdefault(day, (made_at, salt))
        return found

    def _write(self, salts: dict[int, Row]) -> None:
        if salts:
            columns: list[list[Any]] = [
                list(salts),
                [made for made, _ in salts.values()],
                [salt for _, salt in salts.values()],
            ]
            self._store.insert("salts", columns)
