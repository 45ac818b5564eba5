"""Webhooks by a mapping of the project's own: a vendor like the others, made from a TOML text."""

import base64
import hashlib
import hmac
from functools import lru_cache
from typing import Any, Final

from api.webhooks.reading import form_of, json_of
from api.webhooks.signature import check_one, check_time
from api.webhooks.vendor import Forged, Mapped, Posted, Unmapped, Vendor
from pipeline.ingest.mapping.mapping import Signature, mapping

FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
IN_AUTHORIZATION: Final = ("basic", "bearer")  # there the sender shows who it is, so the key has to be in the address


@lru_cache(256)
def vendor_of(name: str, text: str) -> Vendor:
    """Raises UserMistake where the text is no mapping."""
    made = mapping(text)

    def mapped(posted: Posted) -> Mapped:
        payload = payload_of(posted)
        if isinstance(payload, Unmapped):
            return Mapped(unmapped=(payload,))
        events, unmapped = made.events(payload, posted.headers)
        told = f"no [[event]] of the mapping {name} holds for it"
        return Mapped(tuple(events), tuple(Unmapped(each, told) for each in unmapped))

    def signed(posted: Posted, secret: str) -> None:
        check(made.signature, posted, secret)

    return Vendor(
        name=name,
        title=name,
        mapped=mapped,
        meanings={},
        once="`message_id` of the mapping",
        signed=None if made.signature.scheme == "none" else signed,
        is_key_in_address=made.signature.scheme in IN_AUTHORIZATION,
    )


def payload_of(posted: Posted) -> Any:
    """JSON, or a form's fields, each with its first value; Unmapped where it is neither."""
    if posted.headers.get("content-type", "").partition(";")[0].strip().lower() in FORMS:
        return {name: values[0] for name, values in form_of(posted).items()}
    return json_of(posted.body)


def check(how: Signature, posted: Posted, secret: str) -> None:
    """Raises Forged where the request is not signed as the mapping says, with this secret."""
    if how.scheme in IN_AUTHORIZATION:
        kind, _, given = posted.headers.get("authorization", "").partition(" ")
        if kind.lower() != how.scheme:
            raise Forged(f"the request has no Authorization of the kind {how.scheme}")
        is_basic = how.scheme == "basic"
        check_one(given.strip(), base64.b64encode(secret.encode()).decode() if is_basic else secret)
        return
    at = posted.headers.get(how.timestamp_header.lower(), "") if how.timestamp_header else ""
    before, _, after = how.signed.replace("{timestamp}", at).partition("{body}")
    digest = hmac.new(secret.encode(), before.encode() + posted.body + after.encode(), getattr(hashlib, how.digest))
    is_hex = how.encoding == "hex"
    wanted = digest.hexdigest() if is_hex else base64.b64encode(digest.digest()).decode()
    given = posted.headers.get(how.header.lower(), "").strip().removeprefix(how.prefix)
    check_one(given.lower() if is_hex else given, wanted)
    if how.timestamp_header:
        check_time(at, posted.now, how.within_s * 1000)
