"""Rows that came late: an owner of a shard that froze in the middle of an insert wakes when another has the shard."""

from collections.abc import Sequence
from typing import NamedTuple


class Late(NamedTuple):
    """Which rows of a shard its newest owner may not have had when it read.

    `ranges`: their versions, from, and up to but not including.
    `behind`: by how much less than the newest such row of the same term the version of one is, at most.
    """

    ranges: Sequence[tuple[int, int]]
    behind: int
