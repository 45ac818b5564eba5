"""How much the collector takes at once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes as read and as unpacked; seconds."""

    body: int = 512_000
    import_body: int = 8_000_000
    held: int = 64_000_000  # of all bodies that have begun to come
    event: int = 32_768
    events: int = 10_000  # of one batch; an import may hold any number
    chunk: int = 2_000  # events of a large request that are made into lines before others have a turn
    read_s: float = 30.0  # for a whole body
