"""Channel, passive events, contacts off the site, and what the sender says of its sessions."""

from typing import Any

import pytest

from pipeline.ingest.vocabulary import VOCABULARY, Known
from tests.ingest.sending import accepted, event


@pytest.mark.parametrize(
    ("word", "channel"),
    [
        ("web", "web"),
        ("Browser", "web"),
        ("mobile", "app"),
        ("support_chat", "chat"),
        ("Live Chat", "chat"),
        ("live-chat", "chat"),
        ("newsletter", "email"),
        ("call", "phone"),
        ("telephone", "phone"),
        ("whatsapp", "messenger"),
        ("chatbot", "chatbot"),
        ("sms", "sms"),
        ("push", "push"),
        ("in-store", "store"),
        ("survey", "survey"),
        ("display", "ad"),
        ("Drone Show", "drone_show"),
    ],
)
def test_the_senders_word_is_the_channel_in_our_words(word: str, channel: str) -> None:
    assert accepted(event(channel=word)).channel == channel
    assert accepted(event(channel="web", context={"channel": word})).channel == channel


@pytest.mark.parametrize(
    ("kind", "channel"), [("browser", "web"), ("app", "app"), ("server", "web"), ("import", "web"), ("vendor", "other")]
)
def test_without_a_word_the_sources_kind_is_the_channel(kind: str, channel: str) -> None:
    assert accepted(event(), kind=kind).channel == channel


def test_server_says_who_sends_and_is_no_channel() -> None:
    row = accepted(event(channel="server"))
    assert (row.channel, row.is_passive) == ("web", True)


@pytest.mark.parametrize(
    "name",
    [
        "page_ping",
        "Page Ping",
        "heartbeat",
        "$pageleave",
        "Page Leave",
        "web_vitals",
        "$web_vitals",
        "scroll",
        "Scroll Depth",
    ],
)
def test_what_tells_of_a_visit_without_being_an_act_is_passive(name: str) -> None:
    assert accepted(event(event=name)).is_passive


@pytest.mark.parametrize("name", ["Clicked", "page_view", "scroll to top clicked", "Order Completed"])
def test_what_a_visitor_does_is_active(name: str) -> None:
    assert not accepted(event(event=name)).is_passive


def test_a_servers_event_is_passive_where_it_names_a_device() -> None:
    assert accepted(event(), kind="server").is_passive
    assert not accepted(event(anonymousId=None, userId="u"), kind="server").is_passive


@pytest.mark.parametrize(
    ("channel", "name", "contact"),
    [
        ("email", "Email Opened", "engagement"),
        ("email", "Email Link Clicked", "engagement"),
        ("email", "Email Delivered", ""),
        ("email", "Email Sent", ""),
        ("email", "Email Bounced", ""),
        ("ad", "Ad Impression", "exposure"),
        ("ad", "Ad Clicked", "engagement"),
        ("push", "Push Received", "exposure"),
        ("phone", "Call Logged", "service"),
        ("phone", "talked", "service"),
        ("phone", "Order Completed", "conversion"),
        ("store", "Store Visited", "engagement"),
        ("store", "Purchase", "conversion"),
        ("other", "Order Refunded", "service"),
        ("other", "Order Cancelled", "service"),
        ("other", "Payment Disputed", "service"),
        ("other", "Checkout Abandoned", ""),
        ("phone", "Callback Purchase", "conversion"),
        ("survey", "Survey Answered", "engagement"),
        ("email", "Ticket Opened", "service"),
        ("messenger", "Complaint", "service"),
        ("web", "Clicked", ""),
        ("app", "Purchase", ""),
        ("chat", "Message", ""),
    ],
)
def test_a_contact_off_the_site_is_named_by_its_event(channel: str, name: str, contact: str) -> None:
    assert accepted(event(channel=channel, event=name)).contact == contact


def test_a_conversation_without_a_device_is_a_contact_of_its_own() -> None:
    assert accepted(event(channel="chat", anonymousId=None, userId="u")).contact == "engagement"


@pytest.mark.parametrize("kind", ["identify", "group"])
def test_telling_who_somebody_is_is_no_contact(kind: str) -> None:
    assert accepted(event(type=kind, channel="email")).contact == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"context": {"session": {"new": True}}},
        {"properties": {"new_session": True}},
        {"context": {"sessionStart": True}},
    ],
)
def test_the_sender_may_begin_a_session(fields: dict[str, Any]) -> None:
    assert accepted(event(**fields)).new_session


def test_only_true_begins_a_session() -> None:
    assert not accepted(event(properties={"new_session": "true"}, context={"session": {"new": 1}})).new_session


def test_the_senders_session_id_is_one_wherever_it_stands() -> None:
    ids = {
        accepted(event(**fields)).sender_session
        for fields in (
            {"context": {"sessionId": 17}},
            {"context": {"session": {"id": "17"}}},
            {"properties": {"session_id": " 17 "}},
        )
    }
    assert len(ids) == 1
    assert 0 not in ids
    assert accepted(event(properties={"truth_session_id": "17"})).sender_session == 0


@pytest.mark.parametrize(
    ("fields", "sequence"),
    [
        ({"sequence": 7}, 7),
        ({"context": {"sequence": 7}}, 7),
        ({"sequence": -1}, 0),
        ({"sequence": 2**32}, 0),
        ({"sequence": "7"}, 0),
    ],
)
def test_the_clients_counter_orders_events(fields: dict[str, Any], sequence: int) -> None:
    assert accepted(event(**fields)).sequence == sequence


@pytest.mark.parametrize(
    ("name", "properties", "ms"),
    [
        ("heartbeat", {"engaged_ms": 1500}, 1500),
        ("heartbeat", {"engaged_time": 2.5}, 2500),
        ("heartbeat", {"seconds": 3}, 3000),
        ("heartbeat", {}, 0),
        ("page_ping", {}, 10_000),
        ("page_ping", {"seconds": 5}, 5000),
        ("Page Leave", {"engaged_ms": 99}, 99),
        ("user_engagement", {"engagement_time_msec": 42}, 42),
        ("Watched", {"seconds": 3}, 0),
        ("heartbeat", {"engaged_ms": -1}, 0),
        ("heartbeat", {"engaged_ms": 1e300}, 2**32 - 1),
    ],
)
def test_heartbeats_bring_foreground_time(name: str, properties: dict[str, Any], ms: int) -> None:
    assert accepted(event(event=name, properties=properties)).engaged_ms == ms


@pytest.mark.parametrize(("name", "known"), VOCABULARY.items())
def test_a_contact_of_the_vocabulary_is_what_it_says_however_it_is_spelt(name: str, known: Known) -> None:
    for spelt in (name, name.lower().replace(" ", "_"), name.replace(" ", "")):
        row = accepted(event(event=spelt, anonymousId=None, userId="ann"), kind="server")
        assert (row.channel, row.contact) == (known.channel, known.contact), spelt


def test_of_one_call_its_end_alone_is_a_touchpoint() -> None:
    names = ("Call Started", "Call Waited", "Call Answered", "Call Transferred", "Call Ended", "Call Resolved")
    rows = [accepted(event(event=name, userId="ann", channel="phone")) for name in names]
    assert [row.event for row in rows if row.contact] == ["Call Ended"]


def test_the_senders_word_for_a_channel_wins_and_a_visitors_own_scan_stays_on_the_site() -> None:
    assert accepted(event(event="Code Scanned", userId="ann", channel="store"), kind="server").channel == "store"
    assert accepted(event(event="Code Scanned", userId="ann"), kind="browser").channel == "web"
    assert accepted(event(event="Ticket Scanned", userId="ann"), kind="import").contact == "engagement"
