"""Every golden journey comes out as it was told: of the pure core, and of the stream whatever befalls it.

The journeys are in the `.txt` files beside this module, their language in `reading.py`. What is expected there was
written by hand from the rules (`docs/semantics.md`), never taken from the code.
"""

from pathlib import Path
from random import Random

import pytest

from pipeline.domain.facts import BatchFacts, accepted, batch
from pipeline.domain.goals import compile_goals
from schemas.facts import EventRow, Rejected
from tests.golden.reading import GOALS, Golden, read, told
from tests.simulation.world import CALM, Change, Odds, Step, World, drained

JOURNEYS = [golden for path in sorted(Path(__file__).parent.glob("*.txt")) for golden in read(path)]
STORMY = Odds(crash=0.05, away=0.05, move=0.05)
each_journey = pytest.mark.parametrize("golden", JOURNEYS, ids=lambda golden: golden.name)


def at_once(golden: Golden, rows: list[EventRow | Rejected]) -> list[str]:
    events = accepted([row for row in rows if isinstance(row, EventRow)])
    used = {(row.device, row.message_id) for row in events}
    rejected = {(row.device, row.message_id) for row in rows} - used
    return told(golden, batch(events, golden.project, compile_goals(GOALS, golden.project.currency), ()), len(rejected))


def streamed(golden: Golden, rows: list[EventRow | Rejected], seed: int, odds: Odds, workers: int) -> list[str]:
    definitions: list[Step] = [Change(golden.project.name, one) for one in (golden.project, *GOALS)]
    world = drained([*definitions, *rows], seed, odds, workers)
    return told(golden, facts_of(world), len(world.facts.live("rejected")))


def facts_of(world: World) -> BatchFacts:
    """What the agents have written."""
    live = world.facts.live
    return BatchFacts(
        sessions=live("sessions"),
        touchpoints=live("touchpoints"),
        ownerships=live("owners"),
        pairs=[pair for pair in live("pairs") if pair.identifier < pair.other],
        identities=live("identities"),
        journeys=live("journeys"),
        conversions=live("conversions"),
    )


@each_journey
def test_the_core_makes_of_it_what_is_told(golden: Golden) -> None:
    rows = list(golden.events)
    assert sorted(at_once(golden, rows)) == sorted(golden.expected)
    Random(1).shuffle(rows)
    assert sorted(at_once(golden, rows)) == sorted(golden.expected)


@each_journey
def test_the_stream_makes_of_it_what_is_told(golden: Golden) -> None:
    rows = list(golden.events)
    assert sorted(streamed(golden, rows, 1, CALM, workers=1)) == sorted(golden.expected)
    assert sorted(streamed(golden, rows, 2, STORMY, workers=2)) == sorted(golden.expected)


@each_journey
def test_the_stream_makes_the_same_of_it_in_whatever_order_it_comes(golden: Golden) -> None:
    rows = list(golden.events)
    if golden.has_copies:
        return  # of copies the first in the log counts: another order is another story
    assert sorted(streamed(golden, rows[::-1], 3, STORMY, workers=2)) == sorted(golden.expected)
    Random(2).shuffle(rows)
    assert sorted(streamed(golden, rows, 4, STORMY, workers=2)) == sorted(golden.expected)


def test_there_are_many_journeys_and_each_has_a_name_of_its_own() -> None:
    assert len({golden.name for golden in JOURNEYS}) == len(JOURNEYS) >= 60
