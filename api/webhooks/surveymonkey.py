"""SurveyMonkey's webhooks: one note of a response a request. It has neither answers nor addresses.

What was answered SurveyMonkey tells only when it is asked, so an event has the ids to ask with, and names its
respondent by the id of the response.
"""

from collections.abc import Mapping
from typing import Final

from api.webhooks.event import event, message_id
from api.webhooks.reading import get, json_object, text
from api.webhooks.signature import check_base64
from api.webhooks.vendor import NOT_A_CUSTOMERS, Forged, Mapped, Meaning, Posted, Unmapped, Vendor
from pipeline.ingest.redaction import shown

CHANNEL: Final = "survey"
_IDS: Final = "`survey_id`, `response_id`, `collector_id`: the note has no answers"
MEANINGS: Final[Mapping[str, Meaning]] = {
    "response_created": Meaning("Survey Started", CHANNEL, _IDS),
    "response_completed": Meaning("Survey Answered", CHANNEL, _IDS),
    "response_updated": Meaning("Survey Answer Changed", CHANNEL, _IDS),
    "response_disqualified": Meaning("Survey Ended", CHANNEL, _IDS),
    "response_overquota": Meaning("Survey Ended", CHANNEL, _IDS),
    **dict.fromkeys(
        (
            *("response_deleted", "survey_created", "survey_updated", "survey_deleted", "app_installed"),
            *("app_uninstalled", "collector_created", "collector_updated", "collector_deleted"),
        ),
        NOT_A_CUSTOMERS,
    ),
}


def signed(posted: Posted, secret: str) -> None:
    """`Sm-Signature`, HMAC-SHA1 of the body in base64; its key is `Sm-Apikey`, &, the app's secret. Raises Forged."""
    app = posted.headers.get("sm-apikey", "")
    if not app:
        raise Forged("the request has no Sm-Apikey, which its signature is made with")
    check_base64(posted.headers.get("sm-signature", ""), f"{app}&{secret}", posted.body, "sha1")


def mapped(posted: Posted) -> Mapped:
    note = json_object(posted.body)
    if isinstance(note, Unmapped):
        return Mapped(unmapped=(note,))
    kind, told = text(note, "event_type"), get(note, "resources")
    meaning, response = MEANINGS.get(kind), text(note, "object_id") or text(told, "respondent_id")
    if meaning is None or not (response or not meaning.event):
        return Mapped(unmapped=(Unmapped(note, f"no event of SurveyMonkey that is mapped: {shown(kind)}"),))
    if not meaning.event:
        return Mapped()
    made = event(
        meaning.event,
        message=message_id("surveymonkey", text(note, "event_id") or (kind, response, text(note, "event_datetime"))),
        channel=meaning.channel,
        at=text(note, "event_datetime"),
        ids={"surveymonkey": response},
        properties={
            "vendor": "surveymonkey",
            "reason": kind.removeprefix("response_") if meaning.event == "Survey Ended" else "",
            "survey_id": text(told, "survey_id") or text(note, "filter_id"),
            "response_id": response,
            "collector_id": text(told, "collector_id"),
            "recipient_id": text(told, "recipient_id"),
            "webhook": text(note, "name"),
        },
    )
    return Mapped((made,))


VENDOR: Final = Vendor(
    name="surveymonkey",
    title="SurveyMonkey",
    mapped=mapped,
    meanings=MEANINGS,
    once="`event_id`",
    secret="the app's secret",
    signature="HMAC-SHA1 of the body, `Sm-Signature`, with `Sm-Apikey` in its key; no time is signed",
    signed=signed,
    is_pinged=True,
    identity="the id of the response, as an id of the vendor",
)
