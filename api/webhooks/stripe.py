"""Stripe's webhooks: one event a request, with the object that it is about.

One payment makes several of Stripe's events. Which of them carry a value says the table; a webhook should be sent one
of those for one kind of payment.
"""

from collections.abc import Mapping
from typing import Any, Final

from api.webhooks.event import IDENTIFY, event, message_id
from api.webhooks.money import of_smallest
from api.webhooks.reading import get, json_object, number, text
from api.webhooks.signature import check_one, check_time, hmac_of
from api.webhooks.vendor import NOT_A_CUSTOMERS, Event, Forged, Mapped, Meaning, Posted, Unmapped, Vendor, meaning_of
from pipeline.ingest.redaction import shown

CHANNEL = "other"
_PAID, _BACK = "value: what was paid", "value: what went back, negative"
_LATER = Meaning("Payment Scheduled", CHANNEL, "no value: it is not paid yet")
MEANINGS: Final[Mapping[str, Meaning]] = {
    "checkout.session.completed": Meaning("Order Completed", CHANNEL, _PAID),
    "checkout.session.completed, unpaid": _LATER,
    "checkout.session.completed, setup": Meaning("Payment Info Entered", CHANNEL, "nothing is bought"),
    "checkout.session.async_payment_succeeded": Meaning("Order Completed", CHANNEL, _PAID),
    "payment_intent.succeeded": Meaning("Payment Succeeded", CHANNEL, _PAID),
    "charge.succeeded": Meaning("Payment Succeeded", CHANNEL, _PAID),
    "charge.captured": Meaning("Payment Succeeded", CHANNEL, _PAID),
    "charge.succeeded, not captured": _LATER,
    "invoice.paid": Meaning("Invoice Payment Made", CHANNEL, _PAID),
    "invoice.payment_succeeded": Meaning("Invoice Payment Made", CHANNEL, _PAID),
    "payment_intent.payment_failed": Meaning("Payment Failed", CHANNEL),
    "checkout.session.async_payment_failed": Meaning("Payment Failed", CHANNEL),
    "charge.failed": Meaning("Payment Failed", CHANNEL),
    "invoice.payment_failed": Meaning("Payment Failed", CHANNEL),
    **dict.fromkeys(("charge.expired", "payment_intent.canceled"), Meaning("Payment Abandoned", CHANNEL)),
    "payment_intent.processing": _LATER,
    "checkout.session.expired": Meaning("Checkout Abandoned", CHANNEL),
    "charge.refunded": Meaning("Order Refunded", CHANNEL, _BACK),
    "charge.dispute.created": Meaning("Payment Disputed", CHANNEL),
    "charge.dispute.closed": Meaning("Payment Dispute Closed", CHANNEL, "`status`: won or lost"),
    "customer.subscription.created": Meaning("Subscription Started", CHANNEL),
    "customer.subscription.updated": Meaning("Subscription Updated", CHANNEL),
    "customer.subscription.paused": Meaning("Subscription Paused", CHANNEL),
    "customer.subscription.resumed": Meaning("Subscription Resumed", CHANNEL),
    "customer.subscription.trial_will_end": Meaning("Trial End Scheduled", CHANNEL, "three days before"),
    "customer.subscription.deleted": Meaning("Subscription Cancelled", CHANNEL),
    "quote.finalized": Meaning("Quote Sent", CHANNEL),
    "quote.accepted": Meaning("Quote Accepted", CHANNEL),
    "identity.verification_session.verified": Meaning("Identity Verified", CHANNEL),
    "customer.created": Meaning(IDENTIFY),
    "customer.updated": Meaning(IDENTIFY),
    **dict.fromkeys(
        ("charge.*", "checkout.session.*", "invoice.*", "payment_intent.*", "quote.*", "refund.*"),
        Meaning("", note="others of these rows tell of it"),
    ),
    **dict.fromkeys(
        (
            *("account.*", "application_fee.*", "balance.*", "balance_settings.*", "billing.*", "billing_portal.*"),
            *("capability.*", "cash_balance.*", "climate.*", "coupon.*", "credit_note.*", "crypto.*", "customer.*"),
            *("customer_cash_balance_transaction.*", "entitlements.*", "external_account.*", "file.*"),
            *("financial_connections.*", "identity.*", "invoice_payment.*", "invoiceitem.*", "issuing_authorization.*"),
            *("issuing_card.*", "issuing_cardholder.*", "issuing_dispute.*", "issuing_personalization_design.*"),
            *("issuing_settlement.*", "issuing_token.*", "issuing_transaction.*", "mandate.*", "payment_link.*"),
            *("payment_method.*", "payout.*", "person.*", "plan.*", "price.*", "product.*", "promotion_code.*"),
            *("radar.*", "reporting.*", "review.*", "setup_intent.*", "sigma.*", "source.*", "subscription_schedule.*"),
            *("tax.*", "tax_rate.*", "terminal.*", "test_helpers.*", "topup.*", "transfer.*", "treasury.*"),
            *("v1.*", "v2.*"),
        ),
        NOT_A_CUSTOMERS,
    ),
}
_EMAILS = (("customer_email",), ("receipt_email",), ("evidence", "customer_email_address"))  # the last of a dispute
_AMOUNTS = ("amount_total", "amount_paid", "amount_received", "amount_captured", "amount")


def signed(posted: Posted, secret: str) -> None:
    """`Stripe-Signature: t=...,v1=...`, HMAC-SHA256 over time and body. Raises Forged."""
    parts = [part.strip().partition("=") for part in posted.headers.get("stripe-signature", "").split(",")]
    at = next((value for name, _, value in parts if name == "t"), "")
    wanted = hmac_of(secret, f"{at}.".encode() + posted.body).hex()
    given = [value for name, _, value in parts if name == "v1"][:8]  # one for each secret while it is changed
    if not given:
        raise Forged("the request has no Stripe-Signature with a v1")
    check_one(wanted, *given)
    check_time(at, posted.now)


def mapped(posted: Posted) -> Mapped:
    note = json_object(posted.body)
    if isinstance(note, Unmapped):
        return Mapped(unmapped=(note,))
    word, what = text(note, "type"), get(note, "data", "object")
    if word == "checkout.session.completed" and text(what, "payment_status") == "unpaid":
        word += ", unpaid"  # as with bank debits: the money comes days later, or does not
    elif word == "checkout.session.completed" and text(what, "mode") == "setup":
        word += ", setup"
    elif word == "charge.succeeded" and get(what, "captured") is False:
        word += ", not captured"
    meaning = meaning_of(word, MEANINGS)
    if meaning is not None and not meaning.event:
        return Mapped()
    if meaning is None or not isinstance(what, dict):
        return Mapped(unmapped=(Unmapped(note, f"no event of Stripe that is mapped: {shown(word)}"),))
    return Mapped((_event(meaning, note, what),))


def _event(meaning: Meaning, note: dict[str, Any], what: dict[str, Any]) -> Event:
    currency, is_customer = text(what, "currency"), meaning.event == IDENTIFY
    customer = text(what, "id") if is_customer else _customer(what)
    paths = (("customer_details",), ("billing_details",), ("provided_details",), ())
    email = next((found for path in paths if (found := text(what, *path, "email"))), "")
    phone = next((found for path in paths if (found := text(what, *path, "phone"))), "")
    # Of one paid invoice come two notes, `invoice.paid` and `invoice.payment_succeeded`: one key, so it counts once.
    is_invoice = meaning.event == "Invoice Payment Made" and text(what, "id")
    own = ("invoice paid", text(what, "id")) if is_invoice else (text(note, "id"),)
    return event(
        meaning.event,
        message=message_id("stripe", *own),
        channel=meaning.channel,
        at=number(note, "created"),
        email=email or next((found for path in _EMAILS if (found := text(what, *path))), ""),
        phone=phone or text(what, "customer_phone"),
        user_id=text(what, "metadata", "user_id") or text(what, "metadata", "userId"),
        ids={"stripe": customer},
        properties=None
        if is_customer
        else {
            "vendor": "stripe",
            "revenue": _value(meaning, note, what, currency),
            "currency": currency.upper(),
            "object_id": text(what, "id"),
            "client_reference_id": text(what, "client_reference_id"),
            "status": text(what, "status"),
            "reason": text(what, "failure_code") or text(what, "last_payment_error", "code") or text(what, "reason"),
            "plan": text(what, "items", "data", 0, "price", "id"),
            "metadata": what.get("metadata"),
            "is_test": note.get("livemode") is False or None,
        },
    )


def _customer(what: dict[str, Any]) -> str:
    """Stripe's id of the customer, who may have been sent whole."""
    return text(what, "customer") or text(what, "customer", "id") or text(what, "related_customer")


def _value(meaning: Meaning, note: dict[str, Any], what: dict[str, Any], currency: str) -> float | None:
    if meaning.note == _PAID:
        return next((found for name in _AMOUNTS if (found := _sum(what.get(name), currency)) is not None), None)
    if meaning.note == _BACK:  # the charge tells all that ever went back of it
        before = number(note, "data", "previous_attributes", "amount_refunded") or 0
        now = number(what, "amount_refunded") or 0
        return _sum(int(before) - int(now), currency)
    return None


def _sum(units: Any, currency: str) -> float | None:
    """Of so many smallest units as Stripe counts them: shillings of Uganda in hundredths, though they have none."""
    return of_smallest(units, "" if currency.upper() == "UGX" else currency)


VENDOR: Final = Vendor(
    name="stripe",
    title="Stripe",
    mapped=mapped,
    meanings=MEANINGS,
    once="`id`; of a paid invoice its own id",
    secret="the endpoint's signing secret (`whsec_...`)",
    signature="HMAC-SHA256 over time and body, `Stripe-Signature`, within 5 min",
    signed=signed,
    identity="e-mail, phone, Stripe's customer id, `metadata.user_id`",
)
