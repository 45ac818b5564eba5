"""WooCommerce's webhooks: the whole order comes at each of its changes, so its state says what has happened.

Each state of an order is one event, however often the order comes in it; each refund is one of its own.
"""

from collections.abc import Mapping
from typing import Any, Final

from api.webhooks.event import IDENTIFY, event, message_id
from api.webhooks.money import amount
from api.webhooks.reading import form_of, get, json_object, listed, text
from api.webhooks.signature import check_base64
from api.webhooks.vendor import NOT_A_CUSTOMERS, Event, Mapped, Meaning, Posted, Unmapped, Vendor, meaning_of
from pipeline.ingest.redaction import shown

CHANNEL, REFUNDED = "other", "Order Refunded"
_COMPLETED = Meaning("Order Completed", CHANNEL, "value: `total`")
_NOT_YET = Meaning("", "", "nothing yet")
MEANINGS: Final[Mapping[str, Meaning]] = {
    "order, processing": _COMPLETED,
    "order, completed": _COMPLETED,
    "order, refunded": Meaning(REFUNDED, CHANNEL, "value: what went back, negative; one for each of `refunds`"),
    "order, cancelled": Meaning("Order Cancelled", CHANNEL),
    "order, failed": Meaning("Order Failed", CHANNEL),
    "order, pending": _NOT_YET,
    "order, on-hold": _NOT_YET,
    "order, checkout-draft": _NOT_YET,
    **dict.fromkeys(("order, trash", "order, auto-draft"), NOT_A_CUSTOMERS),
    "subscription.created": Meaning("Subscription Started", CHANNEL, "of WooCommerce Subscriptions"),
    "subscription.updated": Meaning("", note="the order that renews it tells of it"),
    "subscription.updated, cancelled": Meaning("Subscription Cancelled", CHANNEL),
    "customer.created": Meaning(IDENTIFY),
    "customer.updated": Meaning(IDENTIFY),
    **dict.fromkeys(("customer.deleted", "order.deleted", "subscription.*", "coupon.*", "product.*"), NOT_A_CUSTOMERS),
}
_TOPICS = ("order.created", "order.updated", "order.restored")


def signed(posted: Posted, secret: str) -> None:
    """`X-WC-Webhook-Signature`, HMAC-SHA256 of the body. Raises Forged."""
    check_base64(posted.headers.get("x-wc-webhook-signature", ""), secret, posted.body)


def mapped(posted: Posted) -> Mapped:
    topic = posted.headers.get("x-wc-webhook-topic", "")
    if not topic and list(form_of(posted)) == ["webhook_id"]:
        return Mapped()  # asks, when it is made, whether we listen
    what = json_object(posted.body)
    if isinstance(what, Unmapped):
        return Mapped(unmapped=(what,))
    word = f"order, {text(what, 'status')}" if topic in _TOPICS else topic
    if word == "subscription.updated" and text(what, "status") == "cancelled":
        word += ", cancelled"
    meaning = meaning_of(word, MEANINGS)
    if meaning is None:
        return Mapped(unmapped=(Unmapped(what, f"no topic or state of WooCommerce that is mapped: {shown(word)}"),))
    told = () if meaning.event in ("", REFUNDED) else (_event(meaning, what),)
    back = _refunds(what) if topic in _TOPICS else ()
    if meaning.event == REFUNDED and not back:
        back = (_event(meaning, what),)  # all of it, by the state alone
    return Mapped((*told, *back))


def _refunds(what: dict[str, Any]) -> tuple[Event, ...]:
    """Each refund that the order tells of, in whatever state: one of a part of it leaves the state as it was."""
    found = [one for one in listed(what, "refunds") if isinstance(one, dict) and text(one, "id")]
    return tuple(_event(MEANINGS["order, refunded"], what, refund=one) for one in found)


def _event(meaning: Meaning, what: dict[str, Any], *, refund: dict[str, Any] | None = None) -> Event:
    is_customer, person = meaning.event == IDENTIFY, get(what, "billing")
    modified = text(what, "date_modified_gmt")
    customer = text(what, "id") if is_customer else text(what, "customer_id")
    paid = text(what, "date_paid_gmt") if meaning is _COMPLETED else ""
    return event(
        meaning.event,
        message=message_id(
            "woocommerce", meaning.event, text(what, "id"), modified if is_customer else text(refund, "id")
        ),
        channel=meaning.channel,
        at=paid or modified or text(what, "date_created_gmt"),
        email=text(what, "email") or text(person, "email"),
        phone=text(person, "phone"),
        ids={"woocommerce": "" if customer == "0" else customer},
        properties=None if is_customer else _properties(meaning, what, refund),
        address=text(what, "customer_ip_address"),
    )


def _properties(meaning: Meaning, what: dict[str, Any], refund: dict[str, Any] | None) -> dict[str, Any]:
    value = None
    if meaning is _COMPLETED:
        value = amount(what.get("total"))
    elif meaning.event == REFUNDED:
        value = -abs(amount(get(refund, "total") if refund else what.get("total")) or 0.0)
    return {
        "vendor": "woocommerce",
        "order_id": text(what, "id"),
        "order": text(what, "number"),
        "revenue": value,
        "currency": text(what, "currency"),
        "status": text(what, "status"),
        "refund_id": text(refund, "id"),
        "reason": text(refund, "reason"),
        "coupons": [code for one in listed(what, "coupon_lines") if (code := text(one, "code"))],
        "products": [
            {"product_id": text(one, "product_id"), "sku": text(one, "sku"), "name": text(one, "name"),
             "price": amount(get(one, "price")), "quantity": get(one, "quantity")}
            for one in listed(what, "line_items")
        ],
    }  # fmt: skip


VENDOR: Final = Vendor(
    name="woocommerce",
    title="WooCommerce",
    mapped=mapped,
    meanings=MEANINGS,
    once="the order's id and state, of a refund its own id; of customers the id and `date_modified_gmt`",
    secret="the webhook's secret",
    signature="HMAC-SHA256 of the body, `X-WC-Webhook-Signature`; no time is signed",
    signed=signed,
    identity="e-mail, phone, WooCommerce's customer id",
)
