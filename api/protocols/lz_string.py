"""Decompression of lz-string, the form `lz64` of older PostHog clients: an LZ78 whose codes grow bit by bit.

bits    least first out of 6 bits a character of base64
codes   0 a new character of 8 bits, 1 one of 16, 2 the end, else an entry of the dictionary
"""

from collections.abc import Iterator

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_VALUE = {letter: number for number, letter in enumerate(_ALPHABET)}
_WIDTH = 6
_EIGHT, _SIXTEEN, _END = 0, 1, 2


def decompressed(text: str, limit: int) -> str:
    """The text that was compressed to base64. Raises ValueError for what is no such text, or longer than `limit`."""
    read = _Bits(text)
    first = read.number(2)
    if first == _END:
        return ""
    last = chr(read.number(8 if first == _EIGHT else 16))
    entries: list[str] = ["", "", "", last]
    parts, size, width = [last], 1, 3
    left = 4  # entries that may come before codes get a bit more
    while True:
        code = read.number(width)
        if code == _END:
            return _joined(parts)
        if code in (_EIGHT, _SIXTEEN):
            entries.append(chr(read.number(8 if code == _EIGHT else 16)))
            code = len(entries) - 1
            left, width = _grown(left, width)
        if code < len(entries):
            entry = entries[code]
        elif code == len(entries):
            entry = last + last[0]
        else:
            raise ValueError("an entry that is not there")
        parts.append(entry)
        size += len(entry)
        if size > limit:
            raise ValueError(f"more than {limit} characters")
        entries.append(last + entry[0])
        left, width = _grown(left, width)
        last = entry


def _grown(left: int, width: int) -> tuple[int, int]:
    return (left - 1, width) if left > 1 else (1 << width, width + 1)


def _joined(parts: list[str]) -> str:
    """UTF-16 units as text; half a pair is replaced."""
    return "".join(parts).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class _Bits:
    """State: what is left of the text's bits."""

    def __init__(self, text: str) -> None:
        self._bits = self._of(text)

    @staticmethod
    def _of(text: str) -> Iterator[int]:
        for letter in text:
            value = _VALUE.get(letter)
            if value is None:
                raise ValueError(f"{letter!r} is no letter of base64")
            for place in range(_WIDTH - 1, -1, -1):
                yield value >> place & 1

    def number(self, width: int) -> int:
        """The next bits, least first."""
        found = 0
        for place in range(width):
            bit = next(self._bits, None)
            if bit is None:
                raise ValueError("cut short")
            found |= bit << place
        return found
