"""What a visitor has agreed to, as an event tells it, and what follows for it.

context.consent                                   {"state": "granted|denied|unknown"}, {"purposes": {...}}
context.consent.categoryPreferences               Segment's clients: {"analytics": true, ...}
context.consentManagement.deniedConsentIds        RudderStack's: ["analytics", ...]; allowedConsentIds

States are written in any case, a purpose's as true and false or in words. Of two that differ the stricter one counts.

granted   taken
denied    rejected, nothing of it kept; only the event that tells of the change is taken, where it names a device
unknown   taken without ids, under an id of the day, where the project allows that; else rejected
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from api.collect.routing import Routing
from pipeline.ingest.properties import EMAIL_KEYS, PHONE_KEYS
from pipeline.ingest.redacted_event import CONSENT_CHANGED
from pipeline.ingest.redaction import Redaction, redaction_of
from pipeline.store.definitions import Snapshot
from schemas.definitions import Privacy, Project

State = Literal["granted", "denied", "unknown"]
Verdict = Literal["taken", "cookieless", "consent_denied", "consent_missing", "opted_out"]

NAMING = ("identify", "alias", "group")  # calls that say who somebody is: without consent there is nobody to name
_STRICTEST: tuple[State, ...] = ("denied", "unknown", "granted")
_STATES: Mapping[str, State] = {state: state for state in _STRICTEST}
# What tells a person or a device, as `_plain` writes names: of the event itself and its context, and of properties.
_IDS = frozenset((
    "anonymousid", "userid", "previousid", "aliasid", "groupid", "accountid", "customerid", "contactid", "visitorid",
    "rudderid", "distinctid", "anondistinctid", "clientid", "deviceid", "installid", "sessionid", "windowid",
    "externalid", "externalids", "advertisingid", "adtrackingid", "idfa", "idfv", "gaid", "aaid", "fingerprint",
))  # fmt: skip
_OF_THE_DEVICE = _IDS | {"traits", "session", "sessionstart", "integrations"}  # others' client ids are in integrations
_IN_DEVICE = _IDS | {"id", "token"}  # context.device
_OF_A_PERSON = EMAIL_KEYS | PHONE_KEYS  # names in properties that identity goes by
_BETWEEN = str.maketrans("", "", "_-$ .")
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Policy(NamedTuple):
    """A project's privacy, made ready for the door."""

    privacy: Privacy
    redaction: Redaction  # of what is kept as a reject
    passing: Redaction  # of events on their way: ingest reads addresses and user agents, and reduces them
    origins: tuple[str, ...]
    looks_at_signals: bool

    @classmethod
    def of(cls, project: Project) -> "Policy":
        privacy = project.privacy
        signals = privacy.honour_gpc or privacy.honour_dnt
        rules = redaction_of(privacy)
        passing = msgspec.structs.replace(rules, agents=False, parameters=None)
        return cls(privacy, rules, passing, project.origins, signals)


USUAL = Policy.of(Project("usual"))


class Policies:
    """The policies of the projects of now, made once for each snapshot of the definitions."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot
        self._seen: Snapshot | None = None
        self._known: dict[str, Policy] = {}

    def of(self, project: str) -> Policy:
        snapshot = self._snapshot()
        if snapshot is not self._seen:
            self._known = {name: Policy.of(one) for name, one in snapshot.projects.items()}
            self._seen = snapshot
        return self._known.get(project, USUAL)


def is_opted_out(policy: Policy, headers: Mapping[bytes, bytes]) -> bool:
    """Whether the browser sends a signal of privacy that the project honours."""
    privacy = policy.privacy
    return (privacy.honour_gpc and headers.get(b"sec-gpc") == b"1") or (
        privacy.honour_dnt and headers.get(b"dnt") == b"1"
    )


def verdict(policy: Policy, event: Routing, is_trusted: bool) -> Verdict:
    """What becomes of an event, by its consent or what the project assumes."""
    state = told(event, policy.privacy.purpose)
    if state is None:
        state = "unknown" if policy.privacy.consent == "required" and not is_trusted else "granted"
    if state == "granted":
        return "taken"
    if state == "denied":
        is_evidence = event.event == CONSENT_CHANGED and event.type == "track" and event.anonymous_id
        return "taken" if is_evidence else "consent_denied"
    return "cookieless" if policy.privacy.cookieless else "consent_missing"


def told(event: Routing, purpose: str) -> State | None:
    """The state that an event tells, of several the strictest; None where it says nothing of the purpose."""
    context = event.context
    if context is None or (context.consent is None and context.consent_management is None):
        return None
    return min(_answers(context.consent, context.consent_management, purpose), key=_STRICTEST.index, default=None)


def _answers(consent: object, managed: object, purpose: str) -> Iterator[State]:
    if isinstance(consent, dict):
        if state := _state(consent.get("state")):
            yield state
        for name in ("purposes", "categoryPreferences"):
            if isinstance(purposes := consent.get(name), dict) and (state := _of_purpose(purposes, purpose)):
                yield state
    if isinstance(managed, dict):
        if _names(managed.get("deniedConsentIds"), purpose):
            yield "denied"
        elif _names(managed.get("allowedConsentIds"), purpose):
            yield "granted"


def _state(value: object) -> State | None:
    """As senders write it, in any case; True and False too."""
    if isinstance(value, bool):
        return "granted" if value else "denied"
    return _STATES.get(value.strip().lower()) if isinstance(value, str) else None


def _names(ids: object, purpose: str) -> bool:
    return isinstance(ids, list) and any(isinstance(one, str) and one.lower() == purpose.lower() for one in ids)


def _of_purpose(purposes: Mapping[str, Any], purpose: str) -> State | None:
    given = (_state(value) for name, value in purposes.items() if name.lower() == purpose.lower())
    return min(filter(None, given), key=_STRICTEST.index, default=None)


def without_ids(raw: bytes, device: str) -> bytes:
    """A cookieless event: nothing in it that tells a person or a device, under the id of the day.

    `raw` is a JSON object. Its properties say `"cookieless": true`.
    """
    fields = {name: value for name, value in _object(raw).items() if _plain(name) not in _OF_THE_DEVICE}
    context = {name: value for name, value in _inner(fields, "context") if _plain(name) not in _OF_THE_DEVICE}
    if "device" in context:
        context["device"] = {name: value for name, value in _inner(context, "device") if _plain(name) not in _IN_DEVICE}
    kept = {
        name: value
        for name, value in _inner(fields, "properties")
        if name not in _OF_A_PERSON and _plain(name) not in _IDS
    }
    return msgspec.json.encode(
        fields | {"anonymousId": device, "context": context, "properties": kept | {"cookieless": True}}
    )


def _plain(name: str) -> str:
    return name.translate(_BETWEEN).lower()


def _inner(fields: Mapping[str, Any], name: str) -> Iterable[tuple[str, Any]]:
    """What an object among the fields holds; nothing where it is none."""
    value = fields.get(name)
    return _object(value).items() if value is not None and bytes(value)[:1] == b"{" else ()
