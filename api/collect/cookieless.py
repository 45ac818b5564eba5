"""Ids of visitors who have not consented: good for one day, told from nothing that is stored anywhere.

    id = hash(salt of the day, project, first part of the address, user agent)

The salt is random and gone after its day, and with it the way from an address to an id.
"""

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_network

from api.collect.addresses import address_of

Salt = Callable[[int], bytes]  # of the day (days since 1970); raises SaltMissing where there is none now

NAME = "cookieless-"
DAY_MS = 86_400_000
_BITS = {4: 24, 6: 48}  # of an address that are looked at


@lru_cache(1 << 12)
def prefix_of(address: str) -> str:
    """The first part of an address as a network, as 203.0.113.0/24 or 2001:db8:1::/48; "" for none."""
    found = address_of(address)
    return str(ip_network((found, _BITS[found.version]), strict=False)) if found else ""


def cookieless_id(salt: bytes, project: str, address: str, agent: str) -> str:
    """The same for a project, a network and a user agent under one salt."""
    parts = "\0".join((project, prefix_of(address), agent))
    return NAME + blake2b(parts.encode(), key=salt, digest_size=12).hexdigest()
