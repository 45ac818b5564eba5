"""What released clients really sent, sent again: every event of it is taken, none of it twice in one request."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.identifiers import HASHED, hashed
from tests.api.collect.door import Door, event_of

CAPTURES = Path(__file__).resolve().parents[4] / "shared" / "clients"
NOT_SENT_ON = {"host", "content-length", "connection", "accept-encoding", "transfer-encoding"}

pytestmark = pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"needs the captured requests in {CAPTURES}")


def captured() -> Iterator[Any]:
    for file in sorted(CAPTURES.glob("*.json")) if CAPTURES.is_dir() else ():
        for name, scenario in json.loads(file.read_text())["scenarios"].items():
            for number, request in enumerate(scenario["requests"]):
                yield pytest.param(request, id=f"{file.stem}-{name}-{number}")


def with_hashed_emails(event: dict[str, Any]) -> Any:
    """The event with the person's e-mail as its hash: all that is changed of what a client sends."""
    places = (event, event.get("context") or {})
    for traits in (place["traits"] for place in places if isinstance(place.get("traits"), dict)):
        if "email" in traits:
            traits["email"] = HASHED + hashed(traits["email"])
    return event


@pytest.mark.parametrize("request_", list(captured()))
async def test_a_captured_request_is_answered_as_its_client_needs(request_: dict[str, Any]) -> None:
    door, sent = Door(), request_["body"]
    content = b"" if sent is None else json.dumps(sent).encode()
    if request_["compressed"] == "gzip":
        content = gzip.compress(content)
    headers = {name: value for name, value in request_["headers"].items() if name not in NOT_SENT_ON}
    answer = await door.client.request(
        request_["method"], request_["path"], content=content, headers=headers, params=request_["query"]
    )
    assert answer.headers["access-control-allow-origin"] == headers.get("origin", "*")
    if request_["method"] == "OPTIONS":
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-headers"] == headers["access-control-request-headers"]
    elif request_["method"] == "GET":
        assert answer.status_code == 200
    else:
        events = sent.get("batch", [sent])
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        by_id = {event["messageId"]: event for event in events}
        assert len(door.log.lines) == len(events) == len(by_id)
        for line in door.log.lines:
            was, now = by_id[event_of(line)["messageId"]], event_of(line)
            was.pop("writeKey", None)
            was.get("context", {}).pop("ip", None)
            assert now == with_hashed_emails(was)
            assert line.t
