"""Of the copies of an event one counts: one that can be used before one that cannot, then the least log position."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.copies import Merged, Received, Refusal, first_copies, merge
from schemas.facts import Event, EventRow, Rejected

ID = 7


def event(position: int, at: int = 1000) -> EventRow:
    values: dict[str, Any] = {"event": "x", "type": "track", "channel": "web"}
    return EventRow(
        project="p", device=1, occurred_at=at, message_id=ID, sequence=0, log_position=position, received_at=position,
        **values,
    )  # fmt: skip


def reject(position: int) -> Rejected:
    return Rejected("p", 1, ID, position, position * 10, "web", "too_old", "", "", "{}")


def stored(found: Merged) -> tuple[list[Event], dict[int, Refusal]]:
    return list(found.events), found.refused


def test_a_rejected_event_that_comes_again_and_can_be_used_is_an_event() -> None:
    found = merge([], {ID: Refusal(1, 10)}, [event(5)])
    assert found.rows == [event(5)]
    assert found.refused == {}
    (gone,) = found.taken_back
    assert (gone.device, gone.message_id, gone.log_position, gone.received_at) == (1, ID, 1, 10)


def test_a_used_event_is_not_rejected_by_a_later_copy() -> None:
    found = merge([event(1)], {}, [reject(5)])
    assert (found.rows, found.rejected, found.duplicates) == ([], [], 1)
    assert found.events == [event(1)]


def test_an_earlier_copy_that_cannot_be_used_takes_nothing_away() -> None:
    assert merge([event(5)], {}, [reject(1)]).events == [event(5)]


def test_of_copies_that_come_at_once_the_first_in_the_log_counts() -> None:
    assert first_copies([event(3), event(9), event(5)]) == [event(3)]
    assert first_copies([event(3), event(1)]) == [event(1)]


def test_a_stored_reject_of_an_event_that_is_used_is_taken_back_whatever_comes() -> None:
    """A frozen worker may bring it late, when its heir has met both copies at once and never stored a reject."""
    found = merge([event(5)], {ID: Refusal(3, 30)}, [])
    assert (found.events, found.rejected, found.refused) == ([event(5)], [], {})
    assert [(gone.log_position, gone.received_at) for gone in found.taken_back] == [(3, 30)]


def test_of_two_rejected_copies_the_first_in_the_log_counts() -> None:
    assert merge([], {ID: Refusal(3, 30)}, [reject(5)]).duplicates == 1
    found = merge([], {ID: Refusal(3, 30)}, [reject(1)])
    assert found.rejected == [reject(1)]
    assert [gone.log_position for gone in found.taken_back] == [3]


def test_at_the_same_position_it_is_a_redelivery_and_written_again() -> None:
    again = merge([event(3)], {}, [event(3)])
    assert (again.rows, again.redelivered, again.duplicates) == ([event(3)], 1, 0)
    rejected_again = merge([], {ID: Refusal(3, 30)}, [reject(3)])
    assert (rejected_again.rejected, rejected_again.redelivered, rejected_again.taken_back) == ([reject(3)], 1, [])


def test_a_reject_that_is_redelivered_beside_a_copy_that_can_be_used_is_taken_back() -> None:
    """A crash came before the acknowledgement: the reject is stored, and both copies come in one turn."""
    found = merge([], {ID: Refusal(3, 30)}, [reject(3), event(5)])
    assert (found.rows, found.rejected) == ([event(5)], [])
    assert [gone.log_position for gone in found.taken_back] == [3]


def test_what_is_redelivered_has_facts_that_may_be_missing_even_where_it_cannot_be_used_any_more() -> None:
    """The crash came between the event and its facts, and the project's limits were changed in between."""
    found = merge([event(3)], {}, [reject(3)])
    assert (found.rejected, found.events) == ([], [event(3)])
    assert found.is_changed


def test_another_time_of_the_copy_that_counts_retracts_the_other_row() -> None:
    found = merge([event(5, at=2000)], {}, [event(3, at=1000)])
    assert [row.occurred_at for row in found.lost] == [2000]
    assert found.rows == [event(3, at=1000)]


@pytest.mark.parametrize("coming", [[], [3], [9]])
@pytest.mark.parametrize("least", [1000, 2000])
def test_a_copy_whose_retraction_a_crash_has_cut_off_is_retracted_by_the_next_look(
    coming: list[int], least: int
) -> None:
    """Rows of one insert that lie in two partitions may be there by halves."""
    first, second = event(3, at=least), event(5, at=3000 - least)
    found = merge(sorted((first, second), key=lambda row: row.occurred_at), {}, [event(at, least) for at in coming])
    assert [(row.occurred_at, row.log_position) for row in found.lost] == [(second.occurred_at, 5)]
    assert [row.log_position for row in found.events] == [3]
    assert found.is_changed


copies = st.lists(
    st.builds(
        lambda position, usable: event(position) if usable else reject(position), st.integers(1, 40), st.booleans()
    ),
    unique_by=lambda copy: copy.log_position,
    min_size=1,
)


def copies_before(copies: list[Received], coming: list[Received], turn: list[Received]) -> list[Received]:
    return [copy for copy in copies if copy not in coming and copy not in turn]


@settings(max_examples=200)
@given(copies=copies, data=st.data())
def test_the_copy_that_counts_is_the_same_in_every_order_grouping_and_redelivery(
    copies: list[Received], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(copies))
    events: list[Event] = []
    refused: dict[int, Refusal] = {}
    rows: dict[int, Rejected] = {}  # as the table of rejected ones keeps them, by position
    while shuffled:
        size = data.draw(st.integers(1, len(shuffled)))
        turn, shuffled = shuffled[:size], shuffled[size:]
        done = copies_before(copies, shuffled, turn)
        turn += data.draw(st.lists(st.sampled_from(done), unique_by=id)) if done else []
        found = merge(events, refused, turn)
        events, refused = stored(found)
        rows |= {row.log_position: row for row in found.rejected}
        for gone in found.taken_back:
            assert rows.pop(gone.log_position).received_at == gone.received_at
    usable = sorted(copy.log_position for copy in copies if isinstance(copy, EventRow))
    least = min(copy.log_position for copy in copies)
    assert [each.log_position for each in events] == usable[:1]
    assert list(rows) == ([] if usable else [least])
    assert {number: each.log_position for number, each in refused.items()} == ({} if usable else {ID: least})
