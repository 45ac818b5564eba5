"""Whom a Mixpanel message names, by its simplified merge of ids: a device, a user, and what joins them."""

from collections.abc import Mapping
from typing import Any, Final

from api.webhooks.reading import first_text, listed, text
from api.webhooks.vendor import Event

DEVICE: Final = "$device:"  # before a device's id that stands for a person who is not known yet
SECONDS_BELOW: Final = 10**11


def device_of(distinct: str) -> str:
    """The device that a distinct id names, "" where it names a user."""
    return distinct.removeprefix(DEVICE) if distinct.startswith(DEVICE) else ""


def put_identity(given: Mapping[str, Any], into: Event, before: str = "") -> None:
    """The device and the user. `before` is what stands before the name of the distinct id: profiles have `$`."""
    distinct = first_text(given.get(f"{before}distinct_id"))
    device, user = first_text(given.get("$device_id")), first_text(given.get("$user_id"))
    device = device or device_of(distinct)
    if not user and distinct and not distinct.startswith(DEVICE) and distinct != device:
        user = distinct
    _put(into, device, user)


def merged(given: Mapping[str, Any], into: Event) -> None:
    """`$identify`: a device's past and the user that it now is."""
    distinct = text(given, "distinct_id")
    before = text(given, "$anon_distinct_id") or text(given, "$anon_id") or text(given, "$device_id")
    user = text(given, "$identified_id") or text(given, "$user_id")
    if not user and not distinct.startswith(DEVICE):
        user = distinct
    _put(into, before.removeprefix(DEVICE), user)


def alias_of(name: str, given: Mapping[str, Any], into: Event) -> None:
    """`$create_alias` and `$merge`: two names of one person, of which one may be a device's."""
    if name == "$merge":
        both = [one for one in listed(given, "$distinct_ids") if isinstance(one, str)]
        old, new = (both + ["", ""])[:2]
    else:
        old, new = text(given, "distinct_id"), text(given, "alias")
    if new.startswith(DEVICE) and not old.startswith(DEVICE):
        old, new = new, old
    device = device_of(old) or (old if old and old == text(given, "$device_id") else "")
    if device:
        into["type"] = "identify"
        _put(into, device, new)
    else:
        into |= {"type": "alias", "previousId": old, "userId": new}


def milliseconds(value: Any) -> Any:
    """`time` in seconds, with or without a fraction, or in ms -> ms; a text is left to ingest; None for none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        return value
    return round(value * 1000) if abs(value) < SECONDS_BELOW else value


def _put(into: Event, device: str, user: str) -> None:
    if device:
        into["anonymousId"] = device
    if user:
        into["userId"] = user
