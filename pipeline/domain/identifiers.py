"""Identifiers: 64-bit names of users, e-mails, phones, vendor ids and devices inside a project.

The three highest bits give the kind in the order of rank, so the least identifier of a component is its customer:
the user where there is one, else an e-mail, a phone, a vendor id, a device.
"""

from enum import IntEnum
from functools import lru_cache
from hashlib import sha256

import xxhash

HASH_BITS = 61
HASH_MASK = (1 << HASH_BITS) - 1


class Kind(IntEnum):
    user = 0
    email = 1
    phone = 2
    vendor = 3
    device = 4


def identifier(project: str, kind: Kind, value: str) -> int:
    """The identifier of a normalised value. E-mails and phones come as SHA-256 hex."""
    return kind << HASH_BITS | xxhash.xxh3_64_intdigest(f"{project}\0{int(kind)}\0{value}") & HASH_MASK or 1


def kind_of(identifier: int) -> Kind:
    return Kind(identifier >> HASH_BITS)


def fact_id(project: str, *parts: int) -> int:
    """A fact's id: 64-bit hash of the project and the numbers that name the fact."""
    return xxhash.xxh3_64_intdigest(f"{project}\0" + "\0".join(map(str, parts))) or 1


@lru_cache(1 << 16)
def hashed(normalised: str) -> str:
    """SHA-256 hex of a normalised e-mail or phone number."""
    return sha256(normalised.encode()).hexdigest()


_PLACEHOLDERS = frozenset(
    ("empty", "null", "nil", "none", "undefined", "nan", "true", "false", "n/a", "anonymous", "guest", "user", "email")
    + ("id", "distinct_id", "not_authenticated", "[object object]", "0", "-1")
)


def usable(value: str) -> str:
    """The value without padding and quotes, or "" for a placeholder (null, guest, 0, [object Object], 000-000 ...)."""
    text = value.strip()
    while len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
        text = text[1:-1].strip()
    if not text or text.lower() in _PLACEHOLDERS or not text.strip("0-"):
        return ""
    return text


def normal_email(value: str) -> str:
    """Lower-cased address, or "" where it is none."""
    text = usable(value).lower().removeprefix("mailto:")
    local, at, host = text.rpartition("@")
    return text if at and local and "." in host and " " not in text else ""


def normal_phone(value: str) -> str:
    """Digits with a leading + where the number came in international form, or "" where it is none."""
    text = usable(value).removeprefix("tel:")
    digits = "".join(c for c in text if c.isdigit())
    if text.startswith("00"):
        return "+" + digits[2:] if len(digits) > 8 else ""
    return ("+" if text.startswith("+") else "") + digits if 6 <= len(digits) <= 17 else ""
