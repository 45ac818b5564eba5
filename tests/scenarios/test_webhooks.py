"""Vendors' webhooks in the running system: a mail opened and clicked, a visit and a payment are one journey of one
customer, however often the vendors send.
"""

import hashlib
import hmac
import json
import time
from typing import Any

import httpx
import pytest

from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.part import until
from tests.scenarios.project import Project

SECRET = "whsec_of-the-endpoint"
START = time.time_ns() // 1_000_000 - 3_600_000  # an hour ago
TOUCHPOINTS = (
    "SELECT channel, contact, event, is_bot, value_micros FROM touchpoints FINAL "
    "WHERE project = {project:String} AND is_deleted = 0 ORDER BY started_at"
)
JOURNEYS = "SELECT path, touchpoints FROM journeys FINAL WHERE project = {project:String} AND is_deleted = 0"


@pytest.fixture
def shop(embedded: EmbeddedHouse) -> Project:
    project = embedded.project()
    project.save("goals", {"name": "bought", "events": ["Order Completed"]})
    return project


def vendors_key(shop: Project, name: str, secret: str = "") -> str:
    """The key of a new vendor's source, known to the collector with its secret."""
    base = f"{shop.house.url}/api/v1/admin/projects/{shop.name}/keys"
    body = {"name": name, "kind": "write", "source": name, "source_kind": "vendor"}
    made = shop.house.http.post(base, json=body, headers=shop.admin_headers)
    assert made.status_code == 201, made.text
    if secret:
        told = shop.house.http.put(f"{base}/{name}/secret", json={"signing_secret": secret}, headers=shop.admin_headers)
        assert told.json()["is_signed"] is True
        assert secret not in shop.house.http.get(base, headers=shop.admin_headers).text
    key = str(made.json()["key"])
    probe = f"{shop.house.url}/webhooks/stripe?key={key}"
    wanted = 401 if secret else 200  # an empty list is nothing, but must be signed where a secret is set
    probe = probe if secret else f"{shop.house.url}/webhooks/sendgrid?key={key}"
    until(lambda: shop.house.http.post(probe, json=[]).status_code == wanted, f"the key of {name} is known")
    return key


def post(shop: Project, vendor: str, key: str, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"{shop.house.url}/webhooks/{vendor}?key={key}"
    return shop.house.http.post(url, content=content, headers=headers)


def mail_event(number: int, what: str, minute: int, **more: Any) -> dict[str, Any]:
    told = {"event": what, "email": "Ann@Example.com", "timestamp": START // 1000 + 60 * minute}
    return {**told, "sg_event_id": f"e-{number}", "sg_message_id": "m-1", **more}


def paid(minute: int) -> bytes:
    session = {
        "id": "cs_1", "amount_total": 4990, "currency": "eur", "customer": "cus_1",
        "customer_details": {"email": "ann@example.com"},
    }  # fmt: skip
    created = START // 1000 + 60 * minute
    note = {"id": "evt_1", "type": "checkout.session.completed", "created": created, "data": {"object": session}}
    return json.dumps(note).encode()


def stripes(body: bytes) -> str:
    at = int(time.time())
    return f"t={at},v1=" + hmac.new(SECRET.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()


def test_a_mail_a_visit_and_a_payment_are_one_journey_of_one_customer(shop: Project) -> None:
    mail_key, pay_key = vendors_key(shop, "mail"), vendors_key(shop, "pay", SECRET)
    mails = [
        mail_event(1, "delivered", 0),
        mail_event(2, "open", 1, sg_machine_open=True),
        mail_event(3, "open", 2),
        mail_event(4, "click", 3, url="https://shop.example/?utm_medium=email"),
        {"event": "dreamt", "email": "ann@example.com"},
    ]
    for _ in range(2):  # vendors send again
        answer = post(shop, "sendgrid", mail_key, mails)
        assert (answer.status_code, answer.json()) == (200, {"success": True, "rejected": 1})
    page = {"type": "page", "anonymousId": "laptop", "messageId": "p-1", "timestamp": START + 4 * 60_000}
    login = {"type": "identify", "anonymousId": "laptop", "messageId": "i-1", "timestamp": START + 5 * 60_000}
    shop.deliver([page, login | {"userId": "ann", "traits": {"email": "ann@example.com"}}])
    body = paid(6)
    assert post(shop, "stripe", pay_key, body).status_code == 401
    for _ in range(2):
        answer = post(shop, "stripe", pay_key, body, **{"Stripe-Signature": stripes(body)})
        assert answer.status_code == 200, answer.text
    shop.house.drained()

    ann = shop.customer("user:ann")
    (journey,) = ann["journeys"]
    assert (ann["sessions"], journey["conversions"], journey["value_micros"]) == (1, 1, 49_900_000)
    assert shop.customer("email:ann@example.com")["id"] == ann["id"]
    rejected = shop.ask("rejected")
    assert "unmapped" in json.dumps(rejected)
    assert shop.proof()["differences"] == 0
    touchpoints, journeys = shop.rows(TOUCHPOINTS, JOURNEYS)
    assert touchpoints == [
        ("email", "engagement", "Email Opened", True, 0),  # a machine's: flagged, and in no journey
        ("email", "engagement", "Email Opened", False, 0),
        ("email", "engagement", "Email Link Clicked", False, 0),
        ("web", "engagement", "", False, 0),
        ("other", "conversion", "Order Completed", False, 49_900_000),
    ]
    assert [(list(path), length) for path, length in journeys] == [(["email", "email", "direct", "other"], 4)]


def test_what_a_vendor_sends_whom_nobody_knows_is_in_the_rejects_once(shop: Project) -> None:
    key = vendors_key(shop, "newcomer")
    for _ in range(2):
        answer = post(shop, "newcomer", key, {"what": "happened", "number": 7})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_vendor")
    assert post(shop, "newcomer", "nobody", {"what": "else"}).status_code == 404
    shop.house.drained()
    recent = shop.ask("recent", newest=10)
    assert recent["events"] == []
    ((reason, payload),) = [(each["reason"], each["payload"]) for each in recent["rejected"]]
    assert (reason, json.loads(payload)) == ("unmapped", {"what": "happened", "number": 7})
