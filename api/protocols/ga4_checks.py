"""What Google's validation server says about a request of the Measurement Protocol: its rules, codes and sentences.

https://developers.google.com/analytics/devguides/collection/protocol/ga4/validating-events
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from api.webhooks.vendor import Unmapped

Message = dict[str, str]

MOST_EVENTS, MOST_PARAMS, MOST_USER_PROPERTIES = 25, 25, 25
EVENT_NAME, PARAM_NAME, PARAM_VALUE = 40, 40, 100  # characters
USER_PROPERTY_NAME, USER_PROPERTY_VALUE = 24, 36
_LONGER: Final = {"page_location": 1000, "page_referrer": 420, "page_title": 300}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESERVED_EVENTS: Final = frozenset((
    *("ad_activeview", "ad_click", "ad_exposure", "ad_query", "ad_reward", "adunit_exposure", "app_clear_data"),
    *("app_exception", "app_install", "app_remove", "app_store_refund", "app_store_subscription_cancel"),
    *("app_store_subscription_convert", "app_store_subscription_renew", "app_update", "app_upgrade", "error"),
    *("dynamic_link_app_open", "dynamic_link_app_update", "dynamic_link_first_open", "firebase_campaign"),
    *("first_open", "first_visit", "in_app_purchase", "notification_dismiss", "notification_foreground"),
    *("notification_open", "notification_receive", "notification_send", "os_update", "session_start"),
    *("session_start_with_rollout", "user_engagement"),
))  # fmt: skip
_RESERVED_USER_PROPERTIES: Final = frozenset((
    *("first_open_time", "first_visit_time", "last_deep_link_referrer", "user_id", "first_open_after_install"),
))  # fmt: skip
_PREFIXES: Final = ("_", "firebase_", "ga_", "google_", "gtag.")


def messages_of(payload: Any) -> list[Message]:
    """`validationMessages`: none where the request is right. `payload` is its JSON value."""
    if isinstance(payload, Unmapped):
        return [_told("", "VALUE_INVALID", f"Unable to parse Measurement Protocol JSON payload. {payload.words}")]
    if not isinstance(payload, Mapping):
        return [_told("", "VALUE_INVALID", "Unable to parse Measurement Protocol JSON payload. It must be an object.")]
    return [*_whose(payload), *_user_properties(payload.get("user_properties")), *_events(payload.get("events"))]


def _told(field: str, code: str, description: str) -> Message:
    return {"fieldPath": field, "description": description, "validationCode": code}


def _whose(payload: Mapping[str, Any]) -> Iterator[Message]:
    if not (payload.get("client_id") or payload.get("app_instance_id")):
        told = "Measurement requires a client_id or an app_instance_id."
        yield _told("client_id", "VALUE_REQUIRED", told)
    for name in ("client_id", "app_instance_id", "user_id"):
        value = payload.get(name)
        if value is not None and not isinstance(value, str):
            yield _told(name, "VALUE_INVALID", f"Field [{name}] must be a string.")
    at = payload.get("timestamp_micros")
    if at is not None and not str(at).isdigit():
        yield _told("timestamp_micros", "VALUE_INVALID", "Field [timestamp_micros] must be a number of microseconds.")


def _user_properties(given: Any) -> Iterator[Message]:
    if given is None:
        return
    if not isinstance(given, Mapping):
        yield _told("user_properties", "VALUE_INVALID", "Field [user_properties] must be an object.")
        return
    if len(given) > MOST_USER_PROPERTIES:
        told = f"[{len(given)}] user properties were given; the limit is [{MOST_USER_PROPERTIES}]."
        yield _told("user_properties", "EXCEEDED_MAX_ENTITIES", told)
    for name, one in given.items():
        field = f"user_properties.{name}"
        yield from _name(field, "User property", name, USER_PROPERTY_NAME, _RESERVED_USER_PROPERTIES)
        value = one.get("value") if isinstance(one, Mapping) else None
        if value is None:
            yield _told(field, "VALUE_REQUIRED", f"User property [{name}] needs its value in [value].")
        elif len(str(value)) > USER_PROPERTY_VALUE:
            yield _told(field, "VALUE_OUT_OF_BOUNDS", f"User property [{name}] is longer than [{USER_PROPERTY_VALUE}].")


def _events(given: Any) -> Iterator[Message]:
    if not isinstance(given, list) or not given:
        yield _told("events", "VALUE_REQUIRED", "Measurement requires at least one event in [events].")
        return
    if len(given) > MOST_EVENTS:
        told = f"[{len(given)}] events were given; the limit is [{MOST_EVENTS}]."
        yield _told("events", "EXCEEDED_MAX_ENTITIES", told)
    for index, event in enumerate(given):
        yield from _event(index, event)


def _event(index: int, event: Any) -> Iterator[Message]:
    name = event.get("name") if isinstance(event, Mapping) else None
    at = f"Event at index: [{index}]"
    if not isinstance(name, str) or not name:
        yield _told("events", "VALUE_REQUIRED", f"{at} has no name.")
        return
    yield from _name("events", at, name, EVENT_NAME, _RESERVED_EVENTS)
    params = event.get("params")
    if params is None:
        return
    if not isinstance(params, Mapping):
        yield _told("events", "VALUE_INVALID", f"{at} has params that are no object.")
        return
    if len(params) > MOST_PARAMS:
        told = f"{at} has [{len(params)}] parameters; the limit is [{MOST_PARAMS}]."
        yield _told("events", "EXCEEDED_MAX_ENTITIES", told)
    for param, value in params.items():
        field = f"events.params.{param}"
        yield from _name(field, f"{at}, parameter", param, PARAM_NAME, frozenset())
        longest = _LONGER.get(param, PARAM_VALUE)
        if isinstance(value, str) and len(value) > longest:
            yield _told(field, "VALUE_OUT_OF_BOUNDS", f"{at} has a value of [{param}] longer than [{longest}].")


def _name(field: str, what: str, name: str, longest: int, reserved: frozenset[str]) -> Iterator[Message]:
    if name in reserved:
        yield _told(field, "NAME_RESERVED", f"{what} has a reserved name [{name}].")
    elif not name[:1].isalpha():
        told = f"{what} has invalid name [{name}]. Names must start with an alphabetic character."
        yield _told(field, "NAME_INVALID", told)
    elif name.startswith(_PREFIXES):
        yield _told(field, "NAME_RESERVED", f"{what} has a name [{name}] that begins with a reserved prefix.")
    elif not _NAME.fullmatch(name):
        told = f"{what} has invalid name [{name}]. Names may hold letters, digits and underscores only."
        yield _told(field, "NAME_INVALID", told)
    elif len(name) > longest:
        yield _told(field, "NAME_INVALID", f"{what} has a name [{name}] longer than [{longest}].")
