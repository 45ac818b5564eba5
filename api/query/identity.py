"""Why a customer is one: identifiers, the evidence that joins them, what was refused, and what operators decided.

nodes   identifiers and devices of the customer, and whoever evidence or a decision names beside them
edges   evidence   two identifiers were named together; it counts, or it is refused with a reason
        device     whose a device was, from when to when
        join, split, ignore   an operator's decision
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from pydantic import BaseModel, Field

from api.query import decisions, profiles
from api.query.decisions import DecisionShown
from api.query.questions.model import Asking, hexadecimal
from pipeline.domain.identifiers import Kind, identifier, kind_of, usable
from pipeline.domain.identity import evidence
from pipeline.store.facts import Facts
from pipeline.store.refused_pairs import RefusedPairs
from schemas.definitions import Decision
from schemas.facts import FOREVER, FOREVER_AGO, Ownership, Pair, RefusedPair

MOST_EDGES: Final = 1_000
MOST_EVIDENCE: Final = 20  # devices whose evidence an edge shows

State = Literal["counts", "refused", "in_force", "overruled"]


class IdentityNode(BaseModel):
    id: str
    kind: str = Field(description="user, email, phone, vendor or device")
    value: str = Field(description='user or device id as sent; "": not known here, or kept as a hash only')
    customer: str = Field(description="id of the customer that it belongs to now; of a device: itself")
    is_member: bool = Field(
        description="belongs to the customer that was asked for; of a device: he owned it at a time"
    )
    first_at: int | None = Field(description="when it was first seen with this customer")


class EvidenceShown(BaseModel):
    """The earliest on one device."""

    at: int
    kind: str = Field(description="together: in one event; login: e-mail, then user id; alias: a trusted rename")
    device: str
    message_id: str
    event: str = Field(description="name of the event that shows it")
    source: str = Field(description="source that sent it")


class Edge(BaseModel):
    one: str
    other: str | None = Field(description="null: all evidence that names `one` is ignored")
    kind: Literal["evidence", "device", "join", "split", "ignore"]
    state: State = Field(description="of evidence counts or refused, of a decision in_force or overruled")
    reason: Literal["", "two_users", "split", "shared", "ignored", "untrusted"] = Field(description="why it is refused")
    decision: str | None = Field(description="the decision that it is, or by which it is refused")
    first_at: int | None = Field(description="earliest evidence; a device's: from when on; null: from ever")
    until: int | None = Field(description="a device's: until when, exclusive; null: no end")
    evidence: list[EvidenceShown] = Field(description=f"of each device the earliest, {MOST_EVIDENCE} at most")


class Identity(BaseModel):
    id: str = Field(description="the customer's id now; an old one leads here")
    asked: str
    kind: str
    nodes: list[IdentityNode] = Field(description="the customer's first")
    edges: list[Edge] = Field(description="by kind, then by time")
    decisions: list[DecisionShown] = Field(description="that name a node, newest first, revoked ones too")
    is_whole: bool = Field(description=f"false: over {MOST_EDGES} pairs or times of devices; the earliest are shown")


Ends = tuple[int, int]


def identity(asking: Asking, known: tuple[Decision, ...], asked: str) -> Identity:
    """The graph of the customer that an id leads to. NotFound where there is none. `known`: the project's decisions."""
    held = profiles.customer_of(asking, profiles.number_of(asking, asked, "id"))
    facts, project = Facts(asking.store), asking.project.name
    members = set(held.members)
    pairs, is_whole = _pairs(facts.pairs_of(project, members))
    refused = {(one.identifier, one.other): one for one in RefusedPairs(asking.store).of(project, members)}
    told = _told(asking, pairs)
    owned = [row for row in held.intervals if row.device != row.owner]  # what came without a device is its owner's
    owned.sort(key=lambda row: (row.owned_from, row.device))
    is_whole, owned = is_whole and len(owned) <= MOST_EDGES, owned[:MOST_EDGES]
    devices = {row.device for row in owned} - members
    naming = [each for each in known if not each.revoked and (each.one in members or each.other in members)]
    named = {end for ends in pairs for end in ends} | {end for each in naming for end in (each.one, each.other) if end}
    strangers = named - members
    customers = facts.customers(project, members | strangers)
    seen = _seen(asking, held, pairs)
    values = _values(asking, held, told)
    nodes = [
        IdentityNode(
            id=hexadecimal(one),
            kind=kind_of(one).name,
            value=values.get(one, ""),
            customer=hexadecimal(customers.get(one, one)),
            is_member=one in members or one in devices,
            first_at=seen.get(one),
        )
        for one in (*held.members, *sorted(devices), *sorted(strangers - devices))
    ]
    history = decisions.shown(known, naming=members | strangers)
    return Identity(
        id=hexadecimal(held.customer),
        asked=asked,
        kind=kind_of(held.customer).name,
        nodes=nodes,
        edges=[
            *(_edge(ends, rows, refused.get(ends), told) for ends, rows in pairs.items()),
            *map(_owned, owned),
            *_decided(naming, history),
        ],
        decisions=history,
        is_whole=is_whole,
    )


def _pairs(rows: Iterable[Pair]) -> tuple[dict[Ends, list[Pair]], bool]:
    """Evidence by its two ends (the lesser first), in order; cut where there are too many."""
    found: dict[Ends, dict[int, Pair]] = defaultdict(dict)
    for row in rows:
        found[min(row.identifier, row.other), max(row.identifier, row.other)][row.device] = row
    by_ends = {ends: sorted(devices.values(), key=evidence) for ends, devices in found.items()}
    order = sorted(by_ends, key=lambda ends: evidence(by_ends[ends][0]))
    return {ends: by_ends[ends] for ends in order[:MOST_EDGES]}, len(order) <= MOST_EDGES


Told = Mapping[tuple[int, int], tuple[str, str, str]]  # device, message -> event, user id and device id as sent


def _told(asking: Asking, pairs: Mapping[Ends, Sequence[Pair]]) -> Told:
    rows = [row for found in pairs.values() for row in found[:MOST_EVIDENCE]]
    if not rows:
        return {}
    read = asking.rows(
        "identity_evidence",
        devices=sorted({row.device for row in rows}),
        messages=sorted({row.evidence_message for row in rows}),
        **{"from": min(row.evidence_at for row in rows), "to": max(row.evidence_at for row in rows)},
    )
    return {(device, message): (event, user, sent) for device, message, event, user, sent in read}


def _values(asking: Asking, held: profiles.Held, told: Told) -> dict[int, str]:
    """User and device ids as sent, by identifier."""
    project = asking.project.name
    users, _ = asking.rows("customer_ids", owners=held.members)[0]
    sent = [(Kind.user, text) for text in (*users, *(user for _, user, _ in told.values()))]
    sent += [(Kind.device, device) for _, _, device in told.values()]
    return {identifier(project, kind, usable(text)): text for kind, text in sent if usable(text)}


def _seen(asking: Asking, held: profiles.Held, pairs: Mapping[Ends, Sequence[Pair]]) -> dict[int, int]:
    """When each identifier and device was first seen with the customer."""
    of_customer = sorted({row.device for row in held.intervals})
    devices: dict[int, int] = dict(asking.rows("identity_devices", devices=of_customer))
    seen = dict(devices)
    moments = [(end, rows[0].evidence_at) for ends, rows in pairs.items() for end in ends]
    for row in held.intervals:
        named = row.known_from if row.owned_from == FOREVER_AGO else row.owned_from
        moments.append((row.owner, named if named < FOREVER else devices.get(row.device, FOREVER)))
        if row.owned_from != FOREVER_AGO and row.device not in held.members:
            seen[row.device] = max(row.owned_from, seen.get(row.device, row.owned_from))
    for end, at in moments:
        if at < FOREVER:
            seen[end] = min(at, seen.get(end, at))
    return seen


def _edge(ends: Ends, rows: Sequence[Pair], refusal: RefusedPair | None, told: Told) -> Edge:
    return Edge.model_validate(
        {
            "one": hexadecimal(ends[0]),
            "other": hexadecimal(ends[1]),
            "kind": "evidence",
            "state": "counts" if refusal is None else "refused",
            "reason": refusal.reason if refusal else "",
            "decision": hexadecimal(refusal.decision) if refusal and refusal.decision else None,
            "first_at": rows[0].evidence_at,
            "until": None,
            "evidence": [
                EvidenceShown(
                    at=row.evidence_at,
                    kind=row.kind,
                    device=hexadecimal(row.device),
                    message_id=hexadecimal(row.evidence_message),
                    event=told.get((row.device, row.evidence_message), ("", "", ""))[0],
                    source=row.source,
                )
                for row in rows[:MOST_EVIDENCE]
            ],
        }
    )


def _owned(row: Ownership) -> Edge:
    return Edge(
        one=hexadecimal(row.owner),
        other=hexadecimal(row.device),
        kind="device",
        state="counts",
        reason="",
        decision=None,
        first_at=None if row.owned_from == FOREVER_AGO else row.owned_from,
        until=None if row.owned_until == FOREVER else row.owned_until,
        evidence=[],
    )


def _decided(naming: Iterable[Decision], history: Iterable[DecisionShown]) -> Iterable[Edge]:
    states = {each.id: each.state for each in history}
    for each in naming:
        yield Edge(
            one=hexadecimal(each.one),
            other=hexadecimal(each.other) if each.other else None,
            kind=each.action,
            state="overruled" if states[each.name] == "overruled" else "in_force",
            reason="",
            decision=each.name,
            first_at=each.decided_at,
            until=None,
            evidence=[],
        )
