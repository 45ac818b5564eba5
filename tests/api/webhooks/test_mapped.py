"""Webhooks by a project's own mapping: found by the key's project, signed as it says, mapped by its rules."""

import base64
import json
from typing import Any

import pytest

from api.webhooks.mapped import vendor_of
from pipeline.domain.identifiers import HASHED, hashed
from pipeline.errors import UserMistake
from tests.api.collect.door import NOW, Door
from tests.api.webhooks.vendors_door import MAIL, SECONDS, SECRET, SIGNED, based, mac, send, vendor_door

RULES = """
each = "$.orders"
[[event]]
when = { path = "$header.x-event", is = "order" }
event = "Order Completed"
message_id = "$.id"
email = "$.mail"
value = { path = "$.cents", times = 0.01 }
"""
ORDER = {"orders": [{"id": "o-1", "mail": "ann@example.com", "cents": 1250}]}
EVENT = {"x-event": "order"}


def own_door(rules: str = RULES, **given: Any) -> Door:
    return vendor_door(mappings=lambda *name: {("shop", "orders"): rules}.get(name), **given)


async def test_a_record_becomes_an_event_of_the_keys_source() -> None:
    door = own_door()
    answer = await send(door, "orders", ORDER, EVENT)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert (door.log.line.p, door.log.line.s, door.log.line.k) == ("shop", "mail", "vendor")
    assert door.log.event == {
        "type": "track", "event": "Order Completed", "messageId": "o-1", "properties": {"value": 12.5},
        "context": {"traits": {"email": HASHED + hashed("ann@example.com")}},
    }  # fmt: skip


async def test_a_record_that_no_rule_maps_is_a_reject_with_it() -> None:
    door = own_door()
    assert (await send(door, "orders", ORDER)).json() == {"success": True, "rejected": 1}
    assert (door.log.line.x, door.log.event) == ("unmapped", ORDER["orders"][0] | {"mail": "[redacted]"})


async def test_a_body_that_is_no_json_is_a_reject_and_a_form_is_read() -> None:
    door = own_door()
    await send(door, "orders", b"{")
    assert door.log.line.x == "malformed_json"
    door = own_door('[[event]]\nevent = "Form Sent"\nuser_id = "$.who"')
    await send(door, "orders", b"who=ann&x=1", {"content-type": "application/x-www-form-urlencoded"})
    assert door.log.event["userId"] == "ann"


@pytest.mark.parametrize(("name", "key"), [("other", MAIL), ("orders", None), ("orders", "nobody")])
async def test_no_mapping_is_found_under_another_name_or_without_a_known_key(name: str, key: str | None) -> None:
    assert (await send(own_door(), name, ORDER, EVENT, key=key)).status_code == 404


async def test_a_key_of_another_kind_of_source_is_refused() -> None:
    assert (await send(own_door(), "orders", ORDER, EVENT, key="server-key")).status_code == 403


BODY = json.dumps(ORDER).encode()
AT = str(SECONDS)


@pytest.mark.parametrize(("signature", "headers"), [
    ("scheme='hmac'\nheader='X-Sig'\nprefix='sha256='", {"x-sig": "sha256=" + mac(BODY).hex()}),
    ("scheme='hmac'\nheader='x-sig'\nencoding='base64'\ndigest='sha1'", {"x-sig": based(mac(BODY, "sha1"))}),
    ("scheme='hmac'\nheader='x-sig'\nsigned='{timestamp}.{body}'\ntimestamp_header='x-at'",
     {"x-sig": mac(AT.encode() + b"." + BODY).hex(), "x-at": AT}),
    ("scheme='bearer'", {"authorization": f"Bearer {SECRET}"}),
    ("scheme='basic'", {"authorization": "Basic " + base64.b64encode(SECRET.encode()).decode()}),
])  # fmt: skip
async def test_a_request_is_taken_where_it_is_signed_as_the_mapping_says(
    signature: str, headers: dict[str, str]
) -> None:
    rules = f"{RULES}\n[signature]\n{signature}"
    assert (await send(own_door(rules), "orders", BODY, EVENT | headers, key=SIGNED)).status_code == 200
    broken = {name: value[:-4] + "AAAA" for name, value in headers.items() if name != "x-at"}
    assert (await send(own_door(rules), "orders", BODY, EVENT, key=SIGNED)).status_code == 401
    door = own_door(rules)
    assert (await send(door, "orders", BODY, EVENT | broken, key=SIGNED)).status_code == 401
    assert door.log.lines == []


async def test_a_signed_time_that_is_too_old_is_refused() -> None:
    signature = "scheme='hmac'\nheader='x-sig'\nsigned='{timestamp}.{body}'\ntimestamp_header='x-at'"
    rules = f"{RULES}\n[signature]\n{signature}"
    old = str(NOW // 1000 - 301)
    headers = EVENT | {"x-sig": mac(old.encode() + b"." + BODY).hex(), "x-at": old}
    assert (await send(own_door(rules), "orders", BODY, headers, key=SIGNED)).status_code == 401


def test_a_text_that_is_no_mapping_is_the_users_mistake() -> None:
    with pytest.raises(UserMistake):
        vendor_of("orders", "nonsense")
