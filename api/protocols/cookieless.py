"""Ids for visitors whose tracker gives none: of a day, by network and user agent, with a salt that nothing stores.

The address counts by its network (24 bits of IPv4, 48 of IPv6) and is not kept. A new day of UTC has a new salt, and
the old one is forgotten, so nobody can tell that two days' ids are one visitor. Each process has a salt of its own.
"""

import hashlib
import secrets
from collections.abc import Callable
from ipaddress import ip_address, ip_network

DAY_MS = 86_400_000
V4_BITS, V6_BITS = 24, 48


class DailyIds:
    """State: the salt of the last day that was asked for."""

    def __init__(self) -> None:
        self._day, self._salt = -1, b""

    def of(self, project: str, now: int) -> Callable[[str, str], str]:
        """(address, user agent) -> id of that visitor in the project, on the day of `now` (ms).

        "" where there is no address.
        """

        def visitor(address: str, agent: str) -> str:
            network = network_of(address)
            if not network:
                return ""
            if now // DAY_MS != self._day:
                self._day, self._salt = now // DAY_MS, secrets.token_bytes(16)
            told = f"{project}\0{network}\0{agent}".encode()
            return "day-" + hashlib.blake2b(told, key=self._salt, digest_size=12).hexdigest()

        return visitor


def network_of(address: str) -> str:
    """The network that an address lies in, "" for what is none."""
    try:
        found = ip_address(address.strip())
    except ValueError:
        return ""
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    return str(ip_network((found, V4_BITS if found.version == 4 else V6_BITS), strict=False))
