"""Who an event names."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.identifiers import Kind, claimed, hashed, identifier, kind_of
from pipeline.ingest import device_key
from tests.ingest.sending import accepted, event, rejected
from tests.ingest.sending import sent as outcome

EMAIL = identifier("shop", Kind.email, hashed("ann@example.com"))
PHONE = identifier("shop", Kind.phone, hashed("+491701234567"))


@pytest.mark.parametrize(
    "placeholder",
    [
        None,
        "",
        "  ",
        "null",
        "NULL",
        '"null"',
        " 'undefined' ",
        "anonymous",
        "Guest",
        "[object Object]",
        0,
        -1,
        "0",
        "000-000",
        True,
    ],
)
def test_a_placeholder_names_nobody(placeholder: Any) -> None:
    assert rejected(event(anonymousId=placeholder, userId=placeholder)).reason == "missing_identity"
    assert accepted(event(userId=placeholder)).user == 0


def test_ids_in_digits_are_ids() -> None:
    row = accepted(event(anonymousId=17, userId=2**63))
    assert (row.device_id, row.user_id) == ("17", str(2**63))


@pytest.mark.parametrize("name", ["anonymousId", "userId", "messageId", "groupId", "previousId"])
@pytest.mark.parametrize("value", [1.5, {"id": 1}, ["x"]])
def test_an_id_of_another_type_is_a_wrong_type(name: str, value: Any) -> None:
    wrong = rejected(event(**{name: value}))
    assert (wrong.reason, wrong.field) == ("wrong_type", name)


def test_an_id_beyond_64_bits_is_out_of_range() -> None:
    wrong = rejected(event(userId=2**64))
    assert (wrong.reason, wrong.field) == ("number_out_of_range", "userId")


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "identify", "traits": {"email": "Ann@Example.com "}},
        {"type": "identify", "traits": {"Email": "mailto:ann@example.com"}},
        {"context": {"traits": {"email": "ann@example.com"}}},
        {"properties": {"email_address": "ann@example.com"}},
        {"traits": {"email": "ann@example.com"}},
        {"properties": {"email": "none"}, "context": {"traits": {"email": "ann@example.com"}}},
    ],
)
def test_an_email_counts_wherever_clients_put_it(fields: dict[str, Any]) -> None:
    row = accepted(event(**fields))
    assert row.email == EMAIL
    assert "xample" not in row.properties


def test_a_phone_counts_wherever_clients_put_it() -> None:
    row = accepted(event(type="identify", traits={"phone": "+49 170 1234567", "plan": "x"}))
    assert (row.phone, row.properties) == (PHONE, '{"plan":"x"}')
    assert accepted(event(properties={"phoneNumber": "0049 170 1234567"})).phone == PHONE


def test_an_email_deep_inside_is_removed_but_names_nobody() -> None:
    row = accepted(
        event(properties={"friend": {"email": "bob@example.com", "n": 1}, "list": [{"phone": "0170 1234567"}]})
    )
    assert (row.email, row.phone, row.properties) == (0, 0, '{"friend":{"n":1},"list":[{}]}')


def test_a_groups_email_is_not_the_persons() -> None:
    row = accepted(event(type="group", groupId="acme", traits={"email": "ann@example.com", "plan": "x"}))
    assert (row.email, row.group_id, row.properties) == (0, "acme", '{"plan":"x"}')


def test_vendor_ids_are_segments_external_ids() -> None:
    one = {"id": "abc", "type": "braze_id", "collection": "users", "encoding": "none"}
    row = accepted(event(context={"externalIds": [one, {"id": None, "type": "x"}, 5, {"id": 7}, one]}))
    assert row.vendors == tuple(
        sorted((identifier("shop", Kind.vendor, "braze_id:abc"), identifier("shop", Kind.vendor, ":7")))
    )


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, Kind.device),
        ({"anonymousId": None, "userId": "u"}, Kind.user),
        (
            {"anonymousId": "", "userId": "", "properties": {"email": "ann@example.com", "phone": "+491701234567"}},
            Kind.email,
        ),
        ({"anonymousId": "guest", "context": {"traits": {"phone": "+49 170 1234567"}}}, Kind.phone),
        ({"anonymousId": None, "context": {"externalIds": [{"id": "v", "type": "t"}]}}, Kind.vendor),
    ],
)
def test_the_device_key_is_the_anonymous_id_else_the_best_identifier(fields: dict[str, Any], kind: Kind) -> None:
    sent = event(userId="u") | fields if kind is Kind.device else event(**fields)
    key = device_key("shop", sent)
    assert kind_of(key) is kind
    row = accepted(sent)
    assert row.device == key
    if kind is not Kind.device:
        assert key in (row.user, row.email, row.phone, *row.vendors)
        assert row.device_id == ""


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.text(max_size=9),
    lambda x: (
        st.lists(x, max_size=3)
        | st.dictionaries(
            st.sampled_from(["email", "phone", "id", "type", "traits", "externalIds", "x"]), x, max_size=3
        )
    ),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("type", "anonymousId", "userId", "traits", "context", "properties"), ANY)
    )
)
def test_the_collector_gives_a_device_key_exactly_to_events_that_name_somebody(sent: dict[str, Any]) -> None:
    sent = {**sent, "type": "track", "event": "x", "messageId": "m"}
    reason = getattr(outcome(sent), "reason", "")
    if reason in ("", "missing_identity"):
        assert (device_key("shop", sent) == 0) == (reason == "missing_identity")


def test_an_alias_renames_only_where_the_source_is_trusted() -> None:
    alias = event(type="alias", userId="new", previousId="old")
    old = identifier("shop", Kind.user, "old")
    for kind, expected in (
        ("browser", claimed(old)),
        ("app", claimed(old)),
        ("server", old),
        ("vendor", old),
        ("import", old),
    ):
        row = accepted(alias, kind=kind)
        assert (row.alias_of, row.is_trusted, row.event) == (expected, expected == old, "alias")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"userId": "u"},
        {"previousId": "u"},
        {"userId": "u", "previousId": " u"},
        {"userId": "u", "previousId": "null"},
    ],
)
def test_an_alias_needs_two_different_ids(fields: dict[str, Any]) -> None:
    assert rejected(event(type="alias", **fields)).reason == "invalid_alias"


def test_the_same_message_id_is_one_event_and_it_is_the_projects() -> None:
    row = accepted(event(messageId="m-7"))
    assert row.message_id == accepted(event(messageId=" m-7 ", event="Other")).message_id != 0
    assert row.message_id != accepted(event(messageId="m-8")).message_id


@pytest.mark.parametrize("none", [None, "", "null", "undefined", "0", "00000000-0000-0000-0000-000000000000"])
def test_without_a_message_id_the_same_content_is_one_event(none: str | None) -> None:
    first = accepted(event(messageId=none, properties={"a": 1, "b": 2}, sentAt="2024-06-01T11:59:59Z"))
    again = accepted(event(messageId=none, properties={"b": 2, "a": 1}, sentAt="2024-06-01T12:00:09Z"))
    other = accepted(event(messageId=none, properties={"a": 1, "b": 3}))
    assert first.message_id == again.message_id != other.message_id


def test_a_rejected_event_has_the_message_id_that_it_would_have_had() -> None:
    assert rejected(event(messageId="m-9", event="")).message_id == accepted(event(messageId="m-9")).message_id
