"""A batch that is searched as a whole loses the same as if each of its events were read in full.

`PRIVACY_EXAMPLES` says how many batches are tried.
"""

import json
import os
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.collect.consent import USUAL
from api.collect.lines import EventLines
from api.collect.requests import batch_of
from api.collect.senders import Sender
from api.collect.signs import FEW
from api.collect.visitors import Visitor
from api.protocols.adding import Adding
from pipeline.ingest.redacted_event import redacted_event
from schemas.log import Line

EXAMPLES = int(os.environ.get("PRIVACY_EXAMPLES", "60"))
TEXTS = st.lists(
    st.sampled_from((
        "joe", "@", "%40", "%2540", "\\u0040", "example.com", "example%2Ecom", "logo@2x.png", ".", "/", " ", '"', "\\",
        "\n", "n", "://", "?a=", "ü", "😀", "203.0.113.9", "1.2.3", "Chrome/140.0.0.0", "Edg/140.0.0.0", ":",
        "2001:db8:7:7::77", "12:30", "wf_write_Ab9", "wf_",
    )),
    max_size=5,
).map("".join)  # fmt: skip
NAMES = st.sampled_from(("said", "page", "phone", "iPhone", "user_phone", "userPhone", "PHONE", "Telephone", "zip"))
ADDRESSES = st.sampled_from(("203.0.113.9", "2001:db8:7:7::77"))  # of their names the value is the sign
FLAT = st.dictionaries(NAMES, TEXTS, max_size=2) | st.dictionaries(
    st.sampled_from(("ip", "ipAddress", "remote_addr")), ADDRESSES, max_size=1
)
BAGS = st.dictionaries(NAMES, TEXTS | FLAT, max_size=2) | FLAT
CONTEXTS = st.fixed_dictionaries({}, optional={"userAgent": TEXTS, "page": BAGS, "ip": st.just("203.0.113.9")})
EVENTS = st.lists(st.fixed_dictionaries({"properties": BAGS}, optional={"context": CONTEXTS}), min_size=1, max_size=3)


def empty() -> EventLines:
    sender, visitor = Sender("shop", "site", "browser"), Visitor(policy=USUAL)
    return EventLines(
        sender, sent_at="", partitions=2, event_limit=1 << 20, places=lambda address: None, visitor=visitor
    )


def kept(lines: EventLines) -> dict[str, Any]:
    """The events by their senders."""
    found = [msgspec.json.decode(line, type=Line) for those in lines.by_partition.values() for line in those]
    events = [json.loads(bytes(line.e)) for line in found if not line.x]
    return {event["anonymousId"]: event for event in events}


@settings(max_examples=EXAMPLES)
@given(EVENTS, st.booleans(), st.booleans())
@example([{"properties": {"said": "joe\\u0040example.com"}}], False, True)
@example([{"properties": {"said": "from 203.0.113.9"}, "context": {"userAgent": "Chrome/140.0.0.0 "}}], True, False)
def test_what_one_search_of_all_finds_is_what_reading_each_finds(
    told: list[dict[str, Any]], is_large: bool, is_ascii: bool
) -> None:
    events = [{"type": "track", "event": "Seen", "anonymousId": f"a-{at}", **one} for at, one in enumerate(told)]
    if is_large:
        events.append({"type": "track", "event": "Large", "anonymousId": "large", "properties": {"x": "x " * FEW}})
    slow = {
        str(one["anonymousId"]): json.loads(redacted_event(msgspec.json.encode(one), USUAL.passing)) for one in events
    }
    body = json.dumps({"batch": events}, ensure_ascii=is_ascii, separators=(",", ":")).encode()
    request = batch_of(body, {}, None)
    batch = empty()
    if request.decoded:
        batch.add_plain(request.events, request.decoded, request.has_signs, request.has_secrets, request.has_names)
    else:
        for text in request.events:
            batch.add_text(text)
    assert kept(batch) == slow
    tracked = Adding(empty())  # as events of other trackers' protocols
    for one in events:
        tracked.add(one)
    tracked.flush()
    assert kept(tracked.lines) == slow
