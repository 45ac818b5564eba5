r"""Finding the events of a batch that is no JSON only for a NaN or half an emoji.

Python clients write NaN and Infinity into JSON, and a browser that cuts a text in the middle of a pair writes a lone
surrogate (`\ud83d`). One such property would cost the sender the whole batch, as clients drop what is answered with
400. So both are replaced by a mark that names this process, the batch is read again, and the events that hold the mark
are rejected one by one. Anything else that is wrong with the JSON stays wrong.
"""

import re
import secrets

MARK = b"unstorable-" + secrets.token_hex(8).encode()
_HALF = MARK + b"-half"
_NUMBER = re.compile(b'"' + MARK + rb'(-?Infinity|NaN)"')
# A text that never ends is one token too: tried from each quote in it, it would cost the square of its length.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|-?Infinity|NaN', re.DOTALL)
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


def marked(body: bytes) -> bytes | None:
    """The body with every NaN, Infinity and lone surrogate marked; None where it holds none."""
    if not (b"NaN" in body or b"Infinity" in body or b"\\u" in body):
        return None
    found = _TOKEN.sub(_mark, body)
    return found if MARK in found else None


def original(event: bytes) -> str:
    """The text of an event that holds marks, as it was sent but for lone surrogates, now U+FFFD."""
    return _NUMBER.sub(rb"\1", event).replace(_HALF, b"\\ufffd").decode("utf-8", "replace")


def _mark(token: re.Match[bytes]) -> bytes:
    text = token[0]
    if text[:1] != b'"':
        return b'"' + MARK + text + b'"'
    return _ESCAPE.sub(_mark_half, text) if b"\\u" in text else text


def _mark_half(escape: re.Match[bytes]) -> bytes:
    return _HALF if escape[1] else escape[0]
