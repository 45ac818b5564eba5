"""Paths of the collector's own routes, and what each takes."""

from api.collect.routing import TYPES
from api.collect.senders import IMPORT

BATCH = "batch"
KINDS = (*TYPES, BATCH, IMPORT)  # of routes: the type of the one event, or many
ROUTES = {f"/v1/{kind}": kind for kind in KINDS} | {
    # short forms, as Segment's browser client posts them
    "/v1/t": "track",
    "/v1/p": "page",
    "/v1/s": "screen",
    "/v1/i": "identify",
    "/v1/g": "group",
    "/v1/a": "alias",
    "/v1/b": BATCH,
}
