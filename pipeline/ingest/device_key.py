"""Who an event names: its identifiers, and the device key that chooses the partition.

Device key: anonymousId, else userId, e-mail, phone, vendor id. The collector computes it from the parsed event, the
ingest steps trust what the collector computed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.domain.identifiers import Kind, hashed, identifier, normal_email, normal_phone, prehashed, usable
from pipeline.ingest.properties import EMAIL_KEYS, PHONE_KEYS, texts
from pipeline.ingest.remembered import remembered

ID_LIMIT = 1 << 64


@remembered(1 << 16)
def user_identifier(project: str, text: str) -> int:
    """Identifier of a usable user id."""
    return identifier(project, Kind.user, text)


def id_text(value: str | int | None) -> str:
    """An id as text, "" for none, for a placeholder and for a number beyond 64 bits."""
    if isinstance(value, str):
        return _usable(value)
    return "" if value is None or not -ID_LIMIT < value < ID_LIMIT else usable(str(value))


@remembered(1 << 14)
def _usable(value: str) -> str:
    return usable(value)


def email_hash(value: str) -> str:
    """SHA-256 hex of an e-mail address, given in clear or as `sha256:` and the hash; "" where it is none."""
    normal = normal_email(value)
    return hashed(normal) if normal else prehashed(value)


def phone_hash(value: str) -> str:
    """The same of a phone number."""
    normal = normal_phone(value)
    return hashed(normal) if normal else prehashed(value)


@remembered(1 << 14)
def email_identifier(project: str, value: str) -> int:
    """Identifier of an e-mail address's SHA-256, 0 where it is none."""
    digest = email_hash(value)
    return identifier(project, Kind.email, digest) if digest else 0


@remembered(1 << 14)
def phone_identifier(project: str, value: str) -> int:
    """Identifier of a phone number's SHA-256, 0 where it is none."""
    digest = phone_hash(value)
    return identifier(project, Kind.phone, digest) if digest else 0


def first_email(project: str, values: Iterable[str]) -> int:
    return next((found for value in values if (found := email_identifier(project, value))), 0)


def first_phone(project: str, values: Iterable[str]) -> int:
    return next((found for value in values if (found := phone_identifier(project, value))), 0)


def vendor_identifiers(project: str, ids: Iterable[tuple[str, str | int | None]]) -> tuple[int, ...]:
    """Identifiers of vendor ids given as (type, id), ascending."""
    usable_ids = ((kind.strip().lower(), text) for kind, value in ids if (text := id_text(value)))
    found = {identifier(project, Kind.vendor, f"{kind}:{text}") for kind, text in usable_ids}
    return tuple(sorted(found))


def _id(value: Any) -> str:
    return id_text(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def device_key(project: str, event: Mapping[str, Any]) -> int:
    """Identifier of a parsed event's device key; 0 where it names nobody (such an event is `missing_identity`)."""
    if text := _id(event.get("anonymousId")):
        return identifier(project, Kind.device, text)
    if text := _id(event.get("userId")):
        return user_identifier(project, text)
    context = _object(event.get("context"))
    bags = [_object(context.get("traits")), _object(event.get("properties"))]
    if event.get("type") != "group":  # a group's traits tell of the group
        bags.insert(0, _object(event.get("traits")))
    if found := first_email(project, (text for bag in bags for text in texts(bag, EMAIL_KEYS))):
        return found
    if found := first_phone(project, (text for bag in bags for text in texts(bag, PHONE_KEYS))):
        return found
    vendors = vendor_identifiers(project, external_ids(context.get("externalIds")))
    return vendors[0] if vendors else 0


def external_ids(value: Any) -> list[tuple[str, str | int | None]]:
    """Segment's context.externalIds ([{id, type, ...}]) or {type: id}, as (type, id); other shapes are left out."""
    if isinstance(value, dict):
        value = [{"type": kind, "id": inner} for kind, inner in value.items()]
    if not isinstance(value, list):
        return []
    found: list[tuple[str, str | int | None]] = []
    for one in value:
        if isinstance(one, dict) and isinstance(one.get("id"), str | int) and not isinstance(one["id"], bool):
            kind = one.get("type")
            found.append((kind if isinstance(kind, str) else "", one["id"]))
    return found
