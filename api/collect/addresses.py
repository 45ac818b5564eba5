"""Addresses of senders as texts: an IPv4 address is the same one when a socket for both versions tells it as IPv6."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """None where it is no address; ::ffff:203.0.113.9 is 203.0.113.9. A zone behind % says nothing."""
    try:
        found = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


@lru_cache(4096)
def unmapped(text: str) -> str:
    """The text, but for an IPv4 address that is written as an IPv6 one."""
    if ":" not in text:
        return text
    found = address_of(text)
    return str(found) if isinstance(found, IPv4Address) else text
