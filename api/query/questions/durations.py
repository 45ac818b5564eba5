"""Durations summed up: percentiles, and a histogram whose bins stay where they are while numbers come in."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from pydantic import BaseModel, Field

SHARES: Final = (10, 25, 50, 75, 90, 95, 99)
_S, _M, _H, _D = 1_000, 60_000, 3_600_000, 86_400_000
EDGES: Final = (
    *(0, _S, 5 * _S, 10 * _S, 30 * _S, _M, 2 * _M, 5 * _M, 10 * _M, 30 * _M),
    *(_H, 2 * _H, 4 * _H, 8 * _H, 12 * _H, _D, 2 * _D, 3 * _D, 5 * _D, 7 * _D),
    *(14 * _D, 30 * _D, 60 * _D, 90 * _D, 180 * _D),
)

Number = TypeVar("Number", int, float)


class Bin(BaseModel):
    """from_ms <= duration < to_ms."""

    from_ms: int
    to_ms: int | None = Field(description="exclusive; null: no end")
    count: int


def percentile(values: Sequence[Number], share: int) -> Number | None:
    """The value that ClickHouse's quantileExact names: no interpolation, so it is one that occurred."""
    return sorted(values)[len(values) * share // 100] if values else None


def summary(durations: Sequence[int]) -> dict[str, int] | None:
    """p10 to p99, mean, min and max, ms; None without durations."""
    if not durations:
        return None
    ordered = sorted(durations)
    found = {f"p{share}": ordered[len(ordered) * share // 100] for share in SHARES}
    return found | {"mean": round(sum(ordered) / len(ordered)), "min": ordered[0], "max": ordered[-1]}


def bin_of(duration: int) -> int:
    """`from_ms` of the bin that holds a duration."""
    return EDGES[bisect_right(EDGES, duration) - 1]


def histogram(durations: Sequence[int]) -> list[Bin]:
    """The bins from the first that holds a duration to the last, empty ones between them included."""
    return bins(Counter(map(bin_of, durations)))


def bins(counts: Mapping[int, int]) -> list[Bin]:
    """The same from how many durations lie in each bin, which is named by its `from_ms`."""
    if not counts:
        return []
    first, last = EDGES.index(min(counts)), EDGES.index(max(counts))
    ends = (*EDGES[1:], None)
    return [Bin(from_ms=EDGES[at], to_ms=ends[at], count=counts.get(EDGES[at], 0)) for at in range(first, last + 1)]
