"""Places from a file of MaxMind's format, which the test writes itself."""

import struct
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import maxminddb
import pytest

from pipeline.ingest import Places

BERLIN = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "subdivisions": [{"iso_code": "BE", "names": {"de": "Berlin", "en": "Land Berlin"}}],
    "city": {"names": {"de": "Berlin", "en": "Berlin"}},
}
PLAIN = {"country_code": "fr", "region": "Rhône", "city": "Lyon"}


def _head(kind: int, size: int) -> bytes:
    extra = bytes([size - 29]) if size >= 29 else b""
    low = min(size, 29)
    return (bytes([kind << 5 | low]) if kind < 8 else bytes([low, kind - 7])) + extra


def _value(value: Any) -> bytes:
    """A value in the format's data section: maps, arrays, strings and (type, unsigned number)."""
    if isinstance(value, dict):
        return _head(7, len(value)) + b"".join(_value(k) + _value(v) for k, v in value.items())
    if isinstance(value, list):
        return _head(11, len(value)) + b"".join(map(_value, value))
    if isinstance(value, str):
        return _head(2, len(value.encode())) + value.encode()
    kind, number = value
    body: bytes = number.to_bytes(8, "big").lstrip(b"\0")
    return _head(kind, len(body)) + body


def database(path: Path, networks: dict[str, Any]) -> Path:
    """A file with the given IPv4 networks: a binary tree of 24-bit records, then their data."""
    nodes: list[list[int | bytes | None]] = [[None, None]]
    for text, record in networks.items():
        network, at = ip_network(text), 0
        bits = f"{int(network.network_address):032b}"[: network.prefixlen]
        for depth, bit in enumerate(bits):
            side = int(bit)
            if depth == len(bits) - 1:
                nodes[at][side] = _value(record)
            else:
                if nodes[at][side] is None:
                    nodes.append([None, None])
                    nodes[at][side] = len(nodes) - 1
                at = int(nodes[at][side] or 0)
    tree, data = b"", b""
    for node in nodes:
        for child in node:
            if isinstance(child, bytes):
                target = len(nodes) + 16 + len(data)
                data += child
            else:
                target = len(nodes) if child is None else child
            tree += struct.pack(">I", target)[1:]
    uint16, uint32, uint64 = 5, 6, 9
    about = {
        "node_count": (uint32, len(nodes)),
        "record_size": (uint16, 24),
        "ip_version": (uint16, 4),
        "database_type": "Test",
        "languages": ["en"],
        "binary_format_major_version": (uint16, 2),
        "binary_format_minor_version": (uint16, 0),
        "build_epoch": (uint64, 1),
        "description": {"en": "t"},
    }
    path.write_bytes(tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _value(about))
    return path


def test_an_address_has_the_place_of_its_network(tmp_path: Path) -> None:
    places = Places(database(tmp_path / "places.mmdb", {"203.0.113.0/24": BERLIN, "198.51.100.0/24": PLAIN}))
    assert places.lookup("203.0.113.9") == ("DE", "Land Berlin", "Berlin")
    assert places.lookup(" 198.51.100.1 ") == ("FR", "Rhône", "Lyon")
    assert places.lookup("192.0.2.1") is None
    places.close()


def test_no_address_has_no_place(tmp_path: Path) -> None:
    places = Places(database(tmp_path / "places.mmdb", {"203.0.113.0/24": BERLIN}))
    assert [places.lookup(ip) for ip in ("", "unknown", "203.0.113", "2001:db8::1")] == [None] * 4
    places.close()


def test_without_a_file_no_place_is_known() -> None:
    assert Places(None).lookup("203.0.113.9") is None


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "places.mmdb"
    path.write_bytes(b"nothing")
    with pytest.raises(maxminddb.InvalidDatabaseError):
        Places(path)
