"""A collector with sources of vendors, and their requests."""

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx

from schemas.definitions import Key
from tests.api.collect.door import KEYS, NOW, Door

SECRET = "signing-secret"
MAIL = "vendor-key"  # a source without a signing secret
SIGNED = "signed-key"
VENDOR_KEYS = {
    **KEYS,
    MAIL: Key("mail", "shop", "write", "h8", source="mail", source_kind="vendor"),
    SIGNED: Key("signed", "shop", "write", "h9", source="signed", source_kind="vendor", signing_secret=SECRET),
}


def vendor_door(**given: Any) -> Door:
    """A door that knows these keys; `secret` is that of SIGNED."""
    secret = given.pop("secret", SECRET)
    keys = {**VENDOR_KEYS, SIGNED: Key(
        "signed", "shop", "write", "h9", source="signed", source_kind="vendor", signing_secret=secret
    )}  # fmt: skip
    door = Door(**given)
    door.collector._keys = keys.get
    return door


async def send(
    door: Door, vendor: str, body: Any, headers: dict[str, str] | None = None, *, key: str | None = MAIL
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    query = f"?key={key}" if key is not None else ""
    return await door.client.post(f"/webhooks/{vendor}{query}", content=content, headers=headers or {})


def mac(message: bytes, digest: str = "sha256", secret: str = SECRET) -> bytes:
    return hmac.new(secret.encode(), message, getattr(hashlib, digest)).digest()


def based(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


SECONDS = NOW // 1000
