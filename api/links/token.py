"""The signed part of a mail's link or pixel: a JSON Web Token (RFC 7519), signed with HMAC-SHA256 (HS256).

    BASE64URL({"alg": "HS256", "kid": "0123456789abcdef"}) . BASE64URL({"email": ..., "to": ...}) . BASE64URL(signature)

So any library for such tokens makes links. `kid` names the key whose source signs; the secret is that of its links.
What a token says is believed only after its signature was checked.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from pipeline.domain.identifiers import HASHED, hashed, normal_email
from pipeline.errors import UserMistake
from pipeline.store.definitions import SIGNER_DIGITS
from schemas.definitions import Key

MOST_TOKEN: Final = 8_000  # characters
ALGORITHM: Final = "HS256"

Signers = Callable[[str], Key | None]  # `kid` -> the key in force that signs links with it
_Text = Annotated[str, msgspec.Meta(max_length=1000)]


class Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a link or a pixel tells. Fields of other names are not looked at."""

    to: Annotated[str, msgspec.Meta(max_length=4000)] = ""  # where a link leads; a pixel has none
    user: _Text = ""  # the recipient's user id
    email: _Text = ""  # SHA-256 of the recipient's address, hex; never the address
    contact: _Text = ""  # the recipient's id in what sends the mails
    mail: _Text = ""  # the mail's own id
    campaign: _Text = ""
    join: bool = False  # the browser that follows the link is the recipient's
    exp: int | None = None  # seconds since 1970; from then on it counts no more


class _Header(msgspec.Struct, frozen=True):
    alg: str = ""
    kid: str = ""


class Broken(UserMistake):
    """A token that does not count. `key` is whose it says it is, None where that is nobody we know."""

    def __init__(self, status: int, code: str, message: str, key: Key | None = None) -> None:
        super().__init__(message, code=code)
        self.status, self.key = status, key


# RecursionError: JSON that is nested deeper than the decoder goes.
_UNREADABLE: Final = (ValueError, msgspec.DecodeError, RecursionError)
_header = msgspec.json.Decoder(_Header).decode
_claims = msgspec.json.Decoder(Claims).decode


def key_id(key: Key) -> str:
    """How tokens name a key: a piece of its hash, which opens nothing."""
    return key.hash[:SIGNER_DIGITS]


def signature(secret: str, signed: bytes) -> bytes:
    """HMAC-SHA256 by the bytes of the secret in UTF-8 (RFC 7515, A.1)."""
    return hmac.digest(secret.encode(), signed, "sha256")


def token(kid: str, secret: str, claims: Claims) -> str:
    """A signed token. Raises UserMistake where the claims are none that would count."""
    checked(claims)
    parts = msgspec.json.encode({"alg": ALGORITHM, "kid": kid}), msgspec.json.encode(claims)
    signed = b".".join(map(_based, parts))
    return (signed + b"." + _based(signature(secret, signed))).decode()


def opened(text: str, signers: Signers, now: int) -> tuple[Key, Claims]:
    """Whose token it is and what it says, at a time in ms. Raises Broken: 400, 403."""
    parts = text.split(".")
    if len(parts) != 3 or len(text) > MOST_TOKEN:
        raise Broken(400, "invalid_link", "the link is not whole: parts of it are missing")
    try:
        header = _header(_unbased(parts[0]))
        given = _unbased(parts[2])
    except _UNREADABLE as error:
        raise Broken(400, "invalid_link", "the link is not whole: its beginning or its end cannot be read") from error
    key = signers(header.kid)
    if key is None or not key.link_secret:
        raise Broken(403, "unknown_signer", "nobody signs links under this name, or no longer")
    if header.alg != ALGORITHM:
        raise Broken(400, "invalid_link", f"a link is signed with {ALGORITHM}", key)
    if not hmac.compare_digest(signature(key.link_secret, f"{parts[0]}.{parts[1]}".encode()), given):
        raise Broken(403, "unsigned_link", "the link was changed after it was signed", key)
    try:
        claims = _claims(_unbased(parts[1]))
        checked(claims)
    except (*_UNREADABLE, UserMistake) as error:
        told = error.message if isinstance(error, UserMistake) else str(error)
        raise Broken(400, "invalid_link", f"the link is signed, and cannot be used: {told}", key) from error
    if claims.exp is not None and claims.exp * 1000 <= now:
        raise Broken(403, "expired_link", "the link has expired", key)
    return key, claims


def checked(claims: Claims) -> None:
    """Raises UserMistake where they name nobody, an address as it is, or a target that is no web page."""
    if not (claims.user or claims.email or claims.contact):
        raise UserMistake("it names nobody: give user, email or contact", field="user")
    if claims.email and not is_hash(claims.email):
        raise UserMistake("`email` is the SHA-256 of the address in lower case, in hex", field="email")
    if claims.to and not is_web(claims.to):
        raise UserMistake("`to` is the whole address of a page, with http:// or https://", field="to")


def is_hash(text: str) -> bool:
    plain = text.removeprefix(HASHED)
    return len(plain) == 64 and not set(plain) - set("0123456789abcdef")


def is_web(address: str) -> bool:
    """Whether it is the whole address of a web page that can stand in an answer's header as it is."""
    if not address.isascii() or not address.isprintable() or " " in address or "\\" in address:
        return False
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def hash_of(address: str) -> str:
    """What stands for an e-mail address in a link. Raises UserMistake where it is none."""
    found = normal_email(address)
    if not found:
        raise UserMistake("this is no e-mail address", field="email")
    return hashed(found)


def payload_of(text: str) -> Any:
    """What a token that does not count says, to be kept as a reject: its claims where they can be read."""
    try:
        return msgspec.json.decode(_unbased(text.split(".")[1]))
    except (IndexError, *_UNREADABLE):
        return text[:MOST_TOKEN]


def _based(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def _unbased(text: str) -> bytes:
    """Raises ValueError."""
    if set(text) & set("+/= \n"):
        raise ValueError("no base64url")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except Error as error:
        raise ValueError(str(error)) from error
