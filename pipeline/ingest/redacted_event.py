"""An event, as JSON in bytes, as it may be kept: without addresses, keys and e-mails, by the project's rules for names.

    ip, request_ip, writeKey, at the top and in context      left out
    userId, anonymousId, groupId ... that hold an address     sha256:...
    e-mail and phone of the person (traits, properties)       sha256:... of the normal form: identity goes on by it
    names of the project's rules, ip_address and its like     left out, or SHA-256
    every other text                                          redaction.redacted; of a version no IP address, as
                                                              it is written like one

Values that nothing is changed in keep their bytes, so numbers keep their digits.
"""

import re
from hashlib import sha256

import msgspec
from msgspec import Raw

from pipeline.domain.identifiers import HASHED
from pipeline.ingest.device_key import email_hash, phone_hash
from pipeline.ingest.properties import EMAIL_KEYS, IP_KEYS, PHONE_KEYS
from pipeline.ingest.redaction import (
    Redaction,
    has_unknown_parameters,
    redacted,
    redacted_id,
    reduced_agent,
    without_emails,
)

CONSENT_CHANGED = "Consent Changed"  # the event that is the evidence of a consent: no rule for names takes from it
MOST_DEPTH = 64  # an event that is nested deeper cannot be used, and is only kept as a reject
_PRIVATE = frozenset(("ip", "request_ip", "writeKey"))
_IDS = frozenset(("userId", "anonymousId", "previousId", "groupId", "sessionId", "messageId"))
_PRIVATE_TEXT = re.compile(r'"(?:ip|request_ip|writeKey|ip_address|ipAddress)"\s*:\s*"[^"]*"?')
_PHONE_TEXT = re.compile(r'("[^"]{0,40}phone[^"]{0,40}"\s*:\s*)(?:"[^"]*"?|[\d+]+)', re.I)
_NUMBERED = ("version", "build", "firmware", "release")  # names of what is written as 1.2.3.4

_object = msgspec.json.Decoder(dict[str, Raw]).decode
_array = msgspec.json.Decoder(list[Raw]).decode
_text = msgspec.json.Decoder(str).decode
_quoted = msgspec.json.encode


def redacted_event(raw: bytes, rules: Redaction) -> bytes:
    """`raw` is a JSON object in UTF-8. Raises msgspec.DecodeError where it is none."""
    fields = _object(raw)
    kind = bytes(fields.get("type", b""))
    is_evidence = bytes(fields.get("event", b"")) == _quoted(CONSENT_CHANGED)
    walk = _Walk(msgspec.structs.replace(rules, allowed=_NO, dropped=_NO, hashed=_NO) if is_evidence else rules)
    kept: dict[str, Raw | bytes] = {}
    for name, value in fields.items():
        if name in _PRIVATE:
            continue
        if name == "context":
            kept[name] = Raw(walk.context(bytes(value)))
        elif name in ("properties", "traits"):
            is_person = name == "properties" or kind != b'"group"'
            kept[name] = Raw(walk.bag(bytes(value), is_person))
        else:
            data = walk.id(bytes(value)) if name in _IDS else walk.value_of(name, bytes(value), 1)
            kept[walk.name(name)] = Raw(data)
    return _quoted(kept)


def redacted_json(raw: bytes, rules: Redaction) -> bytes:
    """Any JSON, as it may be kept; what cannot be read as texts of UTF-8 as one text."""
    try:
        return redacted_event(raw, rules) if raw[:1] == b"{" else _Walk(rules).value(raw, 1)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _quoted(redacted_text(raw.decode("utf-8", "replace"), rules))


def kept_properties(text: str, parameters: frozenset[str]) -> str:
    """Stored properties, a JSON object, whose addresses have only the parameters that are kept."""
    if not has_unknown_parameters(text, parameters):
        return text
    return _Walk(Redaction(emails=False, addresses=False, parameters=parameters)).value(text.encode(), 1).decode()


def redacted_text(text: str, rules: Redaction) -> str:
    """A payload that is no JSON, as it may be kept."""
    text = _PRIVATE_TEXT.sub("", text)
    if rules.emails:
        text = _PHONE_TEXT.sub(r'\1"[redacted]"', without_emails(text))
    return redacted(f"://{text}", rules)[3:]


_NO: frozenset[str] = frozenset()


class _Walk:
    def __init__(self, rules: Redaction) -> None:
        self._rules = rules
        self._names = msgspec.structs.replace(rules, parameters=None)
        self._numbered = msgspec.structs.replace(rules, addresses=False)

    def context(self, raw: bytes) -> bytes:
        if raw[:1] != b"{":
            return self.value(raw, 1)
        kept: dict[str, Raw] = {}
        for name, value in _object(raw).items():
            data = bytes(value)
            if name in _PRIVATE or name in IP_KEYS:
                continue
            if name == "traits":
                data = self.bag(data, True)
            elif name == "userAgent" and self._rules.agents and data[:1] == b'"':
                data = _quoted(reduced_agent(_text(data)))
            elif name == "externalIds":
                data = self._external_ids(data)
            else:
                data = self.id(data) if name in _IDS else self.value_of(name, data, 2)
            kept[self.name(name)] = Raw(data)
        return _quoted(kept)

    def bag(self, raw: bytes, is_person: bool) -> bytes:
        """Properties or traits: the rules for names hold, and the person's e-mail and phone become hashes."""
        if raw[:1] != b"{":
            return self.value(raw, 1)
        rules, kept = self._rules, {}
        for name, value in _object(raw).items():
            is_email, is_phone = name in EMAIL_KEYS, name in PHONE_KEYS
            if rules.allowed and name.lower() not in rules.allowed and not (is_person and (is_email or is_phone)):
                continue
            if is_person and (is_email or is_phone) and name.lower() not in rules.dropped:
                kept[name] = Raw(self._contact(bytes(value), is_email))
            elif (data := self._named(name, bytes(value), 2)) is not None:
                kept[self.name(name)] = Raw(data)
        return _quoted(kept)

    def value_of(self, name: str, raw: bytes, depth: int) -> bytes:
        """What is kept of a value under a name that no rule is about."""
        if raw[:1] == b'"' and name.lower().endswith(_NUMBERED):
            return self._string(raw, self._numbered)
        return self.value(raw, depth)

    def value(self, raw: bytes, depth: int) -> bytes:
        if raw[:1] == b'"':
            return self._string(raw, self._rules)
        if raw[:1] not in (b"{", b"[") or raw in (b"{}", b"[]"):
            return raw
        if depth > MOST_DEPTH:
            return _quoted(redacted_text(raw.decode("utf-8", "replace"), self._rules))
        if raw[:1] == b"[":
            return _quoted([Raw(self.value(bytes(each), depth + 1)) for each in _array(raw)])
        kept = {}
        for name, value in _object(raw).items():
            if (data := self._named(name, bytes(value), depth + 1)) is not None:
                kept[self.name(name)] = Raw(data)
        return _quoted(kept)

    def id(self, raw: bytes) -> bytes:
        if raw[:1] != b'"':
            return self.value(raw, 2)
        text = _text(raw)
        found = redacted_id(text, self._rules.emails)
        return raw if found is text or found == text else _quoted(found)

    def _named(self, name: str, raw: bytes, depth: int) -> bytes | None:
        """A property's value by the rules for its name; None: it is left out."""
        lower = name.lower()
        if name in IP_KEYS or lower in self._rules.dropped:
            return None
        if lower in self._rules.hashed and raw != b"null":
            text = _text(raw) if raw[:1] == b'"' else raw.decode()
            return _quoted(HASHED + sha256(text.encode()).hexdigest())
        if self._rules.emails and name in PHONE_KEYS and raw[:1] in b'"0123456789':
            return self._contact(raw, is_email=False)
        return self.value_of(name, raw, depth)

    def _contact(self, raw: bytes, is_email: bool) -> bytes:
        """The person's e-mail or phone as `sha256:`, where it is one."""
        if not self._rules.emails or raw[:1] in b"{[tfn":
            return self.value(raw, 2)
        text = _text(raw) if raw[:1] == b'"' else raw.decode()
        digest = email_hash(text) if is_email else phone_hash(text)
        return _quoted(HASHED + digest) if digest else self.value(raw, 2)

    def _external_ids(self, raw: bytes) -> bytes:
        """[{id, type}] or {type: id}: the ids among them as ids."""
        if raw[:1] == b"{":
            return _quoted({self.name(name): Raw(self.id(bytes(value))) for name, value in _object(raw).items()})
        if raw[:1] != b"[":
            return self.value(raw, 2)
        found: list[Raw] = []
        for each in _array(raw):
            fields = _object(each) if bytes(each)[:1] == b"{" else None
            if fields is None:
                found.append(Raw(self.value(bytes(each), 3)))
                continue
            found.append(Raw(_quoted({self.name(name): Raw(self.id(bytes(value))) for name, value in fields.items()})))
        return _quoted(found)

    def name(self, name: str) -> str:
        return redacted(name, self._names)

    def _string(self, raw: bytes, rules: Redaction) -> bytes:
        text = _text(raw)
        found = redacted(text, rules)
        return raw if found == text else _quoted(found)
