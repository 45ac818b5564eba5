"""Rows of a network's export as costs by day and campaign. Pure: text in, values out."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec

from pipeline.ingest.costs.networks import Columns, Field
from pipeline.ingest.mapping.values import decimal_of

MICROS: Final = 1_000_000
MOST: Final = 1 << 62
_NOTHING: Final = frozenset(("", "-", "--", "—", "n/a"))
_NUMBERS: Final[tuple[Field, ...]] = ("impressions", "clicks", "cost")
_CURRENCY_LETTERS: Final = 3
_TOTAL: Final = re.compile(r"(?:grand )?totals?(?:$|:| of \d| -)", re.IGNORECASE)  # no campaign named `Total Comfort`


class Cost(msgspec.Struct, frozen=True):
    """What one campaign cost on one day, with the names of the table's columns."""

    day: str  # ISO
    network: str
    account: str
    campaign: str
    currency: str
    campaign_id: str
    source: str
    medium: str
    impressions: int
    clicks: int
    cost_micros: int


class Wrong(msgspec.Struct, frozen=True):
    """Why a row tells of no cost."""

    line: int
    words: str


@dataclass(frozen=True, slots=True)
class Said:
    """What the user says of a file beyond what is in it; "" = nothing."""

    source: str = ""
    medium: str = ""
    currency: str = ""
    account: str = ""
    decimal: str = ""  # as the numbers in the file look
    dates: str = ""  # by the signs of strptime


@dataclass(slots=True)
class Costs:
    """What files told. State: the sums by their key, so that rows of ad groups or ads add up to their campaign's."""

    by_key: dict[tuple[str, ...], Cost] = field(default_factory=dict)
    wrong: list[Wrong] = field(default_factory=list)
    rows: int = 0
    totals: int = 0  # rows that sum up others

    def add(self, columns: Columns, rows: Iterable[tuple[int, Sequence[str]]], said: Said) -> None:
        """Rows with the numbers of their lines."""
        if not said.decimal:
            rows = list(rows)
            said = replace(said, decimal=mark_of(columns, (row for _, row in rows)))
        for line, row in rows:
            if not any(cell.strip() for cell in row):
                continue
            found = _read(columns, row, said)
            if isinstance(found, str):
                self.wrong.append(Wrong(line, found))
            elif found is None:
                self.totals += 1
            else:
                self.rows += 1
                self._sum(found)

    def _sum(self, one: Cost) -> None:
        key = (one.day, one.network, one.account, one.campaign, one.currency)
        before = self.by_key.get(key)
        if before is not None:
            one = msgspec.structs.replace(
                one,
                impressions=before.impressions + one.impressions,
                clicks=before.clicks + one.clicks,
                cost_micros=before.cost_micros + one.cost_micros,
            )
        self.by_key[key] = one


def mark_of(columns: Columns, rows: Iterable[Sequence[str]]) -> str:
    """The decimal mark of a file's numbers: a comma where some can be read by it alone and none by a point alone."""
    by_comma = False
    for row in rows:
        for name, place in columns.places.items():
            text = row[place].strip() if place < len(row) and name in _NUMBERS else ""
            if text in _NOTHING:
                continue
            point, comma = (_fits(name, decimal_of(text, mark)) for mark in ".,")
            if point and not comma:
                return "."
            by_comma = by_comma or (comma and not point)
    return "," if by_comma else "."


def _fits(name: Field, number: Decimal | None) -> bool:
    """Whether it can be one: impressions and clicks are whole."""
    return number is not None and (name == "cost" or not number % 1)


def _read(columns: Columns, row: Sequence[str], said: Said) -> Cost | str | None:
    """A row's cost; None for one that sums up others; or what is wrong with it."""
    cells = {name: row[place].strip() for name, place in columns.places.items() if place < len(row)}
    campaign, told = cells.get("campaign", ""), cells.get("day", "")
    if told in _NOTHING or campaign in _NOTHING or _TOTAL.match(told) or _TOTAL.match(row[0].strip()):
        return None  # sums at the beginning or end, and lines of who made the file
    if len(row) == 1:
        return None
    day = day_of(told, (said.dates,) if said.dates else columns.network.dates)
    if day is None:
        return f"{told[:40]!r} is no day; --dates says how days are written"
    until = cells.get("until", "")
    if until and "day" in cells and day_of(until, columns.network.dates) not in (day, None):
        return "the row tells of several days; export one row a day"
    currency = (said.currency or cells.get("currency", "") or columns.currency).upper()
    if len(currency) != _CURRENCY_LETTERS or not currency.isalpha():
        return "the file names no currency; --currency says it"
    numbers = _numbers(cells, said.decimal)
    if isinstance(numbers, str):
        return numbers
    return Cost(
        day=day.isoformat(),
        network=columns.network.name,
        account=said.account or cells.get("account", ""),
        campaign=campaign,
        currency=currency,
        campaign_id=cells.get("campaign_id", ""),
        source=said.source or columns.network.source,
        medium=said.medium or columns.network.medium,
        impressions=int(numbers["impressions"]),
        clicks=int(numbers["clicks"]),
        cost_micros=int((numbers["cost"] * MICROS).to_integral_value()),
    )


def _numbers(cells: Mapping[Field, str], mark: str) -> dict[Field, Decimal] | str:
    found: dict[Field, Decimal] = {}
    for name in _NUMBERS:
        text = cells.get(name, "")
        number = Decimal(0) if text in _NOTHING else decimal_of(text, mark)
        if number is None or not -MOST < number * MICROS < MOST or (name != "cost" and (number < 0 or number % 1)):
            return f"{text[:40]!r} is no number of {name}; --decimal says how numbers are written"
        found[name] = number
    return found


def day_of(text: str, forms: Sequence[str]) -> date | None:
    """A day as ISO writes it, with or without a time behind it, or in one of the forms."""
    for form in forms:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    try:
        return (
            date.fromisoformat(text[:10]) if len(text) == len("2026-01-01") or text[10:11] in (" ", "T", "|") else None
        )
    except ValueError:
        return None
