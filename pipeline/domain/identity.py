"""Which identifiers belong together: pairs found on devices, and the customers that pairs make.

Both are functions of what there is, not of the order in which it came.

    pairs      one device's earliest evidence of each pair
    customers  least evidence over devices -> components with at most one known user each

Evidence is ordered by (time, client sequence, message id, device), inside one event by rank, then by the identifiers.
Two known users stay two: the pair that would join them is refused and recorded. Only a rename (alias) joins user ids;
renames are applied before all other pairs, so that two names of one person never refuse each other, whenever they
were told. What operators decided (pipeline.domain.decisions) comes before all pairs.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from pipeline.domain.decisions import decided
from pipeline.domain.identifiers import Kind, claimed, kind_of
from pipeline.domain.owners import named_owner
from schemas.definitions import Decision
from schemas.facts import Event, Pair, RefusedPair

SHARED_LIMIT: Final = 10  # an identifier paired with more user ids than this is shared and joins nobody
TOGETHER, LOGIN, ALIAS = "together", "login", "alias"
CLAIM = "claim"  # a rename by an untrusted source
# why a pair does not count
TWO_USERS, SPLIT, SHARED, IGNORED, UNTRUSTED = "two_users", "split", "shared", "ignored", "untrusted"

# Pair.evidence_rank: order of the pairs inside one event.
_RANKS: Final[dict[tuple[Kind, Kind], int]] = {
    (Kind.user, Kind.email): 0,
    (Kind.user, Kind.phone): 1,
    (Kind.user, Kind.vendor): 2,
    (Kind.email, Kind.phone): 3,
    (Kind.email, Kind.vendor): 4,
    (Kind.phone, Kind.vendor): 5,
    (Kind.vendor, Kind.vendor): 6,
}
_LOGIN_RANK, _ALIAS_RANK = 7, 8

Evidence = tuple[int, int, int, int, int, int, int]


def evidence(pair: Pair) -> Evidence:
    """The order in which pairs count."""
    return (
        (pair.evidence_at, pair.evidence_sequence, pair.evidence_message, pair.device)
        + (pair.evidence_rank,)
        + (min(pair.identifier, pair.other), max(pair.identifier, pair.other))
    )


def pairs(events: Sequence[Event], prior_owner: int = 0) -> list[Pair]:
    """The earliest evidence of each pair in events of one device, in order of evidence; identifier < other.

    `events` are in order and begin with the first of a millisecond; `prior_owner` is the owner named last before them
    (0 = none named yet). A pair is any two of an event's user, e-mail, phone and vendor ids (together); the e-mail that
    owned the device last and a user id that follows (login); a user id and the one that it renames (alias). As in
    `owners`, the first event of a millisecond that names an owner is the one that counts after it.
    """
    found: dict[tuple[int, int], Pair] = {}
    owner, moment = prior_owner, None
    for event in events:
        if not (event.user or event.email or event.phone or event.vendors):
            continue
        for one, other, rank, kind in _pairs_of(event, owner):
            key = (one, other) if one < other else (other, one)
            if kind == ALIAS and key in found and found[key].kind == CLAIM:
                del found[key]
            if key not in found:
                found[key] = Pair(
                    project=event.project,
                    identifier=key[0],
                    other=key[1],
                    device=event.device,
                    evidence_at=event.occurred_at,
                    evidence_sequence=event.sequence,
                    evidence_message=event.message_id,
                    evidence_rank=rank,
                    kind=kind,
                    source=event.source,
                )
        named = named_owner(event)
        if named and event.occurred_at != moment:
            owner, moment = named, event.occurred_at
    return list(found.values())


def _pairs_of(event: Event, owner: int) -> Iterator[tuple[int, int, int, str]]:
    """Pairs of one event by rank: (identifier, other, rank, kind)."""
    named = [(Kind.user, event.user), (Kind.email, event.email), (Kind.phone, event.phone)]
    named += [(Kind.vendor, vendor) for vendor in sorted(set(event.vendors))]
    present = [(kind, identifier) for kind, identifier in named if identifier]
    if len(present) > 1:
        ranked = [
            (_RANKS[kind, other_kind], identifier, other)
            for at, (kind, identifier) in enumerate(present)
            for other_kind, other in present[at + 1 :]
        ]
        for rank, identifier, other in sorted(ranked):
            yield identifier, other, rank, TOGETHER
    if not event.user:
        return
    if owner and kind_of(owner) is Kind.email:
        yield owner, event.user, _LOGIN_RANK, LOGIN
    kind = kind_of(event.alias_of)
    old = claimed(event.alias_of) if kind is Kind.claimed else event.alias_of
    if old and old != event.user and kind in (Kind.user, Kind.claimed):
        yield old, event.user, _ALIAS_RANK, ALIAS if kind is Kind.user else CLAIM


@dataclass(frozen=True)
class Customers:
    """What pairs amount to."""

    customer: dict[int, int] = field(default_factory=dict)  # identifier -> customer, where that is another
    refused: list[RefusedPair] = field(default_factory=list)  # would have joined two that stay two, in order
    left_out: list[RefusedPair] = field(default_factory=list)  # shared, ignored and claimed ones, in order
    shared: frozenset[int] = frozenset()  # identifiers that join nobody

    @property
    def refusals(self) -> list[RefusedPair]:
        """Every pair that does not count, once."""
        return [*self.refused, *self.left_out]


def customers(
    evidence_rows: Iterable[Pair], decisions: Iterable[Decision] = (), *, shared_limit: int = SHARED_LIMIT
) -> Customers:
    """The customers that pairs make: rows of any number of devices, in one direction or both, in any order.

    `decisions` are those of operators that are in force, in any order; they come before all evidence. A component's
    customer is its least identifier: its user id where it has one (of several names of one user, joined by renames or
    an operator, the least), else an e-mail, phone or vendor id. The answer for an identifier depends only on the pairs
    and joins that hang together with it, refused, shared and ignored ones included.
    """
    ruling = decided(decisions)
    counted: list[Pair] = []
    refused: list[RefusedPair] = []
    left_out: list[RefusedPair] = []
    least = _least(evidence_rows)
    for pair in least:
        if pair.kind == CLAIM:
            continue
        ignoring = ruling.ignoring(pair)
        if ignoring is None:
            counted.append(pair)
        else:
            left_out.append(_refusal(pair, IGNORED, ignoring))
    shared, groups = _shared(counted, shared_limit), ruling.groups
    for pair in sorted(counted, key=lambda pair: pair.kind != ALIAS):  # renames come first, each kind in its order
        if pair.kind != ALIAS and (pair.identifier in shared or pair.other in shared):
            left_out.append(_refusal(pair, SHARED))
            continue
        one, other = groups.least(pair.identifier), groups.least(pair.other)
        if one == other:
            continue
        split = groups.apart(one, other)
        if split is not None:
            refused.append(_refusal(pair, SPLIT, split))
        elif pair.kind != ALIAS and kind_of(one) is Kind.user and kind_of(other) is Kind.user:
            refused.append(_refusal(pair, TWO_USERS))
        else:
            groups.join(one, other)
    told = {(pair.identifier, pair.other) for pair in (*refused, *left_out)}
    for pair in least:  # a claim tells nothing that is not known or refused without it
        one, other = groups.least(pair.identifier), groups.least(pair.other)
        if pair.kind == CLAIM and one != other and (pair.identifier, pair.other) not in told:
            left_out.append(_refusal(pair, UNTRUSTED))
    return Customers(groups.others(), sorted(refused, key=evidence), sorted(left_out, key=evidence), shared)


def _refusal(pair: Pair, reason: str, decision: Decision | None = None) -> RefusedPair:
    return RefusedPair(
        **msgspec.structs.asdict(pair), reason=reason, decision=int(decision.name, 16) if decision else 0
    )


def _least(rows: Iterable[Pair]) -> list[Pair]:
    """The least evidence of each pair over devices, identifier < other, in order of evidence.

    A rename stays one whatever other evidence two user ids have.
    """
    least: dict[tuple[int, int, str], tuple[Evidence, Pair]] = {}
    for row in rows:
        order = evidence(row)
        key = (order[-2], order[-1], row.kind if row.kind in (ALIAS, CLAIM) else "")
        known = least.get(key)
        if known is None or order < known[0]:
            least[key] = order, row
    return [_ascending(row) for _, row in sorted(least.values(), key=lambda found: found[0])]


def _ascending(pair: Pair) -> Pair:
    if pair.identifier < pair.other:
        return pair
    return msgspec.structs.replace(pair, identifier=pair.other, other=pair.identifier)


def _shared(pairs_: Iterable[Pair], limit: int) -> frozenset[int]:
    """E-mails, phones and vendor ids directly paired with more than `limit` user ids."""
    users: defaultdict[int, set[int]] = defaultdict(set)
    for pair in pairs_:  # identifier < other, and users are the least kind
        if kind_of(pair.identifier) is Kind.user and kind_of(pair.other) is not Kind.user:
            users[pair.other].add(pair.identifier)
    return frozenset(identifier for identifier, known in users.items() if len(known) > limit)
