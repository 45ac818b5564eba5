"""The route `/webhooks/{vendor}`: whose key, is it the vendor, and what is in it. What is taken the collector appends.

The key of a source of kind `vendor` comes in the address (`?key=...`), as vendors cannot send headers of our choice, or
as other keys do. Where the source has a signing secret, its requests must be signed with it.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import httpx
import msgspec

from api.collect.answers import JSON_TYPE, Answer, Refused
from api.collect.bodies import must_hold_few_values
from api.collect.lines import EventLines
from api.collect.senders import Keys, Sender, key_in_headers, sender_of_key
from api.webhooks.mapped import vendor_of as vendor_of_mapping
from api.webhooks.unknown import unknown
from api.webhooks.vendor import Forged, Mapped, Posted, Vendor
from api.webhooks.vendors import VENDORS

Fetch = Callable[[str], Awaitable[bytes]]  # raises Refused (503)

Mappings = Callable[[str, str], str | None]  # project, name -> the mapping of its own webhook

PREFIX = "/webhooks/"
KIND = "vendor"
MOST_CERTIFICATES = 16
FETCH_SECONDS = 5.0
# Vendors that sign the address sign it with its usual port or without.
_AS_SIGNED = (("https", ""), ("http", ""), ("https", ":443"), ("http", ":80"))
_ASKS = b"webhook-request-origin"  # CloudEvents asks so whether it may send


class Source(NamedTuple):
    sender: Sender
    secret: str  # "" = none is set


def unknown_vendor() -> Refused:
    told = f"there is no webhook of that vendor; known are {', '.join(VENDORS)}"
    return Refused(404, "unknown_vendor", told)


def asked_of(scope: MutableMapping[str, Any], headers: dict[bytes, bytes], keys: Keys, mappings: Mappings) -> Vendor:
    """A vendor's webhook, or one of the key's project.

    A name that nobody has is a vendor of its own where the key is a vendor's: what it posts is kept as rejects. Not
    where requests have to be signed: nobody knows how this one would be. Raises Refused (404).
    """
    name = scope["path"].removeprefix(PREFIX).rstrip("/")
    if name in VENDORS:
        return VENDORS[name]
    in_address = _key_in_address(scope)
    given = [(key, record) for key in (in_address, key_in_headers(headers)) if key and (record := keys(key))]
    for _, record in given:
        text = mappings(record.project, name)
        if text is not None:
            return vendor_of_mapping(name, text)
    for key, record in given if scope["method"] == "POST" else ():
        is_open = record.kind == "write" and not record.revoked and not record.signing_secret
        if is_open and record.source_kind == KIND:
            return unknown(name, is_key_in_address=key == in_address)
    raise unknown_vendor()


def source_of(scope: MutableMapping[str, Any], headers: dict[bytes, bytes], keys: Keys) -> Source:
    """Raises Refused: 401 without a key that is known, 403 where its source is no vendor.

    A key in the address counts before one in the headers: what stands there may be the vendor's own.
    """
    key = _key_in_address(scope) or key_in_headers(headers)
    if key is None:
        raise Refused(401, "missing_write_key", "no write key: put it into the webhook's address, `?key=...`")
    sender, record = sender_of_key(key, keys), keys(key)
    if sender.kind != KIND or record is None:  # a browser's key is public, and what vendors say is trusted
        told = (
            f"the key's source is of kind {sender.kind}; make one with `wayfare key create NAME --source-kind vendor`"
        )
        raise Refused(403, "no_vendor", told)
    return Source(sender, record.signing_secret)


def _key_in_address(scope: MutableMapping[str, Any]) -> str:
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    return str(asked.get("key", [""])[0])


def may_send(headers: dict[bytes, bytes], granted: Answer) -> Answer:
    """The answer to OPTIONS, with what CloudEvents' senders want to see."""
    origin = headers.get(_ASKS)
    if not origin:
        return granted
    told = ((b"webhook-allowed-origin", origin), (b"webhook-allowed-rate", b"*"))
    return Answer(200, granted.headers + told, granted.body)


def challenge_of(vendor: Vendor, scope: MutableMapping[str, Any], keys: Keys) -> Answer | None:
    """The answer to who asks whether we listen: Meta by GET, others by HEAD; None where it is another request.

    Raises Refused: 401, 403.
    """
    if scope["method"] == "HEAD" and vendor.is_pinged:
        source_of(scope, {}, keys)
        return Answer(200, ((b"content-length", b"0"),), b"")
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    if scope["method"] != "GET" or not vendor.has_challenge or asked.get("hub.mode") != ["subscribe"]:
        return None
    token = asked.get("hub.verify_token", [""])[0].encode("latin-1", "replace")
    source_of({**scope, "query_string": b""}, {b"x-write-key": token}, keys)  # the token has to be right, too
    body = asked.get("hub.challenge", [""])[0].encode()
    return Answer(200, ((b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))), body)


class Reader:
    """Reads webhooks. State: the certificates that were fetched to check signatures with."""

    def __init__(self, fetch: Fetch | None = None) -> None:
        self._fetch = fetch or fetched
        self._certificates: dict[str, bytes] = {}

    async def read(
        self, vendor: Vendor, source: Source, scope: MutableMapping[str, Any], headers: dict[bytes, bytes],
        body: bytes, now: int,
    ) -> Mapped:  # fmt: skip
        """What a request is made of. Raises Refused: 401 where its signature is not right, 503 where that cannot be
        told now.
        """
        posted = _posted(scope, headers, body, now)
        try:
            if vendor.certificate is not None and vendor.signed_with is not None:
                url = vendor.certificate(posted)
                if url not in self._certificates:
                    if len(self._certificates) >= MOST_CERTIFICATES:
                        self._certificates.clear()
                    self._certificates[url] = await self._fetch(url)
                vendor.signed_with(posted, source.secret, self._certificates[url])
            else:
                _check(vendor, posted, source.secret)
        except Forged as error:
            raise Refused(401, error.code, error.message) from error
        mapped = vendor.mapped(posted)
        if mapped.visit:
            await self._fetch(mapped.visit)
        return mapped

    def read_at_once(
        self, vendor: Vendor, source: Source, scope: MutableMapping[str, Any], headers: dict[bytes, bytes],
        body: bytes, now: int,
    ) -> Mapped | None:  # fmt: skip
        """`read` of a request for which nothing has to be fetched; None for any other. Raises Refused (401)."""
        if vendor.certificate is not None:
            return None
        posted = _posted(scope, headers, body, now)
        try:
            _check(vendor, posted, source.secret)
        except Forged as error:
            raise Refused(401, error.code, error.message) from error
        mapped = vendor.mapped(posted)
        return None if mapped.visit else mapped


def _posted(scope: MutableMapping[str, Any], headers: dict[bytes, bytes], body: bytes, now: int) -> Posted:
    """Raises Refused (413)."""
    if not headers.get(b"content-type", b"").lower().startswith(b"multipart/"):  # its commas may be an attachment's
        must_hold_few_values(body)
    return Posted(body, {_text(name): _text(value) for name, value in headers.items()}, now, _urls(scope, headers))


def _check(vendor: Vendor, posted: Posted, secret: str) -> None:
    if vendor.signed is not None:
        if secret:
            vendor.signed(posted, secret)
    elif secret:
        raise Forged(f"{vendor.title} signs nothing, but the source has a signing secret; take it off")


def add(mapped: Mapped, lines: EventLines) -> None:
    """What a request is made of, as lines: events, and rejects of what was mapped to none."""
    for event in mapped.events:
        lines.add_text(json_bytes(event))
    for payload, words in mapped.unmapped:
        is_json = not isinstance(payload, bytes)
        lines.add_unmapped(json_bytes(payload) if is_json else payload, is_json, words)


async def fetched(url: str) -> bytes:
    """What stands at a vendor's address. Raises Refused (503), so that the vendor sends again."""
    try:
        async with httpx.AsyncClient(timeout=FETCH_SECONDS) as client:
            answer = await client.get(url)
            answer.raise_for_status()
    except httpx.HTTPError as error:
        told = f"the vendor's {httpx.URL(url).host} did not answer, so the request cannot be checked; send it again"
        raise Refused(503, "vendor_unavailable", told, headers=((b"retry-after", b"30"),)) from error
    return answer.content


def answer_of(vendor: Vendor, usual: Answer) -> Answer:
    """200 in the form that the vendor reads, where it reads it. Raises Refused (404) where nobody knows the vendor."""
    if vendor.is_unknown:
        raise unknown_vendor()
    if vendor.answer is None:
        return usual
    kind, body = vendor.answer
    others = tuple(one for one in usual.headers if one != JSON_TYPE and one[0] != b"content-length")
    return Answer(200, ((b"content-type", kind.encode()), (b"content-length", b"%d" % len(body)), *others), body)


def json_bytes(value: Any) -> bytes:
    """An event or a payload as JSON; what no JSON of ours can hold (a number beyond 64 bits) as a text of it."""
    try:
        return msgspec.json.encode(value)
    except (OverflowError, TypeError, ValueError, RecursionError):
        return msgspec.json.encode(repr(value)[:32_768])


def _text(raw: bytes) -> str:
    return raw.decode("latin-1")


def _urls(scope: MutableMapping[str, Any], headers: dict[bytes, bytes]) -> tuple[str, ...]:
    """Under which the vendor may have called us: a proxy may have taken TLS off, and the port away."""
    query = scope.get("query_string", b"")
    path = scope.get("raw_path") or scope["path"].encode()
    rest = _text(path.partition(b"?")[0] + (b"?" + query if query else b""))
    hosts = dict.fromkeys(
        host
        for name in (b"host", b"x-forwarded-host")
        if (whole := _text(headers.get(name, b"")))
        for host in (whole, whole.rpartition(":")[0] if whole.rpartition(":")[2].isdigit() else whole)
    )
    return tuple(f"{scheme}://{host}{port}{rest}" for host in hosts for scheme, port in _AS_SIGNED)
