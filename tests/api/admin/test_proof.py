"""What several looks of `verify` agree on, while events come."""

from collections.abc import Sequence

import pytest

from api.admin.proof import MOST_LOOKS, Look, agreed
from pipeline.store.verify import Difference, Report

ONE, OTHER = (Difference("sessions", "missing", {"id": number}, None, {"id": number}) for number in (1, 2))
Told = tuple[Sequence[Difference], Sequence[Difference], bool]  # found, of these not about what moved, has any moved


def proved(*looks: Told) -> tuple[list[Difference], int]:
    """What is reported, and how often it was waited."""
    told, waits = iter(looks), []

    def look() -> Look:
        found, remaining, has_moved = next(told)
        return Look(Report("shop", differences=list(found)), list(remaining), has_moved)

    report = agreed(look, lambda: waits.append(1))
    assert next(told, None) is None, "as many looks as are told"
    return report.differences, len(waits)


@pytest.mark.parametrize(
    ("looks", "reported"),
    [
        ([([], [], False)], []),
        ([([ONE], [ONE], False)], [ONE]),
        ([([ONE], [], True), ([ONE], [ONE], False)], [ONE]),  # it had moved, and is none of what was under way
        ([([ONE], [], True), ([], [], False)], []),  # it was under way
        ([([ONE], [ONE], True), ([ONE], [ONE], False)], [ONE]),
        ([([ONE], [ONE], True), ([OTHER], [OTHER], False)], []),  # each was under way at another look
        ([([ONE], [], True), ([OTHER], [], True)], []),  # nothing is left that was there at both
        ([([ONE, OTHER], [ONE], True), ([ONE, OTHER], [OTHER], False)], [OTHER]),
        ([([ONE], [], True)] * MOST_LOOKS, []),  # whoever moves on and on is left out, and it ends
    ],
)
def test_a_difference_counts_where_every_look_has_it_and_the_last_is_not_about_what_moved(
    looks: list[Told], reported: list[Difference]
) -> None:
    assert proved(*looks) == (reported, len(looks) - 1)
