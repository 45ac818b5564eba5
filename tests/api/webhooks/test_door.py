"""`/webhooks/{vendor}`: whose key, what is answered, and that it is answered late."""

import gzip
import json
from typing import Any

import pytest

from pipeline.domain.identifiers import HASHED, hashed
from pipeline.errors import LogFull, LogUnavailable
from tests.api.collect.door import basic, event_of
from tests.api.webhooks.vendors_door import MAIL, SIGNED, send, vendor_door

OPENED = {
    "RecordType": "Open", "MessageID": "m-1", "Recipient": "Ann@Example.com", "ReceivedAt": "2023-11-14T22:00:00Z",
    "UserAgent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/119.0", "Geo": {"IP": "203.0.113.9"},
}  # fmt: skip


async def test_what_a_vendor_posts_goes_into_the_log_as_an_event_of_its_source() -> None:
    door = vendor_door()
    answer = await send(door, "postmark", OPENED)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    line, event = door.log.line, door.log.event
    assert (line.p, line.s, line.k, line.x) == ("shop", "mail", "vendor", "")
    assert (event["type"], event["event"], event["context"]["channel"]) == ("track", "Email Opened", "email")
    assert event["context"]["traits"] == {"email": HASHED + hashed("ann@example.com")}
    assert door.counters.accepted["shop", "mail"] == 1


async def test_an_address_gives_its_place_and_is_not_kept() -> None:
    door = vendor_door()
    await send(door, "postmark", OPENED)
    assert door.log.line.g == ("DE", "BE", "Berlin")
    assert b"203.0.113.9" not in door.log.raw[0]


async def test_an_address_or_a_mail_is_not_kept_wherever_it_stands() -> None:
    odd = {"of": "203.0.113.9", "deep": [{"note": "from 2001:db8:1::9 by ann@example.com"}]}
    door = vendor_door()
    await send(door, "cloudevents", {"specversion": "1.0", "id": "1", "type": "Seen", "source": "/a", "data": odd})
    await send(door, "postmark", OPENED | {"Metadata": odd, "Tag": "203.0.113.9"})
    await send(door, "postmark", {"RecordType": "Unheard of", **odd})
    await send(door, "postmark", b'{"RecordType": "cut off", "of": "203.0.113.9 ann@example.com')
    assert len(door.log.raw) == 4
    for secret in (b"203.0.113.9", b"2001:db8:1::9", b"ann@"):
        assert not [line for line in door.log.raw if secret in line]


async def test_a_note_that_would_be_many_times_its_size_in_memory_is_refused() -> None:
    door = vendor_door()
    answer = await send(door, "postmark", b"[%b0]" % (b"0," * 400_000))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "payload_too_large")
    assert door.log.raw == []


async def test_the_key_in_the_address_counts_whatever_the_vendor_says_of_itself() -> None:
    note = {"event": "opened", "email": "ann@example.com", "message-id": "<1@x>", "ts_epoch": 1_699_000_000_000}
    for told in ("Bearer token-of-ours", "Basic b3duOnNlY3JldA=="):
        assert (await send(vendor_door(), "brevo", note, {"authorization": told})).status_code == 200
        assert (await send(vendor_door(), "brevo", note, {"authorization": told}, key=None)).status_code == 401


@pytest.mark.parametrize("headers", [{"authorization": basic(MAIL)}, {"x-write-key": MAIL}])
async def test_the_key_may_come_as_any_other_key_comes(headers: dict[str, str]) -> None:
    assert (await send(vendor_door(), "postmark", OPENED, headers, key=None)).status_code == 200


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        (None, 401, "missing_write_key"),
        ("nobody", 401, "invalid_write_key"),
        ("old-key", 401, "invalid_write_key"),
        ("read-key", 401, "invalid_write_key"),
        ("web-key", 403, "no_vendor"),
        ("server-key", 403, "no_vendor"),
    ],
)
async def test_only_a_key_of_a_vendors_source_opens(key: str | None, status: int, code: str) -> None:
    door = vendor_door()
    answer = await send(door, "postmark", OPENED, key=key)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert door.log.lines == []


@pytest.mark.parametrize("vendor", ["nobody", "", "postmark/more", "__init__"])
async def test_an_unknown_vendor_is_told_so_in_the_one_shape_of_errors(vendor: str) -> None:
    answer = await send(vendor_door(), vendor, OPENED)
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["code"] == "unknown_vendor"
    assert error["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("headers", [None, {"authorization": "Basic of-the-vendors-own"}])
async def test_what_an_unknown_vendor_sends_is_kept_as_a_reject_the_same_each_time(
    headers: dict[str, str] | None,
) -> None:
    door = vendor_door()
    for _ in range(2):
        assert (await send(door, "nobody", {"what": "happened"}, headers)).status_code == 404
    first, again = door.log.lines
    assert (first.x, first.s, event_of(first)) == ("unmapped", "mail", {"what": "happened"})
    assert "nobody" in first.w
    assert (again.d, again.x, again.w, again.e) == (first.d, first.x, first.w, first.e)
    assert door.counters.refusals[404, "unknown_vendor"] == 2
    assert door.counters.accepted == {}


@pytest.mark.parametrize("key", [None, "nobody", "old-key", "read-key", "web-key", "server-key", SIGNED])
async def test_of_an_unknown_vendor_nothing_is_kept_but_with_a_vendors_key_that_asks_for_no_signature(
    key: str | None,
) -> None:
    door = vendor_door()
    answer = await send(door, "nobody", OPENED, key=key)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_vendor")
    assert door.log.lines == []


async def test_meta_asks_whether_we_listen_with_the_key_as_its_token() -> None:
    def asked(token: str) -> dict[str, str]:
        return {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "1158201444"}

    client = vendor_door().client
    answer = await client.get("/webhooks/whatsapp", params=asked(MAIL))
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"] == "text/plain"
    for token, status in (("nobody", 401), ("", 401), ("web-key", 403)):
        for more in ({}, {"key": MAIL}):  # that a key stands in the address makes no token right
            assert (await client.get("/webhooks/whatsapp", params=asked(token) | more)).status_code == status
    assert (await client.get("/webhooks/postmark", params=asked(MAIL))).status_code == 405


@pytest.mark.parametrize("vendor", ["surveymonkey", "intercom"])
async def test_some_ask_by_head_whether_the_address_is_there(vendor: str) -> None:
    client = vendor_door().client
    assert (await client.head(f"/webhooks/{vendor}?key={MAIL}")).status_code == 200
    assert (await client.head(f"/webhooks/{vendor}?key=nobody")).status_code == 401
    assert (await client.head(f"/webhooks/typeform?key={MAIL}")).status_code == 405


async def test_only_post_is_taken() -> None:
    answer = await vendor_door().client.get(f"/webhooks/postmark?key={MAIL}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("error", [LogFull("full"), LogUnavailable("away")])
async def test_200_is_said_only_once_the_log_has_it(error: Exception) -> None:
    door = vendor_door()

    def fail(partition: int) -> None:
        raise error

    door.log.fail = fail
    answer = await send(door, "postmark", OPENED)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert door.counters.accepted == {}


async def test_a_payload_that_is_not_mapped_becomes_a_reject_with_it() -> None:
    door = vendor_door()
    answer = await send(door, "postmark", {"RecordType": "Inbound", "From": "a@b.c"})
    assert (answer.status_code, answer.json()) == (200, {"success": True, "rejected": 1})
    line = door.log.line
    assert (line.x, line.k) == ("unmapped", "vendor")
    assert "Inbound" in line.w
    assert event_of(line) == {"RecordType": "Inbound", "From": "a@b.c"}
    assert door.counters.rejected["shop", "mail", "unmapped"] == 1


@pytest.mark.parametrize("body", [b"{", b"", b"\xff\xfe", b'{"RecordType": "Op'])
async def test_a_payload_that_is_no_json_becomes_a_reject_with_it(body: bytes) -> None:
    door = vendor_door()
    assert (await send(door, "postmark", body)).json() == {"success": True, "rejected": 1}
    assert door.log.line.x == "malformed_json"


async def test_an_event_that_names_nobody_is_rejected_as_any_other() -> None:
    door = vendor_door()
    await send(door, "postmark", {**OPENED, "Recipient": ""})
    assert door.log.line.x == "missing_identity"


async def test_of_many_notes_in_one_request_each_is_judged_alone() -> None:
    door = vendor_door()
    notes = [
        {"event": "open", "email": "a@example.com", "timestamp": 1, "sg_event_id": "1"},
        {"event": "dreamt", "email": "a@example.com"},
        7,
        {"event": "click", "email": "b@example.com", "timestamp": 2, "sg_event_id": "2", "url": "https://shop.example"},
    ]
    assert (await send(door, "sendgrid", notes)).json() == {"success": True, "rejected": 2}
    assert sorted(line.x for line in door.log.lines) == ["", "", "unmapped", "unmapped"]


async def test_the_same_note_sent_again_has_the_same_message_id_and_device() -> None:
    door = vendor_door()
    await send(door, "postmark", OPENED)
    await send(door, "postmark", OPENED)
    first, second = door.log.lines
    assert (first.d, first.e) == (second.d, second.e)
    assert "messageId" in event_of(first)


async def test_a_vendor_that_signs_nothing_is_refused_where_a_secret_is_set() -> None:
    answer = await send(vendor_door(), "postmark", OPENED, key=SIGNED)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_signature")


async def test_cloudevents_senders_may_ask_whether_they_may_send() -> None:
    answer = await vendor_door().client.options(
        f"/webhooks/cloudevents?key={MAIL}", headers={"webhook-request-origin": "events.example"}
    )
    assert answer.headers["webhook-allowed-origin"] == "events.example"


async def test_numbers_that_no_json_of_ours_holds_do_not_stop_the_request() -> None:
    door = vendor_door()
    body = b'[{"event": "nothing", "n": ' + b"9" * 40 + b"}]"
    assert (await send(door, "sendgrid", body)).status_code == 200
    assert door.log.line.x in ("unmapped", "malformed_json")


async def test_gzip_is_unpacked() -> None:
    answer = await send(vendor_door(), "postmark", gzip.compress(json.dumps(OPENED).encode()))
    assert answer.json() == {"success": True}


async def test_a_large_event_is_rejected_and_its_neighbours_are_taken() -> None:
    door = vendor_door()
    note: dict[str, Any] = {"event": "open", "email": "a@example.com", "timestamp": 1, "sg_event_id": "1"}
    await send(door, "sendgrid", [{**note, "long": "x" * 40_000}, {**note, "sg_event_id": "2"}])
    assert sorted(line.x for line in door.log.lines) == ["", "too_large"]
