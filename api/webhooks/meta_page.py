"""Changes of a page of Facebook or of an account of Instagram: lead forms, comments, reactions, mentions, reviews.

A lead form's note names its lead by an id alone: what was typed Meta tells only who asks for it. The event has the ids
to ask with, and names its customer by that of the lead. Source: developers.facebook.com, Webhooks, fields of Page.
"""

from collections.abc import Mapping
from typing import Any, Final

from api.webhooks.event import event, message_id
from api.webhooks.reading import get, number, text
from api.webhooks.vendor import NOT_A_CUSTOMERS, Event, Meaning

SOCIAL, FORM = "social", "form"
MEANINGS: Final[Mapping[str, Meaning]] = {
    "leadgen": Meaning("Lead Form Submitted", FORM, "`lead_id`, `form_id`, `ad_id`: the note has no answers"),
    "feed, comment": Meaning("Post Commented", SOCIAL, "what the person wrote is not kept"),
    "feed, reaction": Meaning("Post Reacted", SOCIAL, "`action`: which"),
    "feed, like": Meaning("Post Reacted", SOCIAL, "`action`: which"),
    "feed, share": Meaning("Post Shared", SOCIAL),
    "feed, post": Meaning("Post Published", SOCIAL, "by a visitor of the page"),
    "feed, status": Meaning("Post Published", SOCIAL, "by a visitor of the page"),
    "mention": Meaning("Page Mentioned", SOCIAL),
    "ratings": Meaning("Page Reviewed", SOCIAL, "`rating`, `action`: positive or negative"),
    "comments": Meaning("Post Commented", SOCIAL, "what the person wrote is not kept"),
    "live_comments": Meaning("Post Commented", SOCIAL, "what the person wrote is not kept"),
    "feed, of the page itself": NOT_A_CUSTOMERS,
    "feed, changed or taken back": Meaning("", note="its beginning was told"),
    **dict.fromkeys(("mentions", "story_insights"), Meaning("", note="names nobody")),
    **dict.fromkeys(
        (
            *("about", "category", "conversations", "cover", "description", "emails", "hours", "live_videos"),
            *("location", "name", "phone", "picture", "website", "videos"),
        ),
        NOT_A_CUSTOMERS,
    ),
}
_WHO: Final = (("from", "id"), ("sender_id",), ("reviewer_id",))
_OWN: Final = ("leadgen_id", "comment_id", "id", "open_graph_story_id", "share_id", "post_id")


def word(field: str, value: Any, page: str) -> str:
    """A row of MEANINGS, or of none where it is not known."""
    if field in ("feed", "comments", "mention") and page and _who(value) == page:
        return "feed, of the page itself"
    if field != "feed":
        return field
    if text(value, "verb") not in ("add", ""):
        return "feed, changed or taken back"
    return f"feed, {text(value, 'item')}"


def made(vendor: str, field: str, meaning: Meaning, value: dict[str, Any], at: float | int | None) -> Event:
    """`at`: of the whole note, where the change has no time of its own."""
    lead, who = text(value, "leadgen_id"), _who(value)
    own = next((found for name in _OWN if (found := text(value, name))), "")
    return event(
        meaning.event,
        message=message_id(vendor, field, own, who, text(value, "reaction_type"), text(value, "created_time")),
        channel=meaning.channel,
        at=number(value, "created_time") or at,
        ids={"meta_lead": lead} if lead else {"facebook" if vendor == "messenger" else vendor: who},
        properties={
            "vendor": "meta",
            "lead_id": lead,
            "form_id": text(value, "form_id"),
            "page_id": text(value, "page_id"),
            "ad_id": text(value, "ad_id"),
            "adset_id": text(value, "adgroup_id"),
            "post_id": text(value, "post_id") or text(value, "media", "id"),
            "action": text(value, "reaction_type") or text(value, "recommendation_type"),
            "rating": number(value, "rating"),
        },
    )


def _who(value: Any) -> str:
    return next((found for path in _WHO if (found := text(get(value, *path[:-1]), path[-1]))), "")
