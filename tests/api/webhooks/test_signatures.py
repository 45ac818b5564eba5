"""A webhook is taken where it is the vendor's, and refused where it is not or is too old."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from api.collect.answers import Refused
from api.webhooks.mailgun import signed as mailgun_signed
from api.webhooks.reading import form_of
from api.webhooks.sendgrid import signed as sendgrid_signed
from api.webhooks.twilio import signed as twilio_signed
from api.webhooks.vendor import Forged, Posted
from tests.api.collect.door import NOW
from tests.api.webhooks.pairs import cases, needs_pairs, posted
from tests.api.webhooks.vendors_door import SECONDS, SECRET, SIGNED, based, mac, send, vendor_door

Headers = dict[str, str]
Signing = Callable[[bytes, int], tuple[bytes, Headers]]  # body, seconds -> body and headers as the vendor sends them


def stripe(body: bytes, at: int) -> tuple[bytes, Headers]:
    return body, {"stripe-signature": f"t={at},v0=old,v1={mac(b'%d.' % at + body).hex()}"}


def typeform(body: bytes, at: int) -> tuple[bytes, Headers]:
    return body, {"typeform-signature": "sha256=" + based(mac(body))}


def surveymonkey(body: bytes, at: int) -> tuple[bytes, Headers]:
    return body, {"sm-apikey": "app", "sm-signature": based(mac(body, "sha1", f"app&{SECRET}"))}


def shopify(body: bytes, at: int) -> tuple[bytes, Headers]:
    return body, {"x-shopify-hmac-sha256": based(mac(body)), "x-shopify-topic": "customers/create"}


def woocommerce(body: bytes, at: int) -> tuple[bytes, Headers]:
    return body, {"x-wc-webhook-signature": based(mac(body)), "x-wc-webhook-topic": "customer.created"}


def intercom(body: bytes, at: int) -> tuple[bytes, Headers]:
    return body, {"x-hub-signature": "sha1=" + mac(body, "sha1").hex()}


def whatsapp(body: bytes, at: int) -> tuple[bytes, Headers]:
    return body, {"x-hub-signature-256": "sha256=" + mac(body).hex()}


def zendesk(body: bytes, at: int) -> tuple[bytes, Headers]:
    told = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    headers = {"x-zendesk-webhook-signature": based(mac(told.encode() + body))}
    return body, {**headers, "x-zendesk-webhook-signature-timestamp": told}


def mailgun(body: bytes, at: int) -> tuple[bytes, Headers]:
    block = {"timestamp": str(at), "token": "t-1", "signature": mac(b"%dt-1" % at).hex()}
    note = {"event-data": {"event": "opened", "id": "e", "timestamp": at, "recipient": "a@example.com"}}
    return json.dumps({**note, "signature": block}).encode(), {"content-type": "application/json"}


SIGNINGS: dict[str, Signing] = {
    each.__name__: each
    for each in (stripe, typeform, surveymonkey, shopify, woocommerce, intercom, whatsapp, zendesk, mailgun)
}
WITH_TIME = {"stripe": 300, "zendesk": 300, "mailgun": 26 * 3600}
BODY = b'{"id": 1, "email": "ann@example.com"}'


@pytest.mark.parametrize("vendor", SIGNINGS)
async def test_what_is_signed_with_the_sources_secret_is_taken(vendor: str) -> None:
    door = vendor_door()
    body, headers = SIGNINGS[vendor](BODY, SECONDS)
    assert (await send(door, vendor, body, headers, key=SIGNED)).status_code == 200
    assert len(door.log.lines) == 1


@pytest.mark.parametrize("vendor", SIGNINGS)
async def test_what_is_signed_with_another_secret_is_refused(vendor: str) -> None:
    door = vendor_door(secret="another")
    body, headers = SIGNINGS[vendor](BODY, SECONDS)
    await refused(door, vendor, body, headers)


@pytest.mark.parametrize("vendor", [name for name in SIGNINGS if name != "mailgun"])
async def test_a_changed_body_is_refused(vendor: str) -> None:
    body, headers = SIGNINGS[vendor](BODY, SECONDS)
    await refused(vendor_door(), vendor, body.replace(b"ann", b"eve"), headers)


@pytest.mark.parametrize("vendor", [*SIGNINGS, "twilio", "sendgrid"])
async def test_what_is_not_signed_is_refused_where_the_source_has_a_secret(vendor: str) -> None:
    await refused(vendor_door(), vendor, BODY, {"content-type": "application/json"})


@pytest.mark.parametrize("vendor", WITH_TIME)
async def test_a_signature_holds_within_its_window_only(vendor: str) -> None:
    window = WITH_TIME[vendor]
    for at, status in ((-window, 200), (window, 200), (-window - 1, 401), (window + 1, 401)):
        body, headers = SIGNINGS[vendor](BODY, SECONDS + at)
        assert (await send(vendor_door(), vendor, body, headers, key=SIGNED)).status_code == status, at


@pytest.mark.parametrize("time", ["", "soon", "nan", "inf", "1e999"])
async def test_a_time_that_is_none_opens_no_window(time: str) -> None:
    signature = f"t={time},v1={mac(f'{time}.'.encode() + BODY).hex()}"
    await refused(vendor_door(), "stripe", BODY, {"stripe-signature": signature})


async def test_while_a_secret_of_stripe_changes_either_signature_is_right() -> None:
    _, headers = stripe(BODY, SECONDS)
    first, _, right = headers["stripe-signature"].partition(",v0=old,")
    both = {"stripe-signature": f"{first},v1={'0' * 64},{right}"}
    assert (await send(vendor_door(), "stripe", BODY, both, key=SIGNED)).status_code == 200


async def test_a_signature_that_is_no_text_of_ascii_is_refused() -> None:
    answer = await vendor_door().client.post(
        f"/webhooks/shopify?key={SIGNED}", content=BODY, headers=[(b"x-shopify-hmac-sha256", b"\xe4\xf6")]
    )
    assert answer.status_code == 401


# -- Twilio signs the address too


def twilio_signature(url: str, fields: dict[str, str], secret: str = SECRET) -> str:
    return based(mac((url + "".join(name + fields[name] for name in sorted(fields))).encode(), "sha1", secret))


FIELDS = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+14165550100", "From": "+12362320246"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("url", [
    f"http://collector/webhooks/twilio?key={SIGNED}", f"https://collector/webhooks/twilio?key={SIGNED}",
])  # fmt: skip
async def test_twilio_signs_address_and_fields_whatever_the_proxy_made_of_the_scheme(url: str) -> None:
    headers = {**FORM, "x-twilio-signature": twilio_signature(url, FIELDS)}
    body = b"MessageSid=SM1&MessageStatus=delivered&To=%2B14165550100&From=%2B12362320246"
    answer = await send(vendor_door(), "twilio", body, headers, key=SIGNED)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/xml"
    assert "<Response" in answer.text


async def test_twilio_may_call_by_get_and_signs_the_address_alone_then() -> None:
    path = f"/webhooks/twilio?key={SIGNED}&MessageSid=SM1&MessageStatus=delivered&To=%2B14165550100&From=%2B12362320246"
    door = vendor_door()
    headers = {"x-twilio-signature": twilio_signature(f"https://collector{path}", {})}
    answer = await door.client.get(path, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml")
    by_get = door.log.event
    assert (by_get["event"], by_get["properties"]["message_id"]) == ("SMS Delivered", "SM1")
    assert "key" not in json.dumps(by_get)
    for changed, signature in ((path + "1", headers), (path, {})):
        refused_one = await vendor_door().client.get(changed, headers=signature)
        assert (refused_one.status_code, refused_one.json()["error"]["code"]) == (401, "invalid_signature")
    by_post = vendor_door()
    await send(by_post, "twilio", b"MessageSid=SM1&MessageStatus=delivered&To=%2B14165550100", FORM)
    assert by_post.log.event["messageId"] == by_get["messageId"]
    assert (await door.client.get(f"/webhooks/stripe?key={SIGNED}")).status_code == 405


async def test_twilio_signs_for_one_address_only() -> None:
    url = "https://elsewhere.example/webhooks/twilio"
    headers = {**FORM, "x-twilio-signature": twilio_signature(url, FIELDS)}
    body = b"MessageSid=SM1&MessageStatus=delivered&To=%2B14165550100&From=%2B12362320246"
    await refused(vendor_door(), "twilio", body, headers)


async def test_the_example_of_twilios_own_client_is_right() -> None:
    """tests/unit/test_request_validator.py of twilio-python."""
    fields = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "From": "+14158675309", "To": "+18005551212"}
    body = "&".join(
        f"{name}={value.replace('+', '%2B')}" for name, value in {**fields, "Caller": "+14158675309"}.items()
    )
    headers = {**FORM, "x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    twilio_signed(Posted(body.encode(), headers, NOW, (url,)), "12345")
    with pytest.raises(Forged):
        twilio_signed(Posted(body.encode(), headers, NOW, (url + "3",)), "12345")


@pytest.mark.parametrize("signed_as", ["https://collector:443", "http://collector:80"])
async def test_twilio_may_sign_the_usual_port_too(signed_as: str) -> None:
    headers = {**FORM, "x-twilio-signature": twilio_signature(f"{signed_as}/webhooks/twilio?key={SIGNED}", FIELDS)}
    body = b"MessageSid=SM1&MessageStatus=delivered&To=%2B14165550100&From=%2B12362320246"
    assert (await send(vendor_door(), "twilio", body, headers, key=SIGNED)).status_code == 200


@pytest.mark.parametrize(
    ("url", "body", "signature"),
    [
        ("", "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234", "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        (
            "&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620",
            '{"property": "value", "boolean": true}',
            "a9nBmqA0ju/hNViExpshrM61xv4=",
        ),
    ],
)
async def test_fields_that_come_twice_and_bodies_of_json_are_signed_as_twilios_client_says(
    url: str, body: str, signature: str
) -> None:
    """Vectors of tests/unit/test_request_validator.py of twilio-python."""
    kind = "application/json" if body.startswith("{") else FORM["content-type"]
    headers = {"content-type": kind, "x-twilio-signature": signature}
    urls = (f"https://mycompany.com/myapp.php?foo=1&bar=2{url}",)
    twilio_signed(Posted(body.encode(), headers, NOW, urls), "12345")
    with pytest.raises(Forged):
        twilio_signed(Posted(body.encode() + b"1", headers, NOW, urls), "12345")


# -- SendGrid: ECDSA


def sendgrid(key: ec.EllipticCurvePrivateKey, body: bytes, at: int) -> Headers:
    signature = key.sign(b"%d" % at + body, ec.ECDSA(hashes.SHA256()))
    name = "x-twilio-email-event-webhook"
    return {f"{name}-signature": based(signature), f"{name}-timestamp": str(at)}


def der(key: ec.EllipticCurvePrivateKey) -> str:
    public = key.public_key()
    return based(public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


async def test_sendgrids_signature_is_checked_with_its_verification_key() -> None:
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    body = b'[{"event": "open", "email": "a@example.com", "timestamp": 1, "sg_event_id": "1"}]'
    door = vendor_door(secret=der(key))
    assert (await send(door, "sendgrid", body, sendgrid(key, body, SECONDS), key=SIGNED)).status_code == 200
    await refused(door, "sendgrid", body, sendgrid(other, body, SECONDS), taken=1)
    await refused(door, "sendgrid", body + b" ", sendgrid(key, body, SECONDS), taken=1)
    await refused(door, "sendgrid", body, sendgrid(key, body, SECONDS - 27 * 3600), taken=1)


def test_the_example_of_sendgrids_own_client_is_right() -> None:
    """A vector of test/unit/test_eventwebhook.py of sendgrid-python; its body ends with a line's end."""
    key = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8e"
        "NEc6wEA3F+g=="
    )
    told = {
        "email": "hello@world.com", "event": "dropped", "reason": "Bounced Address",
        "sg_event_id": "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
        "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
        "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>", "timestamp": 1600112492,
    }  # fmt: skip
    name = "x-twilio-email-event-webhook"
    headers = {
        f"{name}-signature": "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15Tl"
        "uLtEZtM=",
        f"{name}-timestamp": "1600112502",
    }
    body = json.dumps([told], separators=(",", ":")).encode() + b"\r\n"
    sendgrid_signed(Posted(body, headers, 1_600_112_503_000), key)
    with pytest.raises(Forged):
        sendgrid_signed(Posted(body.strip(), headers, 1_600_112_503_000), key)
    with pytest.raises(Forged):
        sendgrid_signed(Posted(body, headers, 1_600_312_503_000), key)


async def test_a_verification_key_that_is_none_refuses_all() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    await refused(vendor_door(secret="no key"), "sendgrid", b"[]", sendgrid(key, b"[]", SECONDS))


# -- SNS: RSA with Amazon's certificate

PLACE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
TOPIC = "arn:aws:sns:eu-west-1:1234567890:mail"


@pytest.fixture(scope="module")
def amazon() -> tuple[rsa.RSAPrivateKey, bytes]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(datetime(2023, 1, 1)).not_valid_after(datetime(2030, 1, 1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return key, made.public_bytes(serialization.Encoding.PEM)


def note(key: rsa.RSAPrivateKey, version: str = "1", **fields: str) -> dict[str, str]:
    told = {"eventType": "Open", "open": {}, "mail": {"messageId": "m", "destination": ["ann@example.com"]}}
    made = {
        "Type": "Notification", "MessageId": "n-1", "TopicArn": TOPIC, "Message": json.dumps(told),
        "Timestamp": "2023-11-14T22:00:00.000Z", "SignatureVersion": version, "SigningCertURL": PLACE, **fields,
    }  # fmt: skip
    names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    if made["Type"] != "Notification":
        names = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    text = "".join(f"{name}\n{made[name]}\n" for name in names if name in made)
    digest: Any = hashes.SHA256() if version == "2" else hashes.SHA1()
    return {**made, "Signature": based(key.sign(text.encode(), padding.PKCS1v15(), digest))}


class Web:
    """What stands at Amazon's addresses; remembers who asked for what."""

    def __init__(self, pem: bytes, *, is_up: bool = True) -> None:
        self.pem, self.is_up, self.asked = pem, is_up, list[str]()

    async def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if not self.is_up:
            raise Refused(503, "vendor_unavailable", "away")
        return self.pem


@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_note_of_sns_is_checked_with_amazons_certificate_which_is_fetched_once(
    amazon: tuple[rsa.RSAPrivateKey, bytes], version: str
) -> None:
    key, pem = amazon
    web = Web(pem)
    door = vendor_door(fetch=web, secret=TOPIC)
    for number in range(3):
        sent = note(key, version, MessageId=f"n-{number}")
        assert (await send(door, "ses", sent, key=SIGNED)).status_code == 200
    assert web.asked == [PLACE]
    assert len(door.log.lines) == 3


@pytest.mark.parametrize(
    "change",
    [{"MessageId": "n-2"}, {"Message": "{}"}, {"TopicArn": TOPIC + "2"}, {"Signature": "AAAA"}, {"Signature": "?"}],
)
async def test_a_changed_note_of_sns_is_refused(
    amazon: tuple[rsa.RSAPrivateKey, bytes], change: dict[str, str]
) -> None:
    key, pem = amazon
    await refused(vendor_door(fetch=Web(pem), secret=TOPIC), "ses", json.dumps(note(key) | change).encode())


async def test_a_note_of_sns_is_taken_as_long_as_amazon_tries_to_deliver_it_and_no_longer(
    amazon: tuple[rsa.RSAPrivateKey, bytes],
) -> None:
    key, pem = amazon
    door = vendor_door(fetch=Web(pem), secret=TOPIC)
    assert (await send(door, "ses", note(key, Timestamp="2023-11-14T21:00:00.000Z"), key=SIGNED)).status_code == 200
    for stamp in ("2023-11-14T20:00:00.000Z", "2023-11-15T01:00:00.000Z", "soon"):
        await refused(vendor_door(fetch=Web(pem), secret=TOPIC), "ses", json.dumps(note(key, Timestamp=stamp)).encode())


async def test_raw_delivery_of_sns_is_refused_as_nothing_in_it_is_signed(
    amazon: tuple[rsa.RSAPrivateKey, bytes],
) -> None:
    web = Web(amazon[1])
    raw = {"eventType": "Open", "open": {}, "mail": {"messageId": "m", "destination": ["ann@example.com"]}}
    answer = await send(vendor_door(fetch=web), "ses", raw, {"x-amz-sns-rawdelivery": "true"}, key=SIGNED)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_signature")
    assert "raw message delivery is on" in answer.json()["error"]["message"]
    assert web.asked == []


async def test_a_note_of_another_topic_is_refused(amazon: tuple[rsa.RSAPrivateKey, bytes]) -> None:
    key, pem = amazon
    sent = json.dumps(note(key, TopicArn=TOPIC + "-of-somebody")).encode()
    await refused(vendor_door(fetch=Web(pem), secret=TOPIC), "ses", sent)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem",
        "https://x@sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.txt",
        "https://s3.eu-west-1.amazonaws.com/bucket/a.pem",
    ],
)
async def test_a_certificate_is_fetched_from_amazon_alone(amazon: tuple[rsa.RSAPrivateKey, bytes], url: str) -> None:
    key, pem = amazon
    web = Web(pem)
    await refused(vendor_door(fetch=web, secret=TOPIC), "ses", json.dumps(note(key, SigningCertURL=url)).encode())
    assert web.asked == []


async def test_while_amazon_is_away_the_note_is_to_be_sent_again(amazon: tuple[rsa.RSAPrivateKey, bytes]) -> None:
    key, pem = amazon
    door = vendor_door(fetch=Web(pem, is_up=False), secret=TOPIC)
    answer = await send(door, "ses", note(key), key=SIGNED)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "vendor_unavailable")


async def test_a_subscription_is_confirmed_where_amazon_asks_and_nowhere_else(
    amazon: tuple[rsa.RSAPrivateKey, bytes],
) -> None:
    key, pem = amazon
    web = Web(pem)
    door = vendor_door(fetch=web, secret=TOPIC)
    asks = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
    question = {"Type": "SubscriptionConfirmation", "Token": "t", "Message": "You have chosen ..."}
    assert (await send(door, "ses", note(key, SubscribeURL=asks, **question), key=SIGNED)).status_code == 200
    assert web.asked == [PLACE, asks]
    assert door.log.lines == []
    evil = note(key, SubscribeURL="https://evil.example/", **question)
    assert (await send(door, "ses", evil, key=SIGNED)).json()["rejected"] == 1
    assert web.asked == [PLACE, asks]


# -- the pairs' own signatures


@needs_pairs
@pytest.mark.parametrize(("vendor", "case"), [one for one in cases() if one.values[0] == "mailgun"])
async def test_the_pairs_of_mailgun_are_signed_with_one_key(vendor: str, case: dict[str, Any]) -> None:
    raw = posted(case)
    at = case["body_json"]["signature"]["timestamp"] if "body_json" in case else form_of(raw)["timestamp"][-1]
    then = raw._replace(now=int(float(at)) * 1000)
    keys = {key for key in ("TEST_WEBHOOK_SIGNING_KEY", "TEST_API_KEY", "another") if is_signed_with(key, then)}
    assert len(keys) == 1
    assert "another" not in keys


def is_signed_with(key: str, posted: Posted) -> bool:
    try:
        mailgun_signed(posted, key)
    except Forged:
        return False
    return True


async def refused(door: Any, vendor: str, body: bytes, headers: Headers | None = None, *, taken: int = 0) -> None:
    answer = await send(door, vendor, body, headers, key=SIGNED)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_signature")
    assert len(door.log.lines) == taken
