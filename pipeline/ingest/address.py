"""Addresses of pages and referrers, taken apart once each: most of a site's events share few of them."""

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec

from pipeline.ingest.acquisition import click_id_of, tag
from pipeline.ingest.redaction import with_known_parameters
from pipeline.ingest.remembered import LONGEST, Remembered

Tags = tuple[str, str, str]  # utm source, medium, campaign


class Landing(msgspec.Struct, frozen=True, eq=False, gc=False):
    """What tells of a visit's origin. Addresses share few: one is itself alone, a cheap key."""

    host: str  # lower case, without a port
    section: str  # first segment of the path
    tags: Tags
    click_id: str  # name of the click id's parameter


class Address(NamedTuple):
    url: str  # without its fragment and what of its parameters is not kept
    path: str
    landing: Landing


NO_TAGS = ("", "", "")


@lru_cache(1 << 12)
def _landing(host: str, section: str, tags: Tags, click_id: str) -> Landing:
    return Landing(host, section, tags, click_id)


def is_long(landing: Landing) -> bool:
    """Whether it holds more than is remembered of what a sender writes."""
    return len(landing.host) + len(landing.section) + sum(map(len, landing.tags)) > LONGEST


NOWHERE = Address("", "", _landing("", "", NO_TAGS, ""))


def address(url: str, parameters: frozenset[str] | None = None) -> Address:
    """An absolute or relative address taken apart; what is no address has neither host nor path. Never raises.

    Its `url` keeps the parameters of these names, None: all. Tags and click id are of all that was sent.
    """
    return ADDRESSES[url, parameters]


def _address(url: str, parameters: frozenset[str] | None) -> Address:
    text = url.strip().partition("#")[0]
    if not text or text.startswith("$"):  # some clients say "$direct"
        return NOWHERE
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:  # a broken IPv6 address
        return Address(text, "", NOWHERE.landing)
    tags, click_id = NO_TAGS, ""
    if parts.query:
        try:
            query = dict(parse_qsl(parts.query, max_num_fields=200))
        except ValueError:  # more fields than a real address has
            query = {}
        tags = (tag(query.get("utm_source")), tag(query.get("utm_medium")), tag(query.get("utm_campaign")))
        click_id = click_id_of(query)
        if parameters is not None:
            text = with_known_parameters(text, parameters)
    section = parts.path.lstrip("/").partition("/")[0]
    landing = _landing if len(url) <= LONGEST else Landing
    return Address(text, parts.path, landing(host, section, tags, click_id))


ADDRESSES = Remembered(_address, 1 << 14)  # by url and parameters
