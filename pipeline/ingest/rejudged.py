"""What brought a stored event about, judged once more: rules have changed since it was received."""

import msgspec

from pipeline.ingest.acquisition import origin
from pipeline.ingest.address import address
from pipeline.ingest.rules import Rules
from schemas.facts import EventRow


def rejudged(row: EventRow, rules: Rules) -> EventRow:
    """The row as the ingest steps would make it now; the same object where nothing is different."""
    page, came_from = address(row.url).landing, address(row.referrer).landing
    tags = row.utm_source, row.utm_medium, row.utm_campaign
    found = origin(page.host, came_from.host, came_from.section, tags, row.click_id, rules.not_referrers)
    if found == (row.acquisition, row.referrer_host):
        return row
    return msgspec.structs.replace(row, acquisition=found.acquisition, referrer_host=found.referrer_host)
