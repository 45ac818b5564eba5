"""What one turn of the sessions agent writes."""

from dataclasses import dataclass, field

from schemas.facts import EventRow, Ownership, Pair, Rejected, Session, Touchpoint


@dataclass
class Rows:
    """What one turn writes: upserts and retracts of each table."""

    events: list[EventRow] = field(default_factory=list)
    lost: list[EventRow] = field(default_factory=list)  # copies that another copy, earlier in the log, replaces
    rejected: list[Rejected] = field(default_factory=list)
    old_rejected: list[Rejected] = field(default_factory=list)
    sessions: dict[tuple[int, int], Session] = field(default_factory=dict)
    touchpoints: dict[tuple[int, int], Touchpoint] = field(default_factory=dict)
    ownerships: dict[tuple[str, int, int], Ownership] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    old_sessions: list[Session] = field(default_factory=list)
    old_touchpoints: list[Touchpoint] = field(default_factory=list)
    old_ownerships: list[Ownership] = field(default_factory=list)
    old_pairs: list[Pair] = field(default_factory=list)
