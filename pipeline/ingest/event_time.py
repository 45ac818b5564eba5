"""When an event happened: clients' timestamps read, and corrected by the sender's clock."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

_EPOCH, _MS = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_ALIKE = re.compile(r"-?\d{9,}(\.\d+)?|-?\d{1,8}\.\d+")  # epoch seconds, ms, us or ns; 8 digits alone are a date

# What DateTime64(3) can store: 1900-01-01 up to the end of 2299.
EARLIEST, LATEST = -2_208_988_800_000, 10_413_791_999_999
AHEAD_MS = 5 * 60_000  # a client may be this far ahead of the collector
SKEW_MS = 1_000  # a correction up to this is the transport's time, not a wrong clock


def _epoch(number: Decimal) -> int | None:
    """Seconds, ms, us or ns since 1970, told apart by their size -> ms."""
    if number.adjusted() > 19:
        return None
    size = abs(number)
    if size < 10**11:
        return int(number * 1000)
    if size < 10**14:
        return int(number)
    return int(number) // (1000 if size < 10**17 else 1_000_000)


def _unusual(text: str) -> int | None:
    """A timestamp in digits, or ISO with what fromisoformat does not take."""
    text = text.strip()
    if not text.isascii():
        return None
    if _ALIKE.fullmatch(text):
        return _epoch(Decimal(text))
    text = text.upper().replace(" UTC", "Z").replace(" GMT", "Z").replace(" Z", "Z")
    text = re.sub(r"\s+([+-]\d\d:?\d\d)$", r"\1", text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _ms(moment)


def _ms(moment: datetime) -> int:
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MS


def to_ms(stamp: str | int | float) -> int | None:
    """UTC ms of a timestamp; None where it is unreadable or lies outside of what can be stored. No zone: UTC."""
    ms: int | None
    if isinstance(stamp, str):
        if stamp[4:5] == "-":
            try:
                ms = _ms(datetime.fromisoformat(stamp))
            except ValueError:
                ms = _unusual(stamp)
        else:
            ms = _unusual(stamp)
    else:
        ms = _epoch(Decimal(stamp))
    return ms if ms is not None and EARLIEST <= ms <= LATEST else None


@lru_cache(1 << 12)
def sent_ms(stamp: str) -> int | None:
    """`to_ms` of a sentAt, cached: a batch has one."""
    return to_ms(stamp)


class When(NamedTuple):
    occurred_at: int
    time_source: str  # why it is not the client's timestamp: "", clock_skew, future, missing, unreadable


def when(stamp: str | int | float | None, sent_at: int | None, received_at: int) -> When:
    """occurred_at = received_at - (sent_at - timestamp); without sent_at the timestamp; see the design, section 4."""
    if stamp is None or stamp == "":
        return When(received_at, "missing")
    ms = to_ms(stamp)
    if ms is None:
        return When(received_at, "unreadable")
    moved = ms if sent_at is None else received_at - (sent_at - ms)
    if moved > received_at + AHEAD_MS:
        return When(received_at, "future")
    if moved < EARLIEST:  # sent_at and timestamp lie centuries apart
        return When(received_at, "unreadable")
    return When(moved, "clock_skew" if abs(moved - ms) > SKEW_MS else "")
