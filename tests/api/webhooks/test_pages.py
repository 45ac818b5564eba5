"""Pages of Meta and what WhatsApp tells besides messages; links of texts; the rarer notes of shops and payments."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from api.webhooks.vendor import Mapped
from tests.api.webhooks.test_vendors import FORM, mapped, one, row, stripe


def page(field: str, object: str = "page", **value: Any) -> dict[str, Any]:
    changes = [{"field": field, "value": value}]
    return {"object": object, "entry": [{"id": "page-1", "time": 1_438_292_065, "changes": changes}]}


LEAD = {
    "leadgen_id": 123123123123,
    "page_id": 1,
    "form_id": 12,
    "adgroup_id": 34,
    "ad_id": 56,
    "created_time": 1440120384,
}


def test_a_lead_form_names_its_lead_by_the_id_to_ask_with() -> None:
    event = one("meta", page("leadgen", **LEAD))
    assert (event["event"], row(event).channel, row(event).contact) == ("Lead Form Submitted", "form", "engagement")
    assert event["context"]["externalIds"] == [{"type": "meta_lead", "id": "123123123123"}]
    told = event["properties"]
    assert (told["lead_id"], told["form_id"], told["ad_id"], told["adset_id"]) == ("123123123123", "12", "56", "34")
    assert event["timestamp"] == 1_440_120_384
    assert event["messageId"] == one("meta", page("leadgen", **LEAD))["messageId"]


@pytest.mark.parametrize(
    ("field", "object", "value", "name", "who"),
    [
        ("feed", "page", {"item": "comment", "verb": "add", "comment_id": "c"}, "Post Commented", "facebook"),
        ("feed", "page", {"item": "reaction", "verb": "add", "reaction_type": "love", "post_id": "p"},
         "Post Reacted", "facebook"),
        ("mention", "page", {"item": "post", "verb": "add", "post_id": "p", "sender_id": "u"},
         "Page Mentioned", "facebook"),
        ("ratings", "page", {"reviewer_id": "u", "rating": 4, "review_text": "hello"}, "Page Reviewed", "facebook"),
        ("comments", "instagram", {"id": "c", "text": "hello", "media": {"id": "m"}}, "Post Commented", "instagram"),
    ],
)  # fmt: skip
def test_what_people_do_on_a_page_is_social_and_theirs(
    field: str, object: str, value: dict[str, Any], name: str, who: str
) -> None:
    told = value if {"sender_id", "reviewer_id"} & set(value) else {"from": {"id": "u", "name": "Ann"}, **value}
    event = one("meta", page(field, object, message="hello", **told))
    assert (event["event"], row(event).channel, row(event).contact) == (name, "social", "engagement")
    assert event["context"]["externalIds"] == [{"type": who, "id": "u"}]
    assert not [kept for kept in ("hello", "Ann") if kept in json.dumps(event)]


def test_what_the_page_itself_does_and_what_is_taken_back_is_nothing() -> None:
    own = page("feed", item="comment", verb="add", comment_id="c", **{"from": {"id": "page-1"}})
    removed = page("feed", item="like", verb="remove", **{"from": {"id": "u"}})
    assert mapped("meta", own) == mapped("meta", removed) == Mapped()


def test_who_asks_for_messages_and_who_says_how_it_was_is_told_and_apps_among_themselves_are_not() -> None:
    def said(**told: Any) -> dict[str, Any]:
        one = {"sender": {"id": "psid"}, "recipient": {"id": "page-1"}, **told}
        return {"object": "page", "entry": [{"time": 1_700_000_000_000, "standby": [one]}]}

    assert one("meta", said(optin={"type": "notification_messages", "payload": "x"}))["event"] == "Message Subscribed"
    asked = {"questions": {"q": {"type": "csat", "payload": "4"}}}
    answer = one("meta", said(messaging_feedback={"feedback_screens": [{"screen_id": 0, **asked}]}))
    assert (row(answer).channel, answer["properties"]["rating"]) == ("survey", 4)
    assert row(answer).occurred_at == 1_700_000_000_000  # of the whole note: this one has none of its own
    later = said(messaging_feedback={"feedback_screens": []})
    later["entry"][0]["time"] += 1
    assert one("meta", later)["messageId"] != answer["messageId"]
    assert one("meta", said(optout={"type": "x"}))["event"] == "Message Unsubscribed"
    judged = one("meta", said(response_feedback={"feedback": "Good response", "mid": "m"}))
    assert (judged["event"], judged["properties"]["action"]) == ("Message Reacted", "Good response")
    assert mapped("meta", said(take_thread_control={"previous_owner_app_id": "1"})) == Mapped()


def whatsapp(**value: Any) -> dict[str, Any]:
    changes = [{"field": "messages", "value": {"messaging_product": "whatsapp", **value}}]
    return {"object": "whatsapp_business_account", "entry": [{"id": "w", "changes": changes}]}


CALL = {"id": "wacid.1", "to": "15550001234", "from": "15551234567", "direction": "USER_INITIATED",
        "timestamp": "1700000000"}  # fmt: skip


@pytest.mark.parametrize(
    ("list_", "item", "name", "contact"),
    [
        ("user_preferences", {"wa_id": "15551234567", "category": "marketing_messages", "value": "stop"},
         "Message Unsubscribed", "engagement"),
        ("message_echoes", {"id": "wamid.e", "to": "15551234567", "from": "1555", "type": "text"}, "Message Sent", ""),
        ("messages", {"id": "wamid.r", "from": "15551234567", "type": "reaction", "reaction": {"emoji": "x"}},
         "Message Reacted", "engagement"),
        ("calls", {**CALL, "event": "connect"}, "Call Started", ""),
        ("calls", {**CALL, "event": "terminate", "status": "COMPLETED", "duration": 75}, "Call Ended", "service"),
        ("calls", {**CALL, "event": "terminate", "status": "Failed"}, "Call Failed", ""),
        ("calls", {**CALL, "direction": "BUSINESS_INITIATED", "to": "15551234567", "from": "1555", "event": "connect"},
         "Call Started", ""),
    ],
)  # fmt: skip
def test_what_whatsapp_tells_besides_messages_is_of_the_number_of_the_other_side(
    list_: str, item: dict[str, Any], name: str, contact: str
) -> None:
    event = one("whatsapp", whatsapp(**{list_: [{"timestamp": "1700000000", **item}]}))
    assert (event["event"], row(event).contact) == (name, contact)
    assert event["context"]["traits"] == {"phone": "+15551234567"}
    assert event["properties"].get("duration_s") == item.get("duration")


def test_a_cart_that_was_sent_by_whatsapp_leads_to_a_sale_and_is_none() -> None:
    items = [{"product_retailer_id": "sku-1", "quantity": 2, "item_price": 9.5, "currency": "EUR"}]
    order = {"id": "wamid.o", "from": "15551234567", "type": "order", "order": {"product_items": items}}
    event = one("whatsapp", whatsapp(messages=[order]))
    assert (event["event"], row(event).contact, row(event).value_micros) == ("Checkout Started", "engagement", 0)
    assert event["properties"]["products"] == [{"product_id": "sku-1", "price": 9.5, "quantity": 2}]


def test_a_click_on_a_link_of_a_text_is_its_receivers_and_a_recording_is_nothing() -> None:
    click = {"event_type": "click", "sms_sid": "SM1", "to": "+14165550100", "from": "+1555", "link": "https://s.example/x",
             "click_time": "2023-11-14T22:13:20Z"}  # fmt: skip
    event = one("twilio", urlencode(click).encode(), FORM)
    assert (event["event"], row(event).contact, row(event).occurred_at) == (
        "SMS Link Clicked",
        "engagement",
        1_700_000_000_000,
    )
    assert (event["context"]["traits"], event["properties"]["url"]) == (
        {"phone": "+14165550100"},
        "https://s.example/x",
    )
    recording = {"CallSid": "CA1", "RecordingSid": "RE1", "RecordingStatus": "completed"}
    assert mapped("twilio", urlencode(recording).encode(), FORM) == Mapped()


CONSENT = {"customer_id": 706405506930370084, "email_address": "ann@example.com"}


def test_who_wants_a_shops_mails_or_texts_no_more_is_told_with_his_id_to_its_last_digit() -> None:
    body = CONSENT | {"email_marketing_consent": {"state": "unsubscribed", "opt_in_level": "single_opt_in"}}
    headers = {"x_shopify_topic": "customers_email_marketing_consent/update", "x_shopify_event_id": "e"}
    event = one("shopify", body, **headers)
    assert (event["event"], row(event).channel) == ("Email Unsubscribed", "email")
    assert event["context"]["traits"] == {"email": "ann@example.com"}
    assert event["context"]["externalIds"] == [{"type": "shopify", "id": "706405506930370084"}]
    pending = CONSENT | {"email_marketing_consent": {"state": "pending"}}
    assert mapped("shopify", pending, **headers) == Mapped()


@pytest.mark.parametrize(
    ("topic", "body", "name", "contact"),
    [
        ("fulfillment_events/create", {"id": 1, "order_id": 9, "status": "delivered"}, "Order Delivered", ""),
        (
            "fulfillment_events/create",
            {"id": 1, "order_id": 9, "status": "in_transit"},
            "Shipment Status Processed",
            "",
        ),
        ("returns/request", {"id": 1, "order": {"id": 9}, "status": "requested"}, "Return Requested", "service"),
        ("disputes/create", {"id": 1, "order_id": 9, "amount": "11.50"}, "Payment Disputed", "service"),
    ],
)
def test_what_follows_an_order_of_shopify_is_joined_by_the_orders_id(
    topic: str, body: dict[str, Any], name: str, contact: str
) -> None:
    event = one("shopify", body, x_shopify_topic=topic)
    assert (event["event"], row(event).contact) == (name, contact)
    assert event["context"]["externalIds"] == [{"type": "shopify_order", "id": "9"}]


def test_a_refund_of_shopify_has_its_time_and_each_part_of_an_order_that_is_sent_is_told() -> None:
    moved = [{"kind": "refund", "status": "success", "amount": "89.99", "currency": "USD"}]
    refund = {"id": 1, "order_id": 9, "created_at": "2023-11-14T17:13:20-05:00", "transactions": moved}
    event = one("shopify", refund, x_shopify_topic="refunds/create")
    assert (row(event).occurred_at, row(event).value_micros) == (1_700_000_000_000, -89_990_000)
    parts = [
        one("shopify", {"id": 9}, x_shopify_topic="orders/partially_fulfilled", x_shopify_event_id=own)
        for own in ("a", "a", "b")
    ]
    assert len({part["messageId"] for part in parts}) == 2


def test_a_request_of_shopify_to_forget_is_answered_and_keeps_nothing() -> None:
    told = {"shop_id": 1, "customer": {"id": 2, "email": "ann@example.com"}, "orders_to_redact": [3]}
    assert mapped("shopify", told, x_shopify_topic="customers/redact") == Mapped()


def test_a_quote_a_stopped_payment_and_a_dispute_of_stripe_are_their_customers() -> None:
    quote = stripe("quote.accepted", {"id": "qt", "customer": {"id": "cus_1", "object": "customer"}})
    assert (quote["event"], quote["context"]["externalIds"]) == ("Quote Accepted", [{"type": "stripe", "id": "cus_1"}])
    stopped = stripe("payment_intent.canceled", {"id": "pi", "customer": "cus_1", "amount": 100, "currency": "eur"})
    assert (row(stopped).contact, row(stopped).value_micros) == ("", 0)
    dispute = {"id": "dp", "charge": "ch", "evidence": {"customer_email_address": "ann@example.com"}}
    assert stripe("charge.dispute.created", dispute)["context"]["traits"] == {"email": "ann@example.com"}


def test_a_card_that_was_left_for_later_at_stripe_is_no_order() -> None:
    told = {
        "id": "cs",
        "mode": "setup",
        "payment_status": "no_payment_required",
        "amount_total": None,
        "customer": "cus_1",
    }
    event = stripe("checkout.session.completed", told)
    assert (event["event"], row(event).contact) == ("Payment Info Entered", "engagement")
    free = stripe("checkout.session.completed", told | {"mode": "payment", "amount_total": 0, "currency": "eur"})
    assert (free["event"], row(free).contact) == ("Order Completed", "conversion")


def test_a_subscription_of_woocommerce_begins_once_and_ends_once() -> None:
    told = {
        "id": 7,
        "status": "active",
        "billing": {"email": "ann@example.com"},
        "date_modified_gmt": "2026-01-01T00:00:00",
    }
    begun = one("woocommerce", told, x_wc_webhook_topic="subscription.created")
    ended = one("woocommerce", told | {"status": "cancelled"}, x_wc_webhook_topic="subscription.updated")
    assert (begun["event"], row(begun).contact) == ("Subscription Started", "engagement")
    assert (ended["event"], row(ended).contact) == ("Subscription Cancelled", "service")
    assert mapped("woocommerce", told, x_wc_webhook_topic="subscription.updated") == Mapped()
