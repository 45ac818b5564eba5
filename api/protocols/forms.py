"""Forms that are large: the escapes that JSON is full of are undone in the text as a whole, the others one by one."""

from typing import Final
from urllib.parse import unquote_to_bytes

_COMMON: Final = tuple(
    (b"%%%02X" % byte, bytes((byte,))) for byte in b'"{}[]:, /=$?_-.'
)  # a % that is no escape's beginning is written %25, so what looks like one of these is one


def form_of(body: bytes) -> dict[str, str]:
    """The fields of a form; of a name that is there twice the last."""
    found = {}
    for part in body.decode("utf-8", "replace").split("&"):
        name, _, value = part.partition("=")
        if "%" in part or "+" in part:
            name, value = _text(name.encode()), _text(value.encode())
        if name:
            found[name] = value
    return found


def _text(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        if len(raw) > 200:
            for escape, byte in _COMMON:
                raw = raw.replace(escape, byte)
        raw = unquote_to_bytes(raw)
    return raw.decode("utf-8", "replace")
