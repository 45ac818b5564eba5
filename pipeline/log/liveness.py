"""When a consumer last polled, committed and was acknowledged as a member of its group: ages in seconds."""

import math
import time

# Counts the time that a suspended machine slept, where the system can tell.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    return time.clock_gettime(_CLOCK)


class Liveness:
    """Moments are written by one thread each and read by any."""

    def __init__(self) -> None:
        self._polled_at = self._committed_at = self._acknowledged_at = -math.inf

    def polled(self) -> None:
        self._polled_at = now()

    def committed(self) -> None:
        self._committed_at = now()

    def acknowledged(self, sent_at: float) -> None:
        """The coordinator answered what was sent then: from then on it counts the session timeout anew, or later."""
        self._acknowledged_at = sent_at

    @property
    def poll_age(self) -> float:
        return now() - self._polled_at

    @property
    def commit_age(self) -> float:
        return now() - self._committed_at

    @property
    def acknowledged_age(self) -> float:
        return now() - self._acknowledged_at
