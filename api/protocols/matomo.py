"""Matomo (and Piwik): the tracking HTTP API, as matomo.js, servers and log importers send it.

Source: developer.matomo.org/api-reference/tracking-api. One request is a query string, in the address or in the body;
many are `{"requests": ["?...", ...], "token_auth": "..."}`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlsplit

import msgspec
import xxhash

from api.collect.answers import Answer, Refused
from api.protocols.homes import Names, Plan, Plans, compiled
from api.protocols.matomo_kinds import BECOMES, NUMBERS, TELLING, put_kind, put_viewed
from api.protocols.protocol import PIXEL, Asked, Posted, Protocol, Read, Refusal, Told, answer, fields_of, missing_key
from api.protocols.queries import fields_of_all
from api.webhooks.door import json_bytes
from api.webhooks.reading import get, json_object, listed, text
from api.webhooks.vendor import Event, Unmapped
from pipeline.ingest.event_time import to_ms
from pipeline.ingest.redaction import shown

HOMES: Final[Mapping[str, str]] = {
    "cid": "anonymousId",
    "_id": "anonymousId",
    "uid": "userId",
    "url": "context.page.url",
    "urlref": "context.page.referrer",
    "action_name": "context.page.title",
    "ua": "context.userAgent",
    "cip": "context.ip",
    "country": "context.location.country",
    "region": "context.location.region",
    "city": "context.location.city",
    "e_c": "properties.category",
    "e_a": "properties.action",
    "e_n": "properties.label",
    "e_v": "properties.value",
    "search": "properties.query",
    "search_cat": "properties.category",
    "search_count": "properties.results",
    "c_n": "properties.content",
    "c_p": "properties.piece",
    "c_t": "properties.target",
    "c_i": "properties.interaction",
    "ec_id": "properties.order_id",
    "ec_st": "properties.subtotal",
    "ec_tx": "properties.tax",
    "ec_sh": "properties.shipping",
    "ec_dt": "properties.discount",
    "_pkn": "properties.name",
    "_pks": "properties.sku",
    "_pkp": "properties.price",
    "_pkc": "properties.category",
    "idgoal": "properties.goal_id",
    **dict.fromkeys(("idsite", "rec", "apiv", "rand", "r", "token_auth", "cdt", "cdo", "send_image", "new_visit"), ""),
    **dict.fromkeys(("cs", "h", "m", "s", "_idn", "_refts", "ping", "ca", "queuedtracking", "ec_items"), ""),
    **dict.fromkeys(("link", "download"), "properties.url"),
}
_HOMES = compiled(HOMES)
UNREADABLE: Final = "\ufffd"  # stands where bytes were no UTF-8
# Of pages. Python knows more by name that a sender must not choose: some take the square of a text's length, some make
# half surrogates, and every unknown name is remembered for ever.
_CHARSET: Final = re.compile(
    r"iso-8859-(?:[1-9]|1[0134569])|windows-125[0-8]|koi8-[ru]|shift_jis|euc-(?:jp|kr)|gbk|gb2312|gb18030|big5"
)
_CAMPAIGN: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("mtm_campaign", "pk_campaign", "matomo_campaign", "piwik_campaign"),
    "source": ("mtm_source", "pk_source", "matomo_source", "piwik_source"),
    "medium": ("mtm_medium", "pk_medium", "matomo_medium", "piwik_medium"),
}
_DISTINCT = frozenset(("rand", "r", "cdt", "s"))  # where none is there, nothing tells a copy from the same done again
_OF_SENDING = frozenset(("token_auth", "cdo", "send_image", "queuedtracking"))
_SEEN = answer(200, "image/gif", PIXEL, (b"cache-control", b"no-store"))
_NO_IMAGE = answer(204, "")
_NOTHING: Final[Mapping[str, str]] = {}


def read(asked: Asked) -> Read:
    fields = _fields(asked.query, asked.fields)
    if asked.body[:1] == b"{" or asked.body[:1] == b"[":
        return _bulk(asked)
    if asked.body:
        fields = {**fields, **_fields(asked.body.decode("utf-8", "replace").strip())}
    return _by_key(asked, [fields], "")


def _fields(text: str, found: dict[str, str] | None = None) -> dict[str, str]:
    """The fields of a request. What is no UTF-8 is in the charset of the page, `cs`: matomo.js writes UTF-8 all the
    same, others write as the page does.
    """
    found = fields_of(text) if found is None else found
    if "cs" not in found:
        return found
    charset = found["cs"].lower()
    if not _CHARSET.fullmatch(charset) or not any(UNREADABLE in value for value in found.values()):
        return found
    again = dict(parse_qsl(text, keep_blank_values=True, encoding=charset, errors="replace"))
    return {name: again.get(name, value) if UNREADABLE in value else value for name, value in found.items()}


def _bulk(asked: Asked) -> Read:
    body = json_object(asked.body)
    if isinstance(body, Unmapped):
        raise Refused(400, "malformed_json", f"the body: {body.words}")
    given = listed(body, "requests")
    notes = _at_once(given) or [_one(each) for each in given]
    if not notes:
        raise Refused(400, "invalid_body", "the body must have its requests in `requests`", field="requests")
    return _by_key(asked, notes, text(body, "token_auth") or asked.fields.get("token_auth", ""))


# A request of many: its fields and their JSON, as msgspec writes it. A plain tuple, as no JSON that comes is one.
Request = tuple[dict[str, str], bytes]


def _at_once(given: list[Any]) -> list[Request] | None:
    """Requests that are all written as most are; else None."""
    if not all(type(each) is str for each in given):
        return None
    found = fields_of_all([_query(each) for each in given])
    return None if found is None or any("cs" in fields for fields, _ in found) else found


def _query(address: str) -> str:
    if address[:1] == "?":
        return address[1:]
    return address.partition("?")[2] if "?" in address else address


def _one(each: Any) -> Any:
    if isinstance(each, str):
        return _fields(_query(each))
    return {name: text(each, name) for name in each} if isinstance(each, dict) else each


def _by_key(asked: Asked, notes: list[Any], token: str) -> Read:
    """Requests by their key: the token's, which is a server's, else the site's."""
    if _is_unwanted(asked) and not token:
        return answered(asked, 0, 0)
    by_key: dict[tuple[str, bool, str], list[Any]] = {}
    of_notes = [_fields_of(note) for note in notes]
    first = next((site for given in of_notes if (site := given.get("idsite"))), "")
    last: tuple[str | None, ...] = ()
    of_key: list[Any] = []
    for note, given in zip(notes, of_notes, strict=True):
        said = given.get("token_auth"), given.get("idsite"), given.get("apiv")
        if said != last:  # most say what the one before said
            last, of_key = said, by_key.setdefault(_key(*said, token, first), [])
        of_key.append(note)
    return [Posted(key, those, is_secret=own, wrong=wrong) for (key, own, wrong), those in by_key.items()]


def _key(own: str | None, site: str | None, version: str | None, token: str, first: str) -> tuple[str, bool, str]:
    """(key, whether it is a token, what is wrong) of a request."""
    own = own or token
    key, wrong = own or site or first, ""
    if not key:
        raise missing_key("`idsite` or `token_auth`")
    if version and version != "1":
        wrong = f"version {shown(version, 20)} of the tracking API is not known"
    return key, bool(own), wrong


def _fields_of(note: Any) -> Mapping[str, str]:
    if type(note) is tuple:
        note, _ = note
    return note if isinstance(note, dict) else _NOTHING


def _is_unwanted(asked: Asked) -> bool:
    """Who asks not to be tracked is not, as a Matomo does by default."""
    return asked.header(b"dnt") == "1"


class _Shape(NamedTuple):
    """What the names of a request's fields tell."""

    plan: Plan
    is_view: bool
    is_distinct: bool
    is_of_sending: bool
    numbers: Names  # properties that are numbers, where they are there
    has_time: bool
    may_begin: bool  # a visit
    has_page: bool


def _shape(names: Names) -> _Shape:
    is_distinct, is_of_sending = not _DISTINCT.isdisjoint(names), not _OF_SENDING.isdisjoint(names)
    plan = _HOMES.plan(names)
    numbers = tuple(NUMBERS.intersection((*plan.own, *(last for _, last in plan.moved))))
    has_time = "cdt" in names or "cdo" in names
    return _Shape(
        plan,
        TELLING.isdisjoint(names),
        is_distinct,
        is_of_sending,
        numbers,
        has_time,
        "new_visit" in names,
        "url" in names,
    )


_SHAPES: Final = Plans(_shape)


def mapped(note: Any, told: Told) -> Iterable[Event | Unmapped]:
    raw = b""  # its JSON, where that is known
    if type(note) is tuple:
        note, raw = note
    if not isinstance(note, dict) or note.get("rec", "") != "1":
        return (Unmapped(public(note), "a request of Matomo needs rec=1 to be recorded"),)
    if "cvar" in note and "_pk" in note["cvar"]:
        note, raw = put_viewed(note), raw or json_bytes(note)
    made: Event = {"type": "track"}
    shape = _SHAPES.of(tuple(note))
    if shape.has_time:
        _put_time(made, note, told.asked.now)
    rest = shape.plan.put(note, made)
    put_kind(made, note, rest, shape.is_view, shape.numbers)
    context = made.get("context")
    if context is None:
        context = made["context"] = {}
    if shape.may_begin and note["new_visit"] == "1":
        context["session"] = {"new": True}
    if shape.has_page and "?" in (url := note["url"]) and (campaign := _campaign(url)):
        context["campaign"] = campaign
    if "anonymousId" not in made and "userId" not in made:  # without cookies
        agent = note.get("ua", "") or told.asked.header(b"user-agent")
        made["anonymousId"] = told.visitor(note.get("cip", "") if told.is_trusted else told.asked.address, agent)
    if shape.is_of_sending or not shape.is_distinct or not raw:
        kept = {name: value for name, value in note.items() if name not in _OF_SENDING} if shape.is_of_sending else note
        if not shape.is_distinct:
            kept = {**kept, "received": told.asked.now, "who": made.get("anonymousId", "")}
        raw = json_bytes(kept)
    made["messageId"] = f"matomo-{xxhash.xxh3_128_hexdigest(raw)}"
    made["properties"] = rest
    return (made,)


def _put_time(made: Event, note: dict[str, Any], now: int) -> None:
    """`cdt` is UTC, as text or in seconds; `cdo` is how many seconds before it, or before now, it was."""
    at: Any = note.get("cdt")
    offset = note.get("cdo", "").lstrip("-")
    if offset.isdigit() and len(offset) < 12:
        since = to_ms(at) if at else now
        at = (now if since is None else since) - int(offset) * 1000
    if at:
        made["timestamp"] = at


def _campaign(url: str) -> dict[str, str]:
    """Matomo's own names of a campaign's tags; utm tags ingest reads itself."""
    if not ("mtm_" in url or "pk_" in url or "matomo_" in url or "piwik_" in url):
        return {}
    try:
        tags = parse_qs(urlsplit(url).query)
    except ValueError:
        return {}
    found = {ours: next((tags[name][0] for name in names if name in tags), "") for ours, names in _CAMPAIGN.items()}
    return {name: value for name, value in found.items() if value}


def public(note: Any) -> Any:
    """A note without keys and address."""
    if type(note) is tuple:
        note, _ = note
    if not isinstance(note, dict):
        return note
    return {name: value for name, value in note.items() if name not in ("token_auth", "cip", "idsite")}


def answered(asked: Asked, accepted: int, rejected: int) -> Answer:
    if asked.body[:1] in (b"{", b"["):
        told = {"status": "success", "tracked": accepted, "invalid": rejected}
        return answer(200, "application/json", msgspec.json.encode(told))
    fields = {**asked.fields, **fields_of(asked.body.decode("utf-8", "replace"))} if asked.body else asked.fields
    return _NO_IMAGE if get(fields, "send_image") == "0" else _SEEN


def refused(refusal: Refusal) -> tuple[str, bytes]:
    return "application/json", msgspec.json.encode(
        {"status": "error", "code": refusal.code, "message": refusal.message}
    )


PROTOCOL: Final = Protocol(
    name="matomo",
    title="Matomo",
    paths=("/matomo.php", "/piwik.php", "/matomo/matomo.php", "/piwik/piwik.php"),
    read=read,
    mapped=mapped,
    answered=answered,
    refused=refused,
    homes=HOMES,
    becomes=BECOMES,
    public=public,
    key="`token_auth`, then of a source of kind `server`; else `idsite`",
    once="a hash of the request: `rand`, `cdt` or its second tell two alike apart",
    switch="the tracker's address (`setTrackerUrl('https://events.example.com/matomo.php')`)",
    notes={
        "`cdt`, `cdo`": "time",
        "`cs`": "charset of what is no UTF-8",
        "`ping=1`": "a heartbeat, counted as 10 s in the foreground",
        "`new_visit=1`": "a session begins",
        "`ec_items`": "`properties.products`",
        "`cvar` with `_pks`, `_pkn`, `_pkp`, `_pkc`": "the product that is viewed, as these fields themselves",
        "`mtm_campaign`, `mtm_source`, `mtm_medium` (`pk_...`, `piwik_...`) of the address": "campaign",
        "no `_id`, `cid`, `uid`": "the day's id",
        "`DNT: 1`": "nothing is taken, unless a server sends it",
    },
)
