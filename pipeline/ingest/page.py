"""The step that tells where an event happened and what brought the visitor there.

An event's page is looked up by its bytes: a view and all that is done on it share them, so its address is taken apart,
its referrer judged and even its JSON read once for all of them.
"""

import msgspec

from pipeline.ingest.acquisition import tag
from pipeline.ingest.address import ADDRESSES, NO_TAGS, NOWHERE, Tags
from pipeline.ingest.incoming import UNDECODABLE, Campaign, Context, Known, Page, lenient
from pipeline.ingest.properties import Reject
from pipeline.ingest.remembered import Remembered
from pipeline.ingest.rules import Rules
from pipeline.ingest.visit import VISITS

# Columns of an event: host, path, referrer_host, acquisition, utm_source, utm_medium, utm_campaign, click_id, url,
# title, referrer. A plain tuple, as in who.py.
Where = tuple[str, str, str, str, str, str, str, str, str, str, str]

_decode = msgspec.json.Decoder(Page).decode


def _read(data: bytes) -> Page | Reject:
    """What has a wrong type counts as absent, and what is no object as no page."""
    try:
        return _decode(data)
    except UNDECODABLE:
        pass
    try:
        return lenient(Page, data, [])
    except msgspec.ValidationError:
        return Page()
    except RecursionError:
        return Reject("too_deep", "", "objects are nested too deeply to be read")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Reject("malformed_json", "", str(error))


def _where(page: Page, said: Tags, rules: Rules) -> Where:
    at = ADDRESSES[page.url, rules.parameters] if page.url else NOWHERE
    came_from = ADDRESSES[page.referrer, rules.parameters] if page.referrer else NOWHERE
    path = page.path or at.path
    if "?" in path or "#" in path:
        path = path.partition("?")[0].partition("#")[0]
    landing = at.landing
    acquisition, referrer_host, source, medium, campaign, click_id = VISITS[landing, came_from.landing, said, rules]
    title = page.title or ""
    return (
        landing.host, path, referrer_host, acquisition, source, medium, campaign, click_id, at.url, title, came_from.url
    )  # fmt: skip


Seen = tuple[Page, Where]


def _seen(data: bytes, rules: Rules) -> Seen | Reject:
    """A page, and what it tells by itself. What cannot be read as JSON is a whole event's reason to be rejected."""
    page = _read(data)
    return page if isinstance(page, Reject) else (page, _where(page, NO_TAGS, rules))


PAGES = Remembered(_seen, 1 << 14)  # by bytes and rules
NO_PAGE = b"{}"


def where(seen: Seen, context: Context, known: Known, is_view: bool, rules: Rules) -> Where:
    """What is absent in the page of a view is by its properties (server libraries); tags by context.campaign."""
    page, whole = seen
    if is_view and (
        (known.url and not page.url)
        or (known.path and not page.path)
        or (known.title and not page.title)
        or (known.referrer and not page.referrer)
    ):
        page = Page(
            page.url or known.url, page.path or known.path, page.title or known.title, page.referrer or known.referrer
        )
    elif context.campaign is None:
        return whole
    return _where(page, NO_TAGS if context.campaign is None else _tags(context.campaign), rules)


def _tags(campaign: Campaign) -> Tags:
    return tag(campaign.source), tag(campaign.medium), tag(campaign.name)
