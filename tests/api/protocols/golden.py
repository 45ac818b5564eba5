"""Requests of other trackers' clients and what is made of them: a file for each protocol, `NAME.json`.

    [{"says": "...", "request": {...}, "answer": {...}, "events": [...], "rejected": [...]}, ...]

A request has `path` (with its query), and where they differ from what most have `method` (POST), `headers`, `address`,
and a body: `json`, `text`, `base64`, or `form`. To write a file's answers and events anew after a change, and then to
read what changed in them:

    python -m tests.api.protocols.golden [NAME ...]
"""

import asyncio
import base64
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from api.protocols.protocols import PROTOCOLS
from schemas.definitions import Key
from schemas.log import Line
from tests.api.collect.door import KEYS, Door, event_of

HERE = Path(__file__).parent
ADDRESS = "198.51.100.7"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
Case = dict[str, Any]


def door(**aliases: Key) -> Door:
    """A collector that knows these keys, and by their aliases `plausible:shop.example`, `matomo:1` and so on."""
    found = Door()
    site = KEYS["web-key"]
    keys = {**KEYS, "plausible:shop.example": site, "matomo:1": site, **aliases}
    found.collector._keys = keys.get
    found.collector._trackers._keys = keys.get
    found.collector._trackers._salt = lambda day: b"a salt that tests know, of %d" % day
    return found


async def sent(door: Door, request: Case) -> httpx.Response:
    headers = {"user-agent": AGENT, **request.get("headers", {})}
    if "json" in request:
        content, kind = json.dumps(request["json"]).encode(), "application/json"
    elif "form" in request:
        content, kind = urlencode(request["form"]).encode(), "application/x-www-form-urlencoded"
    elif "base64" in request:
        content, kind = base64.b64decode(request["base64"]), "text/plain"
    else:
        content, kind = request.get("text", "").encode(), "text/plain"
    address = request.get("address", ADDRESS)
    transport = httpx.ASGITransport(door.collector, client=(address, 5000))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://collector") as client:
        return await client.request(
            request.get("method", "POST"), request["path"], content=content, headers={"content-type": kind, **headers}
        )


async def outcome(request: Case) -> Case:
    """What the collector answers, and what it put into the log."""
    at = door()
    answer = await sent(at, request)
    lines = at.log.lines
    return {
        "answer": {"status": answer.status_code, "body": _body(answer)},
        "events": [_event(line) for line in lines if not line.x],
        "rejected": [{"reason": line.x, "words": line.w, "payload": event_of(line)} for line in lines if line.x],
    }


def _event(line: Line) -> Any:
    """An event, with what the collector wrote around it and differs from what most have."""
    event = event_of(line)
    return event | ({"(sent at)": line.t} if line.t else {}) | ({"(source)": line.s} if line.s != "site" else {})


def _body(answer: httpx.Response) -> Any:
    kind = answer.headers.get("content-type", "")
    if kind.startswith("application/json"):
        found = answer.json()
        if isinstance(found, dict):
            found.pop("request_id", None)
            if isinstance(error := found.get("error"), dict):
                error.pop("request_id", None)
        return found
    return answer.text if kind.startswith("text/") else kind


def cases(name: str) -> list[Case]:
    found: list[Case] = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    return found


def main(names: list[str]) -> None:
    for name in names or PROTOCOLS:
        written = [
            {"says": case["says"], "request": case["request"], **asyncio.run(outcome(case["request"]))}
            for case in cases(name)
        ]
        (HERE / f"{name}.json").write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
