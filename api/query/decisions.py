"""Operators' decisions about identifiers: join, split, ignore, each with a reason, and taken back with another.

A decision is a definition: a version when it is made and one when it is revoked, and neither is ever overwritten. So
the definitions are the audit log. The identity agent is told and decides anew what hangs together with it.
"""

import asyncio
import secrets
import time
from typing import Annotated, Literal

import msgspec
from pydantic import BaseModel, Field

from api.query import profiles
from api.query.profiles import Identifier
from api.query.questions.model import Asking, Strict, hexadecimal
from api.query.runtime_port import Runtime
from pipeline.domain.decisions import decided
from pipeline.domain.identifiers import kind_of
from pipeline.errors import InvalidQuestion, NotFound
from pipeline.ingest.redaction import without_secrets
from pipeline.log.topics import pairs_partition
from pipeline.store.definition_rules import MOST_WORDS
from pipeline.store.facts import Facts
from schemas.definitions import Decision, Project
from schemas.log import PAIRS, PairNote

NOTES = 1_000  # in one append
Action = Literal["join", "split", "ignore"]
Named = Annotated[str, Field(min_length=1, max_length=1000)]
_AN_ID = "16 hex digits, or user: and the user id, or email: and the address"


class Reasoned(Strict):
    reason: str = Field(
        min_length=1, max_length=MOST_WORDS, pattern=r"\S",
        description="why; it is kept for ever, without e-mail and IP addresses",
    )  # fmt: skip


class Join(Reasoned):
    """Two identifiers are one customer from now on. One that evidence gave to another known user leaves him."""

    identifier: Named = Field(description=_AN_ID)


class Split(Reasoned):
    """Two identifiers of the customer never belong to one customer from now on."""

    identifier: Named = Field(description=_AN_ID)
    from_: Named | None = Field(None, alias="from", description="another of the customer; null: the customer's own id")


class Ignore(Reasoned):
    """Evidence that two identifiers belong together counts no more."""

    identifier: Named = Field(description=_AN_ID)
    other: Named | None = Field(None, description="null: all evidence that names the identifier")


class DecisionShown(BaseModel):
    id: str
    action: Action
    identifiers: list[Identifier] = Field(description="two; of an ignored identifier one")
    reason: str
    by: str = Field(description="name of the key; local: this machine's command line")
    decided_at: int
    state: Literal["in_force", "overruled", "revoked"] = Field(description="overruled: a newer one contradicts it")
    revoked_at: int | None
    revoked_by: str
    revoked_reason: str


class Recomputed(BaseModel):
    identifiers: int = Field(description="that the identity agent decides anew")


class DecisionsShown(BaseModel):
    decisions: list[DecisionShown] = Field(description="newest first, revoked ones too")


def join_of(asking: Asking, asked: str, body: Join) -> Decision:
    """The wanted decision, without who and when. NotFound, or InvalidQuestion with the field that is wrong."""
    one = _named(asking, asked, "id")
    other = _named(asking, body.identifier, "identifier")
    if other == one:
        raise InvalidQuestion("this is the customer already", field="identifier")
    return _wanted("join", one, other, body.reason)


def split_of(asking: Asking, asked: str, body: Split) -> Decision:
    """The same for a split. Both identifiers belong to the customer now."""
    held = _customer(asking, asked)
    one = profiles.number_of(asking, body.identifier, "identifier")
    other = held.customer if body.from_ is None else profiles.number_of(asking, body.from_, "from")
    for number, field in ((one, "identifier"), (other, "from")):
        if number not in held.members:
            raise InvalidQuestion(
                "is no identifier of this customer; a device follows its owners: split what was named on it",
                field=field,
            )
    if one == other:
        raise InvalidQuestion("name another identifier of the customer, from which to split this one", field="from")
    return _wanted("split", one, other, body.reason)


def ignore_of(asking: Asking, asked: str, body: Ignore) -> Decision:
    """The same for evidence that is to be ignored: there is some, and one end is the customer's."""
    held = _customer(asking, asked)
    one = profiles.number_of(asking, body.identifier, "identifier")
    other = 0 if body.other is None else profiles.number_of(asking, body.other, "other")
    if one not in held.members and (body.other is None or other not in held.members):
        raise InvalidQuestion("is no identifier of this customer", field="identifier")
    known = {pair.other for pair in Facts(asking.store).pairs_of(asking.project.name, [one])}
    if not known or (body.other is not None and other not in known):
        raise InvalidQuestion("there is no such evidence", field="identifier" if body.other is None else "other")
    return _wanted("ignore", one, other, body.reason)


def _named(asking: Asking, asked: str, field: str) -> int:
    """The identifier itself, also where its customer has another id; of a device its owner's customer."""
    number = profiles.number_of(asking, asked, field)
    held = profiles.customer_of(asking, number, field)
    return number if number in held.members else held.customer


def _customer(asking: Asking, asked: str) -> profiles.Held:
    return profiles.customer_of(asking, profiles.number_of(asking, asked, "id"))


def _wanted(action: Action, one: int, other: int, reason: str) -> Decision:
    return Decision(secrets.token_hex(8), action, one, other, _kept(reason), by="", decided_at=0)


async def decide(runtime: Runtime, project: Project, wanted: Decision, by: str) -> Decision:
    """The decision in force. One that is in force already stays as it is, and the agent is told again all the same."""
    made = await asyncio.to_thread(_made, runtime, project, wanted, by)
    await tell(runtime, project.name, made)
    return made


def _kept(reason: str) -> str:
    """Who says why two are one easily names them, and these words outlive whoever is forgotten."""
    return without_secrets(reason.strip())


async def revoke(runtime: Runtime, project: Project, name: str, reason: str, by: str) -> Decision:
    """The decision, revoked; one that is revoked already stays so, and the agent is told again. Raises NotFound."""
    gone = await asyncio.to_thread(_revoked, runtime, project, name, _kept(reason), by)
    await tell(runtime, project.name, gone)
    return gone


def _made(runtime: Runtime, project: Project, wanted: Decision, by: str) -> Decision:
    runtime.definitions.refresh()
    known = runtime.definitions.decisions(project.name)
    for each in known:
        same = each.action == wanted.action and {each.one, each.other} == {wanted.one, wanted.other}
        if same and not each.revoked and each.name not in decided(one for one in known if not one.revoked).overruled:
            return each
    after = max((each.decided_at for each in known), default=0) + 1  # the newest holds: no two of one moment
    made = msgspec.structs.replace(wanted, by=by, decided_at=max(after, _now()))
    return runtime.definitions.save(made, project.name)


def _revoked(runtime: Runtime, project: Project, name: str, reason: str, by: str) -> Decision:
    runtime.definitions.refresh()
    found = next((each for each in runtime.definitions.decisions(project.name) if each.name == name), None)
    if found is None:
        raise NotFound("there is no such decision", field="decision")
    if found.revoked:
        return found
    gone = msgspec.structs.replace(found, revoked=True, revoked_at=_now(), revoked_by=by, revoked_reason=reason)
    return runtime.definitions.save(gone, project.name)


async def tell(runtime: Runtime, project: str, decision: Decision) -> None:
    """A define line on the partition that decides the project's identities."""
    topic = runtime.topic(PAIRS)
    other = decision.other or decision.one
    line = msgspec.json.encode(PairNote(p=project, a=decision.one, b=other, r=_now(), k="define"))
    await runtime.writer.append(PAIRS, pairs_partition(project, topic.partitions), [line])


async def recompute(runtime: Runtime, asking: Asking) -> int:
    """Asks the agent to decide the whole project's identities anew; how many identifiers it was told of."""
    project, topic = asking.project.name, runtime.topic(PAIRS)
    rows = await asyncio.to_thread(asking.rows, "identity_identifiers")
    named = {each for (each,) in rows}
    for each in runtime.definitions.decisions(project):
        named |= {each.one, each.other} - {0}
    lines = [msgspec.json.encode(PairNote(p=project, a=each, b=each, k="define")) for each in sorted(named)]
    partition = pairs_partition(project, topic.partitions)
    for start in range(0, len(lines), NOTES):
        await runtime.writer.append(PAIRS, partition, lines[start : start + NOTES])
    return len(lines)


def shown(decisions: tuple[Decision, ...], *, naming: frozenset[int] | set[int] | None = None) -> list[DecisionShown]:
    """A project's decisions, newest first; only those that name one of some identifiers. `decisions` are all."""
    overruled = decided(each for each in decisions if not each.revoked).overruled
    return [
        _shown(each, overruled)
        for each in reversed(decisions)
        if naming is None or each.one in naming or each.other in naming
    ]


def _shown(one: Decision, overruled: frozenset[str]) -> DecisionShown:
    return DecisionShown(
        id=one.name,
        action=one.action,
        identifiers=[Identifier(id=hexadecimal(x), kind=kind_of(x).name) for x in (one.one, one.other) if x],
        reason=one.reason,
        by=one.by,
        decided_at=one.decided_at,
        state="revoked" if one.revoked else "overruled" if one.name in overruled else "in_force",
        revoked_at=one.revoked_at or None,
        revoked_by=one.revoked_by,
        revoked_reason=one.revoked_reason,
    )


def _now() -> int:
    return time.time_ns() // 1_000_000
