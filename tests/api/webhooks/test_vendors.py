"""What each vendor's notes become: names, channels, identifiers, values, and one key for each thing that happened."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from api.webhooks.vendor import Mapped, Posted
from api.webhooks.vendors import VENDORS
from pipeline.ingest.event_time import to_ms
from schemas.facts import EventRow
from tests.api.webhooks.pairs import cases, examples, needs_pairs, posted
from tests.ingest.sending import accepted

NOW = 1_700_000_000_000
FORM = "application/x-www-form-urlencoded"


def mapped(vendor: str, body: Any, kind: str = "application/json", **headers: str) -> Mapped:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return VENDORS[vendor].mapped(Posted(raw, {"content-type": kind, **named}, NOW))


def one(vendor: str, body: Any, kind: str = "application/json", **headers: str) -> dict[str, Any]:
    found = mapped(vendor, body, kind, **headers)
    assert not found.unmapped
    (event,) = found.events
    return event


def row(event: dict[str, Any]) -> EventRow:
    """As ingest accepts it from a vendor's source."""
    return accepted(event, kind="vendor", received_at=2_000_000_000_000)


# -- of all


@needs_pairs
@pytest.mark.parametrize(("vendor", "case"), cases())
def test_every_event_of_a_pair_is_accepted_as_a_mails_and_keeps_no_address(vendor: str, case: dict[str, Any]) -> None:
    for event in VENDORS[vendor].mapped(posted(case)).events:
        recipient = event["context"].get("traits", {}).get("email")
        if not recipient or recipient == "invalid@invalid":
            continue
        found = row(event)
        assert (found.channel, found.is_trusted) == ("email", True)
        assert found.email
        assert recipient not in found.properties


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"7", b'"x"', b"[7,null,[]]", b"\x00", b"{", b"a=b&a=c"])
def test_nothing_that_is_posted_is_a_fault(vendor: str, body: bytes) -> None:
    for kind in ("application/json", FORM, "multipart/form-data; boundary=x", "multipart/form-data", ""):
        found = mapped(vendor, body, kind)
        assert not found.events
        assert not found.visit


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_meaning_is_an_event_in_a_channel(vendor: str) -> None:
    for meaning in VENDORS[vendor].meanings.values():
        assert meaning.event in ("", "identify") or meaning.channel


# -- mail


def sendgrid(**fields: Any) -> dict[str, Any]:
    note = {"event": "open", "email": "ann@example.com", "timestamp": 1_699_000_000, "sg_event_id": "1"}
    return one("sendgrid", [note | fields])


def test_an_opened_and_a_clicked_mail_are_engagement_and_what_servers_tell_is_no_contact() -> None:
    assert row(sendgrid()).contact == "engagement"
    assert row(sendgrid(event="click", url="https://shop.example")).contact == "engagement"
    for word in ("processed", "delivered", "deferred", "bounce", "dropped"):
        assert row(sendgrid(event=word)).contact == ""


@pytest.mark.parametrize(
    ("vendor", "body"),
    [
        ("sendgrid", [{"event": "open", "email": "a@example.com", "sg_event_id": "1", "sg_machine_open": True}]),
        ("brevo", {"event": "proxy_open", "email": "a@example.com", "message-id": "1"}),
        ("brevo", {"event": "unique_proxy_open", "email": "a@example.com", "message-id": "1"}),
        ("mailgun", {"event-data": {"event": "opened", "recipient": "a@example.com", "client-info": {"bot": "apple"}}}),
        (
            "sparkpost",
            [{"msys": {"track_event": {
                "type": "open", "rcpt_to": "a@example.com", "user_agent_parsed": {"is_prefetched": True}
            }}}],
        ),
    ],
)  # fmt: skip
def test_what_a_machine_opened_is_flagged_as_a_bots(vendor: str, body: Any) -> None:
    found = row(one(vendor, body))
    assert (found.is_bot, found.device_type) == (True, "bot")
    assert json.loads(found.properties)["is_machine"] is True


def test_a_mail_that_gmail_fetches_for_its_reader_is_no_bots() -> None:
    event = sendgrid(
        useragent="Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
    )
    assert not row(event).is_bot
    assert "ip" not in event["context"]


def test_a_readers_own_browser_is_known() -> None:
    event = sendgrid(useragent="Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/119.0.0.0 Safari/537.36")
    assert row(event).browser == "Chrome"


def test_the_address_of_a_mail_server_is_no_place_of_the_reader() -> None:
    assert "ip" not in sendgrid(event="delivered", ip="167.89.17.173")["context"]
    assert sendgrid(event="click", ip="24.130.34.103")["context"]["ip"] == "24.130.34.103"


def test_a_user_id_in_the_mails_metadata_is_the_events_user() -> None:
    assert sendgrid(user_id="ann")["userId"] == "ann"
    assert sendgrid(user_id=7)["userId"] == "7"
    assert "userId" not in sendgrid(user_id={"id": 7})


def test_addresses_in_what_servers_reply_are_removed() -> None:
    event = sendgrid(event="bounce", reason="550 5.1.1 <ann.b+c@mail.example.com>... User unknown")
    assert event["properties"]["reply"] == "550 5.1.1 <...>... User unknown"


def test_both_notes_of_brevo_about_a_first_open_are_one_event() -> None:
    note = {"email": "a@example.com", "message-id": "<1@x>", "ts_epoch": 1_699_000_000_000}
    first, second = (one("brevo", note | {"event": word})["messageId"] for word in ("opened", "unique_opened"))
    assert first == second
    assert one("brevo", note | {"event": "proxy_open"})["messageId"] != first
    assert one("brevo", note | {"event": "opened", "ts_epoch": 1_699_000_001_000})["messageId"] != first


def ses(kind: str, recipients: list[str], message: str = "n-1", **part: Any) -> Mapped:
    told = {"eventType": kind, kind.lower(): part, "mail": {"destination": recipients, "messageId": "m"}}
    note = {
        "Type": "Notification",
        "MessageId": message,
        "Message": json.dumps(told),
        "Timestamp": "2023-11-14T22:00:00Z",
    }
    return mapped("ses", note)


def test_an_open_of_ses_with_several_recipients_is_nobodys() -> None:
    assert len(ses("Open", ["a@example.com"]).events) == 1
    found = ses("Open", ["a@example.com", "b@example.com"])
    assert not found.events
    assert "which of 2 recipients" in found.unmapped[0].words


def test_each_recipient_of_a_mail_of_ses_has_an_event_with_a_key_of_its_own() -> None:
    first, second = ses("Send", ["a@example.com", "b@example.com"]).events
    assert first["messageId"] != second["messageId"]


def test_a_test_note_of_ses_leaves_nothing() -> None:
    told = "Successfully validated SNS topic for Amazon SES event publishing."
    assert mapped("ses", {"Type": "Notification", "Message": told}) == Mapped()
    assert mapped("ses", {"Type": "UnsubscribeConfirmation"}) == Mapped()


def test_the_test_note_of_feedback_notifications_leaves_nothing() -> None:
    told = {"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have successfully subscribed ..."}
    assert mapped("ses", {"Type": "Notification", "Message": json.dumps(told)}) == Mapped()


def test_what_the_sender_tagged_a_mail_of_ses_with_is_kept_and_may_name_the_user() -> None:
    tags = {"ses:configuration-set": ["all"], "ses:caller-identity": ["shop"], "user_id": ["ann"], "season": ["spring"]}
    told = {"eventType": "Click", "click": {"link": "https://shop.example/", "timestamp": "2023-11-14T22:13:20.000Z"}}
    sent = {"messageId": "m", "destination": ["a@example.com"], "tags": tags, "commonHeaders": {"subject": "Hats"}}
    note = {"Type": "Notification", "MessageId": "n", "Message": json.dumps(told | {"mail": sent})}
    event = one("ses", note)
    assert event["userId"] == "ann"
    assert event["properties"]["labels"] == {"user_id": "ann", "season": "spring"}
    assert event["properties"]["subject"] == "Hats"


def test_a_note_of_mailgun_is_json_whatever_its_content_type_says() -> None:
    note = {"event-data": {"event": "opened", "id": "e", "timestamp": 1_699_000_000, "recipient": "a@example.com"}}
    assert one("mailgun", note, "text/plain") == one("mailgun", note, FORM) == one("mailgun", note)


def test_a_click_in_a_campaign_of_brevo_has_its_time_link_and_campaign() -> None:
    note = {
        "id": 9, "camp_id": 3, "campaign name": "Hats", "event": "click", "email": "a@example.com", "tag": "",
        "date_event": "2023-11-14 23:13:20", "ts_event": 1_700_000_000, "ts": 1_700_003_600, "URL": "https://shop.example",
    }  # fmt: skip
    event = one("brevo", note)
    assert row(event).occurred_at == 1_700_000_000_000
    assert (event["properties"]["url"], event["properties"]["campaign"]) == ("https://shop.example", "Hats")
    assert one("brevo", note | {"camp_id": 4})["messageId"] != event["messageId"]


@pytest.mark.parametrize(
    ("said", "name", "contact"),
    [
        ("sent", "SMS Sent", ""), ("accepted", "SMS Queued", ""), ("delivered", "SMS Delivered", ""),
        ("soft_bounce", "SMS Undelivered", ""), ("hardBounce", "SMS Undelivered", ""), ("rejected", "SMS Failed", ""),
        ("replied", "SMS Replied", "engagement"), ("unsubscribe", "SMS Unsubscribed", "engagement"),
    ],
)  # fmt: skip
def test_an_sms_by_brevo_is_no_mail_and_goes_to_a_phone(said: str, name: str, contact: str) -> None:
    note = {
        "id": 26570, "to": "4917012345678", "sms_count": 1, "credits_used": 1.5, "messageId": 123, "reply": "call me",
        "remaining_credit": 11488.8, "msg_status": said, "date": "2023-11-14 23:13:20", "type": "transactional",
    }  # fmt: skip
    event = one("brevo", note)
    assert (event["event"], event["context"]["channel"], row(event).contact) == (name, "sms", contact)
    assert row(event).phone == row(one("brevo", note | {"to": "+49 170 12345678"})).phone != 0
    assert "call me" not in json.dumps(event)
    assert one("brevo", note | {"remaining_credit": 7.0})["messageId"] == event["messageId"]
    assert one("brevo", note | {"messageId": 124})["messageId"] != event["messageId"]
    assert mapped("brevo", note | {"msg_status": "sent by post"}).unmapped


def test_a_mail_that_postmark_takes_in_is_a_reply_of_who_wrote_it() -> None:
    note = {
        "From": "ann@example.com", "FromFull": {"Email": "ann@example.com", "Name": "Ann", "MailboxHash": ""},
        "To": "in+7@inbound.example", "Subject": "my secret", "MessageID": "m-7", "MessageStream": "inbound",
        "Date": "Tue, 14 Nov 2023 18:13:20 -0400", "TextBody": "my secret", "StrippedTextReply": "my secret",
        "Headers": [{"Name": "X-Spam-Status", "Value": "No"}], "Attachments": [],
    }  # fmt: skip
    event = one("postmark", note)
    assert (event["event"], row(event).contact, row(event).occurred_at) == ("Email Replied", "engagement", NOW)
    assert row(event).email != 0
    assert "my secret" not in json.dumps(event)
    automatic = one("postmark", note | {"Headers": [{"Name": "Auto-Submitted", "Value": "auto-replied"}]})
    assert automatic["event"] == "Email Autoresponse Processed"
    assert row(one("postmark", note | {"Headers": [{"Name": "X-Spam-Status", "Value": "Yes, score=9"}]})).is_bot


def incoming(vendor: str, **headers: str) -> dict[str, Any]:
    """A mail that comes in, as the vendor's documentation shows one."""
    if vendor == "brevo":
        item = {
            "Uuid": ["8d79"], "MessageId": "<a@mail.example>", "From": {"Name": "Ann", "Address": "ann@example.com"},
            "To": [{"Name": None, "Address": "shop@reply.example"}], "SentAtDate": "Tue, 14 Nov 2023 23:13:20 +0100",
            "Subject": "Where is it", "RawTextBody": "Dear Meadow", "Headers": headers, "Attachments": [],
        }  # fmt: skip
        return one("brevo", {"items": [item]})
    if vendor == "sparkpost":
        told = {"Message-ID": "<a@mail.example>", "Date": "Tue, 14 Nov 2023 23:13:20 +0100"} | headers
        content = {
            "subject": "Where is it",
            "text": "Dear Meadow",
            "headers": [{name: each} for name, each in told.items()],
        }
        relayed = {"friendly_from": "ann@example.com", "rcpt_to": "shop@reply.example", "content": content}
        return one("sparkpost", [{"msys": {"relay_message": relayed}}])
    fields = {
        "recipient": "shop@reply.example", "sender": "bounce+ann@mailer.example", "from": "Ann <ann@example.com>",
        "subject": "Where is it", "body-plain": "Dear Meadow", "stripped-text": "Dear", "timestamp": "1700000000",
        "token": "t", "signature": "s", "Message-Id": "<a@mail.example>", **headers,
    }  # fmt: skip
    return one("mailgun", urlencode(fields).encode(), FORM)


@pytest.mark.parametrize("vendor", ["brevo", "mailgun", "sparkpost"])
def test_a_mail_that_comes_in_is_a_reply_of_who_wrote_it_without_what_was_written(vendor: str) -> None:
    event = incoming(vendor)
    found = row(event)
    assert (found.event, found.contact, found.occurred_at) == ("Email Replied", "engagement", 1_700_000_000_000)
    assert event["context"]["traits"]["email"] == "ann@example.com"
    assert not [each for each in ("Dear Meadow", "Where is it") if each in json.dumps(event)]
    automatic = incoming(vendor, **{"Auto-Submitted": "auto-replied"})
    assert automatic["event"] == "Email Autoresponse Processed"


def test_an_ad_that_leads_into_a_chat_of_meta_and_a_reaction_are_contacts() -> None:
    said = {"sender": {"id": "p1"}, "recipient": {"id": "page"}, "timestamp": 1_700_000_000_000}
    referral = {"referral": {"ref": "spring", "source": "ADS", "type": "OPEN_THREAD", "ad_id": "77"}}
    reactions = [{"reaction": {"mid": "m1", "action": action, "emoji": "x"}} for action in ("react", "unreact")]
    notes = [said | referral, *(said | each | {"timestamp": at} for at, each in enumerate(reactions, 1))]
    found = mapped("meta", {"object": "page", "entry": [{"id": "page", "messaging": notes}]})
    assert not found.unmapped
    assert [event["event"] for event in found.events] == ["Message Link Opened", *["Message Reacted"] * 2]
    assert {row(event).contact for event in found.events} == {"engagement"}
    assert (found.events[0]["properties"]["ad_id"], found.events[0]["properties"]["action"]) == ("77", "spring")
    assert len({event["messageId"] for event in found.events}) == 3


def test_a_checkout_of_shopify_is_no_sale_and_names_who_orders_then() -> None:
    checkout = {
        "id": 7,
        "created_at": "2023-11-14T22:13:20Z",
        "total_price": "398.00",
        "currency": "USD",
        "email": None,
    }
    started = row(shopify("checkouts/create", checkout))
    assert (started.event, started.contact, started.value_micros) == ("Checkout Started", "engagement", 0)
    named = [checkout | {"email": "ann@example.com", "updated_at": f"2023-11-14T22:1{minute}:00Z"} for minute in (4, 5)]
    first, second = (shopify("checkouts/update", each) for each in named)
    assert first["type"] == "identify"
    assert first["messageId"] != second["messageId"]
    ordered = row(shopify("orders/create", ORDER | {"checkout_id": 7}))
    assert set(started.vendors) == set(row(first).vendors) < set(ordered.vendors)
    assert row(first).email == ordered.email


def test_a_trial_that_is_about_to_end_is_told_and_is_no_contact() -> None:
    what = {"id": "sub_1", "customer": "cus_1", "status": "trialing"}
    note = {"id": "e", "type": "customer.subscription.trial_will_end", "created": 1, "data": {"object": what}}
    found = row(one("stripe", note))
    assert (found.event, found.contact) == ("Trial End Scheduled", "")


def test_a_subscription_of_stripe_that_rests_and_a_dispute_that_is_settled_are_told() -> None:
    for word, name, contact in (
        ("customer.subscription.paused", "Subscription Paused", "engagement"),
        ("customer.subscription.resumed", "Subscription Resumed", "engagement"),
        ("charge.dispute.closed", "Payment Dispute Closed", "service"),
    ):
        what = {"id": "x", "customer": "cus_1", "status": "lost", "amount": 500, "currency": "eur"}
        event = one("stripe", {"id": "evt_1", "type": word, "created": 1_700_000_000, "data": {"object": what}})
        found = row(event)
        assert (event["event"], event["properties"]["status"]) == (name, "lost")
        assert (found.contact, found.value_micros) == (contact, 0)


def test_both_kinds_of_tags_of_sparkpost_are_kept() -> None:
    (event,) = mapped("sparkpost", [sparkpost("delivery", campaign_id="spring", rcpt_tags=["vip", "north"])]).events
    assert event["properties"]["tags"] == ["spring", "vip", "north"]


def sparkpost(kind: str, wrapper: str = "message_event", **fields: Any) -> dict[str, Any]:
    note = {"type": kind, "raw_rcpt_to": "Ann@example.com", "timestamp": "1460989507", "event_id": "92356927693813856"}
    return {"msys": {wrapper: note | fields}}


def test_a_batch_of_sparkpost_is_taken_apart() -> None:
    batch = [
        sparkpost("delivery", transmission_id="65832150921904138"),
        sparkpost("click", "track_event", event_id="2", target_link_url="https://shop.example", rcpt_meta={"k": "v"}),
        sparkpost("bounce", event_id="3", bounce_class="10", raw_reason="550 <ann@example.com> unknown"),
        sparkpost("bounce", event_id="4", bounce_class="60"),
        sparkpost("list_unsubscribe", "unsubscribe_event", event_id="5", campaign_id="spring"),
        sparkpost("initial_open", "track_event", event_id="6"),
        {"msys": {}},
        sparkpost("ingest_success", "ingest_event"),
    ]
    found = mapped("sparkpost", batch)
    assert [event["event"] for event in found.events] == [
        "Email Delivered", "Email Link Clicked", "Email Bounced", "Email Autoresponse Processed", "Email Unsubscribed",
    ]  # fmt: skip
    assert len(found.unmapped) == 1
    delivered, clicked, bounced, _, unsubscribed = found.events
    assert to_ms(delivered["timestamp"]) == 1_460_989_507_000
    assert (delivered["context"]["traits"], delivered["properties"]["message_id"]) == (
        {"email": "Ann@example.com"}, "65832150921904138",
    )  # fmt: skip
    assert (clicked["properties"]["url"], clicked["properties"]["metadata"]) == ("https://shop.example", {"k": "v"})
    assert (bounced["properties"]["reason"], bounced["properties"]["reply"]) == ("invalid", "550 <...> unknown")
    assert unsubscribed["properties"]["tags"] == ["spring"]


# -- messages and calls


def twilio(**fields: str) -> dict[str, Any]:
    return one("twilio", urlencode(fields).encode(), FORM)


@needs_pairs
def test_the_example_of_twilio_is_a_delivered_message_to_a_phone() -> None:
    event = twilio(**examples()["twilio_sms_status_callback"]["example"])
    assert (event["event"], event["context"]["channel"]) == ("SMS Delivered", "sms")
    assert event["context"]["traits"] == {"phone": "+14165550100"}
    assert row(event).phone
    assert row(event).contact == ""


def test_each_status_of_a_message_is_an_event_of_its_own_and_each_attempt_the_same() -> None:
    sent = twilio(MessageSid="SM1", MessageStatus="sent", To="+14165550100")
    assert twilio(MessageSid="SM1", MessageStatus="sent", To="+14165550100") == sent
    assert twilio(MessageSid="SM1", MessageStatus="delivered", To="+14165550100")["messageId"] != sent["messageId"]


def test_an_incoming_message_is_the_senders_and_what_he_wrote_is_not_taken() -> None:
    event = twilio(MessageSid="SM2", SmsStatus="received", From="+14165550100", To="+12362320246", Body="call my wife")
    assert event["context"]["traits"] == {"phone": "+14165550100"}
    assert row(event).contact == "engagement"
    assert "wife" not in json.dumps(event)


def test_whatsapp_by_twilio_is_a_messenger() -> None:
    event = twilio(MessageSid="SM3", MessageStatus="read", To="whatsapp:+14165550100", From="whatsapp:+12362320246")
    assert (event["context"]["channel"], event["context"]["traits"]) == ("messenger", {"phone": "+14165550100"})


def test_a_call_is_one_contact_when_it_has_ended() -> None:
    call = {"CallSid": "CA1", "Direction": "inbound", "From": "+14165550100", "To": "+12362320246"}
    for status in ("ringing", "in-progress", "busy", "no-answer"):
        assert row(twilio(**call, CallStatus=status)).contact == ""
    ended = twilio(**call, CallStatus="completed", CallDuration="75", Timestamp="Tue, 14 Nov 2023 22:13:20 +0000")
    assert (row(ended).contact, row(ended).channel) == ("service", "phone")
    assert row(ended).occurred_at == 1_700_000_000_000
    assert ended["properties"]["duration_s"] == 75
    assert ended["context"]["traits"] == {"phone": "+14165550100"}
    assert twilio(**call | {"Direction": "outbound-api"}, CallStatus="completed")["context"]["traits"] == {
        "phone": "+12362320246"
    }


def test_only_a_number_behind_a_channels_name_is_a_phone() -> None:
    assert "traits" not in twilio(CallSid="CA1", CallStatus="completed", To="client:ann")["context"]
    assert "traits" not in twilio(CallSid="CA1", CallStatus="completed", To="sip:1001@example.com")["context"]
    page = twilio(MessageSid="SM1", SmsStatus="received", From="messenger:1234567890123", To="messenger:99")["context"]
    assert (page["channel"], page["externalIds"]) == ("messenger", [{"type": "messenger", "id": "1234567890123"}])
    assert "traits" not in page


def test_a_message_that_was_taken_back_is_no_contact_and_a_stop_word_is_kept() -> None:
    assert row(twilio(MessageSid="SM1", MessageStatus="canceled", To="+14165550100")).contact == ""
    stop = twilio(MessageSid="SM2", SmsStatus="received", From="+14165550100", Body="STOP", OptOutType="STOP")
    assert stop["properties"]["opt_out"] == "STOP"


@needs_pairs
def test_the_example_of_whatsapp_is_a_reply_by_a_phone_and_what_was_written_is_not_taken() -> None:
    event = one("whatsapp", examples()["meta_whatsapp"]["example"])
    assert (event["event"], event["context"]["channel"]) == ("Message Replied", "messenger")
    assert event["context"]["traits"] == {"phone": "+15551234567"}
    assert (row(event).contact, row(event).occurred_at) == ("engagement", 1_700_000_000_000)
    assert '"hi"' not in json.dumps(event)


PAGE = {"sender": {"id": "psid-1"}, "recipient": {"id": "page-1"}, "timestamp": 1457764197627}


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({"message": {"mid": "m1", "text": "hello"}}, "Message Replied"),
        ({"postback": {"mid": "m2", "title": "Go", "payload": "START"}}, "Message Replied"),
        ({"delivery": {"mids": ["m3"], "watermark": 1458668856253}}, "Message Delivered"),
        ({"read": {"watermark": 1458668856253}}, "Message Read"),
    ],
)
def test_what_messenger_tells_is_of_the_person_within_the_page_and_what_was_written_is_not_taken(
    told: dict[str, Any], name: str
) -> None:
    event = one("meta", {"object": "page", "entry": [{"id": "page-1", "messaging": [PAGE | told]}]})
    assert (event["event"], event["context"]["channel"]) == (name, "messenger")
    assert event["context"]["externalIds"] == [{"type": "messenger", "id": "psid-1"}]
    assert event["timestamp"] == 1457764197627
    assert "hello" not in json.dumps(event)


def test_an_echo_of_instagram_is_a_message_to_the_person() -> None:
    echo = {"sender": {"id": "page-1"}, "recipient": {"id": "igsid"}, "message": {"mid": "m", "is_echo": True}}
    event = one("meta", {"object": "instagram", "entry": [{"messaging": [echo]}]})
    assert event["event"] == "Message Sent"
    assert event["context"]["externalIds"] == [{"type": "instagram", "id": "igsid"}]


@needs_pairs
def test_whatsapps_notes_come_to_metas_address_too() -> None:
    assert mapped("meta", examples()["meta_whatsapp"]["example"]) == mapped(
        "whatsapp", examples()["meta_whatsapp"]["example"]
    )


def test_each_status_of_a_whatsapp_message_is_an_event_of_its_own() -> None:
    statuses = [
        {"id": "wamid.1", "status": word, "timestamp": "1700000000", "recipient_id": "15551234567"}
        for word in ("sent", "delivered", "read", "failed", "dreamt")
    ]
    changes = [{"field": "messages", "value": {"statuses": statuses}}, {"field": "account_update", "value": {}}]
    found = mapped("whatsapp", {"object": "whatsapp_business_account", "entry": [{"changes": changes}]})
    assert [row(event).contact for event in found.events] == ["", "", "engagement", ""]
    assert len({event["messageId"] for event in found.events}) == 4
    assert len(found.unmapped) == 1


def whatsapp(**message: Any) -> Mapped:
    told = {"id": "wamid.1", "timestamp": "1700000000"} | message
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "messages": [told]}}
    return mapped("whatsapp", {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]})


def test_who_hides_his_number_on_whatsapp_is_known_by_the_businesss_id_of_him() -> None:
    (named,) = whatsapp(type="text", **{"from": "15551234567", "from_user_id": "US.1349120865"}).events
    (hidden,) = whatsapp(type="text", id="wamid.2", from_user_id="US.1349120865").events
    assert row(named).phone
    assert "traits" not in hidden["context"]
    assert row(hidden).vendors == row(named).vendors != ()


def test_a_message_that_an_ad_led_to_names_the_ad_and_one_of_the_system_is_nobodys() -> None:
    ad = {"source_type": "ad", "source_id": "120", "source_url": "https://fb.me/x", "ctwa_clid": "ARA"}
    (event,) = whatsapp(type="text", referral=ad, **{"from": "15551234567"}).events
    assert (event["properties"]["ad_id"], event["properties"]["click_id"]) == ("120", "ARA")
    changed = whatsapp(type="system", system={"type": "user_changed_number"}, **{"from": "15551234567"})
    assert (changed.events, changed.unmapped) == ((), ())


# -- support


@needs_pairs
def test_the_example_of_intercom_is_a_conversation_of_its_user() -> None:
    event = one("intercom", examples()["intercom_conversation"]["example"])
    assert (event["event"], event["context"]["channel"]) == ("Support Conversation Started", "chat")
    assert event["context"]["traits"] == {"email": "bill@bill.bill"}
    assert event["context"]["externalIds"] == [{"type": "intercom", "id": "540f1de7112d3d1d51001637"}]
    assert (row(event).contact, row(event).occurred_at) == ("service", 1_410_335_293_000)
    assert "important message" not in json.dumps(event)


def test_intercoms_newer_conversations_name_their_first_contact() -> None:
    item = {
        "type": "conversation", "id": "7",
        "contacts": {"contacts": [{"type": "contact", "id": "c-1", "external_id": "ann"}]},
        "source": {"author": {"type": "user", "id": "c-1", "email": "ann@example.com"}},
    }  # fmt: skip
    note = {"topic": "conversation.user.replied", "id": "n-1", "created_at": 1_700_000_000, "data": {"item": item}}
    event = one("intercom", note)
    assert (event["userId"], event["context"]["traits"]) == ("ann", {"email": "ann@example.com"})
    rated = {**note, "topic": "conversation.rating.added", "id": "n-2"}
    rated["data"] = {"item": item | {"conversation_rating": {"rating": 4}}}
    answer = one("intercom", rated)
    assert (answer["context"]["channel"], answer["properties"]["rating"]) == ("survey", 4)


def test_a_contact_of_intercom_joins_its_ids() -> None:
    item = {"type": "contact", "id": "c-1", "external_id": "ann", "email": "ann@example.com", "phone": "+14165550100"}
    event = one("intercom", {"topic": "contact.user.created", "id": "n", "data": {"item": item}})
    found = row(event)
    assert (event["type"], found.user_id, len(found.vendors)) == ("identify", "ann", 1)
    assert found.email
    assert found.phone


def test_a_call_by_intercom_is_one_contact_when_it_has_ended() -> None:
    call = {
        "type": "call", "id": "9", "contact_id": "c-1", "conversation_id": "7", "phone": "+14165550100",
        "direction": "inbound", "initiated_at": 1_700_000_000, "answered_at": 1_700_000_010, "ended_at": 1_700_000_085,
    }  # fmt: skip
    note = {"topic": "call.ended", "id": "n", "created_at": 1_700_000_085, "data": {"item": call}}
    event = one("intercom", note)
    assert (row(event).channel, row(event).contact, len(row(event).vendors)) == ("phone", "service", 1)
    assert (event["properties"]["duration_s"], event["context"]["traits"]) == (75, {"phone": "+14165550100"})
    assert row(one("intercom", note | {"topic": "call.started", "id": "m"})).contact == ""


@pytest.mark.parametrize("says", [{"role": "lead"}, {"type": "lead"}, {"type": "contact", "anonymous": True}])
def test_the_id_that_intercom_made_up_for_a_lead_is_no_user(says: dict[str, Any]) -> None:
    item = {"id": "c-1", "external_id": "8a88a590-e1c3", "user_id": "8a88a590-e1c3", "email": "ann@example.com"} | says
    lead = row(one("intercom", {"topic": "contact.lead.created", "id": "n", "data": {"item": item}}))
    assert (lead.user_id, len(lead.vendors)) == ("", 1)
    signed_up = item | {"role": "user", "type": "contact", "anonymous": False, "external_id": "ann", "user_id": None}
    user = row(one("intercom", {"topic": "contact.lead.signed_up", "id": "m", "data": {"item": signed_up}}))
    assert (user.user_id, user.vendors) == ("ann", lead.vendors)


@needs_pairs
def test_the_example_of_zendesk_names_nobody_and_with_a_requester_is_a_contact() -> None:
    note = examples()["zendesk_ticket_event"]["example"]
    event = one("zendesk", note)
    assert (event["event"], event["context"]["channel"]) == ("Ticket Created", "form")
    assert "externalIds" not in event["context"]
    asked = one("zendesk", note | {"detail": note["detail"] | {"requester_id": "99", "via": {"channel": "email"}}})
    assert (row(asked).contact, row(asked).channel) == ("service", "email")
    assert row(asked).device_id == ""


def test_a_user_of_zendesk_and_his_ticket_have_one_id() -> None:
    detail = {"id": "99", "email": "ann@example.com", "external_id": "ann"}
    user = one("zendesk", {"type": "zen:event-type:user.created", "id": "1", "detail": detail})
    ticket = {"id": "5", "requester_id": "99"}
    asked = one("zendesk", {"type": "zen:event-type:ticket.created", "id": "2", "detail": ticket})
    assert row(user).vendors == row(asked).vendors != ()
    assert row(user).user_id == "ann"


def test_a_reply_of_staff_and_a_change_of_status_are_no_contact_of_the_customer() -> None:
    note = {"type": "zen:event-type:ticket.comment_added", "id": "1", "detail": {"id": "5", "requester_id": "9"}}
    assert row(one("zendesk", note)).contact == "service"
    reply = note | {"event": {"comment": {"author": {"is_staff": True}}}}
    assert row(one("zendesk", reply)).contact == ""
    changed = note | {"type": "zen:event-type:ticket.status_changed", "event": {"current": "OPEN"}}
    assert row(one("zendesk", changed)).contact == ""
    solved = one("zendesk", changed | {"event": {"current": "SOLVED"}})
    assert solved["event"] == "Ticket Resolved"


# -- surveys


@needs_pairs
def test_the_example_of_typeform_is_an_answered_survey_of_its_hidden_user() -> None:
    event = one("typeform", examples()["typeform"]["example"])
    assert (event["event"], event["userId"], event["properties"]["score"]) == ("Survey Answered", "abc123456", 9)
    assert (row(event).channel, row(event).contact) == ("survey", "engagement")
    assert row(event).occurred_at == 1_516_299_422_000


def test_answers_of_typeform_are_kept_by_reference_and_addresses_become_identifiers() -> None:
    def answer(kind: str, value: Any, ref: str, asked: str) -> dict[str, Any]:
        return {"type": kind, kind: value, "field": {"id": ref, "ref": ref, "type": asked}}

    answers = [
        answer("number", 9, "how", "nps"),
        answer("number", 4, "stars", "rating"),
        answer("choice", {"label": "Blue"}, "colour", "multiple_choice"),
        answer("choices", {"labels": ["A", "B"]}, "letters", "multiple_choice"),
        answer("boolean", False, "again", "yes_no"),
        answer("email", "ann@example.com", "mail", "email"),
        answer("phone_number", "+14165550100", "phone", "phone_number"),
    ]
    told = {"form_id": "f", "token": "t", "submitted_at": "2023-11-14T22:13:20Z", "answers": answers}
    event = one("typeform", {"event_id": "e", "event_type": "form_response", "form_response": told})
    properties = event["properties"]
    assert (properties["nps"], properties["rating"]) == (9, 4)
    assert properties["answers"] == {"how": 9, "stars": 4, "colour": "Blue", "letters": ["A", "B"], "again": False}
    assert event["context"]["traits"] == {"email": "ann@example.com", "phone": "+14165550100"}


def test_a_form_that_was_left_half_way_was_started_and_no_answered_survey() -> None:
    told = {"form_id": "f", "token": "t", "hidden": {"user_id": "ann"}, "answers": []}
    part = one("typeform", {"event_id": "e", "event_type": "form_response_partial", "form_response": told})
    whole = one("typeform", {"event_id": "g", "event_type": "form_response", "form_response": told})
    assert (part["event"], part["userId"], part["properties"]["response_id"]) == ("Survey Started", "ann", "t")
    assert whole["event"] == "Survey Answered"
    assert part["messageId"] != whole["messageId"]


def test_of_an_answer_that_is_a_payment_the_sum_is_kept_and_of_choices_the_persons_own_word_too() -> None:
    answers = [
        {"type": "payment", "payment": {"amount": "1.50", "last4": "1234", "name": "Ann Bee"}, "field": {"ref": "fee"}},
        {"type": "choices", "choices": {"labels": ["A"], "other": "Z"}, "field": {"ref": "letters"}},
        {"type": "choice", "choice": {"other": "Teal"}, "field": {"ref": "colour"}},
    ]
    told = {"form_id": "f", "token": "t", "answers": answers}
    event = one("typeform", {"event_id": "e", "event_type": "form_response", "form_response": told})
    assert event["properties"]["answers"] == {"fee": 1.5, "letters": ["A", "Z"], "colour": "Teal"}


@needs_pairs
def test_the_example_of_surveymonkey_is_an_answered_survey_of_its_response() -> None:
    event = one("surveymonkey", examples()["surveymonkey"]["example"])
    assert (event["event"], event["properties"]["response_id"]) == ("Survey Answered", "123456")
    found = row(event)
    assert (found.channel, found.contact, found.occurred_at) == ("survey", "engagement", 1_451_685_391_182)
    assert len(found.vendors) == 1


def test_surveymonkey_tells_of_one_response_from_its_start_to_its_end() -> None:
    def note(kind: str, number: int) -> dict[str, Any]:
        told = {"respondent_id": "r", "survey_id": "s", "collector_id": "c", "recipient_id": "0"}
        return {"event_type": kind, "event_id": f"e{number}", "object_id": "r", "resources": told}

    kinds = ("response_created", "response_completed", "response_updated", "response_overquota")
    events = [one("surveymonkey", note(kind, number)) for number, kind in enumerate(kinds)]
    names = ["Survey Started", "Survey Answered", "Survey Answer Changed", "Survey Ended"]
    assert [event["event"] for event in events] == names
    assert events[-1]["properties"]["reason"] == "overquota"
    assert events[0]["properties"]["survey_id"] == "s"
    assert len({event["messageId"] for event in events}) == 4
    assert len({row(event).vendors for event in events}) == 1
    assert mapped("surveymonkey", note("respondent_created", 9)).unmapped


# -- payments and shops


def stripe(kind: str, what: dict[str, Any], **fields: Any) -> dict[str, Any]:
    note = {"id": "evt_1", "type": kind, "created": 1_700_000_000, "data": {"object": what, **fields}}
    return one("stripe", note)


@pytest.mark.parametrize(
    ("amount", "currency", "micros"),
    [
        (4990, "eur", 49_900_000),
        (500, "jpy", 500_000_000),
        (1005, "kwd", 1_005_000),
        (500, "ugx", 5_000_000),  # Stripe's own exception
        (500, "isk", 5_000_000),
    ],
)
def test_a_payment_has_its_value_in_the_currencys_own_unit(amount: int, currency: str, micros: int) -> None:
    paid = stripe("charge.succeeded", {"id": "ch", "amount": amount, "currency": currency, "customer": "cus_1"})
    found = row(paid)
    assert (found.value_micros, found.currency, found.contact) == (micros, currency.upper(), "conversion")


def test_a_checkout_is_an_order_of_the_customer_it_names() -> None:
    session = {
        "id": "cs", "amount_total": 1000, "currency": "usd", "customer": "cus_1",
        "customer_details": {"email": "ann@example.com", "phone": "+14165550100"}, "metadata": {"user_id": "ann"},
    }  # fmt: skip
    found = row(stripe("checkout.session.completed", session))
    assert (found.event, found.user_id, found.value_micros) == ("Order Completed", "ann", 10_000_000)
    assert found.email
    assert found.phone
    assert found.vendors == row(stripe("customer.created", {"id": "cus_1", "email": "ann@example.com"})).vendors


def test_of_a_refund_only_what_went_back_now_counts() -> None:
    charge = {"id": "ch", "amount": 1000, "amount_refunded": 700, "currency": "eur", "customer": "cus_1"}
    found = row(stripe("charge.refunded", charge, previous_attributes={"amount_refunded": 300}))
    assert (found.value_micros, found.contact) == (-4_000_000, "service")


def test_a_failed_payment_is_no_contact_and_has_no_value() -> None:
    found = row(stripe("charge.failed", {"amount": 1000, "currency": "eur", "customer": "cus_1"}))
    assert (found.contact, found.value_micros) == ("", 0)


def test_a_checkout_that_is_paid_days_later_is_an_order_when_it_is_paid() -> None:
    session = {"id": "cs", "amount_total": 1000, "currency": "eur", "customer": "cus_1"}
    first = row(stripe("checkout.session.completed", session | {"payment_status": "unpaid"}))
    assert (first.contact, first.value_micros) == ("", 0)
    then = row(stripe("checkout.session.async_payment_succeeded", session | {"payment_status": "paid"}))
    assert (then.event, then.contact, then.value_micros) == ("Order Completed", "conversion", 10_000_000)
    failed = row(stripe("checkout.session.async_payment_failed", session | {"payment_status": "unpaid"}))
    assert (failed.contact, failed.value_micros) == ("", 0)


def test_a_charge_counts_with_what_was_captured_of_it() -> None:
    charge = {"id": "ch", "amount": 1000, "amount_captured": 0, "currency": "eur", "customer": "cus_1"}
    assert row(stripe("charge.succeeded", charge | {"captured": False})).value_micros == 0
    captured = row(stripe("charge.captured", charge | {"captured": True, "amount_captured": 600}))
    assert (captured.event, captured.value_micros) == ("Payment Succeeded", 6_000_000)


def test_both_notes_of_stripe_about_a_paid_invoice_are_one_event() -> None:
    invoice = {"id": "in_1", "amount_paid": 1000, "currency": "eur", "customer": "cus_1"}
    first, second = stripe("invoice.paid", invoice), stripe("invoice.payment_succeeded", invoice)
    assert first["messageId"] == second["messageId"]
    assert stripe("invoice.paid", invoice | {"id": "in_2"})["messageId"] != first["messageId"]


ORDER = {
    "id": 820982911946154508, "email": "ann@example.com", "total_price": "398.00", "currency": "USD", "name": "#9999",
    "created_at": "2023-11-14T22:13:20Z", "customer": {"id": 115310627314723954}, "source_name": "web",
    "line_items": [{"title": "Hat", "price": "199.00", "quantity": 2, "sku": "H", "product_id": 1}],
}  # fmt: skip


def shopify(topic: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    return one("shopify", body, x_shopify_topic=topic, **headers)


def test_an_order_of_shopify_is_a_conversion_with_its_value() -> None:
    event = shopify("orders/create", ORDER)
    found = row(event)
    assert (found.event, found.value_micros, found.currency) == ("Order Completed", 398_000_000, "USD")
    assert (found.contact, found.channel, found.occurred_at) == ("conversion", "other", 1_700_000_000_000)
    assert event["properties"]["products"][0]["price"] == 199.0
    assert shopify("orders/create", ORDER | {"source_name": "pos"})["context"]["channel"] == "store"


def test_a_refund_of_shopify_names_the_order_and_so_its_customer() -> None:
    transactions = [{"kind": "refund", "amount": "41.94", "currency": "USD"}]
    back = row(shopify("refunds/create", {"id": 1, "order_id": ORDER["id"], "transactions": transactions}))
    assert back.value_micros == -41_940_000
    assert set(back.vendors) < set(row(shopify("orders/create", ORDER)).vendors)


def test_what_was_sent_as_a_test_says_so() -> None:
    assert "is_test" not in shopify("orders/create", ORDER | {"test": False})["properties"]
    assert shopify("orders/create", ORDER, x_shopify_test="true")["properties"]["is_test"] is True
    assert shopify("orders/create", ORDER | {"test": True})["properties"]["is_test"] is True
    paid = {"id": "ch", "amount": 1, "currency": "eur"}
    note = {"id": "e", "type": "charge.succeeded", "livemode": False, "data": {"object": paid}}
    assert one("stripe", note)["properties"]["is_test"] is True
    assert "is_test" not in one("stripe", note | {"livemode": True})["properties"]


def test_a_refund_of_shopify_that_failed_moved_nothing() -> None:
    moved = [
        {"kind": "refund", "amount": "41.94", "currency": "USD", "status": "success"},
        {"kind": "refund", "amount": "10.00", "currency": "USD", "status": "failure"},
    ]
    assert row(shopify("refunds/create", {"id": 1, "order_id": 2, "transactions": moved})).value_micros == -41_940_000


def test_an_order_of_shopify_that_comes_by_two_subscriptions_is_one() -> None:
    first = shopify("orders/create", ORDER, x_shopify_webhook_id="a", x_shopify_event_id="e")
    assert shopify("orders/create", ORDER, x_shopify_webhook_id="b", x_shopify_event_id="e") == first
    assert shopify("orders/cancelled", ORDER)["messageId"] != first["messageId"]


def woo(status: str, topic: str = "order.updated", **fields: Any) -> Mapped:
    order = {
        "id": 727, "status": status, "currency": "EUR", "total": "29.35", "customer_id": 26,
        "date_modified_gmt": "2023-11-14T22:13:20", "billing": {"email": "ann@example.com", "phone": "+14165550100"},
    }  # fmt: skip
    return mapped("woocommerce", order | fields, x_wc_webhook_topic=topic)


def test_an_order_of_woocommerce_is_completed_once_however_often_it_comes() -> None:
    (first,) = woo("processing", date_paid_gmt="2023-11-14T22:00:00").events
    (second,) = woo("completed", date_modified_gmt="2023-12-01T00:00:00", date_paid_gmt="2023-11-14T22:00:00").events
    assert first["messageId"] == second["messageId"]
    assert (row(first).value_micros, row(first).contact) == (29_350_000, "conversion")
    assert first["timestamp"] == "2023-11-14T22:00:00"
    for status in ("pending", "on-hold", "checkout-draft"):
        assert woo(status, "order.created") == Mapped()


def test_an_order_of_woocommerce_that_went_back_has_a_negative_value() -> None:
    (part,) = woo("refunded", refunds=[{"id": 1, "total": "-10.00"}]).events
    (whole,) = woo("refunded").events
    assert (row(part).value_micros, row(whole).value_micros) == (-10_000_000, -29_350_000)
    assert row(part).contact == "service"


def test_each_refund_of_an_order_of_woocommerce_counts_once_whatever_the_orders_state() -> None:
    part, rest = {"id": 1, "reason": "torn", "total": "-10.00"}, {"id": 2, "reason": "", "total": "-19.35"}
    order, first = woo("processing", refunds=[part]).events
    assert order["event"] == "Order Completed"
    assert (row(first).event, row(first).value_micros) == ("Order Refunded", -10_000_000)
    again, second = woo("refunded", refunds=[rest, part]).events[::-1]
    assert again["messageId"] == first["messageId"] != second["messageId"]
    assert row(second).value_micros == -19_350_000


def test_woocommerce_asks_whether_we_listen_and_leaves_nothing() -> None:
    assert mapped("woocommerce", b"webhook_id=7", FORM) == Mapped()


# -- CloudEvents

CLOUD = {
    "specversion": "1.0", "type": "com.example.order.placed", "source": "/shop", "id": "A-1",
    "time": "2023-11-14T22:13:20Z",
    "data": {"userId": "ann", "email": "ann@example.com", "total": 12.5, "currency": "EUR"},
}  # fmt: skip


def test_one_cloudevent_is_the_same_in_each_of_its_modes() -> None:
    whole = one("cloudevents", CLOUD, "application/cloudevents+json; charset=utf-8")
    (listed,) = mapped("cloudevents", [CLOUD], "application/cloudevents-batch+json").events
    headers = {f"ce_{name}": str(value) for name, value in CLOUD.items() if name != "data"}
    binary = one("cloudevents", CLOUD["data"], "application/json", **headers)
    assert whole == listed == binary
    found = row(whole)
    assert (found.event, found.user_id, found.value_micros) == ("com.example.order.placed", "ann", 12_500_000)
    assert found.email
    assert found.occurred_at == 1_700_000_000_000


def test_a_cloudevent_is_told_from_others_by_source_and_id() -> None:
    kind = "application/cloudevents+json"
    keys = [
        one("cloudevents", CLOUD | change, kind)["messageId"]
        for change in ({}, {"id": "A-2"}, {"source": "/other"}, {"time": "2023-11-15T00:00:00Z"})
    ]
    assert len(set(keys)) == 3
    assert keys[0] == keys[3]


def test_a_cloudevent_without_what_it_must_have_is_not_mapped() -> None:
    found = mapped("cloudevents", [CLOUD, {"id": "x"}, 7], "application/cloudevents-batch+json")
    assert (len(found.events), len(found.unmapped)) == (1, 2)
    assert "source" in found.unmapped[0].words


def test_a_cloudevents_extensions_and_packed_or_plain_data_stay() -> None:
    kind = "application/cloudevents+json"
    plain = {name: value for name, value in CLOUD.items() if name != "data"}
    packed = one("cloudevents", plain | {"data_base64": "eyJhIjoxfQ==", "traceparent": "00-1"}, kind)["properties"]
    assert (packed["a"], packed["ce_traceparent"]) == (1, "00-1")
    headers = {f"ce_{name}": str(value) for name, value in plain.items()}
    assert one("cloudevents", b"hello", "text/plain", **headers)["properties"]["data"] == "hello"
