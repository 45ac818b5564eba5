"""Tickets, subscriptions and messages of support desks: whose they are, and what is a contact of the customer."""

from typing import Any

import pytest

from tests.api.webhooks.test_vendors import mapped, one, row

LEAD = "f7c0bc1e-5ee2-46a0-b11a-ea473d1101a5"  # as Intercom makes them up


def note(topic: str, item: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = {"type": "notification_event", "topic": topic, "id": "notif-1", "created_at": 1_768_114_251}
    return {**told, "data": {"type": "notification_event_data", "item": item}, **more}


def ticket(external: str = "ann", **more: Any) -> dict[str, Any]:
    contact = {"type": "contact", "id": "c-1", "external_id": external}
    state = {"type": "ticket_state", "category": "resolved", "internal_label": "Resolved"}
    told = {"type": "ticket", "id": "215472629311235", "ticket_id": "66040342", "ticket_state": state}
    return {**told, "contacts": {"contacts": [contact]}, "channel": "email", "updated_at": 1_768_117_266, **more}


@pytest.mark.parametrize(
    ("topic", "name", "contact"),
    [
        ("ticket.created", "Ticket Created", "service"),
        ("ticket.state.updated", "Ticket Status Processed", ""),
        ("ticket.resolved", "Ticket Resolved", "service"),
    ],
)
def test_a_ticket_of_intercom_is_in_the_channel_by_which_it_came(topic: str, name: str, contact: str) -> None:
    event = one("intercom", note(topic, ticket()))
    assert (event["event"], event["userId"]) == (name, "ann")
    assert (row(event).channel, row(event).contact, len(row(event).vendors)) == ("email", contact, 1)
    assert (event["properties"]["ticket_id"], event["properties"]["state"]) == ("66040342", "resolved")
    assert event["timestamp"] == 1_768_114_251


@pytest.mark.parametrize(
    ("topic", "writer", "name", "contact"),
    [
        ("ticket.contact.replied", {"id": "c-1", "type": "user"}, "Ticket Commented", "service"),
        ("ticket.admin.replied", {"id": "9", "type": "admin", "email": "staff@example.com"}, "Ticket Reply Sent", ""),
    ],
)  # fmt: skip
def test_a_reply_to_a_ticket_is_of_its_contact_whoever_wrote_it(
    topic: str, writer: dict[str, str], name: str, contact: str
) -> None:
    part = {"type": "ticket_part", "body": "<p>hello</p>", "author": writer}
    event = one("intercom", note(topic, {"type": "ticket_ticket_part", "ticket": ticket(), "ticket_part": part}))
    assert (event["event"], row(event).contact, event["userId"]) == (name, contact, "ann")
    assert "staff@" not in str(event)
    assert "hello" not in str(event)


def test_both_notes_of_intercom_about_one_end_of_a_ticket_are_one_event_and_its_second_end_another() -> None:
    resolved = one("intercom", note("ticket.resolved", ticket(), id="a"))
    closed = one("intercom", note("ticket.closed", {"type": "x", "ticket": ticket()}, id="b"))
    again = one("intercom", note("ticket.resolved", ticket(updated_at=1_768_200_000), id="c"))
    assert resolved["messageId"] == closed["messageId"] != again["messageId"]


def test_the_id_that_intercom_made_up_is_no_user_where_only_the_author_says_that_he_is_a_lead() -> None:
    item = {
        "type": "conversation", "id": "7",
        "contacts": {"contacts": [{"type": "contact", "id": "c-1", "external_id": LEAD}]},
        "source": {"author": {"type": "lead", "id": "c-1", "email": ""}},
    }  # fmt: skip
    event = one("intercom", note("conversation.user.created", item))
    assert ("userId" in event, event["context"]["externalIds"]) == (False, [{"type": "intercom", "id": "c-1"}])
    user = item | {"source": {"author": {"type": "user", "id": "c-1"}}}
    assert one("intercom", note("conversation.user.created", user))["userId"] == LEAD
    assert "userId" not in one("intercom", note("ticket.created", ticket(LEAD)))


@pytest.mark.parametrize(
    ("source", "channel"),
    [("conversation", "chat"), ("email", "email"), ("whatsapp", "messenger"), ("phone_call", "phone"), ("sms", "sms")],
)
def test_a_conversation_of_intercom_is_in_the_channel_in_which_it_began(source: str, channel: str) -> None:
    author = {"type": "user", "id": "c-1", "email": "ann@example.com"}
    item = {"type": "conversation", "id": "7", "source": {"type": source, "author": author}}
    event = one("intercom", note("conversation.user.replied", item))
    assert (row(event).channel, row(event).contact) == (channel, "service")


@pytest.mark.parametrize(
    ("topic", "kinds", "name", "channel"),
    [
        ("contact.unsubscribed", [], "Email Unsubscribed", "email"),
        ("contact.subscribed", [], "Email Subscribed", "email"),
        ("granular.unsubscribe", ["email"], "Email Unsubscribed", "email"),
        ("granular.subscribe", ["sms_message"], "SMS Subscribed", "sms"),
        ("contact.unsubscribed_from_sms", [], "SMS Unsubscribed", "sms"),
    ],
)
def test_who_takes_himself_off_intercoms_mails_or_texts_is_its_contact(
    topic: str, kinds: list[str], name: str, channel: str
) -> None:
    person = {"type": "contact", "id": "c-1", "external_id": "ann", "role": "user", "email": "ann@example.com"}
    item = {"type": "x", "contact": person, "subscription_types": {"data": [{"content_types": kinds}]}}
    event = one("intercom", note(topic, item))
    assert (event["event"], row(event).channel, row(event).contact) == (name, channel, "engagement")
    assert (event["userId"], event["context"]["traits"]) == ("ann", {"email": "ann@example.com"})


@pytest.mark.parametrize(
    ("kind", "stat", "name", "contact"),
    [
        ("email", "receipt", "Email Sent", ""),
        ("email", "click", "Email Link Clicked", "engagement"),
        ("push", "open", "Push Opened", "engagement"),
        ("sms", "keyword_reply", "SMS Replied", "engagement"),
        ("post", "receipt", "Message Shown", "exposure"),
        ("survey", "completion", "Survey Answered", "engagement"),
    ],
)
def test_what_intercom_sent_is_told_in_the_words_of_its_channel(kind: str, stat: str, name: str, contact: str) -> None:
    item = {
        "type": f"content_stat.{kind}", "content_stat": {"stat_type": stat, "content_title": "Spring"},
        "contact": {"type": "contact", "id": "c-1", "role": "user", "external_id": "ann"},
    }  # fmt: skip
    event = one("intercom", note(f"content_stat.{kind}", item))
    assert (event["event"], row(event).contact, event["userId"]) == (name, contact, "ann")
    assert event["properties"]["campaign"] == "Spring"
    goal = item | {"content_stat": {"stat_type": "goal_success"}}
    assert not mapped("intercom", note(f"content_stat.{kind}", goal)).events


def test_an_event_of_an_app_that_intercom_passes_on_keeps_its_name_and_is_no_contact() -> None:
    item = {
        "type": "event", "event_name": "invited-friend", "intercom_user_id": "c-1", "user_id": "12",
        "email": "ann@example.com", "created_at": 1_391_691_571, "metadata": {"invitee": "x"},
    }  # fmt: skip
    event = one("intercom", note("event.created", item))
    assert (event["event"], event["userId"], event["timestamp"]) == ("invited-friend", "12", 1_391_691_571)
    assert event["context"]["externalIds"] == [{"type": "intercom", "id": "c-1"}]
    assert (row(event).contact, event["properties"]["invitee"]) == ("", "x")


def test_of_two_contacts_that_became_one_each_id_of_intercom_is_named() -> None:
    item = {"type": "contact", "id": "kept", "external_id": "ann", "role": "user", "merged_from": {"id": "gone"}}
    found = mapped("intercom", note("contact.merged", item)).events
    assert [event["context"]["externalIds"][0]["id"] for event in found] == ["kept", "gone"]
    assert [event["userId"] for event in found] == ["ann", "ann"]
    assert len({event["messageId"] for event in found}) == 2


def zendesk(kind: str, detail: dict[str, Any], **event: Any) -> dict[str, Any]:
    return {"type": f"zen:event-type:{kind}", "id": "01H", "time": "2026-03-25T10:30:00Z", "detail": detail,
            "event": event}  # fmt: skip


@pytest.mark.parametrize(("score", "rating"), [("GOOD", "good"), ("4", 4), (5, 5)])
def test_what_a_customer_of_zendesk_says_of_a_ticket_is_a_survey(score: Any, rating: Any) -> None:
    detail = {"id": "1", "requester_id": "2", "via": {"channel": "email"}}
    event = one("zendesk", zendesk("ticket.csat_received", detail, satisfaction_score={"score": score}))
    assert (event["event"], row(event).channel, row(event).contact) == ("Survey Answered", "survey", "engagement")
    assert event["properties"]["rating"] == rating


def test_a_private_note_of_zendesk_is_nothing_and_a_message_in_a_chat_is_its_writers() -> None:
    private = {"is_public": False, "author": {"id": "2", "is_staff": False}}
    none = mapped("zendesk", zendesk("ticket.comment_added", {"id": "1", "requester_id": "2"}, comment=private))
    assert (none.events, none.unmapped) == ((), ())
    said = {"actor": {"type": "end_user", "id": "77"}, "message": {"body": "hello"}}
    event = one("zendesk", zendesk("messaging_ticket.message_added", {"id": "1"}, **said))
    assert (event["event"], event["context"]["channel"]) == ("Ticket Commented", "chat")
    assert event["context"]["externalIds"] == [{"type": "zendesk", "id": "77"}]
    assert "hello" not in str(event)


def test_the_people_who_answer_at_zendesk_are_no_customers() -> None:
    staff = {"id": "9", "email": "staff@example.com", "role": "AGENT"}
    assert mapped("zendesk", zendesk("user.created", staff)) == mapped("intercom", {"topic": "ping"})
    assert one("zendesk", zendesk("user.created", staff | {"role": "ENDUSER"}))["type"] == "identify"
