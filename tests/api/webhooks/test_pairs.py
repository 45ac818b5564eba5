"""Mail vendors' webhooks mean what django-anymail's tests say that they mean."""

import json
from datetime import datetime
from typing import Any

import pytest

from api.webhooks.mail import without_addresses
from api.webhooks.vendors import VENDORS
from pipeline.ingest.event_time import to_ms
from tests.api.webhooks.pairs import KIND_OF, cases, needs_pairs, posted

pytestmark = needs_pairs


@pytest.mark.parametrize(("vendor", "case"), cases())
def test_each_event_is_what_the_pair_says(vendor: str, case: dict[str, Any]) -> None:
    mapped, wanted = VENDORS[vendor].mapped(posted(case)), case["events"]
    if all(event["event_type"] == "unknown" for event in wanted):
        assert not mapped.events
        assert len(mapped.unmapped) == len(wanted)
        return
    assert not mapped.unmapped
    assert [shown(event) for event in mapped.events] == [meant(event) for event in wanted]


@pytest.mark.parametrize(("vendor", "case"), cases())
def test_each_event_has_the_time_of_the_pair(vendor: str, case: dict[str, Any]) -> None:
    known = [wanted for wanted in case["events"] if wanted["event_type"] != "unknown"]
    for event, wanted in zip(VENDORS[vendor].mapped(posted(case)).events, known, strict=True):
        if vendor == "ses":  # the pair has the time of Amazon's note, we that of what happened, where it is told
            told = json.loads(case["body_json"]["Message"])
            inner = [part["timestamp"] for name, part in told.items() if "timestamp" in part and name != "mail"]
            assert to_ms(event["timestamp"]) == (to_ms(inner[0]) if inner else when(wanted))
        elif vendor == "brevo" and wanted["event_type"] == "failed":  # seconds, which the pair takes for milliseconds
            assert to_ms(event["timestamp"]) == 1_604_933_623_000
        else:
            assert (to_ms(event["timestamp"]) if "timestamp" in event else None) == when(wanted)


def shown(event: dict[str, Any]) -> dict[str, Any]:
    """An event of ours in the pairs' words."""
    properties, context = event.get("properties", {}), event["context"]
    return {
        "event_type": KIND_OF[event["event"]],
        "recipient": context.get("traits", {}).get("email"),
        "message_id": properties.get("message_id"),
        "click_url": properties.get("url"),
        "description": properties.get("description"),
        "mta_response": properties.get("reply"),
        "reject_reason": properties.get("reason"),
        "tags": properties.get("tags", []),
        "metadata": properties.get("metadata", {}),
        "user_agent": properties.get("user_agent"),
    }


def meant(event: dict[str, Any]) -> dict[str, Any]:
    """A pair's event. Nothing and an empty text are the same; tags are a flat list; addresses are not kept as text."""
    tags = event["tags"] if isinstance(event["tags"], list) else [event["tags"]]
    flat = [tag for one in tags for tag in (one if isinstance(one, list) else [one]) if tag]
    wanted = {name: event[name] or None for name in ("recipient", "message_id", "click_url", "user_agent")}
    said = {name: without_addresses(event[name] or "") or None for name in ("description", "mta_response")}
    reason = event["reject_reason"]
    kept = {"event_type": event["event_type"], "reject_reason": reason, "metadata": event["metadata"] or {}}
    return {**wanted, **said, **kept, "tags": flat}


def when(wanted: dict[str, Any]) -> int | None:
    if wanted["timestamp"] is None:
        return None
    return int(datetime.fromisoformat(wanted["timestamp"]).timestamp() * 1000)
