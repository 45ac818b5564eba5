"""Typeform's webhooks: one answered form a request."""

from collections.abc import Mapping
from typing import Any, Final

from api.webhooks.event import event, message_id
from api.webhooks.reading import get, json_object, listed, number, text
from api.webhooks.signature import check_base64
from api.webhooks.vendor import Forged, Mapped, Meaning, Posted, Unmapped, Vendor
from pipeline.ingest.redaction import shown

MEANINGS: Final[Mapping[str, Meaning]] = {
    "form_response": Meaning(
        "Survey Answered",
        "survey",
        "`answers` by reference, `score`, `nps` and `rating` where such a question was asked",
    ),
    "form_response_partial": Meaning("Survey Started", "survey", "the same, as far as it was answered"),
}
_PRIVATE = ("email", "phone_number")


def signed(posted: Posted, secret: str) -> None:
    """`Typeform-Signature: sha256=...`, HMAC-SHA256 of the body. Raises Forged."""
    method, _, given = posted.headers.get("typeform-signature", "").partition("=")
    if method != "sha256":
        raise Forged("the request has no Typeform-Signature that begins with sha256=")
    check_base64(given, secret, posted.body)


def mapped(posted: Posted) -> Mapped:
    note = json_object(posted.body)
    if isinstance(note, Unmapped):
        return Mapped(unmapped=(note,))
    meaning, told = MEANINGS.get(text(note, "event_type")), get(note, "form_response")
    if meaning is None or not isinstance(told, dict):
        said = text(note, "event_type")
        return Mapped(unmapped=(Unmapped(note, f"no event of Typeform that is mapped: {shown(said)}"),))
    answers = [one for one in listed(told, "answers") if isinstance(one, dict)]
    hidden = told.get("hidden") if isinstance(told.get("hidden"), dict) else {}
    types = {text(one, "id"): text(one, "type") for one in listed(told, "definition", "fields")}
    made = event(
        meaning.event,
        message=message_id("typeform", text(note, "event_id") or text(told, "token")),
        channel=meaning.channel,
        at=text(told, "submitted_at"),
        email=text(hidden, "email") or _first(answers, "email"),
        phone=text(hidden, "phone") or _first(answers, "phone_number"),
        user_id=text(hidden, "user_id") or text(hidden, "userId"),
        properties={
            "vendor": "typeform",
            "form_id": text(told, "form_id"),
            "form": text(told, "definition", "title"),
            "response_id": text(told, "token"),
            "score": number(told, "calculated", "score"),
            "nps": _of_type(answers, types, "nps"),
            "rating": _of_type(answers, types, "rating"),
            "answers": {
                text(one, "field", "ref") or text(one, "field", "id"): _value(one)
                for one in answers
                if text(one, "type") not in _PRIVATE
            },
            "hidden": hidden,
        },
    )
    return Mapped((made,))


def _first(answers: list[dict[str, Any]], kind: str) -> str:
    return next((found for one in answers if text(one, "type") == kind and (found := text(one, kind))), "")


def _of_type(answers: list[dict[str, Any]], types: Mapping[str, str], kind: str) -> float | int | None:
    """The number given to the first question of a kind."""
    for one in answers:
        if kind in (text(one, "field", "type"), types.get(text(one, "field", "id"))):
            return number(one, "number")
    return None


def _value(answer: dict[str, Any]) -> Any:
    kind = text(answer, "type")
    value = answer.get(kind)
    if not isinstance(value, dict):
        return value
    if kind == "payment":  # with the payer's name and card
        return number(value, "amount")
    chosen, other = get(value, "label") or get(value, "labels"), get(value, "other")
    return [*chosen, other] if isinstance(chosen, list) and other else chosen or other


VENDOR: Final = Vendor(
    name="typeform",
    title="Typeform",
    mapped=mapped,
    meanings=MEANINGS,
    once="`event_id`",
    secret="the webhook's secret",
    signature="HMAC-SHA256 of the body, `Typeform-Signature`; no time is signed",
    signed=signed,
    identity="hidden fields `user_id`, `email`, `phone`; answers that are an e-mail or a phone number",
)
