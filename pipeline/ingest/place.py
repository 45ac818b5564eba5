"""Where a request came from: a look-up in a file of MaxMind's format, at the door, where the address is dropped."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import maxminddb

Place = tuple[str, str, str]  # ISO code of the country, region, city


def _name(record: Any) -> str:
    """A place's English name: MaxMind nests it under names, other makers of the format write it plain."""
    if isinstance(record, str):
        return record
    if isinstance(record, Mapping):
        names = record.get("names")
        if isinstance(names, Mapping):
            return str(names.get("en", ""))
    return ""


class Places:
    """Places by IP address; none without a file. Raises OSError or maxminddb.InvalidDatabaseError for a bad one."""

    def __init__(self, path: Path | str | None) -> None:
        self._reader = maxminddb.open_database(str(path)) if path else None

    def lookup(self, ip: str) -> Place | None:
        """(country, region, city) of an address, names in English, "" for a part that is not known; None = unknown."""
        if self._reader is None or not ip:
            return None
        try:
            record = self._reader.get(ip.strip())
        except ValueError:  # no address
            return None
        if not isinstance(record, Mapping):
            return None
        country = record.get("country")
        code = country.get("iso_code", "") if isinstance(country, Mapping) else record.get("country_code", country)
        subdivisions = record.get("subdivisions")
        region = subdivisions[0] if isinstance(subdivisions, list) and subdivisions else record.get("region")
        place = (str(code or "").upper(), _name(region), _name(record.get("city")))
        return place if any(place) else None

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
