"""A collector that knows a source of mails, and links to it."""

from typing import Any

from api.links.token import Claims, key_id, token
from schemas.definitions import Key
from tests.api.collect.door import KEYS, Door

SECRET = "a secret that signs links"
MAILS = Key("news", "shop", "write", "0123456789abcdef" + "0" * 48, "news", "server", link_secret=SECRET)
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 "
    "Mobile/15E148 Safari/604.1"
)
ANN = "1d49b0e3e2a5ac7b1c6fcd4cd8a0c5a0d3a3c64ec64e54e5f2ee3c2f9bbb9b53"  # any hash: what it is of nobody needs to know
TO = "https://shop.example/spring?size=m#top"


def mail_door(key: Key = MAILS, **given: Any) -> Door:
    signers = {key_id(key): key}
    return Door(**{"keys": {**KEYS, "news-key": key}.get, "signers": signers.get, **given})


def link(key: Key = MAILS, **claims: Any) -> str:
    made = Claims(**{"to": TO, "email": ANN, "mail": "m-1", "campaign": "spring", **claims})
    return f"/v1/link?t={token(key_id(key), key.link_secret, made)}"


def pixel(key: Key = MAILS, **claims: Any) -> str:
    made = Claims(**{"email": ANN, "mail": "m-1", "campaign": "spring", **claims})
    return f"/v1/pixel.gif?t={token(key_id(key), key.link_secret, made)}"
