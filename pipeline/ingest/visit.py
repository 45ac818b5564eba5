"""Where an event was and what brought the visit about: pages, taken apart once each, and acquisition.

Most events share few pages, so that all that follows from one is looked up in one step.
"""

from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec import Raw

from pipeline.ingest.acquisition import origin, tag
from pipeline.ingest.address import NO_TAGS, NOWHERE, address
from pipeline.ingest.incoming import NOTHING, Campaign, Known, Page, lenient
from pipeline.ingest.rules import Rules

Tags = tuple[str, str, str]  # utm source, medium, campaign
NO_PAGE = Page()
_decode_page = msgspec.json.Decoder(Page | None).decode


class Visit(NamedTuple):
    """Columns of an event."""

    url: str
    host: str
    path: str
    title: str
    referrer: str
    acquisition: str
    referrer_host: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    click_id: str


@lru_cache(1 << 12)
def page_of(data: bytes) -> Page | None:
    """context.page; a part of a wrong type counts as absent. Raises what UNDECODABLE names for what is no text."""
    try:
        page: Page | None = _decode_page(data)
        return page
    except msgspec.ValidationError:
        pass
    try:
        return lenient(Page, data, [])
    except msgspec.ValidationError:  # neither an object nor an empty array
        return None


def visit(raw: Raw, campaign: Campaign | None, given: Known, is_view: bool, rules: Rules) -> Visit:
    """Columns from context.page, else from a page's or screen's properties (server libraries), and context.campaign."""
    page = None if raw is NOTHING else page_of(bytes(raw))
    if page is None:
        page = NO_PAGE
    url, path, title, referrer = page.url, page.path, page.title, page.referrer
    if is_view:
        url, path, title, referrer = (
            url or given.url,
            path or given.path,
            title or given.title,
            referrer or given.referrer,
        )
    said = NO_TAGS if campaign is None else _tags(campaign.source, campaign.medium, campaign.name)
    return _visit(url, path, title, referrer, said, rules)


@lru_cache(1 << 13)
def _tags(source: str | None, medium: str | None, name: str | None) -> Tags:
    return tag(source), tag(medium), tag(name)


@lru_cache(1 << 13)
def _visit(
    url: str | None, path: str | None, title: str | None, referrer: str | None, said: Tags, rules: Rules
) -> Visit:
    """Campaign of context.campaign, else of the address; then what brought the visit about (acquisition.py)."""
    place = address(url, rules.parameters) if url else NOWHERE
    came_from = address(referrer, rules.parameters) if referrer else NOWHERE
    tags = said if any(said) else place.tags
    found = origin(place.host, came_from.host, came_from.section, tags, place.click_id, rules.not_referrers)
    return Visit(
        place.url,
        place.host,
        path.partition("?")[0].partition("#")[0] if path else place.path,
        title or "",
        came_from.url,
        found.acquisition,
        found.referrer_host,
        *tags,
        place.click_id,
    )
