"""Shopify's webhooks: the topic is a header, the body the order, refund, checkout or customer."""

from collections.abc import Mapping
from typing import Any, Final

from api.webhooks.event import IDENTIFY, event, message_id
from api.webhooks.money import amount
from api.webhooks.reading import get, json_object, listed, text
from api.webhooks.signature import check_base64
from api.webhooks.vendor import Event, Mapped, Meaning, Posted, Unmapped, Vendor
from pipeline.ingest.redaction import shown

CHANNEL, POS = "other", "store"
_WORTH = "value: `total_price`; channel `store` where it was sold at a till; `is_test` of an example"
MEANINGS: Final[Mapping[str, Meaning]] = {
    "orders/create": Meaning("Order Completed", CHANNEL, _WORTH),
    "orders/paid": Meaning("Order Paid", CHANNEL, "no value: the order has it"),
    "orders/fulfilled": Meaning("Order Sent", CHANNEL),
    "orders/cancelled": Meaning("Order Cancelled", CHANNEL),
    "refunds/create": Meaning("Order Refunded", CHANNEL, "value: what went back, negative; joined by the order's id"),
    "checkouts/create": Meaning("Checkout Started", CHANNEL, "no value: nothing is bought yet"),
    "checkouts/update": Meaning(IDENTIFY, note="who it is, which is often typed after the start"),
    "customers/create": Meaning(IDENTIFY),
    "customers/update": Meaning(IDENTIFY),
}
_NOT_MOVED = ("failure", "error")  # what a transaction's `status` says where no money went back
_TIMES = {
    "orders/create": "created_at",
    "orders/cancelled": "cancelled_at",
    "customers/create": "created_at",
    "checkouts/create": "created_at",
}


def signed(posted: Posted, secret: str) -> None:
    """`X-Shopify-Hmac-Sha256`, HMAC-SHA256 of the body. Raises Forged."""
    check_base64(posted.headers.get("x-shopify-hmac-sha256", ""), secret, posted.body)


def mapped(posted: Posted) -> Mapped:
    what = json_object(posted.body)
    if isinstance(what, Unmapped):
        return Mapped(unmapped=(what,))
    topic = posted.headers.get("x-shopify-topic", "")
    meaning = MEANINGS.get(topic)
    if meaning is None:
        return Mapped(unmapped=(Unmapped(what, f"no topic of Shopify that is mapped: {shown(topic)}"),))
    return Mapped((_event(meaning, topic, posted.headers, what),))


def _event(meaning: Meaning, topic: str, headers: Mapping[str, str], what: dict[str, Any]) -> Event:
    own, is_refund = text(what, "id"), topic == "refunds/create"
    is_checkout, is_customer = topic.startswith("checkouts/"), topic.startswith("customers/")
    order = text(what, "order_id") if is_refund else "" if is_customer or is_checkout else own
    checkout = own if is_checkout else text(what, "checkout_id")
    person = what if is_customer else get(what, "customer")
    happened = headers.get("x-shopify-event-id") or headers.get("x-shopify-webhook-id") or text(what, "updated_at")
    return event(
        meaning.event,
        # Of orders and refunds the topic and the id say which event it is, in whatever subscription it comes.
        message=message_id("shopify", topic, own, happened if topic.endswith("/update") else ""),
        channel=POS if text(what, "source_name") == "pos" else meaning.channel,
        at=text(what, _TIMES.get(topic, "")) or headers.get("x-shopify-triggered-at") or text(what, "updated_at"),
        email=text(what, "email") or text(what, "contact_email") or text(person, "email"),
        phone=text(what, "phone") or text(person, "phone") or text(what, "billing_address", "phone"),
        ids={"shopify": text(person, "id"), "shopify_order": order, "shopify_checkout": checkout},
        properties=None
        if meaning.event == IDENTIFY
        else _properties(topic, what, order) | {"is_test": _is_test(headers, what) or None},
        address=text(what, "browser_ip"),
    )


def _is_test(headers: Mapping[str, str], what: dict[str, Any]) -> bool:
    """An example that Shopify was asked to send, or an order that nobody pays."""
    return headers.get("x-shopify-test", "").lower() == "true" or what.get("test") is True


def _properties(topic: str, what: dict[str, Any], order: str) -> dict[str, Any]:
    value, currency = None, text(what, "currency")
    if topic == "orders/create":
        value = amount(what.get("total_price"))
    elif topic == "refunds/create":
        moved = [
            one
            for one in listed(what, "transactions")
            if text(one, "kind") == "refund" and text(one, "status") not in _NOT_MOVED
        ]
        value = -sum(amount(get(one, "amount")) or 0.0 for one in moved) if moved else None
        currency = text(what, "transactions", 0, "currency")
    lines = [one for one in listed(what, "line_items") if isinstance(one, dict)]
    return {
        "vendor": "shopify",
        "order_id": order,
        "order": text(what, "name"),
        "revenue": value,
        "currency": currency,
        "status": text(what, "financial_status"),
        "reason": text(what, "cancel_reason"),
        "discount_codes": [code for one in listed(what, "discount_codes") if (code := text(one, "code"))],
        "products": [
            {"product_id": text(one, "product_id"), "sku": text(one, "sku"), "name": text(one, "title"),
             "price": amount(one.get("price")), "quantity": one.get("quantity")}
            for one in lines
        ],
        "landing_site": text(what, "landing_site"),
        "referrer": text(what, "referring_site"),
    }  # fmt: skip


VENDOR: Final = Vendor(
    name="shopify",
    title="Shopify",
    mapped=mapped,
    meanings=MEANINGS,
    once="topic and id; of updates also `X-Shopify-Event-Id`",
    secret="the app's client secret, or that of the shop's webhooks",
    signature="HMAC-SHA256 of the body, `X-Shopify-Hmac-Sha256`; no time is signed",
    signed=signed,
    identity="e-mail, phone, Shopify's ids of customer, order and checkout",
)
