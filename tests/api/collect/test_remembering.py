"""What the collector remembers of its senders is short: a stranger chooses how long his ids and headers are."""

from functools import _lru_cache_wrapper
from typing import Any

import pytest

from api.collect import admission, lines, routing, senders
from api.protocols import snowplow
from api.runtime import hashed
from pipeline.ingest.remembered import LONGEST
from tests.api.collect.door import Door, track

LONG = "x" * (LONGEST + 1)


async def test_a_long_id_is_taken_and_not_remembered() -> None:
    door = Door()
    known = routing._device
    assert isinstance(known, _lru_cache_wrapper)
    of_project = routing.ways_of("shop", 4)
    for field in ("anonymousId", "userId"):
        event = {**track(), "anonymousId": None, field: LONG}
        before = known.cache_info().currsize, len(of_project)
        await door.batch(event)
        await door.post("/v1/track", event)
        assert (known.cache_info().currsize, len(of_project)) == before
    assert len({line.d for line in door.log.lines}) == 2
    assert len(door.log.lines) == 4


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (lines._agent, (LONG.encode(),)),
        (senders.key_of, (b"Bearer " + LONG.encode(),)),
        (admission.is_allowed, (LONG, ("https://shop.example",))),
        (snowplow._name, (f"iglu:com.acme/{LONG}/jsonschema/1-0-0",)),
        (hashed, (LONG,)),
    ],
)
def test_of_long_headers_and_names_nothing_is_kept(function: Any, given: tuple[Any, ...]) -> None:
    known = next(cell.cell_contents for cell in function.__closure__ if isinstance(cell.cell_contents, dict))
    function(*given)
    assert given not in known
