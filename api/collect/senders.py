"""Who sends: the write key of a request and what it says about every event in it.

A key comes, in this order, by Basic auth (as the user, password empty or anything), as X-Write-Key, as a Bearer
token, or as `writeKey` in the body. One that is given and not known is refused; the next place is not looked at.
An import may also come with an admin key or with the local token, and then names its project in a header.
"""

import binascii
from collections.abc import Callable, MutableMapping
from typing import Any, NamedTuple

from api.collect.addresses import unmapped
from api.collect.answers import Refused
from pipeline.ingest.redaction import shown
from pipeline.ingest.remembered import remembered
from schemas.definitions import Key

Keys = Callable[[str], Key | None]  # a key as sent -> its record in the snapshot of now; None: unknown or revoked

BASIC, BEARER = b"basic ", b"bearer "
PROJECT_HEADER = "X-Wayfare-Project"
IMPORT = "import"


class Sender(NamedTuple):
    """A source as the collector needs it."""

    project: str
    source: str
    kind: str  # browser, app, server, vendor, import
    key: str = ""  # name of the key
    origins: tuple[str, ...] = ()  # of pages that may send with it; () = the project's

    @property
    def is_trusted(self) -> bool:
        """What it says about addresses is believed; its own address and user agent are not the customer's."""
        return self.kind not in ("browser", "app")


@remembered(4096)
def key_of(authorization: bytes) -> str:
    """The key in an Authorization header, "" where it holds none."""
    scheme = authorization[:7].lower()
    if scheme.startswith(BASIC):
        try:
            user = binascii.a2b_base64(authorization[6:].strip()).partition(b":")[0]
        except binascii.Error:
            return ""
        return user.decode("latin-1").strip()
    if scheme == BEARER:
        return authorization[7:].decode("latin-1").strip()
    return ""


def key_in_headers(headers: dict[bytes, bytes]) -> str | None:
    """The key that the headers give; "" where they give an unusable one; None where they give none at all."""
    authorization = headers.get(b"authorization")
    if authorization and authorization[:6].lower() == BASIC:
        return key_of(authorization)
    written = headers.get(b"x-write-key")
    if written is not None:
        return written.decode("latin-1").strip()
    return None if authorization is None else key_of(authorization)


def sender_of_key(key: str, keys: Keys) -> Sender:
    """The source that a write key belongs to. Raises Refused (401)."""
    known = keys(key) if key else None
    if known is None or known.revoked:
        raise Refused(
            401, "invalid_write_key", "the write key is unknown or revoked; `wayfare key` lists and makes keys"
        )
    if known.kind != "write":
        raise Refused(401, "invalid_write_key", f"this is a {known.kind} key; events are sent with a write key")
    return Sender(known.project, known.source, known.source_kind, known.name, known.origins)


def importer(key: str, headers: dict[bytes, bytes], keys: Keys, has_project: Callable[[str], bool]) -> Sender | None:
    """The trusted source `import` of an admin key or the local token; None where the key is neither.

    An admin key of no one project (project == "") is the local token's. Raises Refused: 403 for another project than
    the key's own, 400 without a project, 404 for an unknown one.
    """
    known = keys(key) if key else None
    if known is None or known.revoked or known.kind != "admin":
        return None
    named = headers.get(b"x-wayfare-project", b"").decode("latin-1").strip()
    project = known.project or named
    if named and named != project:
        raise Refused(403, "forbidden", "this admin key belongs to another project", field=PROJECT_HEADER)
    if not project:
        raise Refused(400, "missing_project", f"name the project in the header {PROJECT_HEADER}", field=PROJECT_HEADER)
    if not has_project(project):
        raise Refused(404, "unknown_project", f"there is no project {shown(project)}", field=PROJECT_HEADER)
    return Sender(project, IMPORT, IMPORT)


def sender_in_headers(
    kind: str, headers: dict[bytes, bytes], keys: Keys, has_project: Callable[[str], bool]
) -> Sender | None:
    """Before a byte of the body is read; None where only the body can tell. Raises Refused."""
    key = key_in_headers(headers)
    if key is None:
        return None
    if kind == IMPORT and (trusted := importer(key, headers, keys, has_project)):
        return trusted
    return sender_of_key(key, keys)


def sender_in_body(key: object, keys: Keys) -> Sender:
    """By `writeKey`. Raises Refused (401)."""
    if isinstance(key, str) and key:
        return sender_of_key(key, keys)
    told = "no write key: send it by Basic auth, as X-Write-Key, or as `writeKey` in the body"
    raise Refused(401, "missing_write_key", told)


def peer_of(scope: MutableMapping[str, Any]) -> str:
    """The address that the request came from, "" = not known."""
    return unmapped(str((scope.get("client") or ("",))[0]))
