"""Web servers' access logs in the combined form (Apache, nginx): views, and assets as track calls.

    host ident user [day/month/year:time zone] "GET /path HTTP/1.1" status bytes "referrer" "user agent"

A visitor is an address with a user agent, as logs know no other; the id is their hash, the address is not kept. Only
what succeeded was seen: other answers, and other methods than GET, become nothing.
"""

import hashlib
import re
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final

from pipeline.ingest.exports.export import Event, Export, there

_LINE: Final = re.compile(
    r"(?:(?P<site>[^\s:\"]+)(?::\d+)? )?(?P<host>(?!- )\S+) \S+ (?P<user>[^\[\"]+) \[(?P<at>[^\]]+)\]"
    r' "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) \S+'
    r'(?: "(?P<referrer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?.*'
)
_PAGES: Final = frozenset(("", ".html", ".htm", ".php", ".asp", ".aspx", ".jsp", ".cgi", ".shtml", ".xhtml"))
_SEEN: Final = ("200", "206", "304")


def events(record: Any) -> list[Event] | None:
    found = _LINE.fullmatch(record) if isinstance(record, str) else None
    at = _time(found["at"]) if found else None
    if found is None or at is None:
        return None
    method, _, rest = found["request"].partition(" ")
    target = rest.rpartition(" ")[0] if " HTTP/" in rest else rest
    if method != "GET" or found["status"] not in _SEEN or not target.startswith(("/", "http://", "https://")):
        return []
    target = _said(target)
    path = target.partition("?")[0]
    is_page = PurePosixPath(path).suffix.lower() in _PAGES
    agent, referrer = _said(found["agent"]), _said(found["referrer"])
    site = found["site"]
    made: Event = {
        "type": "page" if is_page else "track",
        "event": "" if is_page else "asset",
        "messageId": "log-" + hashlib.sha256(record.encode("utf-8", "replace")).hexdigest()[:40],
        "timestamp": at,
        "anonymousId": "log-" + hashlib.sha256(f"{found['host']}\0{agent}".encode()).hexdigest()[:24],
        "userId": _said(found["user"]),
        "context": {
            "ip": found["host"],
            "userAgent": agent,
            "page": {
                "url": f"https://{site}{target}" if site and target.startswith("/") else target,
                "path": path if target.startswith("/") else "",
                "referrer": referrer,
            },
        },
        "properties": {"status": int(found["status"])},
    }
    return [there(made)]


def _said(text: str | None) -> str:
    return "" if text in (None, "-", '"-"') else (text or "").replace('\\"', '"')


def _time(text: str) -> str | None:
    try:
        return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z").isoformat()
    except ValueError:
        return None


EXPORT: Final = Export(
    name="access-log",
    title="an access log",
    forms=("text",),
    events=events,
    file="lines of the combined form, with or without the site's name before them",
    becomes=(
        ("`GET` of a page that was answered with 200, 206 or 304", "page"),
        ("the same of a file of another kind", "track call `asset`"),
        ("other methods and answers", "nothing"),
        ("address and user agent", "device id, as their hash; place, where `WAYFARE_PLACES` names a file"),
        ("user", "user id"),
        ("user agent", "bots are flagged"),
        ("the whole line", "message id: two that are the same to the last letter count once"),
    ),
)
