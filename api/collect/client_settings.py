"""What browser clients of Segment and RudderStack ask for before they send: which destinations their source has.

    GET /v1/projects/{write key}/settings     @segment/analytics-next, where its CDN is set to this collector
    GET /sourceConfig?writeKey=...            @rudderstack/analytics-js, where its configUrl is; the key by Basic auth

The answer is always that everything goes to this collector alone.
"""

import re
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec

from api.collect.answers import JSON_TYPE, Answer
from api.collect.senders import Keys, key_in_headers, sender_of_key

SOURCE_CONFIG = "/sourceConfig"
_SETTINGS = re.compile(r"/v1/projects/([^/]+)/settings")
_LONG_AGO = "2024-01-01T00:00:00Z"  # clients compare it with what they have kept


def settings_of(scope: MutableMapping[str, Any], headers: dict[bytes, bytes], keys: Keys) -> Answer | None:
    """The answer to a request for settings; None where it is about something else. Raises Refused (401)."""
    path: str = scope["path"]
    if found := _SETTINGS.fullmatch(path):
        key = unquote(found[1])
        sender_of_key(key, keys)
        return _json(_segment(key))
    if path.rstrip("/") == SOURCE_CONFIG:
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("writeKey", [""])[0]
        key = key_in_headers(headers) or asked
        sender = sender_of_key(key, keys)
        return _json(_rudderstack(key, sender.source))
    return None


def _segment(key: str) -> dict[str, Any]:
    any_event = {"__default": {"enabled": True, "integrations": {}}}
    return {
        "integrations": {"Segment.io": {"apiKey": key, "unbundledIntegrations": [], "addBundledMetadata": False}},
        "plan": {"track": any_event, "identify": any_event, "group": any_event},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def _rudderstack(key: str, source: str) -> dict[str, Any]:
    silent = {"enabled": False}
    return {
        "source": {
            "id": source,
            "name": source,
            "writeKey": key,
            "enabled": True,
            "workspaceId": "wayfare",
            "config": {"statsCollection": {"errors": silent, "metrics": silent}},
            "destinations": [],
            "connections": [],
            "dataplanes": {},
        },
        "updatedAt": _LONG_AGO,
    }


def _json(value: dict[str, Any]) -> Answer:
    body = msgspec.json.encode(value)
    return Answer(200, (JSON_TYPE, (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-cache")), body)
