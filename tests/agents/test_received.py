"""How far a turn's batches say that their partitions have come."""

import msgspec

from agents.claims import CLOCKS_APART_MS
from agents.received import sort_out
from schemas.log import Line
from tests.story import story

NOW = 1_770_000_000_000


def clock(at: int) -> Line:
    return Line(p="", d=0, r=at, c="clock")


def test_a_partition_has_come_as_far_as_the_latest_of_its_events_and_clock_records() -> None:
    (event,) = story("d 09:00 page /")
    event = msgspec.structs.replace(event, received_at=NOW - 5)
    assert sort_out([(0, [event, clock(NOW - 9)], {}), (1, [clock(NOW - 7)], {})], NOW).reached == {
        0: NOW - 5,
        1: NOW - 7,
    }


def test_a_collectors_clock_that_is_far_ahead_does_not_say_how_far_it_is() -> None:
    """Else it would stand there for all, whatever comes, until that time has come."""
    (event,) = story("d 09:00 page /")
    ahead = msgspec.structs.replace(event, received_at=NOW + 365 * 86_400_000)
    came = [clock(NOW - 1), clock(NOW + CLOCKS_APART_MS + 1), ahead]
    found = sort_out([(0, came, {})], NOW)
    assert found.reached == {0: NOW - 1}
    assert list(found.received.values()) == [[ahead]], "it is worked on all the same"


def test_a_clock_that_is_a_little_ahead_counts() -> None:
    assert sort_out([(0, [clock(NOW + CLOCKS_APART_MS)], {})], NOW).reached == {0: NOW + CLOCKS_APART_MS}
