"""An event on its way through the steps, and what the steps need of its project."""

import msgspec

from pipeline.ingest.address import NOWHERE, Address
from pipeline.ingest.incoming import Context, Incoming, Known, Received
from pipeline.ingest.properties import NO_KNOWN
from pipeline.ingest.redaction import redaction_of
from schemas.definitions import Project
from schemas.facts import EventRow

NO_CONTEXT = Context()


class Rules(msgspec.Struct, frozen=True):
    """What the steps need of a project."""

    not_referrers: tuple[str, ...] = ()  # own domains and payment providers, lower case
    lateness_ms: int | None = None
    parameters: frozenset[str] | None = None  # of pages' addresses, that are kept; None: all


def rules_of(project: Project) -> Rules:
    domains = (*project.own_domains, *project.payment_providers)
    hosts = tuple(d.strip().lower().removeprefix("www.") for d in domains if d.strip())
    return Rules(hosts, project.lateness_ms, redaction_of(project.privacy).parameters)


class Draft(msgspec.Struct, gc=False):
    """An event on its way through the steps."""

    line: Received
    event: Incoming
    context: Context
    row: EventRow
    rules: Rules
    content: bytes = b""  # canonical bytes of the event, where the reader has them
    known: Known = NO_KNOWN
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    place: Address = NOWHERE
    came_from: Address = NOWHERE
