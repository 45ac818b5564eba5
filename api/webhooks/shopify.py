"""Shopify's webhooks: the topic is a header, the body the order, refund, checkout or customer."""

from collections.abc import Mapping
from typing import Any, Final

from api.webhooks.event import IDENTIFY, event, message_id
from api.webhooks.mail import MEANINGS as MAIL
from api.webhooks.money import amount
from api.webhooks.reading import get, json_object, listed, text
from api.webhooks.signature import check_base64
from api.webhooks.vendor import NOT_A_CUSTOMERS, Event, Mapped, Meaning, Posted, Unmapped, Vendor, meaning_of
from pipeline.ingest.redaction import shown

CHANNEL, POS = "other", "store"
_WORTH = "value: `total_price`; channel `store` where it was sold at a till; `is_test` of an example"
MAILS, TEXTS = "customers_email_marketing_consent/update", "customers_marketing_consent/update"
_PRIVACY = "answered, and nothing is done: who is to be forgotten has to be forgotten by hand"
MEANINGS: Final[Mapping[str, Meaning]] = {
    "orders/create": Meaning("Order Completed", CHANNEL, _WORTH),
    "orders/paid": Meaning("Order Paid", CHANNEL, "no value: the order has it"),
    "orders/fulfilled": Meaning("Order Sent", CHANNEL),
    "orders/partially_fulfilled": Meaning("Order Partly Sent", CHANNEL),
    "fulfillment_events/create": Meaning("Shipment Status Processed", CHANNEL, "`status`"),
    "fulfillment_events/create, delivered": Meaning("Order Delivered", CHANNEL),
    "returns/request": Meaning("Return Requested", CHANNEL),
    "disputes/create": Meaning("Payment Disputed", CHANNEL),
    "orders/cancelled": Meaning("Order Cancelled", CHANNEL),
    "refunds/create": Meaning("Order Refunded", CHANNEL, "value: what went back, negative; joined by the order's id"),
    "checkouts/create": Meaning("Checkout Started", CHANNEL, "no value: nothing is bought yet"),
    "checkouts/update": Meaning(IDENTIFY, note="who it is, which is often typed after the start"),
    "customers/create": Meaning(IDENTIFY),
    "customers/update": Meaning(IDENTIFY),
    f"{MAILS}, subscribed": MAIL["subscribed"],
    f"{MAILS}, unsubscribed": MAIL["unsubscribed"],
    f"{TEXTS}, subscribed": Meaning("SMS Subscribed", "sms"),
    f"{TEXTS}, unsubscribed": Meaning("SMS Unsubscribed", "sms"),
    "subscription_contracts/create": Meaning("Subscription Started", CHANNEL),
    "subscription_contracts/pause": Meaning("Subscription Paused", CHANNEL),
    "subscription_contracts/activate": Meaning("Subscription Resumed", CHANNEL),
    "subscription_contracts/cancel": Meaning("Subscription Cancelled", CHANNEL),
    "carts/*": Meaning("", note="a cart names nobody; the page's own events do"),
    **dict.fromkeys(
        (
            *("checkouts/*", "disputes/*", "draft_orders/*", "fulfillment_events/*", "fulfillment_holds/*"),
            *("fulfillment_orders/*", "fulfillments/*", "order_transactions/*", "orders/*", "refunds/*", "returns/*"),
            *("reverse_deliveries/*", "reverse_fulfillment_orders/*", "subscription_billing_attempts/*"),
            *("subscription_billing_cycles/*", "subscription_billing_cycle_edits/*", "subscription_contracts/*"),
            *("tender_transactions/*", f"{MAILS}", f"{TEXTS}"),
        ),
        Meaning("", note="others of these rows tell of it"),
    ),
    **dict.fromkeys(("customers/redact", "customers/data_request", "shop/redact"), Meaning("", note=_PRIVACY)),
    **dict.fromkeys(
        (
            *("app/*", "app_purchases_one_time/*", "app_subscriptions/*", "attributed_sessions/*", "audit_events/*"),
            *("bulk_operations/*", "channels/*", "collection_listings/*", "collection_publications/*"),
            *("collections/*", "companies/*", "company_contact_roles/*", "company_contacts/*", "company_locations/*"),
            *("customer.*", "customer_account_settings/*", "customer_groups/*", "customer_payment_methods/*"),
            *("customers/*", "delivery_promise_settings/*", "discounts/*", "domains/*", "finance_app_staff_member/*"),
            *("finance_kyc_information/*", "inventory_items/*", "inventory_levels/*", "inventory_shipments/*"),
            *("inventory_transfers/*", "locales/*", "locations/*", "markets/*", "markets_backup_region/*"),
            *("metafield_definitions/*", "metaobjects/*", "payment_schedules/*", "payment_terms/*"),
            *("product_feeds/*", "product_listings/*", "product_publications/*", "products/*", "profiles/*"),
            *("publications/*", "scheduled_product_listings/*", "segments/*", "selling_plan_groups/*", "shop/*"),
            *("tax_partners/*", "tax_services/*", "tax_summaries/*", "taxes/*", "themes/*", "validations/*"),
            "variants/*",
        ),
        NOT_A_CUSTOMERS,
    ),
}
_EMAILS = ("email", "email_address", "contact_email")
_CONSENTS = ("email_marketing_consent", "sms_marketing_consent")
_MANY_TIMES = (
    "/update",
    "/partially_fulfilled",
    "/pause",
    "/activate",
    "/cancel",
)  # what may happen to one thing more than once
_NOT_MOVED = ("failure", "error")  # what a transaction's `status` says where no money went back
_TIMES = {
    "orders/create": "created_at",
    "orders/cancelled": "cancelled_at",
    "customers/create": "created_at",
    "checkouts/create": "created_at",
    "fulfillment_events/create": "happened_at",
    "refunds/create": "created_at",
    "returns/request": "created_at",
    "disputes/create": "initiated_at",
}


def signed(posted: Posted, secret: str) -> None:
    """`X-Shopify-Hmac-Sha256`, HMAC-SHA256 of the body. Raises Forged."""
    check_base64(posted.headers.get("x-shopify-hmac-sha256", ""), secret, posted.body)


def mapped(posted: Posted) -> Mapped:
    what = json_object(posted.body)
    if isinstance(what, Unmapped):
        return Mapped(unmapped=(what,))
    topic = posted.headers.get("x-shopify-topic", "")
    meaning = meaning_of(_word(topic, what), MEANINGS)
    if meaning is not None and not meaning.event:
        return Mapped()
    if meaning is None:
        return Mapped(unmapped=(Unmapped(what, f"no topic of Shopify that is mapped: {shown(topic)}"),))
    return Mapped((_event(meaning, topic, posted.headers, what),))


def _word(topic: str, what: dict[str, Any]) -> str:
    """The topic, and where it leaves open what happened, what says so."""
    if topic == "fulfillment_events/create" and text(what, "status") == "delivered":
        return f"{topic}, delivered"
    consent = next((one for name in _CONSENTS if (one := get(what, name)) is not None), None)
    if topic in (MAILS, TEXTS) and text(consent, "state") in ("subscribed", "unsubscribed"):
        return f"{topic}, {text(consent, 'state')}"
    return topic


def _event(meaning: Meaning, topic: str, headers: Mapping[str, str], what: dict[str, Any]) -> Event:
    own = text(what, "id") or text(what, "customer_id")
    is_checkout, is_customer = topic.startswith("checkouts/"), topic.startswith("customers/")
    told = text(what, "order_id") or text(what, "order", "id")
    order = own if topic.startswith("orders/") else "" if is_customer or is_checkout else told
    checkout = own if is_checkout else text(what, "checkout_id")
    person = what if is_customer else get(what, "customer")
    happened = headers.get("x-shopify-event-id") or headers.get("x-shopify-webhook-id") or text(what, "updated_at")
    return event(
        meaning.event,
        # Of orders and refunds the topic and the id say which event it is, in whatever subscription it comes.
        message=message_id("shopify", topic, own, happened if topic.endswith(_MANY_TIMES) else ""),
        channel=POS if text(what, "source_name") == "pos" else meaning.channel,
        at=text(what, _TIMES.get(topic, "")) or headers.get("x-shopify-triggered-at") or text(what, "updated_at"),
        email=text(what, "email")
        or text(what, "email_address")
        or text(what, "contact_email")
        or text(person, "email"),
        phone=text(what, "phone") or text(person, "phone") or text(what, "billing_address", "phone"),
        ids={
            "shopify": text(person, "id") or text(what, "customer_id"),
            "shopify_order": order,
            "shopify_checkout": checkout,
        },
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
        "status": text(what, "financial_status") or text(what, "status"),
        "reason": text(what, "cancel_reason") or text(what, "reason"),
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
