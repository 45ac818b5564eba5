"""What PostHog's events say about people: traits that any of them sets, and the calls that say who somebody is."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from api.webhooks.reading import text
from api.webhooks.vendor import Event

UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)  # whom nobody has named


def is_of_nobody(note: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Whether a group's profile comes under an id that its client made up, as no person was told."""
    own = text(note, "distinct_id") or text(given, "distinct_id")
    if own == f"${text(given, '$group_type')}_{text(given, '$group_key')}":
        return True
    is_unnamed = given.get("$process_person_profile") is False and UUID.fullmatch(own) is not None
    return is_unnamed and "$device_id" not in given


def _set(note: dict[str, Any], rest: dict[str, Any]) -> dict[str, Any]:
    """Traits that an event sets, in the order in which they count."""
    traits: dict[str, Any] = {}
    for place in (note.get("$set_once"), rest.get("$set_once"), note.get("$set"), rest.get("$set")):
        if isinstance(place, dict):
            traits |= place
    return traits


def put_traits(made: Event, note: dict[str, Any], rest: dict[str, Any]) -> None:
    """What an event says of its person."""
    if not ("$set" in note or "$set" in rest or "$set_once" in note or "$set_once" in rest):
        return
    if traits := _set(note, rest):
        made.setdefault("context", {})["traits"] = traits
        for field in ("$set", "$set_once"):
            if isinstance(note.get(field), dict):
                rest.setdefault(field, note[field])


def of_people(
    made: Event, name: str, note: dict[str, Any], rest: dict[str, Any], given: Mapping[str, Any]
) -> Iterator[Event]:
    """Calls that say who somebody is; a second event where one of PostHog's says two things."""
    kind = made["type"]
    if kind == "identify":
        traits = _set(note, rest)
        rest.pop("$set", None), rest.pop("$set_once", None)
        yield {**made, "traits": traits, "properties": rest}
    elif kind == "group":
        group = rest.pop("$group_set", None)
        members = {**group} if isinstance(group, dict) else {}
        members["group_type"] = rest.pop("$group_type", "")
        yield {**made, "groupId": rest.pop("$group_key", None), "traits": members, "properties": rest}
    else:
        other, own = text(rest, "alias"), text(given, "distinct_id") or text(note, "distinct_id")
        kept, gone = (other, own) if name == "$create_alias" else (own, other)
        made |= {"userId": kept, "previousId": gone, "properties": rest}
        made.pop("anonymousId", None)
        yield made
        told = {field: value for field, value in made.items() if field != "previousId"}
        # The old name may be that of a device: its past joins too. So may the new one, where it is made up: clients do
        # not agree which of both comes first.
        yield told | {"type": "identify", "anonymousId": gone, "messageId": f"{made['messageId']}-device", "traits": {}}
        if gone and UUID.fullmatch(kept):
            names = {"userId": gone, "anonymousId": kept}
            yield told | names | {"type": "identify", "messageId": f"{made['messageId']}-other", "traits": {}}
