"""Checking signatures: in constant time, and within a window of time where the vendor signs a time.

A replay inside of the window does no harm: its events have the ids of the first ones, so they are duplicates.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Literal

from api.webhooks.vendor import Forged

Digest = Literal["sha1", "sha256"]

MINUTES, HOURS = 60_000, 3_600_000
WINDOW_MS = 5 * MINUTES  # of vendors that sign each attempt anew
RETRIED_WINDOW_MS = 26 * HOURS  # of those whose later attempts may carry the first one's time


def hmac_of(secret: str, message: bytes, digest: Digest = "sha256") -> bytes:
    return hmac.new(secret.encode(), message, getattr(hashlib, digest)).digest()


def base64_of(secret: str, message: bytes, digest: Digest = "sha256") -> str:
    return base64.b64encode(hmac_of(secret, message, digest)).decode()


def check_hex(given: str, secret: str, message: bytes, digest: Digest = "sha256") -> None:
    """Raises Forged where `given` is not the HMAC of the message in hex."""
    check_one(given.strip().lower(), hmac_of(secret, message, digest).hex())


def check_base64(given: str, secret: str, message: bytes, digest: Digest = "sha256") -> None:
    """Raises Forged where `given` is not the HMAC of the message in base64."""
    check_one(given.strip(), base64_of(secret, message, digest))


def check_one(given: str, *wanted: str) -> None:
    """Raises Forged where `given` is none of the wanted texts. Every one is compared, each in constant time."""
    if not given:
        raise Forged("the request is not signed; the source has a signing secret, so its requests must be")
    found = [hmac.compare_digest(given.encode(), one.encode()) for one in wanted]
    if not any(found):
        raise Forged("the signature is not that of the source's signing secret; `wayfare key secret` sets it")


def check_time(given: str | float, now: int, window_ms: int = WINDOW_MS) -> None:
    """`given` in seconds since 1970. Raises Forged where it is further than the window from `now` (ms)."""
    try:
        told = float(given) * 1000
    except ValueError:
        raise Forged("the time in the signature is no number of seconds") from None
    if not abs(told - now) <= window_ms:
        raise Forged(f"the signature's time is further than {window_ms // 1000} s from now")


def unbased(text: str) -> bytes:
    """The bytes of a base64 text. Raises Forged."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        raise Forged("the signature is not base64") from None
