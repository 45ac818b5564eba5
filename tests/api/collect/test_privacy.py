"""What of a visitor gets into the log: nothing without consent, no e-mail, no address, what its rules leave."""

import json
from typing import Any

import pytest

from api.collect.admission import Admission
from api.collect.consent import Policy
from pipeline.domain.identifiers import HASHED, hashed
from pipeline.ingest.device_key import email_identifier
from pipeline.ingest.ingest import Ingest
from schemas.definitions import Privacy, Project
from schemas.facts import EventRow
from tests.api.collect.door import NOW, Door, track

ANN = HASHED + hashed("ann@example.com")


def door_with(**privacy: Any) -> Door:
    policy = Policy.of(Project("shop", privacy=Privacy(**privacy)))
    return Door(admission=Admission(policies=lambda name: policy, salt=lambda day: b"salt of %d" % day))


def page(**more: Any) -> dict[str, Any]:
    return {"type": "page", "anonymousId": "anon-1", "messageId": "m-1", **more}


def state(value: str) -> dict[str, Any]:
    return {"context": {"consent": {"state": value}}}


def reasons(door: Door) -> list[str]:
    return [line.x for line in door.log.lines]


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        ({"consent": {"state": "granted"}}, ""),
        ({"consent": {"state": "denied"}}, "consent_denied"),
        ({"consent": {"state": "unknown"}}, "consent_missing"),
        ({"consent": {"purposes": {"analytics": False, "marketing": True}}}, "consent_denied"),
        ({"consent": {"categoryPreferences": {"Analytics": True, "Advertising": False}}}, ""),
        ({"consent": {"categoryPreferences": {"Advertising": False}}}, ""),
        ({"consentManagement": {"deniedConsentIds": ["analytics"]}}, "consent_denied"),
        ({"consentManagement": {"allowedConsentIds": ["analytics"]}}, ""),
        ({"consent": [], "consentManagement": 5}, ""),
        ({"consent": {"state": ["denied"]}}, ""),
        ({"consent": {"state": " DENIED "}}, "consent_denied"),
        ({"consent": {"state": "Granted", "purposes": {"analytics": "denied"}}}, "consent_denied"),
        ({"consent": {"state": "unknown", "purposes": {"analytics": True}}}, "consent_missing"),
        ({"consent": {"purposes": {"analytics": "Granted", "ANALYTICS": False}}}, "consent_denied"),
        ({"consent": {"state": "granted"}, "consentManagement": {"deniedConsentIds": ["Analytics"]}}, "consent_denied"),
        ({}, ""),
    ],
)
async def test_the_consent_that_an_event_tells_decides(context: Any, reason: str) -> None:
    for door in (door_with(), door_with()):
        await door.batch(page(context=context), page(context={"consent": {"state": "granted"}}, messageId="m-2"))
        assert sorted(reasons(door)) == sorted(["", reason])


async def test_of_a_refused_event_nothing_is_kept_but_that_it_came() -> None:
    door = door_with()
    answer = await door.batch(track("Looked", **state("denied"), properties={"secret": "plum"}))
    assert answer.json() == {"success": True, "rejected": 1}
    (raw,) = door.log.raw
    assert json.loads(raw)["e"] is None
    assert b"anon-1" not in raw
    assert b"plum" not in raw


async def test_a_withdrawal_is_taken_as_evidence_under_the_device_and_no_rule_takes_from_it() -> None:
    door = door_with(allowed_properties=("plan",))
    told = {"analytics": False, "tc_string": "CPx", "source": "tcf"}
    await door.batch(track("Consent Changed", **state("denied"), properties=told), track("After", **state("denied")))
    assert sorted(reasons(door)) == ["", "consent_denied"]
    (kept,) = [line for line in door.log.lines if not line.x]
    assert json.loads(bytes(kept.e))["properties"] == told


async def test_where_consent_is_required_an_event_of_a_browser_that_tells_none_is_not_taken() -> None:
    door = door_with(consent="required")
    await door.batch(page())
    await door.batch(page(), key="server-key")
    assert reasons(door) == ["consent_missing", ""]


async def test_a_cookieless_event_has_no_id_but_that_of_the_day() -> None:
    door = door_with(cookieless=True)
    await door.batch(
        page(
            userId="ann", traits={"email": "ann@example.com"}, groupId="acme",
            context={"consent": {"state": "unknown"}, "traits": {"plan": "x"}, "sessionId": 5, "locale": "de"},
            properties={"path": "/a", "email": "ann@example.com", "Phone Number": "+49 170 1234567", "mail": [1]},
        )
    )  # fmt: skip
    event = door.log.event
    assert event["anonymousId"].startswith("cookieless-")
    assert not {"userId", "traits", "groupId"} & event.keys()
    assert event["context"] == {"consent": {"state": "unknown"}, "locale": "de"}
    assert event["properties"] == {"path": "/a", "cookieless": True}


async def test_ids_under_the_names_that_clients_give_them_are_gone_from_a_cookieless_event_too() -> None:
    door = door_with(cookieless=True)
    ids = "user_id", "userId", "customer_id", "deviceId", "$device_id", "distinct_id", "Session ID", "client_id", "idfa"
    device = {"id": "D-1", "advertisingId": "AD-1", "token": "PUSH-1", "type": "ios", "model": "iPhone"}
    await door.batch(
        page(
            context={
                "consent": {"state": "unknown"}, "device": device, "externalId": [{"type": "crm", "id": "7"}],
                "user_id": "u", "anonymousId": "a", "groupId": "g", "locale": "de",
            },
            properties={"product_id": "p", "order_id": "o"} | dict.fromkeys(ids, "x-1"),
            integrations={"Google Analytics": {"clientId": "GA1.2.3"}}, rudderId="r-1",
        )
    )  # fmt: skip
    event = door.log.event
    assert event.keys() == {"type", "messageId", "anonymousId", "context", "properties"}
    assert event["context"] == {
        "consent": {"state": "unknown"}, "device": {"type": "ios", "model": "iPhone"}, "locale": "de",
    }  # fmt: skip
    assert event["properties"] == {"product_id": "p", "order_id": "o", "cookieless": True}


async def test_the_id_of_the_day_is_that_of_network_and_browser_and_another_one_tomorrow() -> None:
    now = NOW
    policy = Policy.of(Project("shop", privacy=Privacy(cookieless=True)))
    door = Door(
        admission=Admission(policies=lambda name: policy, salt=lambda day: b"salt of %d" % day), now=lambda: now
    )
    for agent in ("Mozilla/5.0 A", "Mozilla/5.0 A", "Mozilla/5.0 B"):
        await door.batch(page(**state("unknown")), headers={"user-agent": agent})
    now += 86_400_000
    await door.batch(page(**state("unknown")), headers={"user-agent": "Mozilla/5.0 A"})
    first, again, other, tomorrow = (json.loads(bytes(line.e))["anonymousId"] for line in door.log.lines)
    assert first == again
    assert len({first, other, tomorrow}) == 3


@pytest.mark.parametrize("kind", ["identify", "alias", "group"])
async def test_nobody_is_named_without_consent(kind: str) -> None:
    door = door_with(cookieless=True)
    await door.batch({"type": kind, "anonymousId": "a", "userId": "ann", "previousId": "b", **state("unknown")})
    assert reasons(door) == ["cookieless_identity"]
    assert b"ann" not in door.log.raw[0]


async def test_without_a_salt_a_cookieless_event_is_to_come_again() -> None:
    policy = Policy.of(Project("shop", privacy=Privacy(cookieless=True)))
    assert (
        await Door(admission=Admission(policies=lambda name: policy)).batch(page(**state("unknown")))
    ).status_code == 503


@pytest.mark.parametrize(
    ("privacy", "header", "reason"),
    [
        ({}, {"sec-gpc": "1", "dnt": "1"}, ""),
        ({"honour_gpc": True}, {"sec-gpc": "1"}, "opted_out"),
        ({"honour_gpc": True}, {"dnt": "1"}, ""),
        ({"honour_dnt": True}, {"dnt": "1"}, "opted_out"),
        ({"honour_dnt": True}, {"dnt": "0"}, ""),
    ],
)
async def test_a_signal_of_privacy_counts_where_the_project_honours_it(privacy: Any, header: Any, reason: str) -> None:
    door = door_with(**privacy)
    await door.batch(page(), headers=header)
    assert reasons(door) == [reason]


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        ({"traits": {"email": " Ann@Example.com"}}, {"traits": {"email": ANN}}),
        ({"context": {"traits": {"email": "ann@example.com"}}}, {"context": {"traits": {"email": ANN}}}),
        ({"traits": {"phone": "+49 170 1234567"}}, {"traits": {"phone": HASHED + hashed("+491701234567")}}),
        ({"properties": {"email": "ann@example.com"}}, {"properties": {"email": ANN}}),
        ({"properties": {"q": "mail ann@example.com!"}}, {"properties": {"q": "mail [redacted]!"}}),
        ({"properties": {"a": [{"b": "ann@example.com"}]}}, {"properties": {"a": [{"b": "[redacted]"}]}}),
        ({"userId": "Ann@example.com"}, {"userId": ANN}),
        ({"properties": {"url": "/u/ann%40example.com"}}, {"properties": {"url": "/u/[redacted]"}}),
        ({"properties": {"n": 1.10, "pack": "@a/b", "png": "x@2x.png"}}, None),
    ],
)
async def test_an_e_mail_is_a_hash_where_it_names_the_person_and_else_taken_out(event: Any, kept: Any) -> None:
    door = door_with()
    await door.batch(track(**event))
    await door.post("/v1/track", track(**event))
    for line in door.log.lines:
        assert json.loads(bytes(line.e)) == track(**(kept or event))


async def test_an_e_mail_in_escapes_is_one_too() -> None:
    door = door_with()
    text = rb'{"type":"page","anonymousId":"a","properties":{"x":"ann\u0040example.com"}}'
    await door.post("/v1/batch", b'{"batch":[%b]}' % text)
    await door.post("/v1/page", text)
    assert [json.loads(bytes(line.e))["properties"] for line in door.log.lines] == [{"x": "[redacted]"}] * 2


async def test_a_person_is_the_same_by_an_e_mail_in_clear_and_by_its_hash() -> None:
    door = door_with()
    await door.batch({"type": "identify", "userId": "ann", "messageId": "m", "traits": {"email": "Ann@Example.com"}})
    (row,) = Ingest({}).accept_lines(door.log.raw[0], 1, 0, 0)
    assert isinstance(row, EventRow)
    assert row.email == email_identifier("shop", "ann@example.com")
    assert row.properties == "{}"


async def test_names_are_dropped_hashed_or_alone_allowed_by_the_projects_rules() -> None:
    door = door_with(dropped_properties=("Salary",), hashed_properties=("card",))
    sent = {"salary": 5, "Card": "4711", "deep": {"card": 7, "SALARY": 1, "kept": 1.50}}
    await door.batch(track(properties=sent))
    digests = [HASHED + hashed(each) for each in ("4711", "7")]
    assert door.log.event["properties"] == {"Card": digests[0], "deep": {"card": digests[1], "kept": 1.5}}
    door = door_with(allowed_properties=("plan",))
    await door.batch({"type": "identify", "userId": "u", "traits": {"plan": 1, "age": 5, "email": "ann@example.com"}})
    assert door.log.event["traits"] == {"plan": 1, "email": ANN}


async def test_the_payload_of_a_reject_is_free_of_what_may_not_be_kept() -> None:
    door = door_with()
    bad = {"type": "ann@example.com", "context": {"userAgent": "Mozilla/5.0 (X11; Linux) Chrome/120.0.6099.71"},
           "properties": {"url": "https://a.example/x?token=abc&q=1", "email": "ann@example.com"}}  # fmt: skip
    await door.batch(bad)
    assert door.log.event["properties"] == {"url": "https://a.example/x?q=1", "email": ANN}
    assert door.log.event["context"] == {"userAgent": "Mozilla/5.0 (X11; Linux) Chrome/120.0.0.0"}
    text = b'{"batch":[{"type":"track","n":NaN,"to":"ann@example.com","peer":"198.51.100.7","key":"wf_write_abc"}]}'
    await door.post("/v1/batch", text)
    await door.batch({"type": "identify", "traits": {"email": "ann@example.com"}, "pad": "x" * 300_000})
    for secret in (b"ann@", b"198.51", b"wf_write", b"token"):
        assert not [line for line in door.log.raw if secret in line]


async def test_the_first_part_of_an_address_is_kept_where_the_project_says_so() -> None:
    door = door_with(keep_ip_prefix=True)
    await door.batch(page())
    assert door.log.line.i == "198.51.100.0/24"
    (row,) = Ingest({}).accept_lines(door.log.raw[0], 1, 0, 0)
    assert isinstance(row, EventRow)
    assert json.loads(row.properties) == {"ip_prefix": "198.51.100.0/24"}


async def test_a_text_that_the_sender_tells_of_himself_holds_no_e_mail_either() -> None:
    door = door_with()
    for told in ({"sentAt": "ann@example.com"}, {"sentAt": "at ann%40example.com"}):
        body = {"batch": [track()], **told}
        await door.post("/v1/batch", body, headers={"user-agent": "Ann/1.0 (ann@example.com)"})
        await door.post("/v1/track", track(**told), headers={"sentAt": "ann@example.com"})
    assert len(door.log.raw) == 4
    assert not [line for line in door.log.raw if b"ann@" in line or b"ann%40" in line]


@pytest.mark.parametrize("name", ["source_ip", "ipv4", "IPv6", "x_forwarded_for", "X-Forwarded-For", "realIp"])
async def test_an_address_under_one_of_its_names_reaches_no_table(name: str) -> None:
    door = door_with()
    await door.batch(track(properties={name: "203.0.113.9", "deep": [{name: "203.0.113.9"}]}))
    (row,) = Ingest({}).accept_lines(door.log.raw[0], 1, 0, 0)
    assert isinstance(row, EventRow)
    assert row.properties == '{"deep":[{}]}'


IPV4, IPV6, OURS = "203.0.113.9", "2001:db8:85a3:11:22:8a2e:370:7334", "wf_write_Ab-9_x"
ODD_PLACES: list[dict[str, Any]] = [
    {"properties": {"context": {"ip": IPV4}}},
    {"properties": {"client": {"ip": IPV6, "seen": 5}}},
    {"context": {"client": {"ip": IPV4}, "device": {"address": IPV6}}},
    {"properties": {"deep": [[{"peer": IPV4}], IPV6]}},
    {"properties": {"note": f"from {IPV4}, not {IPV6}"}},
    {"properties": {IPV4: 1}},
    {"context": {IPV6: 1}, OURS: 1},
    {"context": {"page": {"url": f"https://shop.example/?peer={IPV4}&key={OURS}"}}},
    {"context": {"page": {"url": f"https://shop.example/of/{IPV4}"}}},
    {"context": {"userAgent": f"Mozilla/5.0 ({IPV4})"}},
    {"context": {"externalIds": [{"type": "host", "id": IPV4}]}},
    {"context": {"externalIds": {"host": IPV6}}},
    {"context": {"externalIds": IPV4}},
    {"userId": f"visitor {IPV4}"},
    {"groupId": [IPV4]},
    {"event": f"Blocked {IPV6}"},
    {"sentAt": IPV4},
    {"traits": {"last_login_from": IPV4, "key": OURS}},
    {"properties": {"key": OURS}},
    {"timestamp": f"{IPV4} 12:00"},
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD_PLACES, ids=lambda odd: json.dumps(odd)[:40])
async def test_no_address_and_no_key_gets_into_the_log_wherever_it_stands(odd: dict[str, Any]) -> None:
    for privacy in ({}, {"redact_emails": False}, {"keep_ip_prefix": True}):
        door, event = door_with(**privacy), track(**odd)
        await door.batch(track("Other"), event)
        await door.batch({**event, "type": "no such type"})
        await door.post("/v1/track", event)
        await door.post("/v1/import", json.dumps(event).encode(), key="server-key",
                        headers={"content-type": "application/x-ndjson"})  # fmt: skip
        await door.post("/v1/batch", b'{"batch":[%b]}' % json.dumps(event).encode().replace(b"}", b',"n":NaN}', 1))
        assert len(door.log.raw) == 6
        for secret in (IPV4.encode(), IPV6.encode(), OURS.encode()):
            assert not [line for line in door.log.raw if secret in line]


async def test_what_a_reject_shows_of_a_text_is_cut_when_no_half_of_an_e_mail_can_be_left() -> None:
    door = door_with()
    for length in range(20, 42):
        await door.batch({"type": f"{'x' * length} joe77@private.example", "anonymousId": "a-1"})
    assert len(door.log.raw) == 22
    assert not [line for line in door.log.raw if b"joe77" in line]


async def test_an_id_with_an_address_in_it_stays_an_id_of_its_own() -> None:
    for privacy in ({}, {"redact_emails": False}):
        door = door_with(**privacy)
        for number in (9, 10, 9):
            await door.batch(track(userId=f"203.0.113.{number}"))
        first, other, again = (json.loads(bytes(line.e))["userId"] for line in door.log.lines)
        assert first == again != other
        assert first.startswith(HASHED)


async def test_a_version_is_no_address() -> None:
    door = door_with()
    about = {"app": {"version": "203.0.113.9"}, "osVersion": "1.2.3.4", "library": {"name": "x", "version": "1.0.0.1"}}
    await door.batch(track(context=about, properties={"note": "203.0.113.9"}))
    assert door.log.event["context"] == about
    assert door.log.event["properties"] == {"note": "[ip]"}


@pytest.mark.parametrize(
    "dirty",
    [
        {"said": "it failed at\n203.0.113.77"},
        {"said": "203.0.113.77"},
        {"said": "2001:db8:7:7::77"},
        {"remote_addr": "2001::77a"},
        {"said": "2001::77a, at last"},
        {"link": "https://2001::77a/"},
        {"link": "https://shop.example/?q=from%20203.0.113.77"},
        {"link": "/a?peer=2001%3Adb8%3A7%3A7%3A%3A77"},
        {"said": "GET /visits/203.0.113.77 HTTP/1.1"},
        {"said": "no way to /203.0.113.77 from here"},
        {"ip_203.0.113.77": 1},
        {"form": '{"said": "at\\n203.0.113.77", "of": "a=\\u003d203.0.113.77"}'},
        {"said": "joe77@[203.0.113.9]"},
        {"said": "joe77@" + "a." * 12 + "example.com"},
        {"said": "wf_write_77-not-the-sender's"},
        {"said": "joe77@example.com"},
        {"said": "joe77%2540example.com"},
        {"form": '{"mail": "joe77@example.com"}'},
        {"form": '{"mail": "joe77\\u0040example.com"}'},
        {"said": "joe77%40example%2Ecom"},
        {"mobile_phone": "+49 170 7777777"},
        {"Phone-Number": "+49 170 7777777"},
        {"buyer": {"phone": 491707777777}},
    ],
    ids=str,
)
async def test_one_event_among_fifty_is_as_free_of_what_may_not_be_kept_as_alone(dirty: dict[str, Any]) -> None:
    door = door_with()
    clean = [track("Clean", f"c-{number}") for number in range(49)]
    body = {"batch": [*clean[:30], track("Dirty", properties=dirty), *clean[30:]], "writeKey": "any that is not ours"}
    await door.post("/v1/batch", body)
    await door.post("/v1/batch", {**body, "writeKey": "web-key"}, key=None)
    await door.post("/v1/track", track("Dirty", properties=dirty))
    lines = [json.dumps(body["batch"][at]).encode() for at in (3, 30, 33)]
    await door.post("/v1/import", b"\n".join(lines), headers={"content-type": "application/x-ndjson"})
    assert len(door.log.raw) == 104
    for written in ("203.0.113.77", "2001:db8:7", "2001%3Adb8", "::77a", "_77-not", "joe77", "7777777"):
        assert written.encode() not in b"".join(door.log.raw)


@pytest.mark.parametrize("at", ["@", "\\u0040", "%40", "%2540", "\\\\u0040", "\\u002540", "\\u00254\\u0030"])
@pytest.mark.parametrize("host", ["example.com", "example%2Ecom", "ex\\u0061mple.com", "example%252ecom"])
async def test_however_an_e_mail_is_written_into_the_bytes_of_an_event_it_is_not_in_the_log(at: str, host: str) -> None:
    door = door_with()
    usual = json.dumps(track("Usual", "c-1"))
    for said in (f"joe77{at}{host}", f"https://shop.example/cart?to=joe77{at}{host}&x=1", f"for joe77{at}{host}."):
        event = json.dumps(track("Dirty", properties={"said": "WORDS"})).replace("WORDS", said)
        given = json.dumps({"event": "Dirty", "distinct_id": "a", "properties": {"said": "WORDS"}})
        given = given.replace("WORDS", said)
        await door.post("/v1/track", event.encode())
        await door.post("/v1/batch", f'{{"batch":[{usual},{event}]}}'.encode())
        lines = f"{usual}\n{event}".encode()
        await door.post("/v1/import", lines, headers={"content-type": "application/x-ndjson"})
        await door.post("/batch/", f'{{"api_key":"web-key","batch":[{given},{given}]}}'.encode(), key=None)
        await door.post("/api/s/batch", f'{{"batch":[{usual},{event}]}}'.encode(), headers={"x-write-key": "web-key"})
    assert len(door.log.raw) == 27
    assert all(b"joe77" not in line for line in door.log.raw)
    assert sum(b"[redacted]" in line for line in door.log.raw) == 18
