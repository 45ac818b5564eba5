"""Identifiers: 64-bit names of users, e-mails, phones, vendor ids and devices inside a project.

The three highest bits give the kind in the order of rank, so the least identifier of a component is its customer:
the user where there is one, else an e-mail, a phone, a vendor id, a device.
"""

import re
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
    claimed = 5  # of `alias_of` only: a user id that an untrusted source says was another name


def identifier(project: str, kind: Kind, value: str) -> int:
    """The identifier of a normalised value. E-mails and phones come as SHA-256 hex."""
    return kind << HASH_BITS | xxhash.xxh3_64_intdigest(f"{project}\0{int(kind)}\0{value}".encode()) & HASH_MASK or 1


def claimed(user: int) -> int:
    """How a user identifier stands in `alias_of` where an untrusted source tells of the rename; and back."""
    return user ^ (Kind.claimed << HASH_BITS)


def kind_of(identifier: int) -> Kind:
    return Kind(identifier >> HASH_BITS)


def fact_id(project: str, *parts: int | str) -> int:
    """A fact's id: 64-bit hash of the project and the numbers and names that name the fact."""
    return xxhash.xxh3_64_intdigest("\0".join((project, *map(str, parts))).encode()) or 1


@lru_cache(1 << 16)
def hashed(normalised: str) -> str:
    """SHA-256 hex of a normalised e-mail or phone number."""
    return sha256(normalised.encode()).hexdigest()


HASHED = "sha256:"  # before the hash of an e-mail or phone number that was hashed on its way here
_HASH = re.compile(r"sha256:[0-9a-f]{64}")


def prehashed(value: str) -> str:
    """SHA-256 hex of a normalised e-mail or phone number that came hashed (`sha256:` and 64 hex digits), else ""."""
    text = value.strip().lower()
    return text.removeprefix(HASHED) if _HASH.fullmatch(text) else ""


_PLACEHOLDERS = frozenset(
    ("empty", "null", "nil", "none", "undefined", "nan", "true", "false", "n/a", "anonymous", "guest", "user", "email")
    + ("id", "distinct_id", "not_authenticated", "[object object]", "0", "-1")
)
_DIGITS = frozenset("0123456789")
_PHONE_MARKS = frozenset("+-()./\u00a0\u2010\u2011\u2012\u2013 \t")


def usable(value: str) -> str:
    """The value without padding and quotes, or "" for a placeholder (null, guest, 0, [object Object], 000-000 ...)."""
    text = value.strip()
    while text and text[0] == text[-1] and text[0] in "\"'`":
        text = text[1:-1].strip()
    if not text or text.lower() in _PLACEHOLDERS or not text.strip("0-"):
        return ""
    return text


def normal_email(value: str) -> str:
    """Lower-cased address, or "" where it is none."""
    text = usable(usable(value).lower().removeprefix("mailto:"))
    local, _, host = text.rpartition("@")
    if not local or "." not in host.strip(".") or host != host.strip(".") or any(map(str.isspace, text)):
        return ""
    return text


def normal_phone(value: str) -> str:
    """Digits with a leading + where the number came in international form, or "" where it is none.

    The trunk zero of "+49 (0)30 ..." is no part of the number; letters make it none.
    """
    text = usable(value).lower().removeprefix("tel:").lstrip(" (")
    digits = "".join(filter(_DIGITS.__contains__, text))
    if not digits.strip("0") or set(text) - _DIGITS - _PHONE_MARKS or "+" in text[1:]:
        return ""
    if text[0] != "+" and not digits.startswith("00"):
        return digits if 6 <= len(digits) <= 15 else ""
    digits = "".join(filter(_DIGITS.__contains__, text.replace("(0)", "")))
    digits = digits if text[0] == "+" else digits[2:]
    return "+" + digits if 6 < len(digits) <= 15 else ""
