"""The e-shop's real events: sessions and funnels through the API are those that another library counted."""

import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.identifiers import fact_id
from schemas.facts import EventRow
from tests.api.query.conftest import House
from tests.story import device

ECOM = Path(__file__).parents[4] / "shared" / "data" / "ecom"

pytestmark = pytest.mark.skipif(not ECOM.is_dir(), reason=f"the real events of {ECOM} are not here")


def shop(project: str) -> list[EventRow]:
    with gzip.open(ECOM / "events.ndjson.gz", "rt") as lines:
        return [_event(project, number, json.loads(line)) for number, line in enumerate(lines)]


def _event(project: str, number: int, sent: dict[str, Any]) -> EventRow:
    return EventRow(
        project=project,
        device=device(sent["anonymousId"]),
        occurred_at=round(datetime.fromisoformat(sent["timestamp"]).timestamp() * 1000),
        message_id=fact_id(project, number),
        sequence=0,
        log_position=number,
        event=sent["event"],
        type="track",
        channel="web",
        properties=json.dumps(sent["properties"]),
    )


async def test_sessions_and_funnels_are_the_librarys(house: House) -> None:
    reference = json.loads((ECOM / "reference_outputs.json").read_text())
    house.tell(shop(house.name))
    total = (await house.ask("sessions"))["result"]["total"]
    assert total["sessions"] == reference["sessions_timeout_30m"]["sessions"]
    assert total["single_event_sessions"] == reference["sessions_timeout_30m"]["single_event_sessions"]
    for name, count in (("funnel_user_id", "customers"), ("funnel_session_id", "sessions")):
        steps = [{"events": step} for step, _ in reference[name]]
        answer = await house.ask("funnel", steps=steps, window="200d", count=count)
        assert [[step["label"], step["count"]] for step in answer["result"]["steps"]] == reference[name]
