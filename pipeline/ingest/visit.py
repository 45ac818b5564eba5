"""What brought a visit about: few pairs of a page's and a referrer's landing make most events."""

from functools import lru_cache
from typing import NamedTuple

from pipeline.ingest.acquisition import origin
from pipeline.ingest.address import Landing, Tags
from pipeline.ingest.rules import Rules


class Visit(NamedTuple):
    """Columns of an event."""

    acquisition: str
    referrer_host: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    click_id: str


@lru_cache(1 << 14)
def brought_about(page: Landing, came_from: Landing, said: Tags, rules: Rules) -> Visit:
    """`said`: the campaign of context.campaign; else it is the address's. Then what acquisition.py makes of all."""
    tags = said if any(said) else page.tags
    found = origin(page.host, came_from.host, came_from.section, tags, page.click_id, rules.not_referrers)
    return Visit(found.acquisition, found.referrer_host, *tags, page.click_id)
