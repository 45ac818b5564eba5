"""What followed those who left a funnel: the first act behind the last step, inside the window."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.leaving import last_step, next_act, place_of_last
from schemas.facts import Event, FunnelEntry


def event(at: int, message: int, *, passive: bool = False) -> Event:
    return Event("shop", 1, at, message, 0, 0, "e", "track", "web", is_passive=passive)


def entry(*filled: tuple[int, int]) -> FunnelEntry:
    """Into a funnel of four steps: time and message of each that is filled, (0, 0) where it is left out."""
    places = [*filled, *[(0, 0)] * (4 - len(filled))]
    times, messages = zip(*places, strict=True)
    return FunnelEntry("shop", "", 1, times[0], 0, 1, len(filled), times, messages, ())


def test_the_last_step_is_the_last_that_is_filled() -> None:
    left = entry((1, 10), (0, 0), (3, 30))
    assert (last_step(left), place_of_last(left)) == (2, (3, 30))


def test_a_heartbeat_is_no_act() -> None:
    events = [event(1, 10), event(2, 20, passive=True), event(3, 30)]
    assert next_act(events, 0, entry((1, 10)), 9) == events[2]


def test_what_comes_after_the_window_does_not_follow_and_its_last_instant_is_inside() -> None:
    events = [event(1, 10), event(5, 50)]
    assert next_act(events, 0, entry((1, 10)), 5) == events[1]
    assert next_act(events, 0, entry((1, 10)), 4) is None


def test_no_step_of_the_entry_follows_it() -> None:
    # In one millisecond the second step may stand before the first in the order of events.
    events = [event(1, 20), event(1, 10), event(2, 30)]
    assert next_act(events, 0, entry((1, 10), (1, 20)), 9) == events[2]


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), min_size=1, max_size=8), st.integers(0, 7), st.data())
def test_it_is_the_first_of_all_that_may_follow(told: list[tuple[int, bool]], until: int, data: st.DataObject) -> None:
    events = [event(at, number + 1, passive=passive) for number, (at, passive) in enumerate(sorted(told))]
    at = data.draw(st.integers(0, len(events) - 1))
    left = entry((events[at].occurred_at, events[at].message_id))
    may = [one for one in events[at + 1 :] if one.occurred_at <= until and not one.is_passive]
    assert next_act(events, at, left, until) == (may[0] if may else None)
