"""The networks whose exports are read: the names of their columns, and how the visits that they bring are tagged.

Names are those of the English exports of the networks' own pages and of their report APIs, in any case. A column is
the first of its names that the file has. Behind a name may stand a currency, as in `Amount spent (EUR)`.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

Field = Literal["day", "until", "campaign", "campaign_id", "account", "currency", "impressions", "clicks", "cost"]
NEEDED: Final[tuple[Field, ...]] = ("day", "campaign", "cost")


class Network(NamedTuple):
    name: str
    title: str
    source: str  # utm_source and utm_medium that its visits mostly have
    medium: str
    columns: Mapping[Field, tuple[str, ...]]
    dates: tuple[str, ...] = ()  # forms of its days beside ISO's, by the signs of strptime


_COUNTS: Final[Mapping[Field, tuple[str, ...]]] = {
    "impressions": ("impressions", "impr."),
    "clicks": ("clicks", "clicks (destination)", "link clicks", "clicks (all)"),
}
_AMERICAN: Final = ("%m/%d/%Y", "%m/%d/%y", "%b %d, %Y", "%B %d, %Y", "%a, %b %d, %Y")

NETWORKS: Final[Mapping[str, Network]] = {
    each.name: each
    for each in (
        Network("meta_ads", "Meta Ads", "facebook", "paid_social", {
            **_COUNTS, "day": ("day", "reporting starts"), "until": ("reporting ends",),
            "campaign": ("campaign name",), "campaign_id": ("campaign id",),
            "account": ("account name", "account id"), "currency": ("currency",), "cost": ("amount spent",),
            "clicks": ("link clicks", "clicks (all)"),
        }),
        Network("linkedin_ads", "LinkedIn Ads", "linkedin", "paid_social", {
            **_COUNTS, "day": ("start date (in utc)", "start date"), "campaign": ("campaign name",),
            "campaign_id": ("campaign id",), "account": ("account name", "account id"), "currency": ("currency",),
            "cost": ("total spent",),
        }, _AMERICAN),
        Network("microsoft_ads", "Microsoft Advertising", "bing", "cpc", {
            **_COUNTS, "day": ("gregorian date", "timeperiod", "time period", "day", "date"),
            "campaign": ("campaign", "campaign name", "campaignname"), "campaign_id": ("campaign id", "campaignid"),
            "account": ("account name", "accountname", "account number", "accountnumber"),
            "currency": ("currency code", "currencycode", "currency"), "cost": ("spend",),
        }, _AMERICAN),
        Network("tiktok_ads", "TikTok Ads", "tiktok", "paid_social", {
            **_COUNTS, "day": ("by day", "date", "day", "stat time day"), "campaign": ("campaign name",),
            "campaign_id": ("campaign id",), "account": ("account name", "account id", "advertiser name"),
            "currency": ("currency",), "cost": ("cost", "total cost", "spend"),
            "clicks": ("clicks (destination)", "destination clicks", "clicks", "clicks (all)"),
        }),
        Network("google_ads", "Google Ads", "google", "cpc", {
            **_COUNTS, "day": ("day", "date"), "campaign": ("campaign",), "campaign_id": ("campaign id",),
            "account": ("customer id", "account name", "account"), "currency": ("currency code", "currency"),
            "cost": ("cost",),
        }, _AMERICAN),
    )
}  # fmt: skip


class Columns(NamedTuple):
    """Where a file has what: numbers of columns."""

    network: Network
    places: Mapping[Field, int]
    currency: str  # that the name of the cost's column tells, else ""


def columns_of(head: Sequence[str], network: str = "") -> Columns | None:
    """By the names of a file's columns; None where they are those of no network, or not of the one asked for."""
    names = [" ".join(name.replace("\ufeff", "").split()).lower() for name in head]
    for each in NETWORKS.values() if not network else (NETWORKS[network],):
        places = {field: place for field, known in each.columns.items() if (place := _place(names, known)) is not None}
        if all(field in places for field in NEEDED):
            if names[places["day"]] == "day":
                places.pop("until", None)  # of the whole report
            return Columns(each, places, _currency(names[places["cost"]]))
    return None


def _place(names: Sequence[str], known: Sequence[str]) -> int | None:
    for one in known:
        for place, name in enumerate(names):
            if name == one or (name.startswith(f"{one} (") and _currency(name)):
                return place
    return None


def _currency(name: str) -> str:
    """`amount spent (eur)` -> EUR."""
    code = name.rpartition("(")[2].rstrip(")") if name.endswith(")") else ""
    return code.upper() if len(code) == 3 and code.isalpha() and code != "all" else ""
