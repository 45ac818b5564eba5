"""Records of the three logs. A record's value is newline-delimited JSON: one `Line`, `Mark` or `PairNote` a line.

`events`   partitioned by device: partition = Line.d % partitions
`changes`  partitioned by customer: partition = Mark.c % partitions
`pairs`    partitioned by project: partition = crc32(project) % partitions
"""

from typing import Literal

import msgspec

EVENTS, CHANGES, PAIRS = "events", "changes", "pairs"
TOPICS = (EVENTS, CHANGES, PAIRS)

# A log position orders copies of an event and tells a redelivery (same position) from a duplicate (another one).
GENERATION_BITS, PARTITION_BITS, OFFSET_BITS, INDEX_BITS = 6, 10, 36, 12
MAX_LINES_PER_RECORD = 1 << INDEX_BITS


def log_position(generation: int, partition: int, offset: int, index: int) -> int:
    """64-bit position of line `index` of the record at `offset`; positions of one partition grow in log order."""
    return (
        (generation << (PARTITION_BITS + OFFSET_BITS + INDEX_BITS))
        | (partition << (OFFSET_BITS + INDEX_BITS))
        | (offset << INDEX_BITS)
        | index
    )


def shard_number(generation: int, partition: int) -> int:
    """Number of a partition's shard in `claims` and `progress`: those of another generation are others."""
    return ((generation - 1) << PARTITION_BITS) | partition


class Line(msgspec.Struct, omit_defaults=True, gc=False):
    """One line of `events`: what the collector stamped around what the client sent.

    Keys are one letter because they travel with every event. The raw IP never travels: `g` is looked up and the
    address dropped at the door.
    """

    p: str  # project
    d: int  # device: identifier of the device key (see pipeline.domain.identity), decides the partition
    r: int  # received_at, ms
    s: str = ""  # source name
    k: str = ""  # source kind: browser, app, server, vendor, import
    t: str = ""  # sentAt as the client wrote it
    a: str = ""  # user agent of the request, where the event brings none
    g: tuple[str, str, str] | None = None  # place: country code, region, city
    i: str = ""  # first part of the sender's address, where the project keeps it: 203.0.113.0/24
    x: str = ""  # reject reason found at the door; e is then the payload as a JSON value
    # what is wrong, in words (with x); of a define line what changed: goals, funnels, sessions or channels; of a
    # restitch line "all" where every row is to be written again, not only what differs
    w: str = ""
    c: Literal["", "clock", "define", "restitch"] = ""  # control line instead of an event
    e: msgspec.Raw = msgspec.Raw(b"{}")  # the event, as sent; of a define line a `Piece`


class Piece(msgspec.Struct, omit_defaults=True, frozen=True, gc=False):
    """How far a define line has come: a shard's history is filled anew piece by piece, each told by the one before."""

    f: tuple[int, ...] = ()  # the fills (table `fills`) that it is part of
    a: int = 0  # the device up to which all have been done


class Mark(msgspec.Struct, omit_defaults=True, frozen=True, gc=False):
    """One line of `changes`: "customer c changed from t on, as far as identifier i is concerned". No facts."""

    p: str  # project
    c: int  # customer, as the sender knew it
    # identifier whose change is told; of a clock line who says so, 0 = the collector (agents.watermarks); of a define
    # line the customer up to which all have been done
    i: int
    t: int = 0  # least time that changed, ms
    r: int = 0  # of a control line: the time that it tells, ms
    k: Literal["", "clock", "define"] = ""  # control line instead of a mark
    f: tuple[int, ...] = ()  # of a define line: the fills (table `fills`) that it is part of


class PairNote(msgspec.Struct, omit_defaults=True, frozen=True, gc=False):
    """One line of `pairs`: "the evidence of this pair, or of this identifier (a == b), changed". No facts.

    A define line says that an operator's decision about both identifiers is another now.
    """

    p: str
    a: int  # of a clock line who says so, 0 = the collector
    b: int
    r: int = 0  # of a control line: the time that it tells, ms
    k: Literal["", "clock", "define"] = ""
