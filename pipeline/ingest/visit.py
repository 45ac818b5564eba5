"""What brought a visit about: few pairs of a page's and a referrer's landing make most events."""

from typing import Any, NamedTuple

from pipeline.ingest.acquisition import origin
from pipeline.ingest.address import Landing, Tags, is_long
from pipeline.ingest.remembered import LONGEST, Remembered
from pipeline.ingest.rules import Rules


class Visit(NamedTuple):
    """Columns of an event."""

    acquisition: str
    referrer_host: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    click_id: str


def _brought_about(page: Landing, came_from: Landing, said: Tags, rules: Rules) -> Visit:
    """`said`: the campaign of context.campaign; else it is the address's. Then what acquisition.py makes of all."""
    tags = said if any(said) else page.tags
    found = origin(page.host, came_from.host, came_from.section, tags, page.click_id, rules.not_referrers)
    return Visit(found.acquisition, found.referrer_host, *tags, page.click_id)


class _Visits(Remembered[Visit]):
    """Long tags, which hardly any visit has, are worked out each time."""

    __slots__ = ()

    def __missing__(self, given: tuple[Any, ...]) -> Visit:
        page, came_from, said, rules = given
        if is_long(page) or is_long(came_from) or sum(map(len, said)) > LONGEST:
            return _brought_about(page, came_from, said, rules)
        return super().__missing__(given)


VISITS = _Visits(_brought_about, 1 << 14)  # by what `_brought_about` takes
