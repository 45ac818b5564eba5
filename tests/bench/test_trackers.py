"""What the benchmark sends as other trackers' clients is what the collector takes from them, every event of it."""

import re
from itertools import islice

import pytest

from bench.events import events
from bench.trackers import NUMBER, ONE_AT_A_TIME, PROTOCOLS, request
from tests.api.protocols.golden import door, sent

KEY = "web-key"


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_request_of_the_benchmark_is_taken_whole(protocol: str) -> None:
    batch = [event for _, event in islice(events(200, devices=50), 1 if protocol in ONE_AT_A_TIME else 50)]
    path, headers, body = request(protocol, batch, KEY)
    at = door()
    headers = {"content-type": "application/json", **headers}
    answer = await sent(at, {"path": path, "headers": headers, "text": body.decode()})
    assert answer.status_code in (200, 202, 204), answer.text
    assert [line.x for line in at.log.lines] == [""] * len(batch)
    assert [len(re.findall(NUMBER.encode(), line)) for line in at.log.raw] == [1] * len(batch)
