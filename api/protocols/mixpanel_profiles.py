"""Mixpanel's profiles: what is set of a person are traits; a transaction that is appended is a charge."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from api.protocols.homes import compiled, housed
from api.protocols.mixpanel_ids import milliseconds, put_identity
from api.protocols.once import Once
from api.webhooks.reading import get
from api.webhooks.vendor import Event, Unmapped

TRAITS: Final[Mapping[str, str]] = {
    "$email": "email",
    "$phone": "phone",
    "$name": "name",
    "$first_name": "firstName",
    "$last_name": "lastName",
    "$created": "createdAt",
    "$avatar": "avatar",
}
PROFILE_HOMES: Final[Mapping[str, str]] = {
    "$distinct_id": "userId",
    "$set": "traits",
    "$set_once": "traits",
    **{f"$set.{name}": f"traits.{trait}" for name, trait in TRAITS.items()},
    "$time": "timestamp",
    "$ip": "context.ip",
}
CHARGE: Final = "track_charge"
_HOMES = compiled({"$ip": "context.ip"})
_NO_OPERATIONS: Final = frozenset((
    *("$token", "$distinct_id", "$user_id", "$device_id", "$time", "$ip", "$set", "$set_once", "$ignore_time"),
    *("$ignore_alias", "$had_persisted_distinct_id"),
))  # fmt: skip


def profile(note: Any, now: int) -> Iterator[Once | Unmapped]:
    if not isinstance(note, dict):
        yield Unmapped(note, "a profile must be an object")
        return
    whose: Event = {}
    put_identity(note, whose, "$")
    if (at := milliseconds(note.get("$time"))) is not None:
        whose["timestamp"] = at
    housed(note, _HOMES, whose)
    operations = {name: value for name, value in note.items() if name not in _NO_OPERATIONS}
    transaction = get(operations, "$append", "$transactions")
    if isinstance(transaction, dict):
        yield _charge(transaction, whose, now)
        appended = {name: value for name, value in operations.pop("$append").items() if name != "$transactions"}
        if appended:
            operations["$append"] = appended
        elif not operations and not {"$set", "$set_once"} & note.keys():
            return
    traits: dict[str, Any] = {}
    for given in (note.get("$set_once"), note.get("$set")):
        if isinstance(given, dict):
            traits |= {TRAITS.get(name, name): value for name, value in given.items()}
    yield Once({**whose, "type": "identify", "traits": traits | operations}, "mixpanel", now=now)


def _charge(transaction: Mapping[str, Any], whose: Event, now: int) -> Once:
    kept = {name: value for name, value in transaction.items() if name not in ("$amount", "$time")}
    kept["revenue"] = transaction.get("$amount")
    made = {**whose, "type": "track", "event": CHARGE, "properties": kept}
    if "$time" in transaction:
        made["timestamp"] = transaction["$time"]
    return Once(made, "mixpanel", now=now)
