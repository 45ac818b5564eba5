"""Of other trackers' requests nothing gets into the log that a visitor may not be known by, wherever it stands.

Each of the requests that are known is sent again with an address, an e-mail and a key in the place of one value of it.
`PRIVACY_PLACES` says how many places of each request are tried.
"""

import json
import os
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

import pytest

from api.protocols.protocols import PROTOCOLS
from tests.api.protocols.golden import Case, cases, door, sent

IPV4, IPV6, EMAIL, KEY = "203.0.113.77", "2001:db8:0:11:22:33:44:55", "quentin.veil@private.example", "wf_write_Ab9"
SHORT = "2001::4d"
SOUGHT = (IPV4, IPV6, SHORT, EMAIL, EMAIL.partition("@")[0], KEY)
SECRETS = (
    *SOUGHT[:4], KEY, f"of {EMAIL}, {IPV4}, {IPV6} and {KEY}", f"https://shop.example/?a={EMAIL}&b={IPV4}",
    f"https://shop.example/cart?to={quote(EMAIL)}&q=from%20{IPV4}", f"/{IPV4} has sent {quote(SHORT)}, {IPV4} to it",
    json.dumps({"mail": EMAIL, "ip": SHORT}).replace("@", "\\u0040"), quote(quote(EMAIL)),
)  # fmt: skip
PLACES = int(os.environ.get("PRIVACY_PLACES", "2"))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Ways to each text and number in a value, but for versions: they are written like addresses, and stay."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if not str(key).endswith("ersion"):
                yield from places(inner, (*path, key))
    else:
        yield path


def with_secret(value: Any, path: tuple[Any, ...], secret: str) -> Any:
    changed = deepcopy(value)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = secret
    return changed


def variants(request: Case, secret: str) -> Iterator[Case]:
    body = next((kind for kind in ("json", "form") if isinstance(request.get(kind), dict | list)), None)
    if body is not None:
        for path in places(request[body]):
            yield request | {body: with_secret(request[body], path, secret)}
    address, _, query = request["path"].partition("?")
    fields = parse_qsl(query, keep_blank_values=True)
    for at, (name, _) in enumerate(fields):
        changed = urlencode([*fields[:at], (name, secret), *fields[at + 1 :]])
        yield request | {"path": f"{address}?{changed}"}
    for name in ("user-agent", "referer", "x-forwarded-for"):
        yield request | {"headers": request.get("headers", {}) | {name: secret}}


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_no_address_no_mail_and_no_key_gets_into_the_log(name: str) -> None:
    random, lines = Random(name), 0
    for case in cases(name):
        secret = random.choice(SECRETS)
        tried = list(variants(case["request"], secret))
        for request in random.sample(tried, min(PLACES, len(tried))):
            at = door()
            await sent(at, request)
            lines += len(at.log.raw)
            for line in at.log.raw:
                text = unquote(line.decode())
                found = [each for each in SOUGHT if each in text or quote(each) in text]
                assert not found, (case["says"], request, text)
    assert lines
