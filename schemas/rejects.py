"""The closed set of reasons for which an acknowledged event is kept in `rejected` instead of `events`."""

REASONS: dict[str, str] = {
    "malformed_json": "not JSON, or JSON that cannot be stored (a lone surrogate, NaN)",
    "not_an_object": "an event must be a JSON object",
    "wrong_type": "a field has another type than the event format gives it",
    "unknown_type": "type is none of track, page, screen, identify, group, alias",
    "missing_event": "a track call needs a name in `event`",
    "missing_identity": "neither anonymousId nor userId nor another usable identifier",
    "too_large": "the event is larger than the limit",
    "too_deep": "objects nested deeper than the limit",
    "too_many_properties": "more properties than the limit",
    "number_out_of_range": "a number outside of what can be stored exactly",
    "too_old": "older than the project's lateness limit",
    "consent_denied": "the visitor has refused; nothing of the event is kept",
    "consent_missing": "sent before the visitor has consented, and the project takes no such events",
    "cookieless_identity": "identify, alias and group name somebody, which needs consent",
    "opted_out": "the browser sends a signal of privacy (Sec-GPC, DNT) that the project honours",
    "unmapped": "a vendor's webhook or another tracker's client told of something that is mapped to no event",
    "invalid_link": "a mail's link or pixel that was not signed, was changed, or has expired",
    "invalid_alias": "an alias needs previousId and userId, and they must differ",
}

# What is kept of these is no event, though it may look like one: a vendor's note, or what anybody wrote into a link
# without being able to sign it.
NO_EVENTS = frozenset(("unmapped", "invalid_link"))
