"""Many queries at once, as those of a bulk of Matomo: all are made JSON, whose decoder takes them apart.

    idsite=1&url=https%3A%2F%2Fshop.example%2F%3Fa%3Db      ->  {"idsite":"1","url":"https://shop.example/?a=b"}

& and = become what stands between JSON's texts, then % becomes the = of quoted-printable, which is decoded as a whole.
What that may get wrong is looked for: such queries are read one by one.
"""

from binascii import a2b_qp
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

_BREAK: Final = "\x1e"
_decode: Final = msgspec.json.Decoder(dict[str, str]).decode_lines


def fields_of_all(queries: Sequence[str]) -> list[tuple[dict[str, str], bytes]] | None:
    """The fields of each query, as `protocol.fields_of` reads them, and their JSON, as msgspec writes it.

    None where one of them has a name twice or none, a quote, a backslash or a control character, or what is no UTF-8.
    """
    try:
        raw = _BREAK.join(queries).encode()
    except UnicodeEncodeError:
        return None
    count = _count(raw, "=")
    raw = raw.replace(b"&", b'","').replace(b"=", b'":"').replace(b"+", b" ")
    found = a2b_qp(raw.replace(b"%", b"="))
    is_whole = len(found) == len(raw) - 2 * _count(raw, "%")  # each % is an escape's beginning
    if not is_whole or _count(found, '"') != _count(raw, '"') or b"\\" in found:
        return None
    if b"\n" in raw or b"\r" in raw or _count(found, _BREAK) != len(queries) - 1:
        return None
    whole = b'{"%b"}' % found.replace(_BREAK.encode(), b'"}\n{"')
    try:
        fields = _decode(whole)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if sum(map(len, fields)) != count or any("" in each for each in fields):
        return None
    return list(zip(fields, whole.split(b"\n"), strict=True))


def _count(raw: bytes, character: str) -> int:
    """How often a character is there: quicker than `bytes.count` where that is often."""
    return int(np.count_nonzero(np.frombuffer(raw, np.uint8) == ord(character)))
