"""When an event happened: clients' timestamps read, and corrected by the sender's clock."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from pipeline.ingest.remembered import Remembered

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALIKE = re.compile(r"-?\d{9,}(\.\d+)?|-?\d{1,8}\.\d+")  # epoch seconds, ms, us or ns; 8 digits alone are a date

# What DateTime64(3) can store: 1900-01-01 up to the end of 2299.
EARLIEST, LATEST = -2_208_988_800_000, 10_413_791_999_999
BEGINNING = 0  # 1970: a time before it is a clock's mistake, and no question looks there
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
    return ((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - _EPOCH) // timedelta(milliseconds=1)


def _other(stamp: str | int | float) -> int | None:
    ms = _unusual(stamp) if isinstance(stamp, str) else _epoch(Decimal(stamp))
    return ms if ms is not None and EARLIEST <= ms <= LATEST else None


_ISO_SECOND = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}")
_MILLISECONDS = {f".{ms:03}Z": ms for ms in range(1000)}


def _second(text: str) -> int | None:
    """UTC ms of YYYY-MM-DDTHH:MM:SS; None for any other text."""
    return _read(text) if _ISO_SECOND.fullmatch(text) else None


_SECONDS = Remembered(_second, 1 << 13)  # events come in the order of time, about: two hours of it


def to_ms(stamp: str | int | float) -> int | None:
    """UTC ms of a timestamp; None where it is unreadable or lies outside of what can be stored. No zone: UTC."""
    if type(stamp) is str and len(stamp) == 24:  # as browsers write it: what events of one second share is read once
        ms = _MILLISECONDS.get(stamp[19:])
        if ms is not None and (second := _SECONDS[stamp[:19],]) is not None:
            return second + ms
    return _read(stamp)


@lru_cache(1 << 10)  # a batch's events share when they were sent
def _read(stamp: str | int | float) -> int | None:
    if type(stamp) is not str or stamp[4:5] != "-":
        return _other(stamp)
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return _other(stamp)
    since = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - _EPOCH
    ms = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000  # cheaper than // timedelta
    return ms if EARLIEST <= ms <= LATEST else None


def when(ms: int | None, sent_at: int | None, received_at: int) -> tuple[int, str]:
    """(occurred_at, why it is not the client's timestamp `ms`: "", clock_skew, future or unreadable).

    occurred_at = received_at - (sent_at - timestamp); without sent_at the timestamp; see the design, section 4. What
    would be before 1970 counts as unreadable.
    """
    if ms is None:
        return received_at, "unreadable"
    moved = ms if sent_at is None else received_at - (sent_at - ms)
    if moved > received_at + AHEAD_MS:
        return received_at, "future"
    if moved < BEGINNING:
        return received_at, "unreadable"
    return moved, "" if -SKEW_MS <= moved - ms <= SKEW_MS else "clock_skew"
